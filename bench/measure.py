"""How a figure is measured: the subject and its reference in turn, many times, and the ratio of their quiet moments.

Times on shared machines drift by tens of percent, and whatever else runs there only ever adds to them, most to what
needs more of the caches. So of both the lower quartile counts: what a quarter of the repetitions did not exceed. It is
reached in the quiet moments, which are the same for both, and no single lucky one decides it.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

REPETITIONS = 51


@frozen
class Figure:
    """One measured figure. `ratio` is what is held against `budget` and `stretch`.

    It is value over reference, or reference over value where a peer is to be outrun. Where practice gives the budget in
    a unit of its own (us, MB, days per second) it is the value in that unit, and the reference is there to show what
    the machine could do in the same run.

    `noise` is the share by which quiet runs of the same program differ; the ratchet leaves that much room.
    """

    name: str
    value: float
    unit: str
    reference: float
    ratio: float
    budget: float
    stretch: float
    more_is_better: bool = False
    noise: float = 0.2

    @property
    def within_budget(self) -> bool:
        """Whether the ratio keeps what practice demands."""
        return self.ratio >= self.budget if self.more_is_better else self.ratio <= self.budget

    def as_row(self) -> dict[str, Any]:
        """The figure as `results.json` holds it."""
        return {
            "name": self.name, "value": self.value, "unit": self.unit, "reference": self.reference,
            "ratio": self.ratio, "budget": self.budget, "stretch": self.stretch, "within_budget": self.within_budget,
        }  # fmt: skip


def seconds_of(call: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def resident_mb(pid: int | None = None) -> float:
    """The resident memory of a process, by default of this one, in MB."""
    with open(f"/proc/{pid or 'self'}/status") as status:
        row = next(line for line in status if line.startswith("VmRSS:"))
    return int(row.split()[1]) * 1024 / 1e6


def undisturbed(times: Iterable[float]) -> float:
    """The lower quartile of the times of one thing: what it takes while nothing else is in its way."""
    return statistics.quantiles(times, n=4, method="inclusive")[0]


def cpu_seconds_of(call: Callable[[], object]) -> float:
    """CPU seconds of one call: of what only computes, in one thread, these are the wall seconds of a quiet machine."""
    began = time.process_time()
    call()
    return time.process_time() - began


def paired(
    subject: Callable[[], object], reference: Callable[[], object], repetitions: int,
    timed: Callable[[Callable[[], object]], float] = seconds_of,
) -> list[tuple[float, float]]:  # fmt: skip
    """Seconds of the subject and of the reference in turn, once each is warm."""
    subject()
    reference()
    return [(timed(subject), timed(reference)) for _ in range(repetitions)]


def cheaper(
    name: str, subject: Callable[[], object], reference: Callable[[], object], count: int, budget: float, stretch: float
) -> Figure:
    """A cost per operation that must be at most `budget` times the reference's; both calls do `count` operations."""
    pairs = [(one / count * 1e9, other / count * 1e9) for one, other in paired(subject, reference, REPETITIONS)]
    return dearer(name, pairs, "ns", budget, stretch)


def faster(name: str, pairs: Sequence[tuple[float, float]], unit: str, budget: float, stretch: float) -> Figure:
    """A time that must be `budget` times shorter than a peer's; `pairs` are ours and the peer's, side by side."""
    ours, theirs = undisturbed(one for one, _ in pairs), undisturbed(other for _, other in pairs)
    return Figure(name, ours, unit, theirs, theirs / ours, budget, stretch, more_is_better=True)


def dearer(name: str, pairs: Sequence[tuple[float, float]], unit: str, budget: float, stretch: float) -> Figure:
    """A time that may be at most `budget` times a reference's; `pairs` are ours and the reference's, side by side."""
    ours, theirs = undisturbed(one for one, _ in pairs), undisturbed(other for _, other in pairs)
    return Figure(name, ours, unit, theirs, ours / theirs, budget, stretch)
