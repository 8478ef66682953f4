"""The data budget of the passes to come: what fits into each, in order of priority, and what has to wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BITS = 8
FOREVER_US = 1 << 62


@dataclass(frozen=True)
class Window:
    """A pass in one direction: `bps` bits a second, of which `efficiency` carries data.

    `background_bps` of data go to what flows all the time, as telemetry does, and is served first.
    """

    start_us: int
    end_us: int
    bps: float
    efficiency: float = 1.0
    background_bps: float = 0.0

    def capacity_bytes(self, from_us: int = 0, until_us: int = FOREVER_US) -> int:
        """What can be carried between two times, as far as they lie in the window."""
        span_us = min(self.end_us, until_us) - max(self.start_us, from_us)
        return max(0, floor(span_us / 1e6 * self.bps * self.efficiency / BITS))

    @property
    def background_bytes(self) -> int:
        """What flows all the time takes, as far as there is room for it."""
        wanted = (self.end_us - self.start_us) / 1e6 * self.background_bps / BITS
        return min(self.capacity_bytes(), max(0, floor(wanted)))


@dataclass(frozen=True)
class Demand:
    """Something that waits: so many bytes, no sooner than `from_us` and no later than `until_us`.

    What is `whole` goes in one pass or not at all; the rest may be cut anywhere and go on in another pass.
    """

    bytes: int
    whole: bool = False
    from_us: int = 0
    until_us: int = FOREVER_US


@dataclass
class Allotment:
    """What becomes of a demand: how many of its bytes go in which window, by its index, and how many in none.

    `fits_nowhere` says that it is larger than any window has room for, were it empty.
    """

    shares: dict[int, int] = field(default_factory=dict)
    left_bytes: int = 0
    fits_nowhere: bool = False

    @property
    def done_in(self) -> int | None:
        """The window in which the last of it goes, or `None` if some of it waits behind all of them."""
        return max(self.shares, default=0) if not self.left_bytes else None


@dataclass(frozen=True)
class Budget:
    """What each window can carry, what flows in it anyway, what of the demands goes in it, and what becomes of each."""

    capacity_bytes: tuple[int, ...]
    background_bytes: tuple[int, ...]
    used_bytes: tuple[int, ...]
    allotments: tuple[Allotment, ...]


def share_out(windows: Sequence[Window], demands: Sequence[Demand]) -> Budget:
    """Shares windows, in the order of time, among demands in the order of priority, the first first.

    Nothing overtakes: once a demand has found too little room in a window, nothing behind it goes in that window. Only
    where it would find no room in the empty window either it is passed by there, for else it held up all others.
    """
    allotments = [Allotment(left_bytes=one.bytes) for one in demands]
    for demand, allotment in zip(demands, allotments, strict=True):
        allotment.fits_nowhere = demand.whole and not any(_room(one, demand) >= demand.bytes for one in windows)
    used = []
    for index, window in enumerate(windows):
        free = left = window.capacity_bytes() - window.background_bytes
        for demand, allotment in zip(demands, allotments, strict=True):
            room = _room(window, demand)
            wanted = allotment.left_bytes if demand.whole else min(allotment.left_bytes, room)
            if not wanted or wanted > room:
                continue
            taken = min(wanted, left)
            if demand.whole and taken < wanted:
                break
            if taken:
                allotment.shares[index] = taken
                allotment.left_bytes -= taken
                left -= taken
            if taken < wanted:
                break
        used.append(free - left)
    return Budget(
        tuple(one.capacity_bytes() for one in windows),
        tuple(one.background_bytes for one in windows),
        tuple(used),
        tuple(allotments),
    )


def _room(window: Window, demand: Demand) -> int:
    """What the empty window has room for of a demand, by the times of both."""
    free = window.capacity_bytes() - window.background_bytes
    return min(free, window.capacity_bytes(demand.from_us, demand.until_us))
