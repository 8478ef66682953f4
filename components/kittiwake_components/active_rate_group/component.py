"""Calls its members each cycle, and notices when a cycle does not fit its period."""

from __future__ import annotations

from kittiwake.model import (
    DIAGNOSTIC,
    U32,
    WARNING_HI,
    ActiveComponent,
    Channel,
    async_port,
    event,
)
from kittiwake.model.fw import Cycle
from kittiwake_components.rate_group import RateGroup
from kittiwake_components.rate_group_cycles import U32_MAX, MemberTimes


class ActiveRateGroup(RateGroup, ActiveComponent):
    """One rate group: calls up to 20 members in their order, each cycle, in its own turn.

    A member that raises fails alone. A cycle slips when it ends after the next one was due, or was never run.
    While all members have declared themselves idle the group tells its driver, and has no cycles.
    """

    rg_max_time = Channel(U32, on_change=True, unit="us", doc="Longest cycle so far.")
    rg_cycle_slips = Channel(U32, on_change=True, doc="Cycles that did not fit their period, or were never run.")
    rg_member_max = Channel(MemberTimes, on_change=True, unit="us", doc="Longest call of each member.")
    rg_member_jitter = Channel(
        MemberTimes, on_change=True, unit="us", doc="Latest less earliest start of each member within its cycles."
    )

    @event(DIAGNOSTIC, "Rate group started.")
    def rate_group_started(self) -> None: ...

    @event(WARNING_HI, "Rate group cycle slipped on cycle {cycle}", throttle=5, every_s=60.0)
    def rate_group_cycle_slip(self, cycle: U32) -> None: ...

    @async_port(Cycle, full="drop_oldest")
    def cycle_in(self, due_ns: int, period_ns: int) -> None:
        """Runs one cycle."""
        cycles = self._cycles
        if not cycles.count:
            self.rate_group_started()
        if cycles.run(due_ns, period_ns):
            self.rg_cycle_slips = cycles.slips & U32_MAX
            self.rate_group_cycle_slip((cycles.count - 1) & U32_MAX)
        if due_ns >= cycles.report_ns:
            cycles.note_report(due_ns)
            self.rg_max_time = min(cycles.longest_ns // 1000, U32_MAX)
            if cycles.members.changed:
                self.rg_member_max, self.rg_member_jitter = cycles.members.measures()
