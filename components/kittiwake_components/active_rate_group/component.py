"""Calls its members each cycle, and notices when a cycle does not fit its period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model import (
    DIAGNOSTIC,
    U32,
    WARNING_HI,
    ActiveComponent,
    Channel,
    OutputPortArray,
    Setting,
    async_port,
    event,
    wire_array,
)
from kittiwake.model.fw import Cycle, Sched
from kittiwake.runtime.monitor import fault_reason

if TYPE_CHECKING:
    from collections.abc import Callable

MEMBERS = 20

MemberTimes = wire_array("Svc.RateGroupMemberTimes", U32, MEMBERS)


class ActiveRateGroup(ActiveComponent):
    """One rate group: calls up to 20 members in their order, each cycle.

    A member that raises fails alone. A cycle slips when it ends after the next one was due, or was skipped.
    """

    member_out = OutputPortArray(Sched, MEMBERS)

    rg_max_time = Channel(U32, on_change=True, unit="us", doc="Longest cycle so far.")
    rg_cycle_slips = Channel(U32, on_change=True, doc="Cycles that did not fit their period, or were skipped.")
    rg_member_max = Channel(MemberTimes, on_change=True, unit="us", doc="Longest call of each member.")
    rg_member_jitter = Channel(
        MemberTimes, on_change=True, unit="us", doc="Latest less earliest start of each member within its cycles."
    )

    contexts = Setting(list[int], default=[], doc="What each member is called with; 0 where none is given.")

    @event(DIAGNOSTIC, "Rate group started.")
    def rate_group_started(self) -> None: ...

    @event(WARNING_HI, "Rate group cycle slipped on cycle {cycle}", throttle=5, every_s=60.0)
    def rate_group_cycle_slip(self, cycle: U32) -> None: ...

    def initialize(self) -> None:
        self._cycle = 0
        self._last_due_ns = 0
        self._slips = 0
        self._max_ns = 0
        self._members: list[int] = []
        self._calls: list[tuple[Callable[[int], None], int]] = []
        self._member_max_ns: list[int] = []
        self._earliest_ns: list[int] = []
        self._latest_ns: list[int] = []

    def start(self) -> None:
        self._members = [
            index for index in range(MEMBERS) if self.is_connected(ActiveRateGroup.member_out, index)
        ]
        contexts = dict(enumerate(self.contexts))
        self._calls = [(self.member_out[index], contexts.get(index, 0)) for index in self._members]
        self._member_max_ns = [0] * len(self._members)
        self._earliest_ns = [1 << 62] * len(self._members)
        self._latest_ns = [0] * len(self._members)

    @async_port(Cycle, full="drop")
    def cycle_in(self, due_ns: int, period_ns: int) -> None:
        """Runs one cycle."""
        if not self._cycle:
            self.rate_group_started()
        skipped = (due_ns - self._last_due_ns) // period_ns - 1 if self._last_due_ns else 0
        self._last_due_ns = due_ns
        ended_ns = self._run_members(due_ns)
        if ended_ns - due_ns > self._max_ns:
            self._max_ns = ended_ns - due_ns
            self.rg_max_time = min(self._max_ns // 1000, 0xFFFFFFFF)
        if skipped or ended_ns >= due_ns + period_ns:
            self._slips += max(skipped, 1)
            self.rg_cycle_slips = self._slips & 0xFFFFFFFF
            self.rate_group_cycle_slip(self._cycle & 0xFFFFFFFF)
        self._cycle += 1

    def _run_members(self, due_ns: int) -> int:
        now_ns = self.clock.now_ns
        slowest, earliest, latest = self._member_max_ns, self._earliest_ns, self._latest_ns
        began = now_ns()
        changed = False
        for place, (call, context) in enumerate(self._calls):
            try:
                call(context)
            except Exception as fault:
                self._context.monitor.handler_failed(self.name, f"member_out[{self._members[place]}]", fault_reason(fault))
            late = began - due_ns
            if late < earliest[place]:
                earliest[place] = late
                changed = True
            if late > latest[place]:
                latest[place] = late
                changed = True
            ended = now_ns()
            if ended - began > slowest[place]:
                slowest[place] = ended - began
                changed = True
            began = ended
        if changed:
            self._report_members()
        return began

    def _report_members(self) -> None:
        def spread(values_ns: list[int]) -> tuple[int, ...]:
            times = [0] * MEMBERS
            for place, member in enumerate(self._members):
                times[member] = min(max(values_ns[place], 0) // 1000, 0xFFFFFFFF)
            return tuple(times)

        self.rg_member_max = spread(self._member_max_ns)
        self.rg_member_jitter = spread(
            [late - early for late, early in zip(self._latest_ns, self._earliest_ns, strict=True)]
        )
