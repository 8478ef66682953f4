"""Starts the cycles of all rate groups, tickless: it wakes only when a group is due."""

from __future__ import annotations

from heapq import heapify, heapreplace
from typing import TYPE_CHECKING

from kittiwake.model import U32, Channel, OutputPortArray, PassiveComponent, Setting, sync_port
from kittiwake.model.fw import Cycle
from kittiwake.runtime.monitor import fault_reason
from kittiwake_components.ports import Idle

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer

GROUPS = 16
TICK_LOW_US = 100
TICK_HIGH_US = 3_600_000_000
DIVIDER_HIGH = 1_000_000
_U32_MAX = 0xFFFFFFFF


def _check_tick(tick_us: int) -> None:
    if not TICK_LOW_US <= tick_us <= TICK_HIGH_US:
        raise ValueError(f"a tick has {TICK_LOW_US} to {TICK_HIGH_US} us, not {tick_us}")


def _check_dividers(dividers: list[int]) -> None:
    if not 1 <= len(dividers) <= GROUPS or not all(1 <= one <= DIVIDER_HIGH for one in dividers):
        raise ValueError(f"1 to {GROUPS} dividers of 1 to {DIVIDER_HIGH} ticks are wanted, not {dividers}")


def _check_offsets(offsets: list[int]) -> None:
    if len(offsets) > GROUPS or not all(0 <= one <= DIVIDER_HIGH for one in offsets):
        raise ValueError(f"at most {GROUPS} offsets of 0 to {DIVIDER_HIGH} ticks are wanted, not {offsets}")


class RateGroupDriver(PassiveComponent):
    """Drives up to 16 rate groups, each every `dividers[i]` ticks of `tick_us`, `offsets[i]` ticks after the others.

    Cycles are due at absolute times, so that no delay of one moves the next. Cycles that could not be started within
    their own period are skipped, not made up for, and counted; the rate group reports them as slips. A group that has
    said it is idle is not started before the time it gave, unless it takes that back.
    """

    cycle_out = OutputPortArray(Cycle, GROUPS, doc="Starts a cycle of each group.")

    cycles_skipped = Channel(U32, on_change=True, doc="Cycles that were not started within their period.")
    max_late_us = Channel(U32, on_change=True, unit="us", doc="Longest time from when a cycle was due to its start.")

    tick_us = Setting(int, default=1_000_000, check=_check_tick, doc="Length of a base tick in microseconds.")
    dividers = Setting(list[int], default=[1], check=_check_dividers, doc="Ticks per cycle of each group.")
    offsets = Setting(
        list[int], default=[], check=_check_offsets, doc="Ticks by which each group's cycles are shifted."
    )

    def initialize(self) -> None:
        tick_ns = self.tick_us * 1000
        self._periods_ns = [divider * tick_ns for divider in self.dividers]
        offsets = [*self.offsets, *[0] * len(self.dividers)]
        self._offsets_ns = [offset * tick_ns for offset, _ in zip(offsets, self.dividers, strict=False)]
        self._due: list[tuple[int, int]] = []
        self._timer: Timer | None = None
        self._skipped = self._late_ns = 0
        self._ticking = False
        self._now_ns, self._call_again = self.clock.now_ns, self.clock.call_again

    def start(self) -> None:
        # All groups count from one moment, so that groups of multiple periods stay aligned.
        first = self.clock.now_ns()
        groups = [group for group in range(len(self._periods_ns)) if self.is_connected(RateGroupDriver.cycle_out, group)]
        self._due = [(first + self._offsets_ns[group], group) for group in groups]
        heapify(self._due)
        self._arm()

    def stop(self) -> None:
        self._due.clear()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._due:
            self._timer = self.clock.call_at(self._due[0][0], self._tick)

    def _tick(self) -> None:
        now = self._now_ns()
        due = self._due  # a heap: (when the group's next cycle is due, group)
        self._ticking = True
        while due and due[0][0] <= now:
            at, group = due[0]
            period = self._periods_ns[group]
            if now - at > self._late_ns or now - at >= period:
                at = self._note_late(at, now, period)
            heapreplace(due, (at + period, group))
            try:
                self.cycle_out[group](at, period)
            except Exception as fault:  # noqa: BLE001 - one group's fault stops neither the others nor the next cycle
                self._context.monitor.handler_failed(self.name, f"cycle_out[{group}]", fault_reason(fault))
        self._ticking = False
        if due and self._timer is not None:
            self._call_again(self._timer, due[0][0])

    def _note_late(self, at: int, now: int, period: int) -> int:
        """Counts the cycles that are past, and keeps the longest delay; when the latest was due."""
        missed, late = divmod(now - at, period)
        if missed:
            self._skipped += missed
            self.cycles_skipped = self._skipped & _U32_MAX
        if late > self._late_ns:
            self._late_ns = late
            self.max_late_us = min(late // 1000, _U32_MAX)
        return now - late

    @sync_port(Idle, size=GROUPS)
    def idle_in(self, index: int, until_ns: int) -> None:
        """A group needs no cycle before `until_ns`; 0 takes that back. It stays aligned with the others."""
        place = next((place for place, (_, group) in enumerate(self._due) if group == index), None)
        if place is None:
            return
        due, now, period = self._due[place][0], self.clock.now_ns(), self._periods_ns[index]
        if due <= now and until_ns <= now:
            return  # its cycle is about to start
        # The first due time at or after the one wanted, in whole periods, and never one that has been already.
        self._due[place] = (due - (due - max(until_ns, now + 1)) // period * period, index)
        heapify(self._due)
        if not self._ticking:
            self._arm()
