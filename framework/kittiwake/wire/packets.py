"""F´ packets: a descriptor that says what kind it is, a header of that kind, and a body.

Here bodies are bytes: what an event's arguments or a channel's value mean is known to the declarations (device) and the
dictionary (ground). All integers are big-endian with F´'s default widths: descriptor U16, opcode, event id and channel
id U32, telemetry packet id U16.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import WireError
from kittiwake.wire.time_tag import BASE_SHIFT, MICROSECONDS_MASK, TAG_SIZE, US_PER_S, join_tag

if TYPE_CHECKING:
    from collections.abc import Iterable


class Apid(IntEnum):
    """Packet descriptors, which CCSDS calls application process identifiers (F´ `ComCfg.Apid`)."""

    COMMAND = 0
    TELEM = 1
    LOG = 2
    FILE = 3
    PACKETIZED_TLM = 4
    DP = 5
    IDLE = 6
    PARAM = 7
    HAND = 0xFE
    UNKNOWN = 0xFF
    SPP_IDLE_PACKET = 0x7FF
    INVALID_UNINITIALIZED = 0x800


DESCRIPTOR_SIZE = 2
COMMAND_HEADER_SIZE = 6
EVENT_HEADER_SIZE = 17
CHANNEL_ENTRY_HEADER_SIZE = 15
TELEMETRY_HEADER_SIZE = 15

_COMMAND = struct.Struct(">HI")
_EVENT = struct.Struct(">HIHBII")
_CHANNEL_ENTRY = struct.Struct(">IHBII")
_TELEMETRY = struct.Struct(">HHHBII")

_COMMAND_DESCRIPTOR = int(Apid.COMMAND)
_EVENT_DESCRIPTOR = int(Apid.LOG)
_CHANNEL_DESCRIPTOR = int(Apid.TELEM)
_TELEMETRY_DESCRIPTOR = int(Apid.PACKETIZED_TLM)
_CHANNEL_DESCRIPTOR_BYTES = _CHANNEL_DESCRIPTOR.to_bytes(DESCRIPTOR_SIZE, "big")


def descriptor_of(packet: bytes) -> int:
    """The descriptor of an F´ packet. Raises `WireError` for fewer than two bytes."""
    if len(packet) < DESCRIPTOR_SIZE:
        raise WireError(f"packet of {len(packet)} bytes: too short for its descriptor of {DESCRIPTOR_SIZE}")
    return packet[0] << 8 | packet[1]


def command_packet(opcode: int, arguments: bytes) -> bytes:
    """A command with its arguments packed in the order of its formal parameters. Raises `WireError`."""
    try:
        return _COMMAND.pack(_COMMAND_DESCRIPTOR, opcode) + arguments
    except struct.error:
        raise WireError(f"command packet: opcode {opcode} does not fit U32") from None


def parse_command(packet: bytes) -> tuple[int, bytes]:
    """The opcode and the packed arguments of a command packet. Raises `WireError`."""
    try:
        descriptor, opcode = _COMMAND.unpack_from(packet)
    except struct.error:
        raise _too_short("command", packet, COMMAND_HEADER_SIZE) from None
    if descriptor != _COMMAND_DESCRIPTOR:
        raise _other_kind("command", descriptor, _COMMAND_DESCRIPTOR)
    return opcode, packet[COMMAND_HEADER_SIZE:]


def event_packet(event_id: int, tag: int, arguments: bytes) -> bytes:
    """One event, its time tag and its packed arguments. Raises `WireError`."""
    seconds, useconds = divmod(tag & MICROSECONDS_MASK, US_PER_S)
    try:
        return _EVENT.pack(_EVENT_DESCRIPTOR, event_id, tag >> BASE_SHIFT, 0, seconds, useconds) + arguments
    except struct.error:
        raise _unpackable("event", event_id, tag) from None


def parse_event(packet: bytes) -> tuple[int, int, bytes]:
    """The id, the time tag and the packed arguments of an event packet. Raises `WireError`."""
    try:
        descriptor, event_id, base, _context, seconds, useconds = _EVENT.unpack_from(packet)
    except struct.error:
        raise _too_short("event", packet, EVENT_HEADER_SIZE) from None
    if descriptor != _EVENT_DESCRIPTOR:
        raise _other_kind("event", descriptor, _EVENT_DESCRIPTOR)
    return event_id, join_tag(base, seconds, useconds, COMMAND_HEADER_SIZE), packet[EVENT_HEADER_SIZE:]


def channel_entry(channel_id: int, tag: int, value: bytes) -> bytes:
    """One sample as it stands in a channel packet. Raises `WireError`."""
    seconds, useconds = divmod(tag & MICROSECONDS_MASK, US_PER_S)
    try:
        return _CHANNEL_ENTRY.pack(channel_id, tag >> BASE_SHIFT, 0, seconds, useconds) + value
    except struct.error:
        raise _unpackable("channel", channel_id, tag) from None


def channel_packet(entries: Iterable[bytes]) -> bytes:
    """A packet of samples, each as `channel_entry` made it."""
    return _CHANNEL_DESCRIPTOR_BYTES + b"".join(entries)


def check_channel_packet(packet: bytes) -> int:
    """The offset of the first entry of a channel packet. Raises `WireError` for a packet of another kind."""
    descriptor = descriptor_of(packet)
    if descriptor != _CHANNEL_DESCRIPTOR:
        raise _other_kind("channel", descriptor, _CHANNEL_DESCRIPTOR)
    return DESCRIPTOR_SIZE


def parse_channel_entry(packet: bytes, offset: int) -> tuple[int, int, int]:
    """The id and the time tag of the entry at `offset`, and the offset of its value. Raises `WireError`.

    How long the value is only its type tells; the next entry starts behind it.
    """
    try:
        channel_id, base, _context, seconds, useconds = _CHANNEL_ENTRY.unpack_from(packet, offset)
    except struct.error:
        raise WireError(
            f"channel packet, byte {offset}: an entry needs {CHANNEL_ENTRY_HEADER_SIZE} bytes and a value, "
            f"{max(len(packet) - offset, 0)} are left"
        ) from None
    return channel_id, join_tag(base, seconds, useconds, offset + 4), offset + CHANNEL_ENTRY_HEADER_SIZE


def telemetry_packet(packet_id: int, tag: int, values: bytes) -> bytes:
    """A packetised telemetry packet: one time tag for all `values`, each padded to its maximum. Raises `WireError`."""
    seconds, useconds = divmod(tag & MICROSECONDS_MASK, US_PER_S)
    try:
        return _TELEMETRY.pack(_TELEMETRY_DESCRIPTOR, packet_id, tag >> BASE_SHIFT, 0, seconds, useconds) + values
    except struct.error:
        raise _unpackable("telemetry", packet_id, tag) from None


def parse_telemetry(packet: bytes) -> tuple[int, int, bytes]:
    """The id, the time tag and the values of a packetised telemetry packet. Raises `WireError`."""
    try:
        descriptor, packet_id, base, _context, seconds, useconds = _TELEMETRY.unpack_from(packet)
    except struct.error:
        raise _too_short("telemetry", packet, TELEMETRY_HEADER_SIZE) from None
    if descriptor != _TELEMETRY_DESCRIPTOR:
        raise _other_kind("telemetry", descriptor, _TELEMETRY_DESCRIPTOR)
    tag = join_tag(base, seconds, useconds, TELEMETRY_HEADER_SIZE - TAG_SIZE)
    return packet_id, tag, packet[TELEMETRY_HEADER_SIZE:]


def _too_short(kind: str, packet: bytes, header_size: int) -> WireError:
    return WireError(f"{kind} packet of {len(packet)} bytes: too short for its header of {header_size}")


def _other_kind(kind: str, descriptor: int, expected: int) -> WireError:
    return WireError(f"{kind} packet, byte 0: descriptor is {descriptor:#x}, not {expected:#x}")


def _unpackable(kind: str, identifier: int, tag: int) -> WireError:
    return WireError(f"{kind} packet: id {identifier} or time tag {tag:#x} does not fit its fields")
