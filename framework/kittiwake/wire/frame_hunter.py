"""The search for frames in a stream of bytes that may hold anything.

A frame is recognised by a fixed sync word at its start, a size that its header gives, and a check over all of it. Where
any of the three fails the hunt goes on one byte later. What is accepted depends on the bytes alone, never on how they
were cut into pieces; what is kept between pieces is less than one frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.wire.crc import CRC16_INITIAL, crc16

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.wire.link_counters import LinkCounters


class FrameFormat:
    """How frames of one kind look.

    `sync` starts each; `size_at(buffer, offset)` gives the size in bytes of the frame whose header of `header_size`
    bytes is at `offset`, or 0 for none; sizes above `max_size` are refused; `sound(frame)` is the check.
    """

    __slots__ = ("header_size", "max_size", "size_at", "sound", "sync")

    def __init__(
        self,
        sync: bytes,
        header_size: int,
        max_size: int,
        size_at: Callable[[bytes, int], int],
        sound: Callable[[bytes], bool],
    ) -> None:
        self.sync = sync
        self.header_size = header_size
        self.max_size = max_size
        self.size_at = size_at
        self.sound = sound


class FrameHunter:
    """Finds the frames of one format in a stream and counts what it sees on the way."""

    def __init__(self, form: FrameFormat, counters: LinkCounters, foreign: ForeignFrames | None = None) -> None:
        self._form = form
        self._counters = counters
        self._foreign = foreign
        self._rest = b""

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their frame; always fewer than the largest frame has."""
        return len(self._rest)

    def reset(self) -> None:
        """Drops what waits for the rest of its frame, as when a connexion ended."""
        self._skip(self._rest)
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes, each from sync word to check."""
        form, counters = self._form, self._counters
        sync, header_size, max_size = form.sync, form.header_size, form.max_size
        size_at, sound = form.size_at, form.sound
        foreign = self._foreign
        buffer = self._rest + data if self._rest else bytes(data)
        end = len(buffer)
        frames: list[bytes] = []
        start = position = 0
        while True:
            found = buffer.find(sync, position)
            if found < 0:
                found = end if position == end else max(position, end - self._partial_sync(buffer))
                break
            if found + header_size > end:
                break
            size = size_at(buffer, found)
            position = found + 1
            if size == 0:
                continue
            if size > max_size:
                counters.oversize += 1
                continue
            if found + size > end:
                break
            frame = buffer[found : found + size]
            if not sound(frame):
                counters.crc_errors += 1
                continue
            if found > start:
                self._skip(buffer[start:found])
            if foreign is not None:
                foreign.reset()
            frames.append(frame)
            start = position = found + size
        if found > start:
            self._skip(buffer[start:found])
        self._rest = buffer[found:]
        counters.frames += len(frames)
        return frames

    def _partial_sync(self, buffer: bytes) -> int:
        """How many of the last bytes may be the start of a sync word."""
        sync = self._form.sync
        for count in range(len(sync) - 1, 0, -1):
            if buffer.endswith(sync[:count]):
                return count
        return 0

    def _skip(self, data: bytes) -> None:
        self._counters.skipped_bytes += len(data)
        if self._foreign is not None:
            self._foreign.skip(data)


class ForeignFrames:
    """Counts, among the bytes that a hunter skipped, the frames that are sound but for someone else.

    It looks at each byte once: a stretch that was taken for a frame and is none is not searched again. `size_at` is as
    in `FrameFormat`, for frames with any address but the hunter's own; the check is the CRC-16 that ends them.
    """

    def __init__(self, header_size: int, size_at: Callable[[bytes, int], int], counters: LinkCounters) -> None:
        self._header_size = header_size
        self._size_at = size_at
        self._counters = counters
        self._head = b""
        self._left = 0
        self._crc = CRC16_INITIAL

    def reset(self) -> None:
        """The next byte skipped follows on a frame that was accepted."""
        self._head = b""
        self._left = 0

    def skip(self, data: bytes) -> None:
        """Takes in bytes that were skipped."""
        buffer = self._head + data
        end = len(buffer)
        position = 0
        while position < end:
            if self._left:
                piece = buffer[position : position + self._left]
                position += len(piece)
                self._left -= len(piece)
                self._crc = crc16(piece, self._crc)
                if self._left == 0 and self._crc == 0:
                    self._counters.foreign_frames += 1
            elif position + self._header_size > end:
                break
            else:
                self._left = self._size_at(buffer, position)
                if self._left:
                    self._crc = CRC16_INITIAL
                else:
                    position += 1
        self._head = buffer[position:]
