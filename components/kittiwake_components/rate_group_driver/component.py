"""Starts the cycles of all rate groups, tickless: it wakes only when a group is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model import U32, Channel, OutputPortArray, PassiveComponent, Setting, sync_port
from kittiwake.model.fw import Cycle
from kittiwake.runtime.monitor import fault_reason
from kittiwake_components.ports.lifecycle import Idle

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer

GROUPS = 16
TICK_LOW_US = 100
TICK_HIGH_US = 3_600_000_000
DIVIDER_HIGH = 1_000_000
_U32_MAX = 0xFFFFFFFF


def _check_dividers(dividers: list[int]) -> None:
    if not 1 <= len(dividers) <= GROUPS:
        raise ValueError(f"1 to {GROUPS} dividers are wanted, not {len(dividers)}")


def _check_offsets(offsets: list[int]) -> None:
    if len(offsets) > GROUPS:
        raise ValueError(f"at most {GROUPS} offsets are wanted, not {len(offsets)}")


class RateGroupDriver(PassiveComponent):
    """Drives up to 16 rate groups, each every `dividers[i]` ticks of `tick_us`, `offsets[i]` ticks after the others.

    Cycles are due at absolute times, so that no delay of one moves the next. Cycles that could not be started within
    their own period are skipped, not made up for, and counted; the rate group reports them as slips. A group that has
    said it is idle is not started before the time it gave, unless it takes that back.
    """

    cycle_out = OutputPortArray(Cycle, GROUPS, doc="Starts a cycle of each group.")

    cycles_skipped = Channel(U32, on_change=True, doc="Cycles that were not started within their period.")
    max_late_us = Channel(U32, on_change=True, unit="us", doc="Longest time from when a cycle was due to its start.")

    tick_us = Setting(
        int, default=1_000_000, low=TICK_LOW_US, high=TICK_HIGH_US, doc="Length of a base tick in microseconds."
    )
    dividers = Setting(
        list[int], default=[1], low=1, high=DIVIDER_HIGH, check=_check_dividers, doc="Ticks per cycle of each group."
    )
    offsets = Setting(
        list[int], default=[], low=0, high=DIVIDER_HIGH, check=_check_offsets,
        doc="Ticks by which each group's cycles are shifted.",
    )  # fmt: skip

    def initialize(self) -> None:
        tick_ns = self.tick_us * 1000
        self._periods_ns = [divider * tick_ns for divider in self.dividers]
        offsets = [*self.offsets, *[0] * len(self.dividers)]
        self._offsets_ns = [offset * tick_ns for offset, _ in zip(offsets, self.dividers, strict=False)]
        self._timers: dict[int, Timer] = {}
        self._ticking: Timer | None = None
        self._skipped = self._late_ns = 0
        self._now_ns, self._call_again = self.clock.now_ns, self.clock.call_again

    def start(self) -> None:
        # All groups count from one moment, so that groups of multiple periods stay aligned.
        first = self.clock.now_ns()
        for group in range(len(self._periods_ns)):
            if self.is_connected(RateGroupDriver.cycle_out, group):
                self._timers[group] = self.clock.call_at(first + self._offsets_ns[group], self._tick, group)

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _tick(self, group: int) -> None:
        timer, period = self._timers[group], self._periods_ns[group]
        due = timer.deadline_ns
        late = self._now_ns() - due
        if late > self._late_ns or late >= period:
            due = self._note_late(due, late, period)
        timer.deadline_ns = due + period
        self._ticking = timer
        try:
            self.cycle_out[group](due, period)
        except Exception as fault:  # noqa: BLE001 - one group's fault does not end its cycles
            self._context.monitor.handler_failed(self.name, f"cycle_out[{group}]", fault_reason(fault))
        self._ticking = None
        self._call_again(timer)

    def _note_late(self, due: int, late: int, period: int) -> int:
        """Counts the cycles that were missed and keeps the longest delay; when the cycle to start now was due."""
        missed, rest = divmod(late, period)
        if missed:
            self._skipped += missed
            self.cycles_skipped = self._skipped & _U32_MAX
        if rest > self._late_ns:
            self._late_ns = rest
            self.max_late_us = min(rest // 1000, _U32_MAX)
        return due + missed * period

    @sync_port(Idle, size=GROUPS, mirrors="cycle_out")
    def idle_in(self, index: int, until_ns: int) -> None:
        """A group needs no cycle before `until_ns`; 0 takes that back. It stays aligned with the others."""
        timer = self._timers.get(index)
        if timer is None:
            return
        due, now, period = timer.deadline_ns, self.clock.now_ns(), self._periods_ns[index]
        if due <= now and until_ns <= now:
            return  # its cycle is about to start
        # The first due time at or after the one wanted, in whole periods, and never one that has been already.
        due -= (due - max(until_ns, now + 1)) // period * period
        if timer is self._ticking:
            timer.deadline_ns = due
        else:
            timer.cancel()
            self._timers[index] = self.clock.call_at(due, self._tick, index)
