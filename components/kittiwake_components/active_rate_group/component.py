"""Calls its members each cycle, and notices when a cycle does not fit its period."""

from __future__ import annotations

from typing import Any

from kittiwake.model import (
    DIAGNOSTIC,
    U32,
    WARNING_HI,
    ActiveComponent,
    Channel,
    OutputPort,
    OutputPortArray,
    Setting,
    async_port,
    event,
    sync_port,
)
from kittiwake.model.fw import Cycle, Sched
from kittiwake_components.ports.lifecycle import Idle
from kittiwake_components.rate_group_cycles import MEMBERS, U32_MAX, Cycles, MemberTimes, check_contexts


class ActiveRateGroup(ActiveComponent):
    """One rate group: calls up to 20 members in their order, each cycle, in its own turn.

    A member that raises fails alone. A cycle slips when it ends after the next one was due, or was never run.
    While all members have declared themselves idle the group tells its driver, and has no cycles.
    """

    member_out = OutputPortArray(Sched, MEMBERS, doc="The members, called in this order.")
    idle_out = OutputPort(Idle, doc="Tells the driver until when no member needs a cycle.")

    rg_max_time = Channel(U32, on_change=True, unit="us", doc="Longest cycle so far.")
    rg_cycle_slips = Channel(U32, on_change=True, doc="Cycles that did not fit their period, or were never run.")
    rg_member_max = Channel(MemberTimes, on_change=True, unit="us", doc="Longest call of each member.")
    rg_member_jitter = Channel(
        MemberTimes, on_change=True, unit="us", doc="Latest less earliest start of each member within its cycles."
    )

    contexts = Setting(
        list[int], default=[], low=0, high=U32_MAX, check=check_contexts,
        doc="What each member is called with; 0 where none is given.",
    )  # fmt: skip

    @event(DIAGNOSTIC, "Rate group started.")
    def rate_group_started(self) -> None: ...

    @event(WARNING_HI, "Rate group cycle slipped on cycle {cycle}", throttle=5, every_s=60.0)
    def rate_group_cycle_slip(self, cycle: U32) -> None: ...

    def initialize(self) -> None:
        self._cycles = self._make_cycles()

    def start(self) -> None:
        self._cycles.bind_members()

    def _make_cycles(self) -> Cycles:
        connected = [index for index in range(MEMBERS) if self.is_connected(ActiveRateGroup.member_out, index)]
        return Cycles(self.member_out, connected, self.contexts, self.platform.clock, self._member_failed)

    def _member_failed(self, index: int, reason: str) -> None:
        # The fault is the member's, and so is what Health does about it.
        self._context.monitor.handler_failed(*self._context.target_of("member_out", index), reason)

    def connections_changed(self) -> None:
        self._cycles.bind_members()

    def evidence(self) -> dict[str, Any]:
        return self._cycles.evidence(self._context.target_of)

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

    @sync_port(Idle, size=MEMBERS, mirrors="member_out")
    def idle_in(self, index: int, until_ns: int) -> None:
        """The member at `member_out[index]` needs no cycle before `until_ns`; 0 takes that back."""
        if self._cycles.declare_idle(index, until_ns) and self.is_connected(ActiveRateGroup.idle_out):
            self.idle_out(self._cycles.idle_until_ns)
