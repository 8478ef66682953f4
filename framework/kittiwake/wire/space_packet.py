"""CCSDS space packets (CCSDS 133.0-B-2): a primary header of six bytes and an F´ packet as the data.

No secondary header and no segmentation. Each application process identifier (APID) has its own sequence count from 0,
modulo 16384. Uplink packets are of type telecommand, downlink packets of type telemetry; APID 0x7FF is idle.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.wire.packet_size import PacketSizeError

if TYPE_CHECKING:
    from kittiwake.wire.link_counters import LinkCounters

TELEMETRY = 0
TELECOMMAND = 1

SPACE_HEADER_SIZE = 6
MAX_SPACE_DATA_SIZE = 0x10000
"""Bytes of data in one space packet, as the header holds their count less one in a U16."""

IDLE_APID = 0x7FF
MIN_IDLE_SIZE = SPACE_HEADER_SIZE + 1
"""The smallest idle packet: a space packet has at least one byte of data, and its header counts the others."""

_HEADER = Struct(">HHH")
_LENGTH = Struct(">4xH")
_UNSEGMENTED = 0xC000
_COUNT_MASK = 0x3FFF
_TYPE_SHIFT = 12
_VERSION_AND_TYPE = 0xF000
_VERSION_TYPE_AND_SECONDARY = 0xF800
_SECONDARY_HEADER = 0x0800
_IDLE_FILL = b"\x44"


@lru_cache(maxsize=64)
def idle_packet(size: int) -> bytes:
    """An idle telemetry packet of `size` bytes in all, 7 to 65542."""
    filler = size - SPACE_HEADER_SIZE
    if not 0 < filler <= MAX_SPACE_DATA_SIZE:
        raise PacketSizeError(filler, MAX_SPACE_DATA_SIZE)
    return _HEADER.pack(IDLE_APID, _UNSEGMENTED, filler - 1) + _IDLE_FILL * filler


class SpacePacketFramer:
    """Makes space packets of one type, with at most `max_size` bytes of data, and keeps the sequence counts."""

    def __init__(self, packet_type: int, max_size: int = MAX_SPACE_DATA_SIZE) -> None:
        self._type_bits = packet_type << _TYPE_SHIFT
        self._max_size = max_size
        self._counts: dict[int, int] = {}

    def frame(self, packet: bytes, apid: int | None = None) -> bytes:
        """`packet` behind its primary header. Without `apid` the packet's descriptor, its first two bytes, is taken.

        Raises `PacketSizeError` for a packet that does not fit, `ValueError` for an APID of more than 11 bits.
        """
        size = len(packet)
        if not 0 < size <= self._max_size:
            raise PacketSizeError(size, self._max_size)
        if apid is None:
            apid = int.from_bytes(packet[:2], "big")
        if not 0 <= apid < IDLE_APID:
            raise ValueError(f"APID {apid:#x}: must be from 0 to {IDLE_APID - 1:#x}")
        count = self._counts.get(apid, 0)
        self._counts[apid] = count + 1 & _COUNT_MASK
        return _HEADER.pack(self._type_bits | apid, _UNSEGMENTED | count, size - 1) + packet


class SpacePacketDeframer:
    """Takes F´ packets out of space packets of one type and watches the sequence counts."""

    def __init__(self, packet_type: int, counters: LinkCounters) -> None:
        self._type_bits = packet_type << _TYPE_SHIFT
        self._counters = counters
        # The second header word, flags and count, that should follow behind each first one.
        self._expected: dict[int, int] = {}

    def reset(self) -> None:
        """The next packet may have any count, as when another sender connects."""
        self._expected.clear()

    def unpack(self, data: bytes) -> bytes | None:
        """The data of the one unsegmented space packet that fills `data`; None for an idle or a malformed one."""
        size = len(data)
        if size > SPACE_HEADER_SIZE:
            identification, sequence, length = _HEADER.unpack_from(data)
            if (
                identification & _VERSION_TYPE_AND_SECONDARY == self._type_bits
                and sequence & _UNSEGMENTED == _UNSEGMENTED
                and size == SPACE_HEADER_SIZE + length + 1
            ):
                if identification & IDLE_APID == IDLE_APID:
                    return None
                self._watch(identification, sequence)
                self._counters.packets += 1
                return data[SPACE_HEADER_SIZE:]
        self._counters.malformed += 1
        return None

    def split(self, run: bytes) -> list[bytes]:
        """The data of the space packets that stand back to back in `run`, idle ones left out.

        Where no header of the right version and type stands, one byte is skipped, as fprime-gds does; secondary header
        and segmentation flags are ignored, as there.
        """
        packets: list[bytes] = []
        expected, type_bits, unpack_from = self._expected, self._type_bits, _HEADER.unpack_from
        end = len(run)
        last = end - SPACE_HEADER_SIZE
        offset = skipped = 0
        while offset < last:
            identification, sequence, length = unpack_from(run, offset)
            stop = offset + MIN_IDLE_SIZE + length
            # A header that is just as expected has been looked at before, in all but the count.
            if expected.get(identification) == sequence and stop <= end:
                expected[identification] = sequence + 1
                packets.append(run[offset + SPACE_HEADER_SIZE : stop])
            elif identification & _VERSION_AND_TYPE != type_bits:
                offset += 1
                skipped += 1
                continue
            elif stop > end:
                break
            elif identification & IDLE_APID != IDLE_APID:
                self._watch(identification, sequence)
                packets.append(run[offset + SPACE_HEADER_SIZE : stop])
            offset = stop
        skipped += end - offset
        if skipped:
            self._counters.skipped_bytes += skipped
        self._counters.packets += len(packets)
        return packets

    def _watch(self, identification: int, sequence: int) -> None:
        expected = self._expected
        # One APID has one count, with or without a secondary header: the word that came last is kept.
        other = expected.pop(identification ^ _SECONDARY_HEADER, sequence)
        if (expected.get(identification, other) ^ sequence) & _COUNT_MASK:
            self._counters.packet_gaps += 1
        expected[identification] = sequence + 1


def whole_packets_size(data: bytes | bytearray) -> int:
    """How many bytes at the start of `data` are whole space packets, by the lengths that their headers give."""
    length_at = _LENGTH.unpack_from
    end = len(data)
    last = end - SPACE_HEADER_SIZE
    offset = 0
    while offset < last:
        (length,) = length_at(data, offset)
        following = offset + MIN_IDLE_SIZE + length
        if following > end:
            break
        offset = following
    return offset
