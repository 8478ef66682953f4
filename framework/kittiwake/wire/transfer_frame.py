"""CCSDS transfer frames: TC frames up (CCSDS 232.0-B-4), TM frames down (CCSDS 132.0-B-3).

A TC frame has the size its header gives, up to 1024 bytes, and one data field. TM frames all have one size; space
packets run on from frame to frame, and each frame's first header pointer says where in it the first packet starts.
Both end in a CRC-16. The data field of a TC frame is bytes here: what it holds is a stage of its own.
"""

from __future__ import annotations

from struct import Struct

from kittiwake.wire.crc import crc16
from kittiwake.wire.frame_hunter import ForeignFrames, FrameFormat, FrameHunter
from kittiwake.wire.link_counters import LinkCounters
from kittiwake.wire.packet_size import PacketSizeError
from kittiwake.wire.space_packet import (
    MIN_IDLE_SIZE,
    TELEMETRY,
    SpacePacketFramer,
    idle_packet,
    whole_packets_size,
)

SPACECRAFT_ID = 0x44
"""F´'s default spacecraft."""

VIRTUAL_CHANNEL_ID = 1
"""F´'s default virtual channel."""

MAX_TC_FRAME_SIZE = 1024
TC_OVERHEAD = 7
"""Bytes of a TC frame that are not its data field: a header of 5 and a check of 2."""

TM_FRAME_SIZE = 1024
"""F´'s default size of TM frames."""

MIN_TM_FRAME_SIZE = 16
MAX_TM_FRAME_SIZE = 2048
"""The largest TM frame: its first header pointer has 11 bits."""

TM_OVERHEAD = 8
"""Bytes of a TM frame that are not its data field: a header of 6 and a check of 2."""

_CHECK_SIZE = 2
_TC_HEADER = Struct(">HHB")
_TC_HEADER_SIZE = 5
_TC_ADDRESS_SIZE = 4
_TC_BYPASS = 0x2000
_TM_HEADER = Struct(">HBBH")
_TM_HEADER_SIZE = 6
_TM_DATA_FIELD_STATUS = 0x1800
_FIRST_HEADER_MASK = 0x7FF
_NO_PACKET_STARTS = 0x7FF
_IDLE_ONLY = 0x7FE


class TcFramer:
    """Makes TC frames of one spacecraft and virtual channel: type BD, frame sequence number 0."""

    def __init__(
        self,
        spacecraft_id: int = SPACECRAFT_ID,
        vcid: int = VIRTUAL_CHANNEL_ID,
        max_frame_size: int = MAX_TC_FRAME_SIZE,
    ) -> None:
        _check_address(spacecraft_id, vcid, 0x3F)
        self._identification = _TC_BYPASS | spacecraft_id
        self._vcid_bits = vcid << 10
        self._max_data_size = min(max_frame_size, MAX_TC_FRAME_SIZE) - TC_OVERHEAD

    def frame(self, data: bytes) -> bytes:
        """The frame with `data` as its data field. Raises `PacketSizeError`."""
        size = len(data)
        if not 0 < size <= self._max_data_size:
            raise PacketSizeError(size, self._max_data_size)
        checked = _TC_HEADER.pack(self._identification, self._vcid_bits | size + TC_OVERHEAD - 1, 0) + data
        return checked + crc16(checked).to_bytes(_CHECK_SIZE, "big")


class TcDeframer:
    """Finds the TC frames of one spacecraft and virtual channel in a stream."""

    def __init__(
        self,
        spacecraft_id: int = SPACECRAFT_ID,
        vcid: int = VIRTUAL_CHANNEL_ID,
        max_frame_size: int = MAX_TC_FRAME_SIZE,
        counters: LinkCounters | None = None,
    ) -> None:
        _check_address(spacecraft_id, vcid, 0x3F)
        self.counters = counters or LinkCounters()
        sync = (_TC_BYPASS | spacecraft_id).to_bytes(2, "big")

        def size_at(buffer: bytes, offset: int) -> int:
            return _tc_size_at(buffer, offset) if buffer[offset + 2] >> 2 == vcid else 0

        def foreign_size_at(buffer: bytes, offset: int) -> int:
            if buffer[offset] & 0xFC != _TC_BYPASS >> 8:
                return 0
            if buffer[offset + 2] >> 2 == vcid and buffer.startswith(sync, offset):
                return 0
            return _tc_size_at(buffer, offset)

        form = FrameFormat(sync, _TC_ADDRESS_SIZE, max_frame_size, size_at, _is_sound)
        foreign = ForeignFrames(_TC_ADDRESS_SIZE, foreign_size_at, self.counters)
        self._hunter = FrameHunter(form, self.counters, foreign)

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return self._hunter.held_bytes

    def reset(self) -> None:
        """Drops what waits for the rest of its frame."""
        self._hunter.reset()

    def feed(self, data: bytes) -> list[bytes]:
        """The data fields of the frames that `data` completes."""
        return [frame[_TC_HEADER_SIZE:-_CHECK_SIZE] for frame in self._hunter.feed(data)]


class TmFramer:
    """Packs F´ packets into space packets and these into TM frames, as many in a frame as fit.

    A packet may start in one frame and end in another. `flush` sends what waits: it fills the frame with an idle
    packet, never with zeros, which are no idle data.
    """

    def __init__(
        self, spacecraft_id: int = SPACECRAFT_ID, vcid: int = VIRTUAL_CHANNEL_ID, frame_size: int = TM_FRAME_SIZE
    ) -> None:
        _check_address(spacecraft_id, vcid, 7)
        _check_frame_size(frame_size)
        self._identification = spacecraft_id << 4 | vcid << 1
        self._capacity = frame_size - TM_OVERHEAD
        self._packets = SpacePacketFramer(TELEMETRY)
        self._count = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._first_header = _NO_PACKET_STARTS
        self._waiting = False

    def frame(self, packet: bytes, apid: int | None = None) -> bytes:
        """The frames, any number of them, that `packet` fills up; without `apid` the packet's descriptor is taken.

        Raises `PacketSizeError` for a packet that does not fit a space packet, `ValueError` for an APID out of range.
        """
        space_packet = self._packets.frame(packet, apid)
        self._waiting = True
        return self._append(space_packet)

    def flush(self) -> bytes:
        """The frame that completes every packet so far, or nothing when none waits."""
        if not self._waiting:
            return b""
        # Fewer than 7 bytes hold no idle packet: the smallest one runs on into the next frame, which need not follow.
        frames = self._append(idle_packet(max(self._capacity - self._size, MIN_IDLE_SIZE)))
        self._waiting = False
        return frames

    def _append(self, space_packet: bytes) -> bytes:
        if self._first_header == _NO_PACKET_STARTS:
            self._first_header = self._size
        self._parts.append(space_packet)
        self._size += len(space_packet)
        capacity = self._capacity
        if self._size < capacity:
            return b""
        field = b"".join(self._parts)
        offset = 0
        frames = []
        while len(field) - offset >= capacity:
            frames.append(self._close(field[offset : offset + capacity]))
            offset += capacity
            # fprime-gds holds a packet that ends just with a frame of nothing else until the next frame has come.
            self._waiting = self._first_header == _NO_PACKET_STARTS or offset < len(field)
            self._first_header = _NO_PACKET_STARTS
        self._parts = [field[offset:]]
        self._size = len(field) - offset
        return b"".join(frames)

    def _close(self, field: bytes) -> bytes:
        count = self._count
        self._count = count + 1 & 0xFF
        status = _TM_DATA_FIELD_STATUS | self._first_header
        checked = _TM_HEADER.pack(self._identification, count, count, status) + field
        return checked + crc16(checked).to_bytes(_CHECK_SIZE, "big")


class TmDeframer:
    """Finds the TM frames of one spacecraft and virtual channel in a stream and joins the space packets in them."""

    def __init__(
        self,
        spacecraft_id: int = SPACECRAFT_ID,
        vcid: int = VIRTUAL_CHANNEL_ID,
        frame_size: int = TM_FRAME_SIZE,
        counters: LinkCounters | None = None,
    ) -> None:
        _check_address(spacecraft_id, vcid, 7)
        _check_frame_size(frame_size)
        self.counters = counters or LinkCounters()
        self._frame_size = frame_size
        self._expected_count: int | None = None
        self._partial = bytearray()
        sync = (spacecraft_id << 4 | vcid << 1).to_bytes(2, "big")

        def size_at(_buffer: bytes, _offset: int) -> int:
            return frame_size

        def foreign_size_at(buffer: bytes, offset: int) -> int:
            return 0 if buffer[offset] & 0xC0 or buffer.startswith(sync, offset) else frame_size

        form = FrameFormat(sync, len(sync), frame_size, size_at, _is_sound)
        foreign = ForeignFrames(len(sync), foreign_size_at, self.counters)
        self._hunter = FrameHunter(form, self.counters, foreign)

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their frame or of their packet, at most a frame and a space packet."""
        return self._hunter.held_bytes + len(self._partial)

    def reset(self) -> None:
        """Drops what waits for the rest of its frame or packet; the next frame may have any count."""
        self._hunter.reset()
        self._drop_partial()
        self._expected_count = None

    def feed(self, data: bytes) -> list[bytes]:
        """Runs of whole space packets, idle ones included: those that each frame in `data` completes."""
        runs = [self._join(frame) for frame in self._hunter.feed(data)]
        return [run for run in runs if run]

    def _join(self, frame: bytes) -> bytes:
        _address, _master_count, count, status = _TM_HEADER.unpack_from(frame)
        if count != self._expected_count and self._expected_count is not None:
            self.counters.frame_gaps += 1
            self._drop_partial()
        self._expected_count = count + 1 & 0xFF
        first_header = status & _FIRST_HEADER_MASK
        if first_header == _IDLE_ONLY:
            self._drop_partial()
            return b""
        field = frame[_TM_HEADER_SIZE:-_CHECK_SIZE]
        if first_header == _NO_PACKET_STARTS:
            return self._continue(field, ends=False)
        if first_header >= len(field):
            self.counters.malformed += 1
            self._drop_partial()
            return b""
        ended = self._continue(field[:first_header], ends=True)
        started = field[first_header:] if first_header else field
        whole = whole_packets_size(started)
        if whole < len(started):
            self._partial += started[whole:]
            started = started[:whole]
        return ended + started if ended else started

    def _continue(self, data: bytes, *, ends: bool) -> bytes:
        """Adds `data` to the packet that an earlier frame started and gives it when it is whole.

        `ends` tells that the next packet starts right behind `data`; lengths that disagree with that lose the packet.
        """
        partial = self._partial
        if not partial:
            self.counters.skipped_bytes += len(data)
            return b""
        partial += data
        whole = whole_packets_size(partial)
        if whole == len(partial):
            self._partial = bytearray()
            return bytes(partial)
        if ends or whole:
            self.counters.malformed += 1
            self._drop_partial()
        return b""

    def _drop_partial(self) -> None:
        if self._partial:
            self.counters.skipped_bytes += len(self._partial)
            self._partial = bytearray()


def _tc_size_at(buffer: bytes, offset: int) -> int:
    size = ((buffer[offset + 2] & 3) << 8 | buffer[offset + 3]) + 1
    return size if size > TC_OVERHEAD else 0


def _is_sound(frame: bytes) -> bool:
    return crc16(frame) == 0


def _check_address(spacecraft_id: int, vcid: int, max_vcid: int) -> None:
    if not 0 <= spacecraft_id <= 0x3FF:
        raise ValueError(f"spacecraft id {spacecraft_id}: must be from 0 to {0x3FF}")
    if not 0 <= vcid <= max_vcid:
        raise ValueError(f"virtual channel id {vcid}: must be from 0 to {max_vcid}")


def _check_frame_size(frame_size: int) -> None:
    if not MIN_TM_FRAME_SIZE <= frame_size <= MAX_TM_FRAME_SIZE:
        raise ValueError(f"TM frame size {frame_size}: must be from {MIN_TM_FRAME_SIZE} to {MAX_TM_FRAME_SIZE}")
