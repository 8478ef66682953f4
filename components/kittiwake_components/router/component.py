"""Routes uplinked packets to whoever serves them, no faster than they can."""

from __future__ import annotations

from collections import deque

from kittiwake.model import (
    ACTIVITY_LO,
    U16,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Channel,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Setting,
    event,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import CmdResponse, Com, FwOpcodeType, Sched
from kittiwake.wire.packets import COMMAND_HEADER_SIZE, DESCRIPTOR_SIZE, Apid
from kittiwake_components.ports.link import REFUSED, Flow, Frame, PacketRouted
from kittiwake_components.router.bypass import Bypass, check_bypass, is_harmless, parse_bypass

PAUSERS = 4
LISTENERS = 8
PACKETS_A_BATCH = 16
MAX_BACKLOG = 100_000
MAX_IN_FLIGHT = 1024
COMMAND = int(Apid.COMMAND)
COMMAND_BYTES = COMMAND.to_bytes(DESCRIPTOR_SIZE, "big")
FILE = int(Apid.FILE)


class Router(ActiveComponent):
    """Takes packets from the deframer and hands them on in small batches.

    It has the lowest priority of the instances that serve the uplink, so that a batch is done before the next is
    handed on; the commands that answer at once may come in any number, and none of them is lost. While its backlog is
    more than half full it asks the link to stop reading, until it is down to a quarter.
    """

    command_out = OutputPort(Com, required=True, doc="Command packets.")
    file_out = OutputPort(Frame, doc="File packets.")
    unknown_out = OutputPort(Frame, doc="Packets of every other kind.")
    packet_routed = OutputPortArray(PacketRouted, LISTENERS, doc="Tells of every packet that was handed on.")
    flow_out = OutputPort(Flow, doc="Asks the link to stop reading.")

    routed_packets = Channel(U32, on_change=True, doc="Packets handed on.")
    rejected_packets = Channel(
        U32, on_change=True, doc="Packets of no known kind, and unsigned ones where all are signed."
    )
    dropped_packets = Channel(U32, on_change=True, doc="Packets that found no room.")
    most_waiting = Channel(U32, on_change=True, doc="Most packets that waited since the last report.")
    bypassed_packets = Channel(U32, on_change=True, doc="Packets handed on unsigned, as they are on the bypass list.")

    backlog = Setting(int, default=4096, low=4, high=MAX_BACKLOG, doc="Packets that may wait.")
    in_flight = Setting(
        int, default=16, low=1, high=MAX_IN_FLIGHT, doc="Unanswered commands after which it waits for an answer."
    )
    bypass = Setting(
        list[str], default=[], check=check_bypass,
        doc="Packets to take unsigned where all others are signed: APID:BYTES:OPCODE.",
    )  # fmt: skip

    @event(WARNING_HI, "No one takes packets of kind {apid}", throttle=5, every_s=60.0)
    def unknown_packet(self, apid: U16) -> None: ...

    @event(
        WARNING_HI, "Uplink packets were dropped, {total} so far; the last: kind {apid}, opcode 0x{opcode:x}",
        throttle=5, every_s=60.0,
    )  # fmt: skip
    def packets_dropped(self, total: U32, apid: U16, opcode: FwOpcodeType) -> None: ...

    @event(ACTIVITY_LO, "Opcode 0x{opcode:x} was taken unsigned: it is on the bypass list", throttle=5, every_s=60.0)
    def bypass_used(self, opcode: FwOpcodeType) -> None: ...

    @event(WARNING_LO, "Opcode 0x{opcode:x} is hazardous or sets a parameter: it is taken off the bypass list")
    def bypass_refused(self, opcode: FwOpcodeType) -> None: ...

    def initialize(self) -> None:
        self._bypass: frozenset[Bypass] = frozenset()
        self._bypassed = 0
        self._backlog: deque[tuple[bytes, bool]] = deque()
        self._awake = False
        if not self._context.restarts:  # what others have asked for outlives a restart
            self._pausers = [False] * PAUSERS
        self._paused = any(self._pausers)
        self._asked = False
        self._most = 0
        self._unanswered = 0
        self._stalled = False
        self._routed = self._rejected = self._dropped = self._reported = 0
        self._last_dropped = b""
        self._listeners = [index for index in range(LISTENERS) if self.is_connected(Router.packet_routed, index)]

    def start(self) -> None:
        wanted = [parse_bypass(text) for text in self.bypass]
        harmless = [one for one in wanted if is_harmless(one.opcode, self._context.deployment.instances.values())]
        self._bypass = frozenset(harmless)
        for one in wanted:
            if one not in self._bypass:
                self.bypass_refused(one.opcode)

    def stop(self) -> None:
        if self._asked:
            self._ask(False)

    # Taking packets

    @sync_port(Frame)
    def frame_in(self, data: bytes, context: int, authenticated: bool) -> None:
        """One packet of the uplink. A command that nothing holds up goes on at once."""
        if context == REFUSED and not self._may_bypass(data):
            self._rejected += 1
            return
        waiting = len(self._backlog)
        if not waiting and self._unanswered < self.in_flight and not self._paused and data.startswith(COMMAND_BYTES):
            self._route(data, authenticated)
            return
        if waiting >= self.backlog:
            self._dropped += 1
            self._last_dropped = data
            return
        self._backlog.append((data, authenticated))
        if waiting * 2 >= self.backlog and not self._asked:
            self._ask(True)
        if not self._awake:
            self._wake()

    def _may_bypass(self, data: bytes) -> bool:
        """Whether a packet that was not signed is just one of those on the list, byte count and all."""
        if not self._bypass or len(data) < COMMAND_HEADER_SIZE:
            return False
        apid, opcode = data[:DESCRIPTOR_SIZE], data[DESCRIPTOR_SIZE:COMMAND_HEADER_SIZE]
        packet = Bypass(int.from_bytes(apid, "big"), len(data), int.from_bytes(opcode, "big"))
        if packet not in self._bypass:
            return False
        self._bypassed += 1
        self.bypass_used(packet.opcode)
        return True

    @sync_port(Flow, size=PAUSERS)
    def flow_in(self, index: int, paused: bool) -> None:
        """Somebody behind the router is full, or no longer."""
        self._pausers[index] = paused
        self._paused = any(self._pausers)
        if not self._paused:
            self._wake()

    def _ask(self, paused: bool) -> None:
        self._asked = paused
        if self.is_connected(Router.flow_out):
            self.flow_out(paused)

    # Handing them on

    def _wake(self) -> None:
        if self._backlog and not self._awake and not self._paused and self._unanswered < self.in_flight:
            self._awake = True
            self.wake()

    @internal_port(full="drop")
    def wake(self) -> None:
        """Hands on one batch."""
        self._awake = False
        backlog = self._backlog
        if len(backlog) > self._most:
            self._most = len(backlog)
        for _ in range(PACKETS_A_BATCH):
            if not backlog or self._unanswered >= self.in_flight or self._paused:
                break
            self._route(*backlog.popleft())
        if self._asked and len(backlog) * 4 <= self.backlog:
            self._ask(False)
        self._wake()

    def _route(self, data: bytes, authenticated: bool) -> None:
        apid = int.from_bytes(data[:DESCRIPTOR_SIZE], "big")
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
        for listener in self._listeners:
            self.packet_routed[listener](apid, authenticated)

    @sync_port(CmdResponse)
    def command_status(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """A command was answered."""
        self._stalled = False
        if self._unanswered:
            self._unanswered -= 1
        if self._backlog:
            self._wake()

    # Once a second

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry, reports new drops, and lets commands go on behind those that take long."""
        if self._stalled:
            # All that is in flight waits for something; more commands may, until the dispatcher says BUSY.
            self._unanswered = 0
        self._stalled = self._unanswered >= self.in_flight
        self._wake()
        if self._dropped != self._reported:
            self._reported = self._dropped
            self._report_drops()
        self.dropped_packets = self._dropped & 0xFFFFFFFF
        self.routed_packets = self._routed & 0xFFFFFFFF
        self.rejected_packets = self._rejected & 0xFFFFFFFF
        self.bypassed_packets = self._bypassed & 0xFFFFFFFF
        self.most_waiting = max(self._most, len(self._backlog))
        self._most = 0

    def _report_drops(self) -> None:
        last = self._last_dropped
        apid = int.from_bytes(last[:DESCRIPTOR_SIZE], "big")
        opcode = int.from_bytes(last[DESCRIPTOR_SIZE:COMMAND_HEADER_SIZE], "big") if apid == COMMAND else 0
        self.packets_dropped(self._dropped & 0xFFFFFFFF, apid, opcode)
