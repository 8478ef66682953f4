"""Calls its members each cycle in its caller's turn, without a queue."""

from __future__ import annotations

from typing import Any

from kittiwake.model import U32, Channel, OutputPort, OutputPortArray, PassiveComponent, Setting, sync_port
from kittiwake.model.fw import Cycle, Sched
from kittiwake_components.ports.lifecycle import Idle
from kittiwake_components.rate_group_cycles import MEMBERS, U32_MAX, Cycles, MemberTimes, check_contexts


class PassiveRateGroup(PassiveComponent):
    """One rate group that runs in the call of its driver: no queue lies between the timer and its members.

    For a few short members that want little lateness; whatever they take, every other group waits for. A cycle slips
    when it ends after the next one was due, or was never run; slips are counted, and nobody is told by event.
    """

    member_out = OutputPortArray(Sched, MEMBERS, doc="The members, called in this order.")
    idle_out = OutputPort(Idle, doc="Tells the driver until when no member needs a cycle.")

    max_cycle_time = Channel(U32, on_change=True, unit="us", doc="Longest cycle so far.")
    cycle_time = Channel(U32, unit="us", doc="Duration of the latest cycle, written once a second.")
    cycle_count = Channel(U32, doc="Cycles since boot, written once a second.")
    cycle_slips = Channel(U32, on_change=True, doc="Cycles that did not fit their period, or were never run.")
    member_max = Channel(MemberTimes, on_change=True, unit="us", doc="Longest call of each member.")
    member_jitter = Channel(
        MemberTimes, on_change=True, unit="us", doc="Latest less earliest start of each member within its cycles."
    )

    contexts = Setting(
        list[int], default=[], low=0, high=U32_MAX, check=check_contexts,
        doc="What each member is called with; 0 where none is given.",
    )  # fmt: skip

    def initialize(self) -> None:
        self._cycles = self._make_cycles()

    def start(self) -> None:
        self._cycles.bind_members()

    def _make_cycles(self) -> Cycles:
        connected = [index for index in range(MEMBERS) if self.is_connected(PassiveRateGroup.member_out, index)]
        return Cycles(self.member_out, connected, self.contexts, self.platform.clock, self._member_failed)

    def _member_failed(self, index: int, reason: str) -> None:
        # The fault is the member's, and so is what Health does about it.
        self._context.monitor.handler_failed(*self._context.target_of("member_out", index), reason)

    def connections_changed(self) -> None:
        self._cycles.bind_members()

    def evidence(self) -> dict[str, Any]:
        return self._cycles.evidence(self._context.target_of)

    @sync_port(Cycle)
    def cycle_in(self, due_ns: int, period_ns: int) -> None:
        """Runs one cycle."""
        cycles = self._cycles
        if cycles.run(due_ns, period_ns):
            self.cycle_slips = cycles.slips & U32_MAX
        if due_ns >= cycles.report_ns:
            cycles.note_report(due_ns)
            self.cycle_time = max(0, min(cycles.latest_ns // 1000, U32_MAX))  # one that came early took no time
            self.cycle_count = cycles.count & U32_MAX
            self.max_cycle_time = min(cycles.longest_ns // 1000, U32_MAX)
            if cycles.members.changed:
                self.member_max, self.member_jitter = cycles.members.measures()

    @sync_port(Idle, size=MEMBERS, mirrors="member_out")
    def idle_in(self, index: int, until_ns: int) -> None:
        """The member at `member_out[index]` needs no cycle before `until_ns`; 0 takes that back."""
        if self._cycles.declare_idle(index, until_ns) and self.is_connected(PassiveRateGroup.idle_out):
            self.idle_out(self._cycles.idle_until_ns)
