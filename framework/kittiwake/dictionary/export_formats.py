"""F´'s format strings: checks that each placeholder fits the type of what it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kittiwake.model.types import Boolean, Float, Integer, resolved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake.dictionary.fields import FaultList
    from kittiwake.model.types import WireType

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
"""A doubled brace, or a placeholder with what stands inside it."""

_LETTERS = {"c": Integer, "d": Integer, "o": Integer, "x": Integer, "e": Float, "f": Float, "g": Float}


def fprime_format(format: str) -> str:
    """F´'s form of a channel's format: `{:.2f}` is `{.2f}`, which may be written at once."""
    return PLACEHOLDER.sub(lambda found: found[0].replace("{:", "{", 1) if found[1] else found[0], format)


def channel_format(format: str, form: WireType, where: str, faults: FaultList) -> str:
    """F´'s form of a channel's format, checked; what is wrong with it is noted."""
    made = fprime_format(format)
    shown = placeholders(made)
    if len(shown) != 1 or ":" in shown[0]:
        faults.add(where, f"the format {format!r} should hold one placeholder, without a name")
    else:
        check_format(made, [form], where, faults)
    return made


def check_format(format: str, forms: Sequence[WireType], where: str, faults: FaultList) -> None:
    """Notes a placeholder that the ground cannot fill: it would drop the whole item."""
    for index, inside in enumerate(placeholders(format)):
        base = resolved(forms[index])
        letter = inside[-1:].lower()
        if not inside:
            continue
        if not isinstance(base, (Integer, Float, Boolean)):
            faults.add(where, f"the format has {{{inside}}} where {{}} should stand for {base!r}")
        elif isinstance(base, Float) and _LETTERS.get(letter) is Integer:
            faults.add(where, f"the format has {{{inside}}}, which is for integers, where {base!r} is shown")


def placeholders(format: str) -> list[str]:
    """What stands inside each placeholder of a format, in their order."""
    return [found[1] for found in PLACEHOLDER.finditer(format) if found[1] is not None]


def letter_kind(inside: str) -> type[Integer] | type[Float] | None:
    """The kind of number that a placeholder's letter is for, or `None` for one without a letter."""
    return _LETTERS.get(inside[-1:])
