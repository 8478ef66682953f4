"""What a plot shows: a panel for each channel, with the range of its axis and where values stand in it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite, isnan
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MARGIN = 0.05
GAP = 3.0
"""Neighbours are joined unless they are this many times as far apart as most."""


class Point(NamedTuple):
    """The least, mean and greatest of the values in a stretch of time that begins at `time_us`."""

    time_us: int
    low: float
    mean: float
    high: float


class Limit(NamedTuple):
    """A limit and its colour: yellow, orange or red."""

    value: float
    colour: str


class Panel(NamedTuple):
    """A channel over the time `start_us` <= time < `end_us`, in stretches of `width_us`."""

    name: str
    unit: str
    start_us: int
    end_us: int
    width_us: int
    points: Sequence[Point]
    limits: Sequence[Limit] = ()

    def title(self) -> str:
        """The name with the unit, and what the values were between."""
        name = f"{self.name} [{self.unit}]" if self.unit else self.name
        if not self.points:
            return f"{name}  no numbers in this time"
        low, high = self.extremes()
        return f"{name}  {low:g} .. {high:g}"

    def extremes(self) -> tuple[float, float]:
        """The least and the greatest value that is a finite number; 0 and 0 without any."""
        found = [value for point in self.points for value in point[1:] if isfinite(value)]
        return (min(found), max(found)) if found else (0.0, 0.0)

    def axis(self) -> Axis:
        """The range of the values, and of the limits that are near enough not to flatten them."""
        low, high = self.extremes()
        reach = max(high - low, abs(high) * MARGIN, abs(low) * MARGIN)
        near = [one.value for one in self.limits if low - reach <= one.value <= high + reach]
        low, high = min([low, *near]), max([high, *near])
        pad = (high / 2 - low / 2) * 2 * MARGIN if high > low else abs(high) * MARGIN
        pad = pad or 1.0
        # What is never negative is not given an axis that says it might be.
        bottom = 0.0 if 0 <= low < pad and high > 0 else low - pad
        top = 0.0 if -pad < high <= 0 and low < 0 else high + pad
        return Axis(max(bottom, -sys.float_info.max), min(top, sys.float_info.max))

    def across(self, time_us: int) -> float:
        """Where a time stands, from 0 at the start to 1 at the end."""
        return min(max((time_us - self.start_us) / max(self.end_us - self.start_us, 1), 0.0), 1.0)

    def runs(self) -> list[list[Point]]:
        """The points between gaps, without those that are no numbers."""
        known = [point for point in self.points if not any(isnan(value) for value in point[1:])]
        apart = [after.time_us - before.time_us for before, after in pairwise(known)]
        most = GAP * max(median(apart), self.width_us) if apart else 0
        found: list[list[Point]] = []
        for point in known:
            if found and point.time_us - found[-1][-1].time_us <= most:
                found[-1].append(point)
            else:
                found.append([point])
        return found


class Axis(NamedTuple):
    """The values at the two ends of an axis."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Where a value stands, from 0 at the low end to 1 at the high one; what is beyond stands at the end."""
        if value <= self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        # Halves, as the difference of the ends may be more than a number can hold.
        return min(max((value / 2 - self.low / 2) / (self.high / 2 - self.low / 2), 0.0), 1.0)

    def ticks(self, count: int) -> list[float]:
        """Values at even distances, the highest first."""
        last = max(count - 1, 1)
        return [self.low * (number / last) + self.high * (1 - number / last) for number in range(count)]


def time_labels(panel: Panel, count: int) -> list[str]:
    """Texts of the times at even distances, in UTC; the first has its date."""
    step_us = (panel.end_us - panel.start_us) // max(count - 1, 1)
    days = panel.end_us - panel.start_us > 86_400_000_000
    texts = []
    for number in range(count):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=panel.start_us + number * step_us)
        dated = "%Y-%m-%d %H:%M" if days else "%Y-%m-%d %H:%M:%S" if number == 0 else "%H:%M:%S"
        texts.append(moment.strftime(dated))
    return texts
