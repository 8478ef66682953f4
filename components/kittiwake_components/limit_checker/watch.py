"""Watchpoints at work: what each says of its number, once the contrary has held for its samples and its time."""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING

from kittiwake.limits.table import Comparison
from kittiwake.wire.time_tag import TAG_SIZE

if TYPE_CHECKING:
    from kittiwake.limits.table import Watchpoint

NS_PER_MS = 1_000_000
_NEVER = bytes(TAG_SIZE)


def holds(comparison: Comparison, number: float, low: float, high: float) -> bool:
    """Whether a number that is none of NaN is what a watchpoint watches for."""
    match comparison:
        case Comparison.LESS:
            return number < low
        case Comparison.LESS_OR_EQUAL:
            return number <= low
        case Comparison.EQUAL:
            return number == low
        case Comparison.NOT_EQUAL:
            return number != low
        case Comparison.GREATER_OR_EQUAL:
            return number >= low
        case Comparison.GREATER:
            return number > low
        case Comparison.WITHIN:
            return low <= number <= high
        case Comparison.OUTSIDE:
            return not low <= number <= high
    return False


class Watch:
    """The state of one watchpoint.

    It turns, in either direction, once the contrary of what it said was found in `samples` new values in a row and has
    held for `hold_ms`. A value that was never written, or is NaN, says nothing: the state is then `None`, and what it
    was before comes back with the next number.
    """

    __slots__ = ("_changed", "_count", "_number", "_since_ns", "_tag", "_turned", "point", "violations")

    def __init__(self, point: Watchpoint, now_ns: int) -> None:
        self.point = point
        self._number = Struct(f">{point.code}")
        self._tag = _NEVER
        self._turned = False
        self._count = 0
        self._since_ns = -1
        self._changed = now_ns
        self.violations = 0

    def reset(self, now_ns: int) -> None:
        """Begins anew: what holds already counts from now on."""
        self._tag = _NEVER
        self._turned = False
        self._count = 0
        self._since_ns = -1
        self._changed = now_ns
        self.violations = 0

    def look(self, reading: bytes, now_ns: int) -> bool | None:
        """Takes a channel's time tag and packed value at `now_ns` since boot, and says what the watchpoint says."""
        tag = reading[:TAG_SIZE]
        is_new = tag != self._tag
        self._tag = tag
        if self.point.comparison is Comparison.SILENT:
            return self._listen(is_new, now_ns)
        found = self._found(reading)
        if found is None:
            self._count, self._since_ns = 0, -1
            return None
        if found is self._turned:
            self._count, self._since_ns = 0, -1
            return found
        self._count += is_new
        if self._since_ns < 0:
            self._since_ns = now_ns
        point = self.point
        if self._count >= point.samples and now_ns - self._since_ns >= point.hold_ms * NS_PER_MS:
            self._turn(found)
        return self._turned

    def _listen(self, is_new: bool, now_ns: int) -> bool:
        if is_new:
            self._changed = now_ns
        is_silent = now_ns - self._changed >= self.point.hold_ms * NS_PER_MS
        if is_silent is not self._turned:
            self._turn(is_silent)
        return is_silent

    def _turn(self, found: bool) -> None:
        self._turned = found
        self.violations += found
        self._count, self._since_ns = 0, -1

    def _found(self, reading: bytes) -> bool | None:
        """What the value says by itself; `None` if it says nothing."""
        if self._tag == _NEVER:
            return None
        point = self.point
        try:
            (number,) = self._number.unpack_from(reading, TAG_SIZE + point.offset)
        except struct_error:
            return None
        if point.comparison is Comparison.INVALID:
            return bool(number != number)
        if number != number:
            return None
        return holds(point.comparison, number, point.low, point.high)
