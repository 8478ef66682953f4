"""What the rate groups have in common: their members, and when none of these needs a cycle."""

from __future__ import annotations

from typing import Any

from kittiwake.model import OutputPort, OutputPortArray, Setting, sync_port
from kittiwake.model.component import Component
from kittiwake.model.fw import Sched
from kittiwake_components.ports.lifecycle import Idle
from kittiwake_components.rate_group_cycles import MEMBERS, U32_MAX, Cycles, check_contexts


class RateGroup(Component):
    """Has up to 20 members; whoever derives from it runs `self._cycles`, in its own turn or in its caller's."""

    member_out = OutputPortArray(Sched, MEMBERS, doc="The members, called in this order.")
    idle_out = OutputPort(Idle, doc="Tells the driver until when no member needs a cycle.")

    contexts = Setting(
        list[int], default=[], low=0, high=U32_MAX, check=check_contexts,
        doc="What each member is called with; 0 where none is given.",
    )  # fmt: skip

    def initialize(self) -> None:
        self._cycles = self._make_cycles()

    def start(self) -> None:
        self._cycles.bind_members()

    def _make_cycles(self) -> Cycles:
        connected = [index for index in range(MEMBERS) if self.is_connected(RateGroup.member_out, index)]
        return Cycles(self.member_out, connected, self.contexts, self.platform.clock, self._member_failed)

    def _member_failed(self, index: int, reason: str) -> None:
        # The fault is the member's, and so is what Health does about it.
        self._context.monitor.handler_failed(*self._context.target_of("member_out", index), reason)

    def connections_changed(self) -> None:
        self._cycles.bind_members()

    def evidence(self) -> dict[str, Any]:
        return self._cycles.evidence(self._context.target_of)

    @sync_port(Idle, size=MEMBERS, mirrors="member_out")
    def idle_in(self, index: int, until_ns: int) -> None:
        """The member at `member_out[index]` needs no cycle before `until_ns`; 0 takes that back."""
        if self._cycles.declare_idle(index, until_ns) and self.is_connected(RateGroup.idle_out):
            self.idle_out(self._cycles.idle_until_ns)
