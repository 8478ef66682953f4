"""Conditions of watchpoints as people write them: `< 6.7`, `outside 5 to 60`, `beyond red`, `== RUNNING`, `invalid`."""

from __future__ import annotations

import re
import struct
from math import ceil, floor
from typing import TYPE_CHECKING

from kittiwake.faults import did_you_mean
from kittiwake.limits.table import OFFSET_MAX, Comparison
from kittiwake.model.types import Array, Boolean, Enumeration, Float, Integer, Struct, Text, resolved
from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.dictionary.entries import Channel
    from kittiwake.model.types import WireType

_SIGNS = {
    "<": Comparison.LESS, "<=": Comparison.LESS_OR_EQUAL, "==": Comparison.EQUAL, "!=": Comparison.NOT_EQUAL,
    ">=": Comparison.GREATER_OR_EQUAL, ">": Comparison.GREATER,
}  # fmt: skip
_RANGES = {"within": Comparison.WITHIN, "outside": Comparison.OUTSIDE}
_COLOURS = ("yellow", "orange", "red")
_FORMS = "< 6.7, == RUNNING, within 5 to 60, outside 5 to 60, beyond red, invalid"
_SIGNED = re.compile(r"(<=|>=|==|!=|<|>)\s*(\S.*)")
_RANGED = re.compile(r"(within|outside)\s+(\S+)\s+to\s+(\S+)")
_BEYOND = re.compile(r"beyond\s+(\w+)")
_STEP = re.compile(r"\[(\d+)\]|\.([A-Za-z_]\w*)")
_BOOLEANS = {"true": 1, "false": 0}


class ConditionFault(ValueError):
    """What is wrong with a condition or with the place of its number; `hint` may say what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


class Place(NamedTuple):
    """One number in a channel's packed value: its offset, its type, and `struct`'s character for that."""

    offset: int
    form: WireType
    code: str


def place_of(channel: Channel, path: str) -> Place:
    """The number at `path` (`[2]`, `.total`, `.rails[1].volts`) in a channel's value. Raises `ConditionFault`."""
    form, offset, at = resolved(channel.type), 0, 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise ConditionFault(f"{path[at:]!r} leads to no element or member", "as in [2] or .total")
        form, inner = _step(form, step)
        offset, at = offset + inner, step.end()
    if isinstance(form, Boolean):
        code = "B"
    elif isinstance(form, (Integer, Float, Enumeration)):
        code = form.code
    else:
        raise ConditionFault(f"{channel.name}{path} is {form!r}, no number", _way_in(form))
    if offset > OFFSET_MAX:
        raise ConditionFault(f"{channel.name}{path} stands {offset} bytes into the value, {OFFSET_MAX} are allowed")
    return Place(offset, form, code)


def _step(form: WireType, step: re.Match[str]) -> tuple[WireType, int]:
    index, member = step.groups()
    if index is not None:
        if not isinstance(form, Array) or int(index) >= form.size:
            raise ConditionFault(f"{form!r} has no element {index}", _way_in(form))
        return resolved(form.element), _fixed(form.element) * int(index)
    if not isinstance(form, Struct) or member not in form.members:
        raise ConditionFault(f"{form!r} has no member {member}", _way_in(form))
    before = list(form.members)[: list(form.members).index(member)]
    return resolved(form.members[member]), sum([_fixed(form.members[name]) for name in before])


def _fixed(form: WireType) -> int:
    """The size of a type whose values all have the same one."""
    base = resolved(form)
    parts = [base.element] if isinstance(base, Array) else []
    parts = list(base.members.values()) if isinstance(base, Struct) else parts
    for part in parts:
        _fixed(part)
    if isinstance(base, Text):
        raise ConditionFault("it stands behind a text, so that its place changes from value to value")
    return base.max_size


def _way_in(form: WireType) -> str:
    if isinstance(form, Array):
        return f"take one of [0] to [{form.size - 1}]"
    if isinstance(form, Struct):
        return f"take one of .{', .'.join(form.members)}"
    return ""


def parse_condition(text: str, channel: Channel, place: Place) -> tuple[Comparison, float, float]:
    """The comparison and its operands. Raises `ConditionFault`."""
    text = text.strip()
    if signed := _SIGNED.fullmatch(text):
        return _signed(_SIGNS[signed[1]], _number(signed[2].strip(), place), place)
    if ranged := _RANGED.fullmatch(text):
        low, high = _number(ranged[2], place), _number(ranged[3], place)
        if low > high:
            raise ConditionFault(f"the range {ranged[2]} to {ranged[3]} is empty")
        return _RANGES[ranged[1]], low, high
    if beyond := _BEYOND.fullmatch(text):
        return _beyond(beyond[1], channel, place)
    if text == "invalid":
        if not isinstance(place.form, Float):
            raise ConditionFault("only a float can be invalid, which is NaN")
        return Comparison.INVALID, 0, 0
    raise ConditionFault(f"{text!r} is no condition", f"one of {_FORMS}")


def _signed(comparison: Comparison, operand: float, place: Place) -> tuple[Comparison, float, float]:
    if not isinstance(place.form, Boolean):
        return comparison, operand, 0
    if comparison not in (Comparison.EQUAL, Comparison.NOT_EQUAL):
        raise ConditionFault("a boolean is == or != to true or false")
    # F´ writes true as 0xFF, and takes what is not zero for true.
    wants_true = (operand == 1) is (comparison is Comparison.EQUAL)
    return (Comparison.NOT_EQUAL if wants_true else Comparison.EQUAL), 0, 0


def _number(text: str, place: Place) -> float:
    form = place.form
    if isinstance(form, Boolean):
        if text not in _BOOLEANS:
            raise ConditionFault(f"{text!r} is neither true nor false")
        return _BOOLEANS[text]
    if isinstance(form, Enumeration):
        member = form.enum.__members__.get(text)
        if member is None:
            raise ConditionFault(f"{text!r} is no constant of {form.name}", did_you_mean(text, form.enum.__members__))
        return int(member)
    try:
        number: float = float(text) if isinstance(form, Float) else int(text, 0)
    except ValueError:
        raise ConditionFault(f"{text!r} is no {'number' if isinstance(form, Float) else 'whole number'}") from None
    return as_sent(number, place)


def as_sent(number: float, place: Place) -> float:
    """A number as the channel's type has it, so that `== 6.7` holds for an F32 that was given 6.7."""
    if number != number:
        raise ConditionFault("nothing compares with NaN", "write `invalid` for it")
    try:
        value: float = struct.unpack(f">{place.code}", struct.pack(f">{place.code}", number))[0]
    except (struct.error, OverflowError):
        raise ConditionFault(f"{number} is outside {place.form.name}") from None
    return value


def _beyond(colour: str, channel: Channel, place: Place) -> tuple[Comparison, float, float]:
    """A limit of the dictionary: a value is beyond it as the telemetry store judges it."""
    if colour not in _COLOURS:
        raise ConditionFault(f"limits are {', '.join(_COLOURS)}, not {colour}")
    low, high = getattr(channel.low, colour), getattr(channel.high, colour)
    below, above = _bound(low, place, ceil), _bound(high, place, floor)
    if low is not None and high is not None:
        return Comparison.OUTSIDE, below, above
    if low is not None:
        return Comparison.LESS, below, 0
    if high is not None:
        return Comparison.GREATER, above, 0
    given = [one for one in _COLOURS if getattr(channel.low, one) is not None or getattr(channel.high, one) is not None]
    raise ConditionFault(f"{channel.name} has no {colour} limits", f"it has {' and '.join(given) or 'none'}")


def _bound(limit: float | None, place: Place, whole: Callable[[float], int]) -> float:
    """A limit as an operand: for a whole number the last one that is still within."""
    if limit is None:
        return 0
    if not isinstance(place.form, Integer):
        return as_sent(limit, place)
    return min(max(whole(limit), place.form.low), place.form.high)


def condition_text(comparison: Comparison, low: float, high: float, form: WireType) -> str:
    """The condition that `parse_condition` makes the same comparison of."""
    if comparison is Comparison.INVALID:
        return "invalid"
    if isinstance(form, Boolean):
        return f"== {'true' if comparison is Comparison.NOT_EQUAL else 'false'}"
    for word, kind in _RANGES.items():
        if kind is comparison:
            return f"{word} {_operand(low, form)} to {_operand(high, form)}"
    sign = next(sign for sign, kind in _SIGNS.items() if kind is comparison)
    return f"{sign} {_operand(low, form)}"


def _operand(number: float, form: WireType) -> str:
    if isinstance(form, Enumeration):
        return str(form.by_value[int(number)].name) if int(number) in form.by_value else str(number)
    if isinstance(form, Float) and form.bits == 32:
        return _shortest(number)
    return str(number)


def _shortest(number: float) -> str:
    """The fewest digits that give the same F32."""
    for digits in range(6, 9):
        text = f"{number:.{digits}g}"
        if struct.pack(">f", float(text)) == struct.pack(">f", number):
            return text
    return f"{number:.9g}"
