"""Starts the cycles of all rate groups, tickless: it wakes only when a group is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model import OutputPortArray, PassiveComponent, Setting
from kittiwake.model.fw import Cycle

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer

GROUPS = 16


def _check_periods(periods: list[int]) -> None:
    if not 1 <= len(periods) <= GROUPS or min(periods) < 1:
        raise ValueError(f"1 to {GROUPS} periods of at least one tick are wanted, not {periods}")


class RateGroupDriver(PassiveComponent):
    """Drives up to 16 rate groups, each every `dividers[i]` ticks of `tick_us`, `offsets[i]` ticks after the others.

    Cycles are due at absolute times, so that no delay of one moves the next. Cycles that could not be started within
    their own period are skipped, not made up for; the rate group reports them as slips.
    """

    cycle_out = OutputPortArray(Cycle, GROUPS)

    tick_us = Setting(int, default=1_000_000, doc="Length of a base tick in microseconds.")
    dividers = Setting(list[int], default=[1], check=_check_periods, doc="Ticks per cycle of each group.")
    offsets = Setting(list[int], default=[], doc="Ticks by which each group's cycles are shifted.")

    def initialize(self) -> None:
        tick_ns = self.tick_us * 1000
        self._periods_ns = [divider * tick_ns for divider in self.dividers]
        offsets = [*self.offsets, *[0] * len(self.dividers)]
        self._offsets_ns = [offset * tick_ns for offset, _ in zip(offsets, self.dividers, strict=False)]
        self._groups: list[int] = []
        self._due_ns: list[int] = []
        self._timer: Timer | None = None

    def start(self) -> None:
        # All groups count from one moment, so that groups of multiple periods stay aligned.
        first = self.clock.now_ns()
        self._groups = [
            group for group in range(len(self._periods_ns)) if self.is_connected(RateGroupDriver.cycle_out, group)
        ]
        self._due_ns = [first + self._offsets_ns[group] for group in self._groups]
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._groups:
            self._timer = self.clock.call_at(min(self._due_ns), self._tick)

    def _tick(self) -> None:
        now = self.clock.now_ns()
        for place, group in enumerate(self._groups):
            due = self._due_ns[place]
            if due > now:
                continue
            period = self._periods_ns[group]
            self._due_ns[place] = due + ((now - due) // period + 1) * period
            self.cycle_out[group](due, period)
        self._arm()
