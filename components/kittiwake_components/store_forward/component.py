"""Keeps packets while the link is down, and sends them when it is up again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U8,
    U32,
    WARNING_HI,
    WARNING_LO,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Parameter,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.fw import Com, Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake.wire.packets import Apid
from kittiwake_components.ports.link import LinkState, LinkStatus, PacketsGone
from kittiwake_components.store_forward.backlog import Backlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.storage.finding import Finding

SOURCES = 2
WINDOW_MAX = 1000
HELD_MAX = 2500
"""The most packets that wait in memory, for the link or for the disk."""
BURST_BYTES = 4096
"""What may be sent at once, however small the rate."""
RATE_MAX = 100_000_000
INTERVAL_MAX_S = 86_400
SEGMENT_BYTES = 65_536
TEXT_SIZE = 120
U32_MAX = 0xFFFFFFFF

Text = Annotated[str, Size(TEXT_SIZE)]
_PACKETIZED = int(Apid.PACKETIZED_TLM).to_bytes(2, "big")


@wire_enum(U8, name="Components.StoreState")
class StoreState(IntEnum):
    """Where packets go."""

    LIVE = 0
    """Straight on; nothing waits on the disk."""
    STORING = 1
    """To the disk: the link is down."""
    FORWARDING = 2
    """Straight on, and what waits on the disk follows them."""


class StoreForward(PassiveComponent):
    """Stands between whoever makes events and telemetry and the queue of the downlink.

    While the link is up packets pass. Once it has been down for a while they go to the disk instead, telemetry thinned
    out. When it is up again they follow live traffic at a bounded rate, the oldest first, with the time tags they had,
    and leave the disk when the queue has handed them on. Restarts in between change nothing.
    """

    packet_out = OutputPortArray(Com, SOURCES, required=True, doc="Live packets, to the queue of each source.")
    stored_out = OutputPort(Com, required=True, doc="Packets from the disk, to a queue that nobody else fills.")
    status_out = OutputPort(LinkStatus, doc="The link's state, passed on.")

    store_state = Channel(StoreState, on_change=True, doc="Where packets go.")
    packets_stored = Channel(U32, on_change=True, doc="Packets on the disk that have not gone to the link.")
    stored_bytes = Channel(U32, on_change=True, unit="B", doc="What they take on the disk.")
    packets_forwarded = Channel(U32, on_change=True, doc="Packets from the disk that have gone since boot.")
    packets_lost = Channel(U32, on_change=True, doc="Packets that were stored, or should have been, and are lost.")

    forward_rate = Parameter(
        U32, default=2000, low=0, high=RATE_MAX, unit="B/s", doc="Most bytes a second from the disk; 0: none."
    )
    grace_s = Parameter(
        U32, default=10, low=0, high=3600, unit="s",
        doc="A link that is down for less is waited for: packets pass, and the queue behind holds them in memory.",
    )  # fmt: skip
    sync_s = Parameter(
        U32, default=10, low=1, high=3600, unit="s",
        doc="How often stored packets, and how far was sent, are made durable: what a power cut costs, and wear.",
    )  # fmt: skip
    telemetry_s = Parameter(
        U32, default=60, low=0, high=INTERVAL_MAX_S, unit="s",
        doc="Of each telemetry packet one is stored in so many seconds; 0: every one.",
    )  # fmt: skip

    folder = Setting(str, default="/store", doc="Folder in the root for the stored packets.")
    window = Setting(
        int, default=24, low=1, high=WINDOW_MAX,
        doc="Most packets from the disk that the queue behind holds; it must have room for them.",
    )  # fmt: skip
    quota_bytes = Setting(int, default=1_048_576, low=2 * SEGMENT_BYTES, high=1 << 30, doc="Most bytes on the disk.")
    intervals_s = Setting(
        dict[str, int], default={}, low=0, high=INTERVAL_MAX_S, doc="Telemetry packet name: its own TELEMETRY_S."
    )

    @event(ACTIVITY_HI, "The link is down: packets are stored")
    def storing_started(self) -> None: ...

    @event(ACTIVITY_HI, "The link is up: {count} stored packets follow")
    def forwarding_started(self, count: U32) -> None: ...

    @event(ACTIVITY_HI, "All stored packets have gone, {count} since the link came up")
    def forwarding_done(self, count: U32) -> None: ...

    @event(ACTIVITY_LO, "{count} packets of earlier boots are stored")
    def old_packets_stored(self, count: U32) -> None: ...

    @event(WARNING_HI, "{total} packets lost so far: the store is full or the disk does not take them",
           throttle=3, every_s=600.0)  # fmt: skip
    def packets_were_lost(self, total: U32) -> None: ...

    @event(WARNING_LO, "Store {finding}")
    def store_finding(self, finding: Text) -> None: ...

    @event(WARNING_HI, "Packets cannot be stored or read: {reason}", throttle=3, every_s=600.0)
    def store_failed(self, reason: Text) -> None: ...

    @event(ACTIVITY_HI, "{count} stored packets removed")
    def store_cleared(self, count: U32) -> None: ...

    @event(WARNING_LO, "There is no packet {name} to set an interval of")
    def interval_unknown(self, name: Annotated[str, Size(80)]) -> None: ...

    def initialize(self) -> None:
        folder = self.root.resolve(self.folder)
        self._backlog = Backlog(self.platform.files, self.clock, folder, SEGMENT_BYTES, self.quota_bytes)
        self._is_open = False
        self._is_up = False
        self._is_storing = False
        self._down_since_ns = self.clock.now_ns()
        self._held: deque[tuple[int, bytes]] = deque()
        self._unheld = self._forwarded = self._before = self._reported = 0
        self._last_kept_ns: dict[bytes, int] = {}
        self._allowance = 0.0
        self._filled_ns = self._synced_ns = self.clock.now_ns()
        ids = {name: id for name, id, *_ in self._context.deployment.image["packets"]}
        self._intervals_ns = {
            ids[name].to_bytes(2, "big"): seconds * NS_PER_S
            for name, seconds in self.intervals_s.items()
            if name in ids
        }
        self._unknown = [name for name in self.intervals_s if name not in ids]

    def start(self) -> None:
        for name in self._unknown:
            self.interval_unknown(name)

    def stop(self) -> None:
        self._write_held()
        self._sync()
        self._backlog.close()

    # Live packets

    @sync_port(Com, size=SOURCES)
    def packet_in(self, index: int, data: bytes, context: int) -> None:
        """A packet for the ground. Nothing here waits for the disk."""
        if self._is_up:
            self.packet_out[index](data, context)
        elif not self._is_storing or self._is_kept(data):
            if len(self._held) >= HELD_MAX:
                self._held.popleft()
                self._unheld += 1
            self._held.append((index, data))

    def _is_kept(self, data: bytes) -> bool:
        """Whether a packet is stored: of each telemetry packet one in its interval, of everything else all."""
        if data[:2] != _PACKETIZED:
            return True
        id = data[2:4]
        interval_ns = self._intervals_ns.get(id, self.telemetry_s * NS_PER_S)
        now_ns = self.clock.now_ns()
        last_ns = self._last_kept_ns.get(id)
        if last_ns is not None and now_ns - last_ns < interval_ns:
            return False
        self._last_kept_ns[id] = now_ns
        return True

    # The link

    @sync_port(LinkStatus)
    def link_status(self, state: LinkState) -> None:
        """The link came up, went down, or (UP again) has room."""
        if state is LinkState.UP and not self._is_up:
            self._is_up = True
            self._go_live()
        elif state is LinkState.DOWN and self._is_up:
            self._is_up = False
            self._down_since_ns = self.clock.now_ns()
        if self.is_connected(StoreForward.status_out):
            self.status_out(state)

    def _go_live(self) -> None:
        """After a short while without the link what was held passes, after a long one it follows from the disk."""
        self._filled_ns = self.clock.now_ns()
        self._allowance = 0.0
        self._before = self._forwarded
        if self._is_storing:
            self._is_storing = False
            self._write_held()
        while self._held:
            index, data = self._held.popleft()
            self.packet_out[index](data, 0)
        if self._backlog.count:
            self.forwarding_started(self._backlog.count & U32_MAX)
        self._show()

    @sync_port(PacketsGone)
    def packets_gone(self, count: int) -> None:
        """Packets from the disk have left the queue behind: they need not be kept."""
        self._attempt(lambda: self._take(count))

    def _take(self, count: int) -> None:
        self._forwarded += self._backlog.take(count)
        if not self._backlog.count and not self._is_storing and self._forwarded != self._before:
            self._backlog.sync()
            self.forwarding_done(self._forwarded - self._before & U32_MAX)
            self._before = self._forwarded

    # Each cycle

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Writes what came since the last cycle, or sends what the rate allows, and updates the telemetry."""
        now_ns = self.clock.now_ns()
        if not self._is_open:
            self._attempt(self._open)
        if not self._is_up and not self._is_storing and now_ns - self._down_since_ns >= self.grace_s * NS_PER_S:
            self._begin_storing()
        if self._is_storing:
            self._write_held()
        if self._is_up:
            self._attempt(self._forward)
        if now_ns - self._synced_ns >= self.sync_s * NS_PER_S:
            self._synced_ns = now_ns
            self._sync()
        self._show()

    def _begin_storing(self) -> None:
        self._is_storing = True
        self._last_kept_ns = {}
        self._held = deque([one for one in self._held if self._is_kept(one[1])])
        self.storing_started()

    def _open(self) -> None:
        """Opens the store: not before it is needed, as reading it through takes time that the boot does not have."""
        self._report(self._backlog.open())
        self._is_open = True
        if self._backlog.count:
            self.old_packets_stored(self._backlog.count & U32_MAX)

    def _write_held(self) -> None:
        """Writes what is held; what the disk does not take waits on."""

        def write() -> None:
            if self._held and not self._is_open:
                self._open()
            while self._held:
                self._backlog.append(self._held[0][1])
                self._held.popleft()

        self._attempt(write)

    def _forward(self) -> None:
        now_ns = self.clock.now_ns()
        if self._is_open and self._backlog.count:
            rate = self.forward_rate
            gained = rate * (now_ns - self._filled_ns) / NS_PER_S
            self._allowance = min(self._allowance + gained, float(max(rate, BURST_BYTES) if rate else 0))
            while self._allowance > 0 and self._backlog.owed < self.window:
                packet = self._backlog.lend()
                if packet is None:
                    break
                self._allowance -= len(packet)
                self.stored_out(packet, 0)
        self._filled_ns = now_ns

    def _sync(self) -> None:
        if self._is_open:
            self._attempt(self._backlog.sync)

    def _attempt(self, step: Callable[[], None]) -> None:
        """Takes a step that the disk may refuse; live traffic goes on."""
        try:
            step()
        except OSError as fault:
            self.store_failed(reason_of(fault))

    def _report(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.store_finding(str(finding).removeprefix(self.root.path))

    def _show(self) -> None:
        backlog = self._backlog
        waiting = backlog.count + len(self._held)
        if self._is_storing:
            self.store_state = StoreState.STORING
        else:
            self.store_state = StoreState.FORWARDING if waiting and self._is_up else StoreState.LIVE
        self.packets_stored = waiting & U32_MAX
        self.stored_bytes = backlog.size & U32_MAX
        self.packets_forwarded = self._forwarded & U32_MAX
        lost = backlog.dropped + self._unheld
        if lost != self._reported:
            self._reported = lost
            self.packets_lost = lost & U32_MAX
            self.packets_were_lost(lost & U32_MAX)

    @command
    def clear_store(self) -> None:
        """Removes all stored packets."""
        count = len(self._held)
        self._held.clear()
        try:
            if not self._is_open:
                self._open()
            count += self._backlog.clear()
        except OSError as fault:
            self.store_failed(reason_of(fault))
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
        self.store_cleared(count & U32_MAX)
        self._show()
