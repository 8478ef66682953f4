"""The binary sequence file: every check of the reader, against a slow reference as well."""

from __future__ import annotations

import os
import random
import struct
from zlib import crc32

import construct
import pytest

from kittiwake.sequence.binary import (
    ABSOLUTE,
    END,
    MAX_PACKET_SIZE,
    RELATIVE,
    Record,
    SequenceError,
    SequenceFault,
    read_sequence,
    write_sequence,
)
from kittiwake.sequence.layout import SequenceLayout

NO_OP = bytes.fromhex("0000 00000100")
GOOD = write_sequence(
    [
        Record(RELATIVE, 0, 0, NO_OP),
        Record(RELATIVE, 1, 500_000, bytes.fromhex("0000 00000102 0008 66726f6d20736571")),
        Record(ABSOLUTE, 1705029824, 0, NO_OP),
    ]
)
LIMIT = 4096


def sealed(body: bytes) -> bytes:
    """The body with the CRC that belongs to it."""
    return body + struct.pack(">I", crc32(body))


def header(length: int, records: int, time_base: int = 0xFFFF, time_context: int = 0xFF) -> bytes:
    return struct.pack(">IIHB", length, records, time_base, time_context)


def with_records(records: bytes, count: int) -> bytes:
    return sealed(header(len(records) + 4, count) + records)


def fault_of(data: bytes, **options: int) -> SequenceError:
    with pytest.raises(SequenceError) as caught:
        read_sequence(data, LIMIT, **options)  # type: ignore[arg-type]
    return caught.value


def test_the_known_file_is_read_and_written() -> None:
    data = bytes.fromhex(
        "00000047 00000003 ffff ff"
        "01 00000000 00000000 00000006 0000 00000100"
        "01 00000001 0007a120 00000010 0000 00000102 0008 66726f6d20736571"
        "01 00000000 00000000 00000006 0000 00000500"
        "79def168"
    )
    file = read_sequence(data, LIMIT)
    assert file.header == (71, 3, 0xFFFF, 0xFF)
    assert [(record.kind, record.seconds, record.microseconds) for record in file.records] == [
        (RELATIVE, 0, 0),
        (RELATIVE, 1, 500_000),
        (RELATIVE, 0, 0),
    ]
    assert write_sequence(file.records) == data


def test_a_file_without_records_is_refused_unless_that_is_allowed() -> None:
    empty = bytes.fromhex("00000004 00000000 ffff ff ef739904")
    assert write_sequence([]) == empty
    assert fault_of(empty).fault is SequenceFault.NO_RECORDS
    assert read_sequence(empty, LIMIT, allow_empty=True).records == []


def test_an_end_record_is_one_byte() -> None:
    data = write_sequence([Record(RELATIVE, 0, 0, NO_OP), Record(END, 0, 0, b"")])
    assert len(data) == 11 + 19 + 1 + 4
    assert [record.kind for record in read_sequence(data, LIMIT).records] == [RELATIVE, END]


def test_the_time_base_and_context_must_be_the_clocks_or_any() -> None:
    data = write_sequence([Record(RELATIVE, 0, 0, NO_OP)], time_base=2, time_context=1)
    assert read_sequence(data, LIMIT, time_base=2, time_context=1).header.time_base == 2
    mismatch = fault_of(data, time_base=3)
    assert (mismatch.fault, mismatch.numbers) == (SequenceFault.TIME_BASE, (3, 2))
    mismatch = fault_of(data, time_base=2, time_context=0)
    assert (mismatch.fault, mismatch.numbers) == (SequenceFault.TIME_CONTEXT, (0, 1))
    assert read_sequence(GOOD, LIMIT, time_base=3, time_context=7).header.records == 3


@pytest.mark.parametrize(
    "data, fault, numbers",
    [
        (b"\0" * (LIMIT + 1), SequenceFault.TOO_LARGE, (LIMIT + 1, LIMIT)),
        (b"", SequenceFault.TOO_SHORT, (0, 15)),
        (GOOD[:14], SequenceFault.TOO_SHORT, (14, 15)),
        (GOOD[:-1], SequenceFault.LENGTH, (71, 70)),
        (GOOD + b"\0", SequenceFault.LENGTH, (71, 72)),
        (GOOD[:-4] + b"\0\0\0\0", SequenceFault.CRC, (0, crc32(GOOD[:-4]))),
        (with_records(b"", 1), SequenceFault.RECORD, (0, 11)),
        (with_records(b"\x01" + bytes(11), 1), SequenceFault.RECORD, (0, 11)),
        (with_records(struct.pack(">BIII", 3, 0, 0, 6) + NO_OP, 1), SequenceFault.RECORD, (0, 11)),
        (with_records(struct.pack(">BIII", 1, 0, 1_000_000, 6) + NO_OP, 1), SequenceFault.RECORD, (0, 11)),
        (with_records(struct.pack(">BIII", 1, 0, 0, 5) + NO_OP[:5], 1), SequenceFault.RECORD, (0, 11)),
        (with_records(struct.pack(">BIII", 1, 0, 0, 7) + NO_OP, 1), SequenceFault.RECORD, (0, 11)),
        (with_records(struct.pack(">BIII", 1, 0, 0, 6) + b"\0\x02\0\0\0\0", 1), SequenceFault.RECORD, (0, 11)),
        (
            with_records(struct.pack(">BIII", 1, 0, 0, MAX_PACKET_SIZE + 1) + bytes(MAX_PACKET_SIZE + 1), 1),
            SequenceFault.RECORD,
            (0, 11),
        ),
        (with_records(GOOD[11:-4], 2), SequenceFault.SURPLUS, (2, 19)),
        (with_records(GOOD[11:-4], 4), SequenceFault.RECORD, (3, len(GOOD) - 4)),
        (with_records(GOOD[11:-4], 0xFFFF_FFFF), SequenceFault.RECORD, (3, len(GOOD) - 4)),
    ],
)
def test_each_fault_has_its_kind_and_numbers(data: bytes, fault: SequenceFault, numbers: tuple[int, ...]) -> None:
    error = fault_of(data)
    assert (error.fault, error.numbers) == (fault, numbers)
    assert str(error) == error.message


def test_every_truncation_and_every_changed_bit_is_refused() -> None:
    for size in range(len(GOOD)):
        fault_of(GOOD[:size])
    for position in range(len(GOOD) * 8):
        changed = bytearray(GOOD)
        changed[position // 8] ^= 1 << position % 8
        fault_of(bytes(changed))


def reference(data: bytes) -> list[tuple[int, int, int, bytes]] | None:
    """The records by an obvious reader, or `None` for a file that is to be refused."""
    if len(data) < 15 or len(data) > LIMIT:
        return None
    length = int.from_bytes(data[0:4], "big")
    count = int.from_bytes(data[4:8], "big")
    if length != len(data) - 11 or count == 0:
        return None
    if crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
        return None
    rest = data[11:-4]
    records = []
    while count > 0:
        if rest[:1] == b"\x02":
            records.append((2, 0, 0, b""))
            rest = rest[1:]
        else:
            if len(rest) < 13 or rest[0] > 2:
                return None
            seconds, micros, size = (int.from_bytes(rest[at : at + 4], "big") for at in (1, 5, 9))
            packet = rest[13 : 13 + size]
            if len(packet) != size or size < 6 or size > MAX_PACKET_SIZE or micros > 999_999 or packet[:2] != b"\0\0":
                return None
            records.append((rest[0], seconds, micros, packet))
            rest = rest[13 + size :]
        count -= 1
    return None if rest else records


def mutated(dice: random.Random) -> bytes:
    """A file made at random, then damaged in one of several ways, most often with a CRC that fits."""
    records = []
    for _ in range(dice.randrange(1, 4)):
        packet = dice.choice((b"\0\0", b"\0\0", b"\0\0", b"\0\1")) + dice.randbytes(dice.choice((3, 4, 4, 9)))
        records.append(Record(dice.choice((0, 1, 1, 2)), dice.getrandbits(32), dice.randrange(1_000_000), packet))
    body = bytearray(write_sequence(records)[:-4])
    for _ in range(dice.choice((0, 0, 1, 1, 2))):
        change = dice.randrange(4)
        at = dice.randrange(len(body))
        if change == 0:
            body[at] = dice.choice((0, 1, 2, 3, 0xFF, dice.getrandbits(8)))
        elif change == 1:
            del body[at:]
            body += bytes(dice.randrange(3))
        elif change == 2:
            body[at:at] = dice.randbytes(dice.randrange(1, 4))
        else:
            body[7:8] = bytes([dice.randrange(5)])
        if not body:
            body = bytearray(1)
    if dice.random() < 0.6 and len(body) >= 4:
        body[0:4] = struct.pack(">I", max(0, len(body) - 11 + 4))
    if dice.random() < 0.05:
        return bytes(body) + dice.randbytes(4)
    return sealed(bytes(body))


def test_random_files_are_accepted_exactly_when_the_obvious_reader_accepts_them() -> None:
    dice = random.Random(20_261)
    accepted = refused = 0
    for _ in range(int(os.environ.get("KITTIWAKE_FUZZ_COUNT", "50000"))):
        data = mutated(dice)
        expected = reference(data)
        try:
            found: list[tuple[object, ...]] | None = [tuple(one) for one in read_sequence(data, LIMIT).records]
        except SequenceError:
            found = None
        assert found == expected, data.hex()
        accepted += expected is not None
        refused += expected is None
    assert accepted > refused / 10
    assert refused > accepted / 10


def test_random_files_are_accepted_exactly_when_the_described_layout_accepts_them() -> None:
    dice = random.Random(77)
    for _ in range(1000):
        data = mutated(dice)
        try:
            count: int | None = len(SequenceLayout.parse(data).body.value.records["items"])
        except construct.ConstructError:
            count = None
        try:
            found: int | None = len(read_sequence(data, LIMIT, allow_empty=True).records)
        except SequenceError:
            found = None
        assert found == count, data.hex()
