"""The value of a point as a channel's type takes it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from kittiwake.model.types import Boolean, Enumeration, Float, Integer, Text, WireType, resolved


def fitted(form: WireType, value: Any) -> Any:
    """The value for a channel of that type. Raises `ValueError` for one that does not fit.

    Numbers go into numbers, a truth into a number as 1 or 0, and 1 or 0 into a truth. A constant of an enum is named by
    its number or its name; case, `-` and `_` do not count, so that BACnet's `inactive` finds INACTIVE. No text is ever
    taken for a truth.
    """
    base = resolved(form)
    if isinstance(base, Enumeration):
        found: Any = _constant(base, value)
    elif isinstance(base, Boolean) and not isinstance(value, str) and value in (True, False):
        found = bool(value)
    elif isinstance(base, Float) and isinstance(value, (bool, int, float)):
        found = float(value)
    elif isinstance(base, Integer) and isinstance(value, (bool, int, float)) and value == int(value):
        found = int(value)
    elif isinstance(base, Text) and isinstance(value, str):
        found = value
    else:
        raise ValueError(f"{value!r} is no {form.name}")
    form.check(found)
    return found


def _constant(form: Enumeration, value: Any) -> IntEnum:
    members: Any = form.enum
    if isinstance(value, str):
        wanted = _plain(value)
        for member in members:
            if _plain(member.name) == wanted:
                return member  # type: ignore[no-any-return]
        raise ValueError(f"{value!r} is no constant of {form.name}")
    return members(int(value))  # type: ignore[no-any-return]


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").replace(" ", "").lower()
