"""Space packets, with the package `spacepackets` as the oracle for their headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ccsds.spacepacket import (
    PacketType,
    SequenceFlags,
    SpacePacketHeader,
)

from kittiwake.wire.link_counters import LinkCounters
from kittiwake.wire.packet_size import PacketSizeError
from kittiwake.wire.space_packet import (
    TELECOMMAND,
    TELEMETRY,
    SpacePacketDeframer,
    SpacePacketFramer,
    idle_packet,
)

APIDS = st.integers(0, 0x7FE)


@given(st.sampled_from([TELEMETRY, TELECOMMAND]), APIDS, st.integers(0, 5), st.binary(min_size=1, max_size=40))
def test_headers_are_those_of_the_oracle(packet_type: int, apid: int, count: int, data: bytes) -> None:
    framer = SpacePacketFramer(packet_type)
    for _ in range(count):
        framer.frame(b"?", apid)
    framed = framer.frame(data, apid)
    header = SpacePacketHeader(PacketType(packet_type), apid, count, len(data) - 1)
    assert framed == bytes(header.pack()) + data


@given(
    st.sampled_from([TELEMETRY, TELECOMMAND]),
    APIDS,
    st.integers(0, 0x3FFF),
    st.binary(min_size=1, max_size=20),
    st.booleans(),
    st.sampled_from(SequenceFlags),
)
def test_the_oracles_packets_are_unpacked_when_they_are_telecommands_in_one_piece(
    packet_type: int, apid: int, count: int, data: bytes, secondary: bool, flags: SequenceFlags
) -> None:
    header = SpacePacketHeader(PacketType(packet_type), apid, count, len(data) - 1, secondary, flags)
    counters = LinkCounters()
    found = SpacePacketDeframer(TELECOMMAND, counters).unpack(bytes(header.pack()) + data)
    fits = packet_type == TELECOMMAND and not secondary and flags == SequenceFlags.UNSEGMENTED
    assert found == (data if fits else None)
    assert (counters.packets, counters.malformed) == ((1, 0) if fits else (0, 1))


def test_apid_is_the_packets_descriptor_unless_given() -> None:
    framer = SpacePacketFramer(TELECOMMAND)
    assert framer.frame(bytes.fromhex("000300")).hex(" ", -2) == "1003 c000 0002 0003 00"
    assert framer.frame(bytes.fromhex("000300"), 5).hex(" ", -2) == "1005 c000 0002 0003 00"


def test_sequence_counts_are_per_apid_and_start_again_after_16383() -> None:
    framer = SpacePacketFramer(TELEMETRY)
    counts = [framer.frame(b"\0\2")[2:4].hex() for _ in range(4 * 16384 + 1)]
    assert counts[:2] == ["c000", "c001"]
    assert counts[-2:] == ["ffff", "c000"]
    assert framer.frame(b"\0\1")[2:4].hex() == "c000"


def test_gaps_in_sequence_counts_are_counted_but_cost_no_packet() -> None:
    framer, counters = SpacePacketFramer(TELEMETRY), LinkCounters()
    packets = [framer.frame(b"\0\2") for _ in range(16400)]
    deframer = SpacePacketDeframer(TELEMETRY, counters)
    assert len(deframer.split(b"".join(packets))) == 16400
    assert counters.packet_gaps == 0
    assert len(deframer.split(packets[100] + packets[101] + packets[103])) == 3
    assert counters.packet_gaps == 2


def test_gaps_in_sequence_counts_of_telecommands_are_counted() -> None:
    framer, counters = SpacePacketFramer(TELECOMMAND), LinkCounters()
    first, _lost, third = (framer.frame(b"\0\0\0") for _ in range(3))
    deframer = SpacePacketDeframer(TELECOMMAND, counters)
    assert [deframer.unpack(first), deframer.unpack(third)] == [b"\0\0\0", b"\0\0\0"]
    assert counters.packet_gaps == 1


def test_idle_packets_are_dropped_silently() -> None:
    counters = LinkCounters()
    run = idle_packet(7) + SpacePacketFramer(TELEMETRY).frame(b"\0\2x") + idle_packet(40)
    assert SpacePacketDeframer(TELEMETRY, counters).split(run) == [b"\0\2x"]
    assert SpacePacketDeframer(TELECOMMAND, counters).unpack(bytes.fromhex("17ffc000000044")) is None
    assert (counters.packets, counters.skipped_bytes, counters.malformed) == (1, 0, 0)
    assert idle_packet(9) == bytes.fromhex("07ffc0000002444444")


def test_bytes_that_start_no_telemetry_packet_are_skipped_one_by_one() -> None:
    counters = LinkCounters()
    telecommand = SpacePacketFramer(TELECOMMAND).frame(b"\xff\xff\xff", 0x7F)
    wanted = SpacePacketFramer(TELEMETRY).frame(b"\0\2x")
    deframer = SpacePacketDeframer(TELEMETRY, counters)
    assert deframer.split(b"\xff\xff\xff" + wanted + b"\xff" * 9) == [b"\0\2x"]
    assert counters.skipped_bytes == 12
    assert deframer.split(telecommand) == []


@pytest.mark.parametrize("size", [0, 65537])
def test_packets_that_do_not_fit_are_refused_with_the_limit(size: int) -> None:
    with pytest.raises(PacketSizeError) as caught:
        SpacePacketFramer(TELEMETRY).frame(bytes(size), 1)
    assert (caught.value.size, caught.value.limit) == (size, 65536)


@pytest.mark.parametrize("apid", [-1, 0x7FF, 0x800])
def test_apids_that_are_idle_or_too_large_are_refused(apid: int) -> None:
    with pytest.raises(ValueError, match="must be from 0 to 0x7fe"):
        SpacePacketFramer(TELEMETRY).frame(b"\0\1", apid)


@pytest.mark.parametrize("size", [6, 65543])
def test_idle_packets_have_7_to_65542_bytes(size: int) -> None:
    with pytest.raises(PacketSizeError):
        idle_packet(size)


def test_an_apid_has_one_count_with_and_without_a_secondary_header() -> None:
    counters = LinkCounters()
    deframer = SpacePacketDeframer(TELEMETRY, counters)
    runs = ["0001c0000000aa", "0801c0010000bb", "0001c0020000cc", "0001c0030000dd", "000140040000ee", "0001c0060000ff"]
    found = [deframer.split(bytes.fromhex(run)) for run in runs]
    assert b"".join([packet for packets in found for packet in packets]) == bytes.fromhex("aabbccddeeff")
    assert counters.packet_gaps == 1


def test_the_sequence_count_goes_on_at_zero_behind_its_highest() -> None:
    counters = LinkCounters()
    deframer = SpacePacketDeframer(TELEMETRY, counters)
    assert len(deframer.split(bytes.fromhex("0001fffe0000aa 0001ffff0000bb 0001c0000000cc 0001c0010000dd"))) == 4
    assert counters.packet_gaps == 0
