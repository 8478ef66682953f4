"""Calls its members each cycle in its caller's turn, without a queue."""

from __future__ import annotations

from kittiwake.model import U32, Channel, PassiveComponent, sync_port
from kittiwake.model.fw import Cycle
from kittiwake_components.rate_group import RateGroup
from kittiwake_components.rate_group_cycles import U32_MAX, MemberTimes


class PassiveRateGroup(RateGroup, PassiveComponent):
    """One rate group that runs in the call of its driver: no queue lies between the timer and its members.

    For a few short members that want little lateness; whatever they take, every other group waits for. A cycle slips
    when it ends after the next one was due, or was never run; slips are counted, and nobody is told by event.
    """

    max_cycle_time = Channel(U32, on_change=True, unit="us", doc="Longest cycle so far.")
    cycle_time = Channel(U32, unit="us", doc="Duration of the latest cycle, written once a second.")
    cycle_count = Channel(U32, doc="Cycles since boot, written once a second.")
    cycle_slips = Channel(U32, on_change=True, doc="Cycles that did not fit their period, or were never run.")
    member_max = Channel(MemberTimes, on_change=True, unit="us", doc="Longest call of each member.")
    member_jitter = Channel(
        MemberTimes, on_change=True, unit="us", doc="Latest less earliest start of each member within its cycles."
    )

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
