"""Files that arrive by CFDP: what has come of each outlives a power cut, and so does how it ended."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Protocol

from kittiwake.cfdp.pdu import TO_SENDER, ChecksumType, Condition, Eof, FileStatus, Finished, Header, Metadata
from kittiwake.cfdp.receiver import Receiver
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.coverage import Coverage
from kittiwake.storage.streamed import PART, FileTooLarge, StreamedFile

if TYPE_CHECKING:
    from typing import Any

    from kittiwake.cfdp.entity import Entity
    from kittiwake.platform.interface import Files
    from kittiwake.storage.ledger import Ledger

KIND, ENDED = "arrival", "ended"
MAX_ENDED = 64
DEFAULT_CHUNK = 65_536
MAX_OFFSET = 1 << 64
MAX_PIECES = 256
"""The most pieces that are kept; the rest is asked for again after a power cut."""


class Inbox(Protocol):
    """Where files that arrive go."""

    def limit(self) -> int:
        """The most bytes of a file that begins now."""

    def place(self, header: Header, metadata: Metadata) -> str:
        """The path of a file that is whole. Raises `OSError` for a name that is refused."""


class ArrivingFile:
    """A file on its way into the inbox: a part named after its transaction until it is whole."""

    def __init__(self, files: Files, folder: str, inbox: Inbox, header: Header) -> None:
        self.path = posixpath.join(folder, f"{header.source}-{header.number}")
        self.placed = ""
        """Where it stands once it is whole."""
        self.kept_size = 0
        self.is_end_kept = False
        self._files = files
        self._inbox = inbox
        self._header = header
        self._limit = inbox.limit()
        self._part = StreamedFile(files, self.path, self._limit)
        self._is_too_large = False

    def resume(self) -> int:
        """Goes on with the part of before a restart, and says how many bytes it has."""
        if not self._files.exists(self.path + PART):
            return 0
        return self._part.resume()

    def expect(self, size: int) -> None:
        """The file will have `size` bytes; one that is too large is refused with its next piece, not with its last."""
        self._is_too_large = size > self._limit

    def write_at(self, offset: int, data: bytes) -> None:
        """Writes a piece. Raises `FileTooLarge`, or `OSError`."""
        if self._is_too_large:
            raise FileTooLarge(self.path, offset + len(data), self._limit)
        if not self._part.is_open:
            self._part.start()
        self._part.write_at(offset, data)

    def read_at(self, offset: int, count: int) -> bytes:
        """What was written."""
        return self._part.read_at(offset, count)

    def sync(self) -> None:
        """Makes what was written durable."""
        if self._part.is_open:
            self._part.sync()

    def finish(self, metadata: Metadata) -> None:
        """Gives the file its name in the inbox; durable on return. Raises `OSError`, for a refused name too."""
        target = self._inbox.place(self._header, metadata)
        make_folders_durably(self._files, posixpath.dirname(target))
        if not self._part.is_open:
            self._part.start()  # an empty file has no pieces
        self._part.finish(size=metadata.size)
        self._files.rename(self.path, target)
        self._files.sync_folder(posixpath.dirname(target))
        self.placed = target

    def abort(self) -> None:
        """Drops what was written."""
        self._part.abort()

    def suspend(self) -> None:
        """Closes the part, and leaves it for the next start."""
        self._part.suspend()


class Arrivals:
    """Keeps arrivals in the ledger. `sinks` has those of this start by their transaction."""

    def __init__(self, files: Files, ledger: Ledger, folder: str, inbox: Inbox) -> None:
        """`folder` has the parts."""
        self._files = files
        self._ledger = ledger
        self._folder = folder
        self._inbox = inbox
        self.chunk = DEFAULT_CHUNK
        self.sinks: dict[tuple[int, int], ArrivingFile] = {}

    def open_sink(self, header: Header) -> ArrivingFile:
        """Where a file that begins to arrive goes."""
        sink = ArrivingFile(self._files, self._folder, self._inbox, header)
        self.sinks[header.transaction] = sink
        return sink

    def keep(self, receiver: Receiver) -> None:
        """Makes durable what has come, once a chunk and when the end is known. Raises `OSError`.

        That the end has come is kept before it is acknowledged: the sender does not say it again.
        """
        sink = self.sinks[receiver.header.transaction]
        if receiver.metadata is not None:
            sink.expect(receiver.metadata.size)
        is_end_new = receiver.eof is not None and not sink.is_end_kept
        if not is_end_new and receiver.coverage.size - sink.kept_size < self.chunk:
            return
        sink.sync()
        self._ledger.put(_key(KIND, receiver.header.transaction), _packed(receiver))
        sink.kept_size = receiver.coverage.size
        sink.is_end_kept = receiver.eof is not None

    def end(self, receiver: Receiver) -> ArrivingFile:
        """Keeps how an arrival has ended. Raises `OSError`."""
        transaction = receiver.header.transaction
        sink = self.sinks.pop(transaction)
        self._ledger.put(_key(ENDED, transaction), [*receiver.finished(), list(receiver.header)], sync=False)
        self._ledger.put(_key(KIND, transaction), None, sync=False)
        for key, _ in self._ledger.items(ENDED)[:-MAX_ENDED]:
            self._ledger.put(f"{ENDED}/{key}", None, sync=False)
        self._ledger.sync()
        return sink

    def ended(self, transaction: tuple[int, int]) -> Finished | None:
        """How an arrival has ended, if it has and is still remembered."""
        kept = self._ledger[_key(ENDED, transaction)]
        return None if kept is None else _finished(*kept[:3])

    def close(self, receiver: Receiver) -> None:
        """The sender knows how an arrival has ended; a power cut that takes this back has it told once more."""
        self._ledger.put(_key(ENDED, receiver.header.transaction), list(receiver.finished()), sync=False)

    def resume(self, entity: Entity, now_ns: int) -> None:
        """Hands the entity what was under way before a restart, and drops parts that nobody knows. Raises `OSError`."""
        for key, (condition, is_complete, status, *untold) in self._ledger.items(ENDED):
            finished = _finished(condition, is_complete, status)
            self._ledger.put(f"{KIND}/{key}", None, sync=False)
            if untold:
                entity.tell_again(self._telling(Header(*untold[0]), finished, entity, now_ns))
            else:
                entity.remember(_transaction(key), finished)
        known = set()
        for _, values in self._ledger.items(KIND):
            header = Header(*values[0])
            sink = self.open_sink(header)
            receiver = Receiver(header, sink, entity.patience, now_ns, self._coverage(sink, values[3]))
            sink.kept_size = receiver.coverage.size
            sink.is_end_kept = values[2] is not None
            metadata = None if values[1] is None else _metadata(*values[1])
            eof = None if values[2] is None else Eof(Condition(values[2][0]), *values[2][1:])
            receiver.resume(metadata, eof, now_ns)
            entity.take_up(receiver)
            known.add(sink.path + PART)
        for name in self._files.list(self._folder):
            path = posixpath.join(self._folder, name)
            if path not in known:
                self._files.remove(path)

    def _telling(self, header: Header, finished: Finished, entity: Entity, now_ns: int) -> Receiver:
        sink = ArrivingFile(self._files, self._folder, self._inbox, header)
        receiver = Receiver(header, sink, entity.patience, now_ns)
        receiver.resume_finished(finished, now_ns)
        return receiver

    def _coverage(self, sink: ArrivingFile, pieces: list[list[int]]) -> Coverage:
        size = sink.resume()
        coverage = Coverage()
        for start, end in pieces:
            coverage.add(start, min(end, size))
        return coverage

    def suspend(self) -> None:
        """Closes the parts."""
        for sink in self.sinks.values():
            sink.suspend()


def _finished(condition: int, is_complete: bool, status: int) -> Finished:
    return Finished(Condition(condition), is_complete, FileStatus(status))


def _metadata(size: int, source: str, destination: str, checksum: int, closure: bool) -> Metadata:
    return Metadata(size, source, destination, ChecksumType(checksum), closure)


def _key(kind: str, transaction: tuple[int, int]) -> str:
    return f"{kind}/{transaction[0]}-{transaction[1]}"


def _transaction(key: str) -> tuple[int, int]:
    source, _, number = key.partition("-")
    return int(source), int(number)


def _packed(receiver: Receiver) -> list[Any]:
    metadata, eof = receiver.metadata, receiver.eof
    assert receiver.header.direction == TO_SENDER, "a receiver speaks to its sender"
    return [
        list(receiver.header),
        None if metadata is None else list(metadata),
        None if eof is None else list(eof),
        receiver.coverage.overlaps(0, MAX_OFFSET)[:MAX_PIECES],
    ]
