"""PDUs: what is written is read back, and spacepackets writes and reads the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.cfdp import (
    ChecksumType as TheirChecksumType,
)
from spacepackets.cfdp import (
    ConditionCode,
    CrcFlag,
    Direction,
    DirectiveType,
    LargeFileFlag,
    PduConfig,
    TransmissionMode,
)
from spacepackets.cfdp.pdu import (
    AckPdu,
    EofPdu,
    FileDataPdu,
    FinishedPdu,
    MetadataParams,
    MetadataPdu,
    NakPdu,
    TransactionStatus,
)
from spacepackets.cfdp.pdu.file_data import FileDataParams
from spacepackets.cfdp.pdu.finished import DeliveryCode, FinishedParams
from spacepackets.cfdp.pdu.finished import FileStatus as TheirFileStatus
from spacepackets.util import ByteFieldU16, ByteFieldU32

from kittiwake.cfdp.pdu import (
    MAX_NAME_SIZE,
    Ack,
    ChecksumType,
    Condition,
    Directive,
    Eof,
    FileData,
    FileStatus,
    Finished,
    Header,
    Metadata,
    Nak,
    PduFault,
    decode,
    encode,
)

u32 = st.integers(0, 2**32 - 1)
headers = st.builds(
    Header,
    st.integers(0, 65535),
    u32,
    st.integers(0, 65535),
    st.sampled_from([0, 1]),
    st.just(2),
    st.just(4),
    st.booleans(),
    st.just(False),
    st.just(True),
)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40)
sound = st.sampled_from([Condition.NO_ERROR, Condition.CHECKSUM_FAILURE, Condition.CANCELLED])
pdus = st.one_of(
    st.builds(Metadata, u32, names, names, st.sampled_from(ChecksumType), st.booleans()),
    st.builds(FileData, u32, st.binary(min_size=1, max_size=200)),
    st.builds(Eof, st.just(Condition.NO_ERROR), u32, u32),
    st.builds(Finished, sound, st.booleans(), st.sampled_from(FileStatus)),
    st.builds(Ack, st.sampled_from([Directive.EOF, Directive.FINISHED]), sound, st.integers(0, 3)),
    st.builds(Nak, u32, u32, st.lists(st.tuples(u32, u32), max_size=5).map(tuple)),
)


@given(headers, st.booleans(), pdus)
def test_what_is_written_is_read_back(header: Header, is_large: bool, pdu: Any) -> None:
    header = header._replace(is_large=is_large)
    assert decode(encode(header, pdu)) == (header, pdu)


def theirs(header: Header, pdu: Any) -> bytes:
    """The same PDU as spacepackets writes it."""
    conf = PduConfig(
        ByteFieldU16(header.source), ByteFieldU16(header.destination), ByteFieldU32(header.number),
        TransmissionMode.ACKNOWLEDGED, LargeFileFlag.NORMAL, CrcFlag(header.has_crc), Direction(header.direction),
    )  # fmt: skip
    made: Any
    match pdu:
        case Metadata(size, source, destination, checksum, closure):
            params = MetadataParams(closure, TheirChecksumType(checksum), size, source, destination)
            made = MetadataPdu(conf, params)
        case FileData(offset, data):
            made = FileDataPdu(conf, FileDataParams(data, offset))
        case Eof(condition, checksum, size):
            made = EofPdu(conf, checksum.to_bytes(4, "big"), size, condition_code=ConditionCode(condition))
        case Finished(condition, is_complete, status):
            code = DeliveryCode.DATA_COMPLETE if is_complete else DeliveryCode.DATA_INCOMPLETE
            made = FinishedPdu(conf, FinishedParams(ConditionCode(condition), code, TheirFileStatus(status)))
        case Ack(directive, condition, status):
            made = AckPdu(conf, DirectiveType(directive), ConditionCode(condition), TransactionStatus(status))
        case Nak(start, end, gaps):
            made = NakPdu(conf, start, end, list(gaps))
    return bytes(made.pack())


@given(headers, pdus)
def test_spacepackets_writes_the_same_bytes(header: Header, pdu: Any) -> None:
    # It settles the direction of each kind by itself.
    to_sender = isinstance(pdu, (Finished, Nak)) or (isinstance(pdu, Ack) and pdu.directive is Directive.EOF)
    header = header._replace(direction=int(to_sender))
    assert encode(header, pdu) == theirs(header, pdu)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_pdu_are_a_fault_and_nothing_else(data: bytes) -> None:
    try:
        header, pdu = decode(data)
    except PduFault:
        return
    assert isinstance(header, Header)
    assert decode(encode(header, pdu)) == (header, pdu)


@given(headers, pdus, st.data())
def test_a_pdu_that_was_cut_or_hurt_is_a_fault_or_a_pdu(header: Header, pdu: Any, data: st.DataObject) -> None:
    whole = bytearray(encode(header._replace(has_crc=True), pdu))
    place = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(PduFault):
        decode(bytes(whole[:place]))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found, _ = decode(bytes(whole))
    except PduFault:
        return
    assert not found.has_crc, "a CRC does not let one wrong bit pass"


def test_what_does_not_fit_is_not_written() -> None:
    header = Header(1, 1, 2, 0)
    with pytest.raises(PduFault, match="at most 255 bytes"):
        encode(header, Metadata(1, "x" * (MAX_NAME_SIZE + 1), "y"))
    with pytest.raises(PduFault, match="too long"):
        encode(header, FileData(0, bytes(70_000)))
    with pytest.raises(PduFault, match="1 to 8 bytes"):
        encode(header._replace(entity_size=9), FileData(0, b"x"))
    with pytest.raises(PduFault, match="does not fit"):
        encode(header._replace(source=70_000), FileData(0, b"x"))
