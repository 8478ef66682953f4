"""F´'s format strings as FPP takes them: as many placeholders as arguments, and few of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kittiwake.dictionary.export_formats import PLACEHOLDER, letter_kind
from kittiwake.model.types import Float, Integer, resolved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake.model.types import WireType

_FITTING = re.compile(r"[cdox]|(\.[0-9]+)?[efg]")


def fpp_format(format: str, forms: Sequence[WireType]) -> tuple[str, str]:
    """The nearest format that FPP accepts, and a remark on what had to change, or the empty text."""
    left = list(forms)
    changed = []

    def fitted(found: re.Match[str]) -> str:
        inside: str | None = found[1]
        if inside is None:
            return found[0]
        base = resolved(left.pop(0))
        if not inside or (_FITTING.fullmatch(inside) and _fits(inside, base)):
            return found[0]
        changed.append(f"{{{inside}}}")
        return "{}"

    made = PLACEHOLDER.sub(fitted, format)
    notes = [f"FPP has no {', '.join(changed)}"] if changed else []
    if left:
        made += " {}" * len(left)
        notes.append(f"FPP shows every argument: {len(left)} more")
    return made, "; ".join(notes)


def _fits(inside: str, base: WireType) -> bool:
    kind = letter_kind(inside)
    return kind is not None and isinstance(base, kind) and isinstance(base, (Integer, Float))
