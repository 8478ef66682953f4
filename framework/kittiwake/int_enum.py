"""Integer enumerations that are quickly made: a boot of the reference deployment makes seventy classes of them.

The standard library finds out for each class of what its members are made, and changes the class many times; that takes
an eighth of the boot. Here all members are plain integers, and the class is made at once. What is made is the same: an
`enum.IntEnum`, as mypy is told.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import IntEnum
    from typing import Any


def int_enum(name: str, body: Mapping[str, Any]) -> type[enum.IntEnum]:
    """An `enum.IntEnum` as a class statement with this `body` makes it.

    Raises `TypeError` for a member that is no plain integer (as `auto()` is none), and for a class without members.
    """
    values = {key: value for key, value in body.items() if not key.startswith("_") and not hasattr(value, "__get__")}
    if not values:
        raise TypeError(f"{name} has no members")
    members: dict[str, enum.IntEnum] = {}
    by_value: dict[int, enum.IntEnum] = {}
    names: list[str] = []
    own = {
        "_member_names_": names, "_member_map_": members, "_value2member_map_": by_value,
        "_hashable_values_": list(values.values()),
    }  # fmt: skip
    made: Any = type.__new__(enum.EnumType, name, (enum.IntEnum,), {**body, **own})
    for key, value in values.items():
        if type(value) is not int:
            raise TypeError(f"{name}.{key} is no plain integer: {value!r}")
        member = by_value.get(value)
        if member is None:
            member = int.__new__(made, value)
            member._name_, member._value_ = key, value
            member.__objclass__, member._sort_order_ = made, len(names)
            names.append(key)
            by_value[value] = member
        members[key] = member
        type.__setattr__(made, key, member)
    return made  # type: ignore[no-any-return]


if not TYPE_CHECKING:

    class _IntEnumStatement(type):
        def __new__(meta, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            return int_enum(name, body) if bases else type.__new__(meta, name, bases, body)

    class IntEnum(metaclass=_IntEnumStatement):
        """`class Colour(IntEnum)`, as `enum.IntEnum`."""


__all__ = ["IntEnum", "int_enum"]
