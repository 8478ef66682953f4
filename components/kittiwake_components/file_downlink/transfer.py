"""One file on its way down: the packets of it, one at a time, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.wire.file_packets import DATA_HEADER_SIZE, DataPacket, EndPacket, FileChecksum, StartPacket

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.commands import CommandResponse
    from kittiwake.platform.interface import File, Files


class Request:
    """A file that somebody wants sent: `length` bytes from `offset`, all to the end where `length` is 0.

    `done` is called once, with how it ended.
    """

    __slots__ = ("destination", "done", "length", "offset", "source")

    def __init__(
        self, source: str, destination: str, offset: int, length: int, done: Callable[[CommandResponse], object]
    ) -> None:
        self.source = source
        self.destination = destination
        self.offset = offset
        self.length = length
        self.done = done


class FileChanged(ValueError):
    """A file that was changed while it was read; what was sent of it is no copy of anything."""


class Transfer:
    """The open file of a request, its bytes `start` to before `end`, and how far they were sent.

    `sequence_index` is that of the next packet, `offset` where the next DATA packet begins.
    """

    def __init__(self, files: Files, path: str, request: Request, packet_size: int) -> None:
        self.request = request
        self.sequence_index = 0
        self.file_size = 0
        self.offset = self.end = request.offset
        self.is_finished = False
        self._files = files
        self._path = path
        self._chunk_size = packet_size - DATA_HEADER_SIZE
        self._checksum = FileChecksum()
        self._modified_ns = 0
        self._file: File | None = None

    def open(self) -> None:
        """Opens the file and notes its size. Raises `OSError`."""
        file = self._files.open(self._path, "r")
        try:
            self.file_size = file.size()
            self._modified_ns = self._files.modified_ns(self._path)
        except OSError:
            file.close()
            raise
        self._file = file

    def next_packet(self) -> bytes:
        """START, the DATA packets, END. Raises `OSError`, or `FileChanged`; then there is no further packet."""
        index = self.sequence_index
        if index == 0:
            packet = StartPacket(0, self.file_size, self.request.source, self.request.destination).encode()
        elif self.offset < self.end:
            packet = self._next_data(index)
        else:
            self._check_unchanged()
            packet = EndPacket(index, self._checksum.value).encode()
            self.is_finished = True
        self.sequence_index = index + 1
        return packet

    def _next_data(self, index: int) -> bytes:
        assert self._file is not None, "open comes first"
        count = min(self._chunk_size, self.end - self.offset)
        data = self._file.read_at(self.offset, count)
        if len(data) != count:
            raise FileChanged("it became shorter while it was sent")
        packet = DataPacket(index, self.offset, data).encode()
        self._checksum.update(self.offset, data)
        self.offset += count
        return packet

    def _check_unchanged(self) -> None:
        assert self._file is not None, "open comes first"
        if self._file.size() != self.file_size or self._files.modified_ns(self._path) != self._modified_ns:
            raise FileChanged("it was changed while it was sent")

    def close(self) -> None:
        """Closes the file; a second close does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None
