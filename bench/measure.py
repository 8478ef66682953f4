"""How a figure is measured: interleaved repetitions of the subject and its reference, and the best ratio of pairs.

Times on shared machines drift by tens of percent; the ratio of two runs that stand next to each other does not.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

REPETITIONS = 9


@frozen
class Figure:
    """One measured figure. `ratio` is value over reference, or its inverse where `faster` says that more is better."""

    name: str
    value: float
    unit: str
    reference: float
    ratio: float
    budget: float
    stretch: float
    more_is_better: bool = False

    @property
    def within_budget(self) -> bool:
        """Whether the ratio keeps what practice demands."""
        return self.ratio >= self.budget if self.more_is_better else self.ratio <= self.budget


def seconds_of(call: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def paired(
    subject: Callable[[], object], reference: Callable[[], object], repetitions: int = REPETITIONS
) -> tuple[float, float, float]:
    """Median seconds of the subject, of the reference, and the median of the ratios pair by pair."""
    subject()
    reference()
    pairs = [(seconds_of(subject), seconds_of(reference)) for _ in range(repetitions)]
    return (
        statistics.median([one for one, _ in pairs]),
        statistics.median([other for _, other in pairs]),
        statistics.median([one / other for one, other in pairs]),
    )


def cheaper(
    name: str, subject: Callable[[], object], reference: Callable[[], object], count: int, budget: float, stretch: float
) -> Figure:
    """A cost per operation that must be at most `budget` times the reference's; both calls do `count` operations."""
    value, basis, ratio = paired(subject, reference)
    return Figure(name, value / count * 1e9, "ns", basis / count * 1e9, ratio, budget, stretch)
