"""Frames on their way out of a link."""

from __future__ import annotations

import errno
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.interface import Stream

LIMIT_BYTES = 4 * 65536
"""The most that waits. Whoever asks for room first stays far below."""

PORTION_BYTES = 16384
"""Frames are joined up to so many bytes for one call of the system."""


class Outgoing:
    """A bounded queue of whole frames; of the first one a part may be sent already.

    `size` counts the bytes that wait, `dropped` the frames that were given up.
    """

    __slots__ = ("_frames", "_sent_of_first", "dropped", "size")

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._sent_of_first = 0
        self.size = 0
        self.dropped = 0

    def __bool__(self) -> bool:
        return bool(self._frames)

    def add(self, frame: bytes) -> None:
        """Puts a frame behind the others, or drops it if too much waits."""
        if self.size + len(frame) > LIMIT_BYTES:
            self.dropped += 1
            return
        self._frames.append(frame)
        self.size += len(frame)

    def send(self, stream: Stream) -> int:
        """Sends as much as a stream takes and says how many bytes that was. Raises `OSError`."""
        total = 0
        while self._frames:
            portion = self._portion()
            sent = stream.send(portion)
            total += sent
            self._take(sent)
            if sent < len(portion):
                break
        return total

    def _portion(self) -> bytes:
        first = self._frames[0]
        if self._sent_of_first:
            return first[self._sent_of_first :]
        if len(first) >= PORTION_BYTES or len(self._frames) == 1:
            return first
        portion = []
        size = 0
        for frame in self._frames:
            size += len(frame)
            if size > PORTION_BYTES:
                break
            portion.append(frame)
        return b"".join(portion)

    def _take(self, sent: int) -> None:
        self.size -= sent
        sent += self._sent_of_first
        frames = self._frames
        while frames and sent >= len(frames[0]):
            sent -= len(frames.popleft())
        self._sent_of_first = sent

    def send_datagrams(self, stream: Stream) -> int:
        """Sends each frame as a datagram of its own; one that is too long for that is dropped. Raises `OSError`."""
        total = 0
        while self._frames:
            frame = self._frames[0]
            try:
                sent = stream.send(frame)
            except OSError as fault:
                if fault.errno != errno.EMSGSIZE:
                    raise
                self._forget_first()
                continue
            if not sent:
                break
            total += sent
            self._take(len(frame))
        return total

    def forget_half(self) -> None:
        """Gives up a frame that was sent in part: the next receiver could not use its rest."""
        if self._sent_of_first:
            self._forget_first()

    def _forget_first(self) -> None:
        self.size -= len(self._frames.popleft()) - self._sent_of_first
        self._sent_of_first = 0
        self.dropped += 1
