"""Command, event, channel and telemetry packets: the vectors that the ground system reads, and every refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.types import WireError
from kittiwake.wire.packets import (
    Apid,
    channel_entry,
    channel_packet,
    check_channel_packet,
    command_packet,
    descriptor_of,
    event_packet,
    parse_channel_entry,
    parse_command,
    parse_event,
    parse_telemetry,
    telemetry_packet,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TAG = 2 << 64 | 1705029824_123456
U32 = st.integers(0, 0xFFFFFFFF)
TAGS = st.builds(lambda base, us: base << 64 | us, st.integers(0, 0xFFFF), st.integers(0, 2**32 * 1_000_000 - 1))

EVENT = bytes.fromhex("0002 00000200 000200 65a0b0c0 0001e240 00000003")
CHANNEL = bytes.fromhex("0001 00000300 000200 65a0b0c0 0001e240 00000003")
TELEMETRY = bytes.fromhex(
    "0004 0001 0002 00 65a0b0c0 0001e240 00000003 0002 6162 00000000000000000000 41ac0000 00000001"
)


def test_command_packets_are_those_of_the_ground_system() -> None:
    assert command_packet(0x100, b"") == bytes.fromhex("000000000100")
    assert command_packet(0x102, b"\0\2hi") == bytes.fromhex("00000000010200026869")
    assert parse_command(bytes.fromhex("00000000010200026869")) == (0x102, b"\0\2hi")


def test_event_packet_is_the_one_that_the_ground_system_reads() -> None:
    assert event_packet(0x200, TAG, b"\0\0\0\3") == EVENT
    assert parse_event(EVENT) == (0x200, TAG, b"\0\0\0\3")


def test_channel_packet_is_the_one_that_the_ground_system_reads() -> None:
    assert channel_packet([channel_entry(0x300, TAG, b"\0\0\0\3")]) == CHANNEL
    assert check_channel_packet(CHANNEL) == 2
    assert parse_channel_entry(CHANNEL, 2) == (0x300, TAG, 17)


def test_channel_packet_may_hold_several_entries() -> None:
    packet = channel_packet([channel_entry(1, TAG, b"\1"), channel_entry(2, TAG + 1, b"\2")])
    assert parse_channel_entry(packet, 2) == (1, TAG, 17)
    assert parse_channel_entry(packet, 18) == (2, TAG + 1, 33)


def test_telemetry_packet_is_the_one_that_the_ground_system_reads() -> None:
    assert telemetry_packet(1, TAG, TELEMETRY[15:]) == TELEMETRY
    assert parse_telemetry(TELEMETRY) == (1, TAG, TELEMETRY[15:])


@given(U32, TAGS, st.binary(max_size=40))
def test_every_packet_comes_back(identifier: int, tag: int, body: bytes) -> None:
    assert parse_command(command_packet(identifier, body)) == (identifier, body)
    assert parse_event(event_packet(identifier, tag, body)) == (identifier, tag, body)
    assert parse_telemetry(telemetry_packet(identifier & 0xFFFF, tag, body)) == (identifier & 0xFFFF, tag, body)
    assert parse_channel_entry(channel_packet([channel_entry(identifier, tag, body)]), 2) == (identifier, tag, 17)


def test_descriptors_are_those_of_fprime() -> None:
    assert {apid.name: apid.value for apid in Apid} == {
        "COMMAND": 0,
        "TELEM": 1,
        "LOG": 2,
        "FILE": 3,
        "PACKETIZED_TLM": 4,
        "DP": 5,
        "IDLE": 6,
        "PARAM": 7,
        "HAND": 0xFE,
        "UNKNOWN": 0xFF,
        "SPP_IDLE_PACKET": 0x7FF,
        "INVALID_UNINITIALIZED": 0x800,
    }
    assert descriptor_of(b"\0\xfe") == Apid.HAND
    with pytest.raises(WireError, match="too short for its descriptor"):
        descriptor_of(b"\0")


@pytest.mark.parametrize(
    "parse, packet",
    [(parse_command, b"\0\0" + bytes(4)), (parse_event, EVENT[:17]), (parse_telemetry, TELEMETRY[:15])],
)
def test_packets_too_short_or_of_another_kind_are_refused(parse: Callable[[bytes], object], packet: bytes) -> None:
    parse(packet)
    for size in range(len(packet)):
        with pytest.raises(WireError, match=f"{size} bytes: too short for its header of {len(packet)}"):
            parse(packet[:size])
    with pytest.raises(WireError, match="byte 0: descriptor is 0x9, not"):
        parse(b"\0\x09" + packet[2:])


def test_channel_packets_too_short_or_of_another_kind_are_refused() -> None:
    with pytest.raises(WireError, match="descriptor is 0x2, not 0x1"):
        check_channel_packet(EVENT)
    with pytest.raises(WireError, match="byte 2: an entry needs 15 bytes and a value, 14 are left"):
        parse_channel_entry(CHANNEL[:16], 2)


@pytest.mark.parametrize("microseconds", [1_000_000, 0xFFFFFFFF])
def test_headers_with_a_million_microseconds_are_refused(microseconds: int) -> None:
    wrong = microseconds.to_bytes(4, "big")
    with pytest.raises(WireError, match="time tag at byte 6"):
        parse_event(EVENT[:13] + wrong)
    with pytest.raises(WireError, match="time tag at byte 4"):
        parse_telemetry(TELEMETRY[:11] + wrong)
    with pytest.raises(WireError, match="time tag at byte 6"):
        parse_channel_entry(CHANNEL[:13] + wrong + CHANNEL[17:], 2)


def test_values_that_do_not_fit_their_fields_are_refused() -> None:
    with pytest.raises(WireError, match="opcode 4294967296"):
        command_packet(1 << 32, b"")
    with pytest.raises(WireError, match="event packet: id -1"):
        event_packet(-1, TAG, b"")
    with pytest.raises(WireError, match="channel packet"):
        channel_entry(1, 1 << 80, b"")
    with pytest.raises(WireError, match="telemetry packet: id 65536"):
        telemetry_packet(0x10000, TAG, b"")
