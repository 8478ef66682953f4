"""Holds every channel's latest value and sends what changed, in packets or one by one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from kittiwake.model import (
    ACTIVITY_LO,
    U16,
    U32,
    WARNING_LO,
    ActiveComponent,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    command,
    event,
    sync_port,
)
from kittiwake.model.codec import downlink_packer
from kittiwake.model.fw import Com, FwChanIdType, Sched
from kittiwake.wire.packets import channel_entry, channel_packet, telemetry_packet

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.channels import ChannelCell

MAX_RATE_CYCLES = 86_400


class TelemetryPacket:
    """One packet of the topology: its cells, whether one of them is new, and when it goes out."""

    __slots__ = ("cells", "every", "group", "id", "is_new", "name", "waited")

    def __init__(self, name: str, id: int, group: int) -> None:
        self.name = name
        self.id = id
        self.group = group
        self.cells: list[ChannelCell] = []
        self.is_new = False
        self.every = 0
        self.waited = 0


class TelemetryStore(ActiveComponent):
    """F´'s telemetry packetiser and channel store in one.

    Each cycle a packet whose level is at most the send level goes out if one of its channels was written, or at its
    own rate where one is set. Channels that stand in no packet go out one by one, each with its own time tag.
    """

    pkt_send = OutputPort(Com, required=True, doc="Telemetry for the ground.")

    send_level = Channel(U32, on_change=True, doc="Packets of a higher level are not sent.")
    packets_sent = Channel(U32, on_change=True, doc="Telemetry packets sent.")

    level = Parameter(U32, default=1, low=0, high=255, doc="The send level after boot.")

    packet_bytes = Setting(int, default=900, doc="Most bytes of a packet of single channels.")

    @event(WARNING_LO, "Telemetry ID 0x{Id:x} is no channel", throttle=10, every_s=60.0)
    def no_chan(self, Id: FwChanIdType) -> None: ...

    @event(ACTIVITY_LO, "Telemetry send level to {level}")
    def level_set(self, level: U32) -> None: ...

    @event(WARNING_LO, "Requested send level {level} higher than max packet level of {max}")
    def max_level_exceed(self, level: U32, max: U32) -> None: ...

    @event(ACTIVITY_LO, "Sent packet ID {packetId}")
    def packet_sent(self, packetId: U32) -> None: ...

    @event(WARNING_LO, "Could not find packet ID {packetId}")
    def packet_not_found(self, packetId: U32) -> None: ...

    @event(ACTIVITY_LO, "Packet ID {packetId} is sent every {cycles} cycles")
    def rate_set(self, packetId: U32, cycles: U32) -> None: ...

    def initialize(self) -> None:
        self._known: dict[int, ChannelCell] = {}
        self._sources: list[deque[ChannelCell]] = []
        self._packers: dict[int, Callable[..., bytes]] = {}
        self._packets = [TelemetryPacket(name, id, group) for name, id, group, _ in self._context.deployment.image["packets"]]
        self._wanted: dict[int, list[TelemetryPacket]] = {}
        for packet, (*_, channels) in zip(self._packets, self._context.deployment.image["packets"], strict=True):
            for id in channels:
                self._wanted.setdefault(id, []).append(packet)
        self._max_level = max([packet.group for packet in self._packets], default=0)
        self._level = self.level
        self._sent = 0

    def start(self) -> None:
        for packet, (*_, channels) in zip(self._packets, self._context.deployment.image["packets"], strict=True):
            packet.cells = [self._known[id] for id in channels]
        self._level = self.level
        self.send_level = self._level

    def tlm_register(self, cells: list[ChannelCell], unsent: deque[ChannelCell]) -> None:
        """Takes an instance's channels and the list on which it puts those that it has written."""
        for cell in cells:
            self._known[cell.id] = cell
            self._packers[cell.id] = downlink_packer([cell.channel.type])
        self._sources.append(unsent)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """One cycle."""
        single: list[bytes] = []
        for source in self._sources:
            while source:
                cell = source.popleft()
                cell.dirty = False
                packets = self._wanted.get(cell.id)
                if packets is None:
                    single.append(channel_entry(cell.id, cell.tag, self._packers[cell.id](cell.value)))
                    continue
                for packet in packets:
                    packet.is_new = True
        self._send_single(single)
        for packet in self._packets:
            if packet.group <= self._level and self._is_due(packet):
                self._send(packet)
        self.packets_sent = self._sent & 0xFFFFFFFF

    def _is_due(self, packet: TelemetryPacket) -> bool:
        if not packet.every:
            return packet.is_new
        packet.waited += 1
        return packet.waited >= packet.every

    def _send_single(self, entries: list[bytes]) -> None:
        held: list[bytes] = []
        size = 0
        for entry in entries:
            if held and size + len(entry) > self.packet_bytes:
                self._out(channel_packet(held))
                held, size = [], 0
            held.append(entry)
            size += len(entry)
        if held:
            self._out(channel_packet(held))

    def _send(self, packet: TelemetryPacket) -> None:
        packet.is_new = False
        packet.waited = 0
        # Each value takes its type's greatest size: the ground finds the next one by adding it up.
        values = [
            self._packers[cell.id](cell.value).ljust(cell.channel.type.max_size, b"\x00") for cell in packet.cells
        ]
        self._out(telemetry_packet(packet.id, self._tags.now(), b"".join(values)))

    def _out(self, data: bytes) -> None:
        self._sent += 1
        self.pkt_send(data, 0)

    def latest(self, id: int) -> tuple[Any, int] | None:
        """A channel's latest value and time tag (0: never written), or `None` if there is no such channel."""
        cell = self._known.get(id)
        return None if cell is None else (cell.value, cell.tag)

    def _find(self, id: int) -> TelemetryPacket:
        for packet in self._packets:
            if packet.id == id:
                return packet
        self.packet_not_found(id)
        raise CommandError(CommandResponse.VALIDATION_ERROR)

    @command(name="SET_LEVEL")
    def set_level(self, level: U32) -> None:
        """Sends the packets of this level and of those below."""
        if level > self._max_level:
            self.max_level_exceed(level, self._max_level)
        self._level = level
        self.send_level = level
        self.level_set(level)

    @command(name="SEND_PKT")
    def send_pkt(self, id: U32) -> None:
        """Sends one packet now, whatever its level."""
        self._send(self._find(id))
        self.packet_sent(id)

    @command(name="SET_RATE")
    def set_rate(self, id: U16, cycles: U32) -> None:
        """Sends one packet every so many cycles, changed or not; 0 sends it when it changes."""
        packet = self._find(id)
        if cycles > MAX_RATE_CYCLES:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"at most {MAX_RATE_CYCLES} cycles")
        packet.every, packet.waited = cycles, 0
        self.rate_set(id, cycles)

    @command(name="QUERY")
    def query(self, id: FwChanIdType) -> None:
        """Sends one channel's latest value now."""
        cell = self._known.get(id)
        if cell is None:
            self.no_chan(id)
            raise CommandError(CommandResponse.VALIDATION_ERROR)
        self._send_single([channel_entry(cell.id, cell.tag or self._tags.now(), self._packers[cell.id](cell.value))])
