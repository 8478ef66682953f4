"""Routes uplinked packets to whoever serves them, no faster than they can."""

from __future__ import annotations

from collections import deque

from kittiwake.model import (
    U16,
    U32,
    WARNING_HI,
    ActiveComponent,
    Channel,
    CommandResponse,
    OutputPort,
    Setting,
    async_port,
    event,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import CmdResponse, Com, Sched
from kittiwake.wire.packets import Apid

from kittiwake_components.ports import Flow, Frame, PacketRouted

PAUSERS = 4
PACKETS_A_BATCH = 8
COMMAND = int(Apid.COMMAND)
FILE = int(Apid.FILE)


class Router(ActiveComponent):
    """Takes packets from the deframer and hands them on in small batches.

    It has the lowest priority of the instances that serve the uplink, so that a batch is done before the next is
    handed on; the commands that answer at once may come in any number, and none of them is lost. While somebody asks
    it to pause, or too much waits, it asks the link to stop reading.
    """

    command_out = OutputPort(Com, required=True, doc="Command packets.")
    file_out = OutputPort(Frame, doc="File packets.")
    unknown_out = OutputPort(Frame, doc="Packets of every other kind.")
    packet_routed = OutputPort(PacketRouted, doc="Tells of every packet that was handed on.")
    flow_out = OutputPort(Flow, doc="Asks the link to stop reading.")

    routed_packets = Channel(U32, on_change=True, doc="Packets handed on.")
    rejected_packets = Channel(U32, on_change=True, doc="Packets of no known kind.")
    dropped_packets = Channel(U32, on_change=True, doc="Packets that found no room.")

    backlog = Setting(int, default=4096, doc="Packets that may wait.")
    in_flight = Setting(int, default=32, doc="Unanswered commands after which it waits for an answer.")

    @event(WARNING_HI, "No one takes packets of kind {apid}", throttle=5, every_s=60.0)
    def unknown_packet(self, apid: U16) -> None: ...

    @event(WARNING_HI, "{count} uplinked packets were dropped: too many wait", throttle=5, every_s=60.0)
    def packets_dropped(self, count: U32) -> None: ...

    def initialize(self) -> None:
        self._backlog: deque[tuple[bytes, bool]] = deque()
        self._awake = False
        self._pausers = [False] * PAUSERS
        self._asked = False
        self._unanswered = self._unanswered_before = 0
        self._routed = self._rejected = self._dropped = 0

    @sync_port(Frame)
    def frame_in(self, data: bytes, context: int, authenticated: bool) -> None:
        """One packet of the uplink."""
        if len(self._backlog) >= self.backlog:
            self._dropped += 1
            return
        self._backlog.append((data, authenticated))
        self._wake()

    def _wake(self) -> None:
        if not self._awake and not any(self._pausers):
            self._awake = True
            self.wake()

    @internal_port(full="drop")
    def wake(self) -> None:
        """Hands on one batch."""
        self._awake = False
        for _ in range(PACKETS_A_BATCH):
            if not self._backlog or self._unanswered >= self.in_flight or any(self._pausers):
                break
            data, authenticated = self._backlog.popleft()
            self._route(data, authenticated)
        if self._backlog and self._unanswered < self.in_flight:
            self._wake()
        self._ask(len(self._backlog) * 2 >= self.in_flight or any(self._pausers))

    def _ask(self, paused: bool) -> None:
        if paused != self._asked and self.is_connected(Router.flow_out):
            self._asked = paused
            self.flow_out(paused)

    def _route(self, data: bytes, authenticated: bool) -> None:
        apid = int.from_bytes(data[:2], "big")
        if apid == COMMAND:
            self._unanswered += 1
            self.command_out(data, 0)
        elif apid == FILE and self.is_connected(Router.file_out):
            self.file_out(data, 0, authenticated)
        elif self.is_connected(Router.unknown_out):
            self.unknown_out(data, 0, authenticated)
        else:
            self._rejected += 1
            self.unknown_packet(apid)
            return
        self._routed += 1
        if self.is_connected(Router.packet_routed):
            self.packet_routed(apid, authenticated)

    @async_port(CmdResponse, priority=1, full="hook")
    def command_status(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """A command was answered."""
        if self._unanswered:
            self._unanswered -= 1
        if self._backlog:
            self._wake()

    def command_status_overflow(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """An answer is never lost: without room in the queue it is taken at once."""
        self.command_status(opcode, sequence, response)

    @sync_port(Flow, size=PAUSERS)
    def flow_in(self, index: int, paused: bool) -> None:
        """Somebody behind the router is full, or no longer."""
        self._pausers[index] = paused
        if not paused:
            self._wake()
        self._ask(paused or len(self._backlog) * 2 >= self.in_flight)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry, reports new drops, and lets commands go on behind those that take long."""
        if self._unanswered >= self.in_flight and self._unanswered == self._unanswered_before:
            # All that is in flight waits for something; more commands may, until the dispatcher says BUSY.
            self._unanswered = 0
            self._wake()
        self._unanswered_before = self._unanswered
        dropped = self._dropped - self.dropped_packets
        if dropped > 0:
            self.packets_dropped(dropped)
        self.dropped_packets = self._dropped & 0xFFFFFFFF
        self.routed_packets = self._routed & 0xFFFFFFFF
        self.rejected_packets = self._rejected & 0xFFFFFFFF
