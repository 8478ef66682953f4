"""One file on its way up: its part on the disk, its holes, and whether it is what the ground sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.storage.coverage import MAX_PIECES, Coverage, TooManyPieces
from kittiwake.storage.streamed import PART, StreamedFile
from kittiwake.wire.file_packets import FileChecksum

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files


class PartLost(OSError):
    """The part of a file on its way up was taken away; `path` is the file's."""

    def __init__(self, path: str) -> None:
        super().__init__("its unfinished part was removed or moved away")
        self.path = path


class Reception:
    """A file of `size` bytes that grows as `<path>.part`; `name` is what the ground calls it.

    A transmission is what lies between START and END. One that leaves holes can be followed by others that fill
    them: the ground system sends START, the missing packets and an END whose checksum is theirs alone.
    """

    def __init__(self, files: Files, path: str, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.last_index = 0
        self.last_ns = 0
        self._files = files
        self._path = path
        self._part = StreamedFile(files, path, size)
        self._checksum = FileChecksum()
        self._covered = Coverage()
        self._announced: int | None = None
        self._transmission = FileChecksum()
        self._transmitted = Coverage()

    def open(self) -> None:
        """Makes an empty part. Raises `OSError`."""
        self._part.start()

    def begin_transmission(self) -> None:
        """Starts anew with the sequence indices, and keeps the bytes that are there."""
        self.last_index = 0
        self._transmission = FileChecksum()
        self._transmitted = Coverage()

    def put(self, offset: int, data: bytes) -> None:
        """Writes bytes that lie inside the file; where they stand already, the new ones count.

        Raises `OSError`, or `TooManyPieces` with nothing written.
        """
        end = offset + len(data)
        if not (self._covered.has_room(offset, end) and self._transmitted.has_room(offset, end)):
            raise TooManyPieces(f"more than {MAX_PIECES} separate pieces")
        replaced = [
            (start, self._part.read_at(start, stop - start)) for start, stop in self._covered.overlaps(offset, end)
        ]
        fresh = self._transmitted.gaps(offset, end)
        self._covered.add(offset, end)
        self._transmitted.add(offset, end)
        self._part.write_at(offset, data)
        for start, old in replaced:
            gone = FileChecksum()
            gone.update(start, old)
            self._checksum.value = self._checksum.value - gone.value & 0xFFFFFFFF
        self._checksum.update(offset, data)
        for start, stop in fresh:
            self._transmission.update(start, data[start - offset : stop - offset])

    @property
    def checksum(self) -> int:
        """The checksum of the bytes that are there."""
        return self._checksum.value

    def first_hole(self) -> tuple[int, int] | None:
        """Where the first missing byte is and how many are missing in all, or `None` if the file is whole."""
        missing = self.size - self._covered.size
        return (self._covered.gaps(0, self.size)[0][0], missing) if missing else None

    def end_with_holes(self, checksum: int) -> None:
        """Keeps what the first END announced: later ones know only the packets of their own transmission."""
        if self._announced is None:
            self._announced = checksum

    def agrees(self, checksum: int) -> bool:
        """Whether a whole file is the one that the ground sent, by the checksum of the END that completed it.

        It is that of the whole file, or, where an earlier END announced that of the whole file, that of the packets
        that came since.
        """
        if checksum == self._checksum.value:
            return True
        return self._announced == self._checksum.value and checksum == self._transmission.value

    def commit(self) -> None:
        """Gives the file its name: from here on it is there, whole and durable. Raises `OSError`."""
        if not self._files.exists(self._path + PART):
            raise PartLost(self._path)
        self._part.finish(size=self.size)

    def drop(self) -> None:
        """Removes the part; what stands under the file's name stays as it is. Raises `OSError`."""
        self._part.abort()
