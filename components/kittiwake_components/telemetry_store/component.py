"""Holds every channel's latest value, sends what changed, in packets or one by one, and watches limits."""

# ruff: noqa: N803 - the arguments of commands and events keep F´'s names
from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    F64,
    U16,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    Size,
    command,
    event,
    guarded_port,
    sync_port,
)
from kittiwake.model.fw import Com, FwChanIdType, Sched
from kittiwake.wire.packets import channel_entry, channel_packet, telemetry_packet
from kittiwake.wire.time_tag import pack_tag
from kittiwake_components.ports.value import TlmGet
from kittiwake_components.telemetry_store.limits import LimitState, LimitWatch

if TYPE_CHECKING:
    from kittiwake.model.channels import ChannelCell

MAX_RATE_CYCLES = 86_400
NAME_SIZE = 80

Name = Annotated[str, Size(NAME_SIZE)]


AWAITED_CYCLES = 3
"""A packet waits so many cycles at most for the first values of its channels that have limits."""


class TelemetryPacket:
    """One packet of the topology: its cells, whether one of them is new, and when it goes out.

    `awaited` are those with limits that nobody has written yet.
    """

    __slots__ = ("_packed", "_tags", "_values", "awaited", "cells", "every", "group", "id", "is_new", "name", "waited")

    def __init__(self, name: str, id: int, group: int, every: int) -> None:
        self.name = name
        self.id = id
        self.group = group
        self.cells: list[ChannelCell] = []
        self._tags: list[int] = []
        self._values: list[Any] = []
        self._packed: list[bytes] = []
        self.awaited: list[ChannelCell] = []
        self.is_new = False
        self.every = every
        self.waited = 0

    def hold(self, cells: list[ChannelCell]) -> None:
        """Takes the cells, in the order in which they go down."""
        self.cells = cells
        self.awaited = [cell for cell in cells if cell.channel.limits is not None]
        self._tags = [-1] * len(cells)
        self._values = [None] * len(cells)
        self._packed = [b""] * len(cells)

    def values(self) -> bytes:
        """All values, each in its type's greatest size: the ground finds the next one by adding it up.

        Those that nobody has written since are as they were packed last.
        """
        tags, values, packed = self._tags, self._values, self._packed
        for place, cell in enumerate(self.cells):
            # The tag comes first, as another thread may write meanwhile; and past 2106 all tags are the same.
            if cell.tag != tags[place] or cell.value is not values[place]:
                tags[place] = cell.tag
                values[place] = value = cell.value
                packed[place] = cell.channel.downlink_pack(value).ljust(cell.channel.type.max_size, b"\x00")
        return b"".join(packed)


class TelemetryStore(ActiveComponent):
    """F´'s telemetry packetiser and channel store in one.

    Each cycle a packet whose level is at most the send level goes out if one of its channels was written, or at its
    own rate where one is set. In a deployment without packets channels go out one by one, each with its own time tag.
    """

    pkt_send = OutputPort(Com, required=True, doc="Telemetry for the ground.")

    send_level = Channel(U32, on_change=True, doc="Packets of a higher level are not sent.")
    packets_sent = Channel(U32, on_change=True, doc="Telemetry packets sent; it makes no packet go out by itself.")
    limits_violated = Channel(U32, on_change=True, doc="Channels that are out of their limits now.")

    level = Parameter(U32, default=1, low=0, high=255, doc="The send level after boot.")

    packet_bytes = Setting(int, default=900, low=64, high=1008, doc="Most bytes of a packet of single channels.")
    hysteresis_percent = Setting(
        float, default=1.0, low=0, high=10,
        doc="How far a value must be back inside a limit, in percent of the range of the channel's limits.",
    )  # fmt: skip
    rates = Setting(
        dict[str, int], default={}, low=0, high=MAX_RATE_CYCLES, doc="Packet name: cycles from one sending to the next."
    )

    @event(WARNING_LO, "Telemetry ID 0x{Id:x} is no channel", throttle=10, every_s=60.0, id=0)
    def no_chan(self, Id: FwChanIdType) -> None: ...

    @event(ACTIVITY_HI, "Telemetry send level to {level}", id=1)
    def level_set(self, level: U32) -> None: ...

    @event(WARNING_LO, "Requested send level {level} higher than max packet level of {max}", id=2)
    def max_level_exceed(self, level: U32, max: U32) -> None: ...

    @event(ACTIVITY_LO, "Sent packet ID {packetId}", id=3)
    def packet_sent(self, packetId: U32) -> None: ...

    @event(WARNING_LO, "Could not find packet ID {packetId}", id=4)
    def packet_not_found(self, packetId: U32) -> None: ...

    @event(ACTIVITY_LO, "Packet ID {packetId} is sent every {cycles} cycles", id=0x20)
    def rate_set(self, packetId: U32, cycles: U32) -> None: ...

    @event(WARNING_LO, "There is no packet {name} to set a rate of", id=0x21)
    def rate_unknown(self, name: Name) -> None: ...

    @event(WARNING_HI, "{name} is {state}: {value}", throttle=20, every_s=60.0, id=0x22)
    def limit_violated(self, name: Name, state: LimitState, value: F64) -> None: ...

    @event(ACTIVITY_HI, "{name} is within its limits again: {value}", throttle=20, every_s=60.0, id=0x23)
    def limit_restored(self, name: Name, value: F64) -> None: ...

    def initialize(self) -> None:
        self._known: dict[int, ChannelCell] = {}
        self._sources: list[deque[ChannelCell]] = []
        self._limits: dict[int, LimitWatch] = {}
        self._wanted: dict[int, list[TelemetryPacket]] = {}
        self._packets: list[TelemetryPacket] = []
        self._contents: list[list[int]] = []
        for name, id, group, channels in self._context.deployment.image["packets"]:
            packet = TelemetryPacket(name, id, group, self.rates.get(name, 0))
            self._packets.append(packet)
            self._contents.append(channels)
            for channel in channels:
                self._wanted.setdefault(channel, []).append(packet)
        self._max_level = max([packet.group for packet in self._packets], default=0)
        self._sent = 0
        self._cycles_to_wait = AWAITED_CYCLES
        self._own_count = next(cell for cell in self._cells if cell.channel.name == "packets_sent")
        self._use_level(self.level)

    def start(self) -> None:
        self.packets_sent = 0
        self.limits_violated = 0
        for packet, channels in zip(self._packets, self._contents, strict=True):
            packet.hold([self._known[id] for id in channels])
        names = {packet.name for packet in self._packets}
        for name in self.rates:
            if name not in names:
                self.rate_unknown(name)

    def parameter_updated(self, name: str) -> None:
        """Takes a new level at once."""
        self._use_level(self.level)

    def evidence(self) -> dict[str, Any]:
        return {
            "level": self._level,
            "packets": [
                {
                    "name": packet.name, "group": packet.group, "every_cycles": packet.every,
                    "channels": [cell.id for cell in packet.cells],
                    "awaited": [self._name_of(cell) for cell in packet.awaited],
                }
                for packet in self._packets
            ],
        }  # fmt: skip

    def _use_level(self, level: int) -> None:
        self._level = level
        self.send_level = level

    def tlm_register(self, cells: list[ChannelCell], unsent: deque[ChannelCell]) -> None:
        """Takes an instance's channels and the list on which it puts those that it has written."""
        for cell in cells:
            self._known[cell.id] = cell
            if cell.channel.limits is not None:
                self._limits[cell.id] = LimitWatch(cell.channel.limits, self.hysteresis_percent / 100)
        self._sources.append(unsent)

    # Each cycle

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Sends what is new or due, and judges what is new by its limits."""
        written: list[ChannelCell] = []
        for source in self._sources:
            while source:
                cell = source.popleft()
                cell.dirty = False
                written.append(cell)
        if self._limits:
            self._judge(written)
        if self._packets:
            self._send_packets(written)
        else:
            others = [cell for cell in written if cell is not self._own_count]
            if others:
                self._send_single([self._entry(cell) for cell in (*others, self._own_count)])
        self.packets_sent = self._sent & 0xFFFFFFFF

    def _send_packets(self, written: list[ChannelCell]) -> None:
        wanted = self._wanted
        for cell in written:
            if cell is not self._own_count:
                for packet in wanted.get(cell.id, ()):
                    packet.is_new = True
        if self._cycles_to_wait:
            self._look_for_awaited()
        for packet in self._packets:
            if packet.group <= self._level and self._is_due(packet) and not packet.awaited:
                self._send(packet)

    def _look_for_awaited(self) -> None:
        """A value that nobody has written is sent as zero, which would break its limits; but not for ever."""
        self._cycles_to_wait -= 1
        for packet in self._packets:
            if packet.awaited:
                packet.awaited = [cell for cell in packet.awaited if not cell.tag] if self._cycles_to_wait else []

    def _is_due(self, packet: TelemetryPacket) -> bool:
        if not packet.every:
            return packet.is_new
        packet.waited += 1
        return packet.waited >= packet.every

    def _entry(self, cell: ChannelCell) -> bytes:
        return channel_entry(cell.id, cell.tag or self._tags.now(), cell.channel.downlink_pack(cell.value))

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
        self._out(telemetry_packet(packet.id, self._tags.now(), packet.values()))

    def _out(self, data: bytes) -> None:
        self._sent += 1
        self.pkt_send(data, 0)

    # Limits

    def _judge(self, written: list[ChannelCell]) -> None:
        for cell in written:
            watch = self._limits.get(cell.id)
            if watch is None or not watch.judge(cell.value):
                continue
            name = self._name_of(cell)
            if watch.state is LimitState.GREEN:
                self.limit_restored(name, float(cell.value))
            else:
                self.limit_violated(name, watch.state, float(cell.value))
        self.limits_violated = sum([watch.state is not LimitState.GREEN for watch in self._limits.values()])

    def _name_of(self, cell: ChannelCell) -> str:
        for component in self._context.deployment.instances.values():
            if any(one is cell for one in component._cells):
                return f"{component.name}.{cell.channel.label}"
        return f"{cell.id:#x}"

    # What others ask

    @guarded_port(TlmGet)
    def tlm_get(self, id: int) -> bytes:
        """A channel's latest time tag and packed value; empty if there is no such channel."""
        cell = self._known.get(id)
        return b"" if cell is None else pack_tag(cell.tag) + cell.channel.downlink_pack(cell.value)

    def _find(self, id: int) -> TelemetryPacket:
        for packet in self._packets:
            if packet.id == id:
                return packet
        self.packet_not_found(id)
        raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no packet {id}")

    @command(name="SET_LEVEL", opcode=0)
    def set_level(self, level: U32) -> None:
        """Sends the packets of this level and of those below, until the next boot."""
        if level > self._max_level:
            self.max_level_exceed(level, self._max_level)
        self._use_level(level)
        self.level_set(level)

    @command(name="SEND_PKT", opcode=1)
    def send_pkt(self, id: U32) -> None:
        """Sends one packet now, whatever its level."""
        self._send(self._find(id))
        self.packet_sent(id)

    @command(name="SET_RATE", opcode=2)
    def set_rate(self, id: U16, cycles: U32) -> None:
        """Sends one packet every so many cycles, changed or not, until the next boot; 0 sends it when it changes."""
        packet = self._find(id)
        if cycles > MAX_RATE_CYCLES:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"at most {MAX_RATE_CYCLES} cycles")
        packet.every, packet.waited = cycles, 0
        self.rate_set(id, cycles)

    @command(name="QUERY", opcode=3)
    def query(self, id: FwChanIdType) -> None:
        """Sends one channel's latest value now, by itself."""
        cell = self._known.get(id)
        if cell is None:
            self.no_chan(id)
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no channel {id:#x}")
        self._send_single([self._entry(cell)])
