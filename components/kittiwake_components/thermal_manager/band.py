"""Whether a temperature is in its band, with hysteresis at both ends."""

from __future__ import annotations

from math import isnan

from kittiwake.int_enum import IntEnum


class Place(IntEnum):
    """Where a temperature is."""

    BELOW = -1
    INSIDE = 0
    ABOVE = 1


class Band:
    """One sensor's place; it is back inside only once it is `hysteresis` degrees inside."""

    __slots__ = ("place",)

    def __init__(self) -> None:
        self.place = Place.INSIDE

    def judge(self, celsius: float, low: float, high: float, hysteresis: float) -> bool:
        """Takes a reading; true if the place is another one than before. NaN changes nothing."""
        if isnan(celsius):
            return False
        before = self.place
        if celsius < low:
            self.place = Place.BELOW
        elif celsius > high:
            self.place = Place.ABOVE
        elif before is Place.BELOW:
            self.place = Place.INSIDE if celsius >= min(low + hysteresis, high) else before
        elif before is Place.ABOVE:
            self.place = Place.INSIDE if celsius <= max(high - hysteresis, low) else before
        return self.place is not before
