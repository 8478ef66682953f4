"""The machine with time that runs faster: for trials in which real processes live through days (`--clock`).

Only the deployment's own time is paced. Files, sockets and other processes take as long as they take.
"""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.system import SystemClock, SystemPlatform
from kittiwake.platform.system_poller import SystemPoller

if TYPE_CHECKING:
    from kittiwake.platform.interface import Clock

PACE_HIGH = 1000.0
_SLICE_S = 1.0


class PacedClock(SystemClock):
    """Goes on from the moment of its making `pace` times as fast; wall time begins at `wall_ns`."""

    def __init__(self, pace: float, wall_ns: int) -> None:
        super().__init__()
        real_ns = self.now_ns
        begin_ns = real_ns()
        self.now_ns = lambda: begin_ns + round((real_ns() - begin_ns) * pace)
        self.set_wall_ns(wall_ns)

    def follow_machine(self) -> None:
        """The machine's wall time is another one: what there is goes on."""
        if not hasattr(self, "wall_ns"):
            self.set_wall_ns(time.time_ns())


class PacedPoller(SystemPoller):
    """Waits a `pace`-th of the time."""

    __slots__ = ("_pace",)

    def __init__(self, clock: Clock, pace: float) -> None:
        super().__init__(clock)
        self._pace = pace

    def _wait_until(self, deadline_ns: int) -> tuple[list[int], list[int]]:
        now_ns = self._clock.now_ns
        while True:
            left_s = (deadline_ns - now_ns()) / NS_PER_S / self._pace
            timeout_s = min(max(left_s, 0.0), _SLICE_S)
            readable, writable, _ = select.select(self._reading, self._writing, (), timeout_s)
            if readable or writable or now_ns() >= deadline_ns:
                return readable, writable


class PacedPlatform(SystemPlatform):
    """The machine, `pace` times as fast, from the wall time `wall_ns` on."""

    def __init__(self, pace: float, wall_ns: int) -> None:
        super().__init__()
        self._pace = pace
        self.clock = PacedClock(pace, wall_ns)

    def poller(self) -> PacedPoller:
        """A new poller, one for each loop."""
        return PacedPoller(self.clock, self._pace)


def parse_clock(text: str) -> tuple[float, int]:
    """Pace and wall time in nanoseconds of `PACE@SECONDS`. Raises `ValueError`."""
    pace_text, at, seconds_text = text.partition("@")
    try:
        pace, wall_s = float(pace_text), float(seconds_text) if at else time.time()
    except ValueError:
        raise ValueError(f"--clock wants PACE@SECONDS, as in 20@1800000000, not {text!r}") from None
    if not 0.01 <= pace <= PACE_HIGH or not 0.0 <= wall_s < 2**32:
        raise ValueError(f"--clock wants a pace of 0.01 to {PACE_HIGH:g} and seconds since 1970, not {text!r}")
    return pace, round(wall_s * NS_PER_S)
