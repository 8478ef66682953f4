"""F´ frames: start word 0xDEADBEEF, U32 size of the data, the data, CRC-32 of all before (F´ `Svc::FprimeProtocol`)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.wire.crc import crc32
from kittiwake.wire.frame_hunter import FrameFormat, FrameHunter
from kittiwake.wire.link_counters import LinkCounters
from kittiwake.wire.packet_size import PacketSizeError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FPRIME_DATA_SIZE = 4095
"""The most bytes of data that fprime-gds takes in one frame."""

_START_WORD = 0xDEADBEEF
_SYNC = _START_WORD.to_bytes(4, "big")
_HEADER = Struct(">II")
_SIZE = _CHECK = Struct(">I")
_HEADER_SIZE = 8
_CHECK_SIZE = 4


class FprimeFramer:
    """Puts each packet in a frame of its own; `seal`, if given, turns a packet into the frame's data."""

    def __init__(self, max_size: int = MAX_FPRIME_DATA_SIZE, *, seal: Callable[[bytes], bytes] | None = None) -> None:
        self._max_size = max_size
        self._seal = seal

    def frame(self, packet: bytes, apid: int | None = None) -> bytes:
        """The frame around `packet`; `apid` has no place in it. Raises `PacketSizeError`."""
        data = packet if self._seal is None else self._seal(packet)
        if not 0 < len(data) <= self._max_size:
            raise PacketSizeError(len(data), self._max_size)
        checked = _HEADER.pack(_START_WORD, len(data)) + data
        return checked + crc32(checked).to_bytes(_CHECK_SIZE, "big")

    def flush(self) -> bytes:
        """Nothing: no frame waits to be filled."""
        return b""


class FprimeDeframer:
    """Finds F´ frames in a stream; `unseal`, if given, turns a frame's data into the packet, or None to refuse it."""

    def __init__(
        self, max_size: int = MAX_FPRIME_DATA_SIZE, *, unseal: Callable[[bytes], bytes | None] | None = None
    ) -> None:
        self.counters = LinkCounters()
        self._unseal = unseal
        max_frame_size = _HEADER_SIZE + max_size + _CHECK_SIZE
        form = FrameFormat(_SYNC, _HEADER_SIZE, max_frame_size, _frame_size_at, _is_sound)
        self._hunter = FrameHunter(form, self.counters)

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return self._hunter.held_bytes

    def reset(self) -> None:
        """Drops what waits for the rest of its frame."""
        self._hunter.reset()

    def feed(self, data: bytes) -> list[bytes]:
        """The F´ packets that `data` completes, descriptors included."""
        counters = self.counters
        packets = [frame[_HEADER_SIZE:-_CHECK_SIZE] for frame in self._hunter.feed(data)]
        if self._unseal is not None and packets:
            opened = [self._unseal(packet) for packet in packets]
            packets = [packet for packet in opened if packet is not None]
            counters.refused += len(opened) - len(packets)
        counters.packets += len(packets)
        return packets


def _frame_size_at(buffer: bytes, offset: int) -> int:
    size: int = _SIZE.unpack_from(buffer, offset + 4)[0]
    return _HEADER_SIZE + size + _CHECK_SIZE if size else 0


def _is_sound(frame: bytes) -> bool:
    checked = len(frame) - _CHECK_SIZE
    wanted: int = _CHECK.unpack_from(frame, checked)[0]
    return crc32(frame[:checked]) == wanted
