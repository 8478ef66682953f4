"""Lets the downlink send one portion in many cycles, so that a radio is not on the air all the time."""

from __future__ import annotations

from kittiwake.model import ACTIVITY_HI, U16, OutputPort, Parameter, PassiveComponent, event, guarded_port, sync_port
from kittiwake.model.fw import Sched
from kittiwake_components.ports.lifecycle import Idle
from kittiwake_components.ports.link import LinkState, LinkStatus, Room


class ComDelay(PassiveComponent):
    """Stands between a downlink's queue and its link (PROVES ComDelay).

    F´ holds back the status by which a link asks for more; here, where the queue asks for room, the room is held back.
    """

    room = OutputPort(Room, required=True, doc="How many bytes the link takes now.")
    status_out = OutputPort(LinkStatus, required=True, doc="Tells the downlink's queue of the link and of new room.")
    idle_out = OutputPort(Idle, doc="No cycle is needed before the next one that goes through.")

    divider = Parameter(U16, default=299, doc="Cycles that are left out after each one in which a portion may go.")

    @event(ACTIVITY_HI, "Set divider to: {divider}")
    def divider_set(self, divider: U16) -> None: ...

    def initialize(self) -> None:
        self._left = 0
        self._may_send = False
        self._link = LinkState.DOWN
        self._cycle_ns = 0
        self._period_ns = 0
        self._is_idle = False

    def parameter_updated(self, name: str) -> None:
        self._left = min(self._left, self.divider + 1)
        if self._is_idle:
            # Cycles are wanted again; from the next one on they are counted as before.
            self._is_idle = False
            self._cycle_ns = 0
            self.idle_out(0)
        self.divider_set(self.divider)

    @guarded_port(Room)
    def room_in(self) -> int:
        """The link's room, once after each cycle that goes through; else 0."""
        if not self._may_send:
            return 0
        room: int = self.room()
        if room:
            self._may_send = False
        return room

    @sync_port(LinkStatus)
    def status_in(self, state: LinkState) -> None:
        """The link came up, has room again, or went down."""
        self._link = state
        if state is LinkState.DOWN or self._may_send:
            self.status_out(state)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """One cycle."""
        self._left = max(self._left - self._cycles_passed(), 0)
        if not self._left:
            self._left = self.divider + 1
            self._may_send = True
            if self._link is LinkState.UP:
                self.status_out(LinkState.UP)
        self._rest()

    def _cycles_passed(self) -> int:
        """The cycles since the last call, those included that were declined."""
        now_ns, before_ns = self.clock.now_ns(), self._cycle_ns
        self._cycle_ns = now_ns
        if not before_ns:
            return 1
        if self._is_idle:
            return max(round((now_ns - before_ns) / self._period_ns), 1)
        self._period_ns = now_ns - before_ns
        return 1

    def _rest(self) -> None:
        """Declines the cycles up to the next that goes through, once it is known how far apart they are."""
        self._is_idle = bool(self._period_ns) and self._left > 1 and self.is_connected(ComDelay.idle_out)
        if self._is_idle:
            self.idle_out(self._cycle_ns + self._left * self._period_ns - self._period_ns // 2)
