"""Shows values as text, by F´'s format strings (FPP Specification, "Format Strings").

A placeholder is `{}` or `{SPEC}` with SPEC an optional width and precision and one of the letters c d x o e f g;
`{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kittiwake.model.types import Array, Struct, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake.model.types import WireType

MAX_WIDTH = 256
"""The widest field, and the highest precision, that a format may ask for."""

_PLAIN = frozenset({int, float, bool, str})
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{\}|\{(\d{0,9})(\.?\d{0,9})([cdxoefgCDXOEFG])\}|([{}])")


def format_text(format: str, args: Sequence[Any]) -> str:
    """The text of an F´ format string with its arguments put in.

    Enum constants show their names. Surplus arguments are left out. A format that does not fit its arguments (too few
    of them, or a number's letter on a text) gives the format itself and the arguments behind it, so that nothing an
    event says is lost.
    """
    shown = [plain_value(arg) for arg in args]
    try:
        return python_format(format).format(*shown)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
        return f"{format} {shown}"


@lru_cache(maxsize=4096)
def python_format(format: str) -> str:
    """The Python format string that an F´ format string stands for.

    Raises `ValueError` for a stray brace or a width over the limit.
    """
    return _PLACEHOLDER.sub(_rewritten, format)


def _rewritten(found: re.Match[str]) -> str:
    width, precision, letter, stray = found.groups()
    if stray is not None:
        raise ValueError(f"{found.string!r} has a brace that belongs to no placeholder")
    if letter is None:
        return found[0]
    if int(width or 0) > MAX_WIDTH or int(precision[1:] or 0) > MAX_WIDTH:
        raise ValueError(f"{found[0]} asks for more than {MAX_WIDTH} places")
    return f"{{:{width}{precision}{'d' if letter == 'D' else letter}}}"


def plain_value(value: Any) -> Any:
    """A value as format strings see it: names of constants, lists and dicts."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        if names is None:
            return [plain_value(item) for item in value]
        return {name: plain_value(item) for name, item in zip(names, value, strict=True)}
    return value


def show_value(form: WireType, value: Any, formats: Mapping[str, str]) -> Any:
    """A channel's value for display: elements and members of types that have a format are text in that format."""
    base = resolved(form)
    if isinstance(base, Array):
        format = formats.get(base.name)
        items = [show_value(base.element, item, formats) for item in value]
        return items if format is None else [format_text(format, [item]) for item in items]
    if isinstance(base, Struct):
        shown = {}
        for (name, member), item in zip(base.members.items(), value, strict=True):
            format = formats.get(f"{base.name}.{name}")
            part = show_value(member, item, formats)
            if format is not None:
                part = (
                    [format_text(format, [one]) for one in part]
                    if isinstance(part, list)
                    else format_text(format, [part])
                )
            shown[name] = part
        return shown
    return plain_value(value)
