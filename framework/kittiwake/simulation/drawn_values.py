"""Values of declared types, drawn from a seed: what the ground of a simulation puts into commands."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any

from kittiwake.model.types import (
    Alias,
    Array,
    Boolean,
    Enumeration,
    Float,
    Integer,
    Octets,
    Ranged,
    Struct,
    Text,
    resolved,
)

if TYPE_CHECKING:
    from kittiwake.model.types import WireType
    from kittiwake.platform.seeded import SeededRandom

_LETTERS = "abcdefghijklmnopqrstuvwxyz/._ 0123456789"
_FLOAT_MAX = 1000.0


def draw_value(form: WireType, random: SeededRandom) -> Any:
    """A value that the type lets pass; small numbers and the ends of ranges are likelier than the rest."""
    if isinstance(form, Alias):
        return draw_value(form.underlying, random)
    if isinstance(form, Ranged):
        return _draw_ranged(form, random)
    if isinstance(form, Boolean):
        return random.chance(0.5)
    if isinstance(form, Integer):
        return _draw_integer(form.low, form.high, random)
    if isinstance(form, Float):
        return float(round(random.uniform(-_FLOAT_MAX, _FLOAT_MAX), 2))
    if isinstance(form, Enumeration):
        members = list(form.enum)
        return members[random.below(len(members))]
    if isinstance(form, Text):
        return "".join([_LETTERS[random.below(len(_LETTERS))] for _ in range(random.below(min(form.size, 40) + 1))])
    if isinstance(form, Octets):
        return random.token_bytes(form.size)
    return _draw_compound(form, random)


def _draw_compound(form: WireType, random: SeededRandom) -> Any:
    if isinstance(form, Array):
        return tuple([draw_value(form.element, random) for _ in range(form.size)])
    assert isinstance(form, Struct), f"{form!r} is of no kind known here"
    return form.python(*[draw_value(member, random) for member in form.members.values()])


def _draw_integer(low: int, high: int, random: SeededRandom) -> int:
    chosen = random.below(4)
    if chosen == 0:
        return low + random.below(min(high - low, 10) + 1)
    if chosen == 1:
        return min(max(low, random.below(1000)), high)
    return (low, high)[random.below(2)] if chosen == 2 else low + random.below(high - low + 1)


def _draw_ranged(form: Ranged, random: SeededRandom) -> Any:
    scalar = resolved(form)
    if isinstance(scalar, Integer):
        return _draw_integer(max(scalar.low, ceil(form.low)), min(scalar.high, floor(form.high)), random)
    rounded = scalar.unpack(scalar.pack(random.uniform(form.low, form.high)))[0]
    return rounded if form.low <= rounded <= form.high else form.low


__all__ = ["draw_value"]
