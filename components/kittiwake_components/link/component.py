"""The link to the ground: TCP either way, UDP or a serial line; it comes back by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    ACTIVITY_HI,
    U32,
    U64,
    WARNING_HI,
    WARNING_LO,
    Channel,
    OutputPort,
    OutputPortArray,
    PassiveComponent,
    Setting,
    Size,
    event,
    guarded_port,
    sync_port,
)
from kittiwake.model.fw import Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake.wire.link_address import parse_link
from kittiwake_components.link.opener import READ_BYTES, Opener
from kittiwake_components.link.outgoing import Outgoing
from kittiwake_components.ports.bearer import BEARERS, BearerTraffic
from kittiwake_components.ports.link import Bytes, Flow, Flush, LinkState, LinkStatus, Pending, Room

if TYPE_CHECKING:
    from kittiwake.platform.interface import Stream

SEND_LIMIT_BYTES = 65536
SEND_AT_ONCE_BYTES = 16384
READS_A_TURN = 4
DATAGRAM_BYTES = 65536
DATAGRAMS_A_TURN = 256
TCP = ("tcp", "tcp-listen")


def check_url(url: str) -> None:
    """Raises `ValueError` for an address that is no link; empty means no link."""
    if url:
        parse_link(url)


class Link(PassiveComponent):
    """Carries bytes both ways. Down, it tries again after 0.2 to 5 s, drawn so that many devices do not come at once.

    What was handed over and not sent when a connection broke waits for the next one; only a frame that had been sent
    in part is given up, because a receiver could not use its rest.
    """

    data_out = OutputPort(Bytes, required=True, doc="Bytes that came in.")
    status_out = OutputPort(LinkStatus, doc="Tells the downlink's queue of the link's state and of new room.")
    uplink_status_out = OutputPort(LinkStatus, doc="Tells the deframer of the link's state.")
    state_out = OutputPort(LinkStatus, doc="Tells one more of the link's state, such as whoever sends files by CFDP.")
    traffic_out = OutputPortArray(BearerTraffic, BEARERS, doc="How much went over the link: to its bearers' adapters.")

    link_up = Channel(LinkState, on_change=True, doc="Whether somebody is connected.")
    bytes_up = Channel(U64, on_change=True, unit="B", doc="Bytes received.")
    bytes_down = Channel(U64, on_change=True, unit="B", doc="Bytes sent.")
    connections = Channel(U32, on_change=True, doc="Times that the link came up.")
    frames_dropped = Channel(U32, on_change=True, doc="Frames to send that were given up.")
    receive_overruns = Channel(U32, on_change=True, doc="Datagrams or serial bytes that the system lost on arrival.")

    url = Setting(str, default="", check=check_url, doc="Where the link goes; empty for none.")
    stall_limit_s = Setting(
        int, default=60, low=0, high=86_400, doc="A TCP peer that takes nothing for so long is given up; 0: never."
    )

    @event(ACTIVITY_HI, "Link up: {address}")
    def link_established(self, address: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "Link down: {reason}", throttle=10, every_s=60.0)
    def link_lost(self, reason: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "Link cannot be opened: {reason}", throttle=3, every_s=60.0)
    def link_failed(self, reason: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_HI, "Frames to send were dropped: {total} so far", throttle=5, every_s=60.0)
    def frame_dropped(self, total: U32) -> None: ...

    @event(WARNING_HI, "The system lost datagrams or bytes on arrival: {total} so far", throttle=5, every_s=60.0)
    def receive_overrun(self, total: U32) -> None: ...

    def initialize(self) -> None:
        self._bearers = [index for index in range(BEARERS) if self.is_connected(Link.traffic_out, index)]
        self._address = parse_link(self.url) if self.url else None
        self._kind = self._address.kind if self._address is not None else ""
        self._stream: Stream | None = None
        self._opener: Opener | None = None
        self._on_readable = self._readable
        self._on_writable = self._writable
        self._outgoing = Outgoing()
        self._up = self._blocked = self._waits_for_room = False
        if not self._context.restarts:  # what was asked for outlives a restart
            self._paused = self._is_shut = False
        self._progress_ns = 0
        self._told = 0, 0
        self._bytes_up = self._bytes_down = self._connections = 0
        self._overruns_before = 0

    def start(self) -> None:
        if self._address is not None:
            poller = self._context.loop.poller
            self._opener = Opener(self._address, self.platform, self.clock, poller, self._opened, self._failed)
            self._opener.open()

    def stop(self) -> None:
        self.flush()
        self._drop_stream()
        if self._opener is not None:
            self._opener.close()

    def evidence(self) -> dict[str, Any]:
        return {
            "address": "" if self._address is None else str(self._address), "is_up": self._up,
            "is_gate_shut": self._is_shut, "is_blocked": self._blocked, "waiting_bytes": self._outgoing.size,
        }  # fmt: skip

    def listening_port(self) -> int:
        """The port on which a `tcp-listen` link waits; useful where the topology asks for port 0."""
        return self._opener.port if self._opener is not None else 0

    # Coming up and going down

    def _failed(self, reason: str) -> None:
        self.link_failed(reason)

    def _opened(self, stream: Stream, data: bytes) -> None:
        if self._stream is not None:
            # A newer ground replaces an older one, which may have vanished without a word.
            self._went_down("another ground connected")
        self._stream = stream
        self._came_up()
        if data:
            self._take(data)

    def _came_up(self) -> None:
        self._up = True
        self._progress_ns = self.clock.now_ns()
        self._connections += 1
        self._overruns_before = self.receive_overruns
        self._watch()
        self.link_up = LinkState.UP
        self.connections = self._connections & 0xFFFFFFFF
        self.link_established(str(self._address))
        if not self._is_shut:
            self._go_on()

    def _go_on(self) -> None:
        self.flush()
        if self._up:
            self._announce(LinkState.UP)

    @sync_port(LinkStatus)
    def gate_in(self, state: LinkState) -> None:
        """Whether a bearer carries the link. While none does nothing is sent or taken in, and whoever sends hears DOWN.

        A connexion outlives that, as it would an outage; datagrams, serial bytes and what a new one brings are lost.
        """
        if self._is_shut is (state is LinkState.DOWN):
            return
        self._is_shut = not self._is_shut
        if not self._up:
            return
        self._progress_ns = self.clock.now_ns()
        self._watch()
        if self._is_shut:
            self._tell_traffic()
            self._announce(LinkState.DOWN)
        else:
            self._go_on()

    def _went_down(self, reason: str) -> None:
        self._drop_stream()
        self._outgoing.forget_half()
        self.link_up = LinkState.DOWN
        self.link_lost(reason)
        self._announce(LinkState.DOWN)

    def _lost(self, reason: str) -> None:
        self._went_down(reason)
        if self._opener is not None:
            self._opener.lost()

    def _announce(self, state: LinkState) -> None:
        if self.is_connected(Link.uplink_status_out):
            self.uplink_status_out(state)
        if self.is_connected(Link.state_out):
            self.state_out(state)
        if self.is_connected(Link.status_out):
            self.status_out(state)

    def _drop_stream(self) -> None:
        if self._stream is not None:
            self._count_overruns()
            self._context.loop.poller.remove(self._stream.fileno())
            self._stream.close()
            self._stream = None
        self._up = self._blocked = False

    def _watch(self) -> None:
        if self._stream is not None and self._up:
            on_readable = None if self._holds_back() else self._on_readable
            on_writable = self._on_writable if self._blocked and not self._is_shut else None
            self._context.loop.poller.add(self._stream.fileno(), on_readable, on_writable)

    def _holds_back(self) -> bool:
        """Whether a TCP sender is to wait."""
        return self._paused or (self._is_shut and self._kind in TCP)

    # Receiving

    def _readable(self) -> None:
        """Takes in what has come, but no more than a turn should, and nothing once it was asked to pause."""
        limit, reads = (DATAGRAM_BYTES, DATAGRAMS_A_TURN) if self._kind == "udp" else (READ_BYTES, READS_A_TURN)
        for _ in range(reads):
            stream = self._stream
            if stream is None or self._holds_back():
                return
            try:
                data = stream.receive(limit)
            except OSError as fault:
                self._lost(str(fault))
                return
            if data is None:
                return
            if not data:
                self._lost("the other side closed")
                return
            self._take(data)
            if self._kind != "udp" and len(data) < limit:
                return  # that was all: asking once more would cost more than the whole read

    def _take(self, data: bytes) -> None:
        if self._is_shut:
            return
        self._bytes_up += len(data)
        self.data_out(data)

    @sync_port(Flow)
    def flow_in(self, paused: bool) -> None:
        """The uplink has enough for now: reading stops, and a TCP sender feels it.

        Datagrams and serial bytes are read on: unread they would be lost in silence, read they are dropped by name.
        """
        if self._kind in TCP:
            self._paused = paused
            self._watch()

    # Sending

    @guarded_port(Room)
    def room(self) -> int:
        """How many bytes may be handed over now; 0 while the link is down."""
        room = SEND_LIMIT_BYTES - self._outgoing.size if self._up and not self._is_shut else 0
        if room <= 0:
            self._waits_for_room = True
            return 0
        return room

    @guarded_port(Pending)
    def pending(self) -> int:
        """How many bytes wait to be sent."""
        return self._outgoing.size

    @sync_port(Bytes)
    def data_in(self, data: bytes) -> None:
        """One whole frame to send, at the next flush at the latest."""
        self._outgoing.add(data)
        if self._outgoing.size >= SEND_AT_ONCE_BYTES:
            self.flush()

    @sync_port(Flush)
    def flush(self) -> None:
        """Sends what waits, as far as there is room."""
        if self._up and not self._blocked and not self._is_shut and self._outgoing:
            self._send()

    def _send(self) -> None:
        stream, outgoing = self._stream, self._outgoing
        assert stream is not None
        try:
            sent = outgoing.send_datagrams(stream) if self._kind == "udp" else outgoing.send(stream)
        except OSError as fault:
            self._lost(str(fault))
            return
        self._bytes_down += sent
        if sent or not self._blocked:
            self._progress_ns = self.clock.now_ns()
        if bool(outgoing) != self._blocked:
            self._blocked = not self._blocked
            self._watch()

    def _writable(self) -> None:
        if self._up and self._outgoing:
            self._send()
        if self._waits_for_room and self._up and self._outgoing.size * 2 <= SEND_LIMIT_BYTES:
            self._waits_for_room = False
            if self.is_connected(Link.status_out):
                self.status_out(LinkState.UP)

    # Once a second

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry, reports what was lost, and gives up a TCP peer that takes nothing any more."""
        self.bytes_up = self._bytes_up
        self.bytes_down = self._bytes_down
        self._tell_traffic()
        self._count_overruns()
        if self._outgoing.dropped != self.frames_dropped:
            self.frames_dropped = self._outgoing.dropped & 0xFFFFFFFF
            self.frame_dropped(self.frames_dropped)
        limit_s = self.stall_limit_s if self._blocked and not self._is_shut and self._kind in TCP else 0
        if limit_s and self.clock.now_ns() - self._progress_ns >= limit_s * NS_PER_S:
            self._lost(f"the other side took nothing for {limit_s} s")

    def _tell_traffic(self) -> None:
        """Tells the adapters what went since they were last told; the one that is up has carried it."""
        sent, received = self._bytes_down - self._told[0], self._bytes_up - self._told[1]
        if not sent and not received:
            return
        self._told = self._bytes_down, self._bytes_up
        for bearer in self._bearers:
            self.traffic_out[bearer](sent, received)

    def _count_overruns(self) -> None:
        if self._stream is None or not self._up:
            return
        total = self._overruns_before + self._stream.overruns() & 0xFFFFFFFF
        if total != self.receive_overruns:
            self.receive_overruns = total
            self.receive_overrun(total)
