"""The link to the ground: TCP either way, UDP or a serial line; it comes back by itself."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    U32,
    U64,
    WARNING_LO,
    Channel,
    OutputPort,
    PassiveComponent,
    Setting,
    Size,
    event,
    guarded_port,
    sync_port,
)
from kittiwake.model.fw import Sched

from kittiwake.wire.link_address import LinkAddressFault, parse_link
from kittiwake_components.ports import MAX_CHUNK, Bytes, Flow, LinkState, LinkStatus, Room

if TYPE_CHECKING:
    from kittiwake.platform.interface import Listener, Stream
    from kittiwake.runtime.loop import Timer

SEND_LIMIT_BYTES = 65536
READS_A_TURN = 4
RETRY_MIN_S = 0.2
RETRY_MAX_S = 5.0


def check_url(url: str) -> None:
    """Raises `ValueError` for an address that is no link; empty means no link."""
    if url:
        parse_link(url)


class Link(PassiveComponent):
    """Carries bytes both ways. Down, it tries again: TCP clients and serial lines after 0.2 to 5 s.

    What was handed over and not sent when a connection broke waits for the next one; only a frame that had been sent
    in part is given up, because a receiver could not use its rest.
    """

    data_out = OutputPort(Bytes, required=True, doc="Bytes that came in.")
    status_out = OutputPort(LinkStatus, doc="Tells the downlink's queue of the link's state and of new room.")
    uplink_status_out = OutputPort(LinkStatus, doc="Tells the deframer of the link's state.")

    link_up = Channel(LinkState, on_change=True, doc="Whether somebody is connected.")
    bytes_up = Channel(U64, on_change=True, unit="B", doc="Bytes received.")
    bytes_down = Channel(U64, on_change=True, unit="B", doc="Bytes sent.")
    connections = Channel(U32, on_change=True, doc="Times that the link came up.")

    url = Setting(str, default="", check=check_url, doc="Where the link goes; empty for none.")

    @event(ACTIVITY_HI, "Link up: {address}")
    def link_established(self, address: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "Link down: {reason}", throttle=10, every_s=60.0)
    def link_lost(self, reason: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "Link cannot be opened: {reason}", throttle=3, every_s=60.0)
    def link_failed(self, reason: Annotated[str, Size(80)]) -> None: ...

    def initialize(self) -> None:
        self._stream: Stream | None = None
        self._listener: Listener | None = None
        self._up = False
        self._paused = False
        self._waits_for_room = False
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._sent_of_first = 0
        self._retry_s = RETRY_MIN_S
        self._timer: Timer | None = None
        self._bytes_up = self._bytes_down = self._connections = 0

    def start(self) -> None:
        if self.url:
            self._address = parse_link(self.url)
            self._open()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._stream is not None:
            self._drop_stream()
        if self._listener is not None:
            self._context.loop.poller.remove(self._listener.fileno())
            self._listener.close()
            self._listener = None

    def listening_port(self) -> int:
        """The port on which a `tcp-listen` link waits; useful where the topology asks for port 0."""
        return self._listener.address()[1] if self._listener is not None else 0

    # Coming up and going down

    def _open(self) -> None:
        address, network = self._address, self._context.platform.network
        self._timer = None
        try:
            if address.kind == "tcp-listen":
                self._listener = network.listen_tcp(address.host, address.port)
                self._context.loop.poller.add(self._listener.fileno(), self._accept, None)
            elif address.kind == "tcp":
                self._stream = network.connect_tcp(address.host, address.port)
                self._context.loop.poller.add(self._stream.fileno(), self._connected, self._connected)
            else:
                if address.kind == "udp":
                    own_host = "127.0.0.1" if address.is_local else "0.0.0.0"
                    self._stream = network.open_udp(own_host, address.listen, (address.host, address.port))
                else:
                    self._stream = network.open_serial(address.device, address.baud)
                self._came_up(str(address))
        except (OSError, LinkAddressFault) as fault:
            self.link_failed(str(fault))
            self._retry()

    def _retry(self) -> None:
        self._timer = self.clock.call_after(self._retry_s, self._open)
        self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)

    def _connected(self) -> None:
        stream = self._stream
        assert stream is not None
        try:
            data = stream.receive(MAX_CHUNK)
        except OSError as fault:
            self._drop_stream()
            self.link_failed(f"{self._address}: {fault}")
            self._retry()
            return
        self._came_up(str(self._address))
        if data:
            self._take(data)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            stream = self._listener.accept()
        except OSError as fault:
            self.link_failed(str(fault))
            return
        if stream is None:
            return
        if self._stream is not None:
            # A newer ground replaces an older one, which may have vanished without a word.
            self._went_down("another ground connected")
        self._stream = stream
        self._came_up(str(self._address))

    def _came_up(self, address: str) -> None:
        self._up = True
        self._retry_s = RETRY_MIN_S
        self._connections += 1
        if self._sent_of_first:
            self._forget_first()
        self._watch()
        self.link_up = LinkState.UP
        self.connections = self._connections
        self.link_established(address)
        self._announce(LinkState.UP)

    def _went_down(self, reason: str) -> None:
        self._drop_stream()
        self.link_up = LinkState.DOWN
        self.link_lost(reason)
        self._announce(LinkState.DOWN)

    def _lost(self, reason: str) -> None:
        self._went_down(reason)
        if self._address.kind != "tcp-listen":
            self._retry()

    def _announce(self, state: LinkState) -> None:
        if self.is_connected(Link.uplink_status_out):
            self.uplink_status_out(state)
        if self.is_connected(Link.status_out):
            self.status_out(state)

    def _drop_stream(self) -> None:
        assert self._stream is not None
        self._context.loop.poller.remove(self._stream.fileno())
        self._stream.close()
        self._stream = None
        self._up = False

    def _watch(self) -> None:
        if self._stream is not None and self._up:
            self._context.loop.poller.add(
                self._stream.fileno(), None if self._paused else self._readable, self._writable if self._queue else None
            )

    # Receiving

    def _readable(self) -> None:
        for _ in range(READS_A_TURN):
            stream = self._stream
            if stream is None or self._paused:
                return
            try:
                data = stream.receive(MAX_CHUNK)
            except OSError as fault:
                self._lost(str(fault))
                return
            if data is None:
                return
            if not data:
                self._lost("the other side closed")
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        self._bytes_up += len(data)
        self.data_out(data)

    @sync_port(Flow)
    def flow_in(self, paused: bool) -> None:
        """The uplink has enough for now: reading stops, and the sender feels it. Datagrams would only be lost."""
        if self._stream is not None and self._address.kind == "udp":
            return
        self._paused = paused
        self._watch()

    # Sending

    @guarded_port(Room)
    def room(self) -> int:
        """How many bytes may be handed over now; 0 while the link is down."""
        room = SEND_LIMIT_BYTES - self._queued_bytes if self._up else 0
        if room <= 0:
            self._waits_for_room = True
            return 0
        return room

    @sync_port(Bytes)
    def data_in(self, data: bytes) -> None:
        """Whole frames to send."""
        if self._up and not self._queue:
            sent = self._send(data)
            if sent == len(data):
                return
            self._sent_of_first = max(sent, 0)
        self._queue.append(data)
        self._queued_bytes += len(data)
        if len(self._queue) == 1:
            self._watch()

    def _send(self, data: bytes) -> int:
        assert self._stream is not None
        try:
            sent = self._stream.send(data)
        except OSError as fault:
            self._lost(str(fault))
            return -1
        self._bytes_down += sent
        return sent

    def _writable(self) -> None:
        while self._queue and self._up:
            first = self._queue[0]
            rest = first[self._sent_of_first :]
            sent = self._send(rest)
            if sent < len(rest):
                self._sent_of_first += max(sent, 0)
                break
            self._forget_first()
        if not self._queue:
            self._watch()
        if self._waits_for_room and self._up and self._queued_bytes * 2 <= SEND_LIMIT_BYTES:
            self._waits_for_room = False
            self._announce_room()

    def _announce_room(self) -> None:
        if self.is_connected(Link.status_out):
            self.status_out(LinkState.UP)

    def _forget_first(self) -> None:
        self._queued_bytes -= len(self._queue.popleft())
        self._sent_of_first = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry."""
        self.bytes_up = self._bytes_up
        self.bytes_down = self._bytes_down
