"""Turns what people and files write (numbers, words, lists, JSON) into values of the dictionary's types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.faults import did_you_mean
from kittiwake.model.types import (
    Alias,
    Array,
    Boolean,
    Enumeration,
    Float,
    Integer,
    Ranged,
    Struct,
    Text,
    WireType,
    resolved,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    FindId = Callable[[str, str], int | None]
    """Finds the id of a full name; the second text is the type's name. Raises `ValueError` for an ambiguous name."""

_MAX_JSON = 65_536


def _no_id(name: str, type_name: str) -> int | None:
    return None


def value_of(form: WireType, plain: Any, find_id: FindId = _no_id) -> Any:
    """The value of type `form` that `plain` stands for.

    `plain` is a number, a boolean, text, a list or a dict, nested as the type is; text also stands for numbers, for
    booleans (true, yes, false, no), for enum constants (bare or qualified), for arrays and structs as JSON, and for
    an id where an integer is wanted and `find_id` knows the name. Raises `ValueError` or `TypeError` with a message
    that names the member.
    """
    base = resolved(form)
    value: Any
    if isinstance(base, Integer):
        value = _integer(form, base, plain, find_id)
    elif isinstance(base, Enumeration):
        return _constant(base, plain)
    elif isinstance(base, Text):
        base.check(plain)
        return plain
    elif isinstance(base, Float):
        if isinstance(plain, float) or type(plain) is int:
            base.check(plain)
            value = float(plain)
        else:
            value = base.from_plain(plain)
    elif isinstance(base, Boolean):
        value = base.from_plain(plain)
    elif isinstance(base, Array):
        return _array(base, _decoded(plain), find_id)
    elif isinstance(base, Struct):
        return _struct(base, _decoded(plain), find_id)
    else:
        value = base.from_plain(plain)
    _check_ranges(form, value)
    return value


def _check_ranges(form: WireType, value: Any) -> None:
    while isinstance(form, (Alias, Ranged)):
        if isinstance(form, Ranged):
            form.check(value)
        form = form.underlying


def _integer(form: WireType, base: Integer, plain: Any, find_id: FindId) -> int:
    if type(plain) is int:
        value = plain
    elif isinstance(plain, str):
        try:
            value = int(plain, 0)
        except ValueError:
            found = find_id(plain, form.name)
            if found is None:
                raise ValueError(f"{plain!r} is neither a whole number nor a name with an id") from None
            value = found
    else:
        raise TypeError(f"{base.name} wants a whole number, not {plain!r}")
    if not base.low <= value <= base.high:
        raise ValueError(f"{value} is outside {base.name} ({base.low} to {base.high})")
    return value


def _constant(base: Enumeration, plain: Any) -> Any:
    if isinstance(plain, base.enum):
        return plain
    if isinstance(plain, str):
        word = plain.removeprefix(f"{base.name}.")
        member = base.enum.__members__.get(word)
        if member is not None:
            return member
        hint = did_you_mean(word, base.enum.__members__)
        words = list(base.enum.__members__)
        shown = ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")
        raise ValueError(f"{plain!r} is no constant of {base.name}: {shown}" + (f" ({hint})" if hint else ""))
    raise TypeError(f"{base.name} wants the name of a constant, not {plain!r}")


def _decoded(plain: Any) -> Any:
    if not isinstance(plain, str):
        return plain
    import json

    if len(plain) > _MAX_JSON:
        raise ValueError(f"text of more than {_MAX_JSON} characters is too long for a value")
    try:
        return json.loads(plain)
    except (ValueError, RecursionError):
        raise ValueError(f"{plain!r} is not JSON") from None


def _array(base: Array, plain: Any, find_id: FindId) -> tuple[Any, ...]:
    name = base.name or f"array of {base.element.name}"
    if not isinstance(plain, (list, tuple)):
        raise TypeError(f"{name} wants a list of {base.size} values, not {plain!r}")
    if len(plain) != base.size:
        raise ValueError(f"{name} has {base.size} values, not {len(plain)}")
    values = []
    for index, item in enumerate(plain):
        try:
            values.append(value_of(base.element, item, find_id))
        except (TypeError, ValueError) as fault:
            raise type(fault)(f"[{index}]: {fault}") from None
    return tuple(values)


def _struct(base: Struct, plain: Any, find_id: FindId) -> Any:
    if isinstance(plain, base.python):
        base.check(plain)
        return plain
    if not isinstance(plain, dict):
        raise TypeError(f"{base.name} wants its members {{{', '.join(base.members)}}}, not {plain!r}")
    for name in plain:
        if name not in base.members:
            hint = did_you_mean(str(name), base.members)
            raise ValueError(f"{base.name} has no member {name!r}" + (f" ({hint})" if hint else ""))
    values = []
    for name, member in base.members.items():
        if name not in plain:
            raise ValueError(f"{base.name} misses its member {name!r}")
        try:
            values.append(value_of(member, plain[name], find_id))
        except (TypeError, ValueError) as fault:
            raise type(fault)(f"{name}: {fault}") from None
    return base.python(*values)
