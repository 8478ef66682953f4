"""File packets and their checksum."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.types import WireError
from kittiwake.wire.file_packets import (
    CancelPacket,
    DataPacket,
    EndPacket,
    FileChecksum,
    FilePacket,
    StartPacket,
    decode,
)

if TYPE_CHECKING:
    from random import Random

VECTORS = [
    (
        StartPacket(0, 10, "/src/a.bin", "/dst/a.bin"),
        "0003 00 00000000 0000000a 0a 2f7372632f612e62696e 0a 2f6473742f612e62696e",
    ),
    (DataPacket(1, 0, b"012345"), "0003 01 00000001 00000000 0006 303132333435"),
    (DataPacket(2, 6, b"6789"), "0003 01 00000002 00000006 0004 36373839"),
    (EndPacket(3, 0x9C9F686A), "0003 02 00000003 9c9f686a"),
    (CancelPacket(4), "0003 03 00000004"),
]
U32 = st.integers(0, 0xFFFFFFFF)
PATHS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
PACKETS = st.one_of(
    st.builds(StartPacket, U32, U32, PATHS, PATHS),
    st.builds(DataPacket, U32, U32, st.binary(max_size=300)),
    st.builds(EndPacket, U32, U32),
    st.builds(CancelPacket, U32),
)


@pytest.mark.parametrize("packet, expected", VECTORS)
def test_packets_are_those_of_the_ground_system(packet: FilePacket, expected: str) -> None:
    assert packet.encode() == bytes.fromhex(expected)
    decoded = decode(bytes.fromhex(expected))
    assert (type(decoded), decoded) == (type(packet), packet)


@given(PACKETS)
def test_every_packet_comes_back_and_none_is_taken_when_cut_or_lengthened(packet: FilePacket) -> None:
    encoded = packet.encode()
    assert decode(encoded) == packet
    for wrong in (encoded[:-1], encoded + b"\0"):
        with pytest.raises(WireError):
            decode(wrong)


@pytest.mark.parametrize(
    "data, why",
    [
        ("0003 01 000000", "6 bytes: too short for its header of 7"),
        ("0002 03 00000004", "byte 0: descriptor is 0x2, not 0x3"),
        ("0003 04 00000004", "byte 2: kind 4 is none of"),
        ("0003 03 00000004 00", "CANCEL, byte 7: 1 bytes too many"),
        ("0003 02 00000003 9c9f68", "END, byte 7: the checksum needs 4 bytes"),
        ("0003 02 00000003 9c9f686a 0000", "END, byte 11: 2 bytes too many"),
        ("0003 01 00000001 00000000 00", "DATA of 12 bytes: too short for its header of 13"),
        ("0003 01 00000001 00000000 0006 3031", "byte 11: 6 bytes announced, 2 follow"),
        ("0003 01 00000001 00000000 0001 3031", "byte 11: 1 bytes announced, 2 follow"),
        ("0003 00 00000000 0000", "START, byte 7: the file size needs 4 bytes"),
        ("0003 00 00000000 0000000a", "byte 11: the length of the source path is missing"),
        ("0003 00 00000000 0000000a 02 2f", "byte 11: source path of 2 bytes, 1 follow"),
        ("0003 00 00000000 0000000a 01 2f", "byte 13: the length of the destination path is missing"),
        ("0003 00 00000000 0000000a 01 2f 02 2fff", "byte 15: destination path is no UTF-8"),
        ("0003 00 00000000 0000000a 01 2f 01 2f 00", "START, byte 15: 1 bytes too many"),
    ],
)
def test_refusals_say_at_which_byte_and_why(data: str, why: str) -> None:
    with pytest.raises(WireError, match=why):
        decode(bytes.fromhex(data))


@pytest.mark.parametrize(
    "packet, why",
    [
        (StartPacket(0, 1 << 32, "/a", "/b"), "size 4294967296 is no U32"),
        (StartPacket(0, 0, "é" * 128, "/b"), "source path has 256 bytes, at most 255"),
        (StartPacket(0, 0, "/a", "b" * 256), "destination path has 256 bytes"),
        (DataPacket(0, 0, bytes(65536)), "65536 bytes are more than 65535"),
        (DataPacket(-1, 0, b""), "index -1"),
        (EndPacket(0, -1), "checksum -1 is no U32"),
        (CancelPacket(1 << 32), "index 4294967296 is no U32"),
    ],
)
def test_packets_with_fields_out_of_range_are_not_encoded(packet: FilePacket, why: str) -> None:
    with pytest.raises(WireError, match=why):
        packet.encode()


def test_checksum_of_the_vector() -> None:
    checksum = FileChecksum()
    checksum.update(0, b"0123456789")
    assert checksum.value == 0x9C9F686A


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6), st.randoms(use_true_random=False))
def test_checksum_is_the_sum_by_definition_however_the_file_is_cut(
    data: bytes, cuts: list[int], random: Random
) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = list(pairwise(edges))
    random.shuffle(pieces)
    checksum = FileChecksum()
    for start, stop in pieces:
        checksum.update(start, data[start:stop])
    assert checksum.value == sum(byte << 24 - 8 * (offset % 4) for offset, byte in enumerate(data)) % 2**32


def test_checksum_wraps_at_32_bits() -> None:
    checksum = FileChecksum()
    checksum.update(0, b"\xff" * 4000)
    assert checksum.value == 1000 * 0xFFFFFFFF % 2**32
