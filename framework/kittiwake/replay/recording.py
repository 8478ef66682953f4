"""A recording on a disk: blocks of records in a journal of `kittiwake.storage`, compressed, behind a header.

The journal gives each block its length and CRC-32, bounds the file and cuts a torn tail. A block is a kind byte and a
zlib stream. In a HEADER, which is first, and in an END, which is last if the recording did not just stop, there is one
value (`kittiwake.replay.values`). Blocks of RECORDS are parts of one stream, each up to a flush of it (RFC 1951), which
begins anew behind a KEYFRAME. They have one record behind the other, each a kind byte and

    NOW, METER, WALL   what a clock showed: its difference to what that clock showed before in this block
    CALL               object and method (numbers), arguments (a value), then how it ended (a value):
                       (0, value) | (1, number of a new object, its attributes) | (2, class, arguments, file name)
    WAIT               poller, what was ready and which calls came from elsewhere (a value):
                       (deadline, [(descriptor, is it writable)...], [(whose, method, arguments)...]); a call is
                       that of an inlet (its number), of an instance or the deployment ("") by name, or one that no
                       recording can hold (None); its arguments are as `kittiwake.replay.arrivals` has them
    PORT               a call over a connection (two values): the number of the connection, and its arguments, or if
                       they are long their CRC-32
    DRIVE              what whoever flies the deployment does with it (a value): (call, arguments)

A block of a KEYFRAME has one value: the time since boot, how many records there were before it, what is done with the
deployment (as in DRIVE), and its state (`kittiwake.replay.freeze`): a replay can start there.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any
from zlib import Z_SYNC_FLUSH, compress, compressobj, decompressobj, error

from kittiwake.named_tuple import NamedTuple
from kittiwake.replay.values import (
    ValueDamaged,
    ValueRefused,
    get_int,
    get_value,
    packed,
    put_int,
    put_value,
    unpacked,
)
from kittiwake.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.interface import Files

VERSION = 2
SIZE_LIMIT = 256 * 1024 * 1024
BLOCK_LIMIT = 64 * 1024 * 1024
"""No block is larger once it is unpacked: what one call gives must find room in it."""

FLUSH_BYTES = 65536
_LEVEL = 6  # of compression
_RESERVE = 4096  # bytes kept free for the last block

HEADER, RECORDS, END, KEYFRAME = range(4)
NOW, METER, WALL, CALL, WAIT, DRIVE, PORT = range(1, 8)


class NotARecording(ValueError):
    """A file that is no recording, or one that this software cannot read."""


class Recorder:
    """Gathers records and writes them in blocks.

    Once the size limit is reached, or the file cannot be written, the recording ends and says why in `ended`; the
    flight goes on, and `dropped` counts the records that find no place any more.
    """

    def __init__(self, files: Files, path: str, header: dict[str, Any], *, size_limit: int = SIZE_LIMIT) -> None:
        """Begins the recording. Raises `OSError`."""
        self.packages = frozenset(header.get("packages", ()))
        """Whose classes may stand in it by name."""
        self._journal = Journal(files, path, VERSION, record_limit=BLOCK_LIMIT, size_limit=size_limit)
        self._size_limit = size_limit
        self._journal.open()
        self._journal.append(bytes([HEADER]) + compress(packed(header)), sync=False)
        self._stream = compressobj(_LEVEL)
        self.records = bytearray()
        self.last_ns = [0] * (WALL + 1)
        """By clock: what it showed last within the block."""
        self.count = 0
        self.total = 0
        """Records that were written, or would have been."""
        self.dropped = 0
        self.ended = ""

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self._journal.size

    def showed(self, clock: int, time_ns: int) -> None:
        """A clock was read."""
        records, last_ns = self.records, self.last_ns
        records.append(clock)
        put_int(records, time_ns - last_ns[clock])
        last_ns[clock] = time_ns
        self.count += 1

    def add(self, kind: int, *fields: Any) -> None:
        """Adds a record of another kind. What is no value ends the recording: the flight is not to suffer from it."""
        records = self.records
        size = len(records)
        records.append(kind)
        try:
            for field in fields:
                put_value(records, field)
        except ValueRefused as fault:
            del records[size:]
            self.end(f"something in it is no value: {fault}")
        self.count += 1
        if len(records) >= BLOCK_LIMIT // 4:
            self.flush()

    def crossed(self, connection: int, packed_arguments: bytes) -> None:
        """A call goes over a connection."""
        records = self.records
        records.append(PORT)
        put_value(records, connection)
        records += packed_arguments
        self.count += 1

    def flush(self) -> None:
        """Writes what was gathered."""
        records, count = self.records, self.count
        if not count:
            return
        if not self.ended:
            self._write(RECORDS, self._stream.compress(records) + self._stream.flush(Z_SYNC_FLUSH))
        if self.ended:
            self.dropped += count
        self.total += count
        records.clear()
        self.last_ns[:] = [0] * len(self.last_ns)
        self.count = 0

    def keyframe(self, time_ns: int, drive: tuple[str, tuple[Any, ...]], state: bytes) -> None:
        """Writes what was gathered, and a state behind it."""
        self.flush()
        if not self.ended:
            self._write(KEYFRAME, compress(packed((time_ns, self.total, drive, state)), _LEVEL))
            self._stream = compressobj(_LEVEL)

    def _write(self, kind: int, content: bytes) -> None:
        block = bytes([kind]) + content
        if self._journal.size + len(block) + _RESERVE > self._size_limit:
            self._end_with(f"it has reached its limit of {self._size_limit} bytes")
            return
        try:
            self._journal.append(block, sync=False)
        except OSError as fault:
            self._end_with(f"it could not be written: {fault.strerror}")

    def end(self, why: str) -> None:
        """Ends the recording with what there is; what comes now is dropped."""
        self.flush()
        if not self.ended:
            self._end_with(why)

    def _end_with(self, why: str) -> None:
        self.ended = why
        try:
            self._journal.append(bytes([END]) + compress(packed(why)), sync=False)
        except OSError:
            pass  # a recording without its end is read as one that just stops

    def close(self, why: str) -> None:
        """Ends the recording in order."""
        self.flush()
        self.end(why)
        try:
            self._journal.sync()
        except OSError:
            pass  # it is as durable as the rest of it
        self._journal.close()


class Keyframe(NamedTuple):
    """A state of the deployment, and where in the recording and in the flight it was."""

    place: int
    time_ns: int
    records: int
    drive: tuple[str, tuple[Any, ...]]
    state: bytes


class Recording:
    """A recording that is read: its `header`, and the records of its blocks as often as wanted.

    `ended` is why it ends, known once all was read: in order, or where the file is torn or damaged.
    """

    def __init__(self, files: Files, path: str) -> None:
        """Raises `OSError`, and `NotARecording`."""
        self._journal = Journal(files, path, VERSION, record_limit=BLOCK_LIMIT, size_limit=SIZE_LIMIT)
        self.path = posixpath.basename(path)
        self.ended = ""
        self._cut = self._journal.open_to_read()
        if self._cut is None:
            raise NotARecording(f"{path} is no recording of a flight, or one of another version")
        first = next(self._journal.records(), b"")
        try:
            header = unpacked(_unpacked_block(first, HEADER))
        except (ValueDamaged, error) as fault:
            raise NotARecording(f"{path} has no header: {fault}") from None
        if not isinstance(header, dict):
            raise NotARecording(f"{path} has no header")
        self.header: dict[str, Any] = header

    def keyframe_at(self, time_ns: int) -> Keyframe | None:
        """The last keyframe that is not later than a time since boot."""
        found = None
        for place, block in enumerate(self._journal.records()):
            if block[:1] == bytes([KEYFRAME]):
                try:
                    keyframe = Keyframe(place, *unpacked(_unpacked_block(block, KEYFRAME)))
                except (ValueDamaged, TypeError, error):
                    return found
                if keyframe.time_ns > time_ns:
                    return found
                found = keyframe
        return found

    def blocks(self, place: int = 0) -> Iterator[bytes]:
        """The blocks of records, those from a keyframe's `place` on. Sets `ended`."""
        self.ended = self._cut or "it was not ended in order"
        stream = decompressobj()
        for number, block in enumerate(self._journal.records()):
            if number < place:
                continue
            try:
                if block[:1] == bytes([RECORDS]):
                    yield stream.decompress(block[1:], BLOCK_LIMIT)
                elif block[:1] == bytes([KEYFRAME]):
                    stream = decompressobj()
                elif block[:1] == bytes([END]):
                    self.ended = str(unpacked(_unpacked_block(block, END)))
                    return
            except (ValueDamaged, error) as fault:
                self.ended = f"a block is damaged: {fault}"
                return

    def close(self) -> None:
        """Closes the file."""
        self._journal.close()


def _unpacked_block(block: bytes, kind: int) -> bytes:
    if block[:1] != bytes([kind]):
        raise ValueDamaged(f"a block is of kind {block[:1].hex() or 'none'}, not {kind}")
    unpacking = decompressobj()
    body = unpacking.decompress(block[1:], BLOCK_LIMIT)
    if not unpacking.eof:
        raise ValueDamaged(f"a block is larger than {BLOCK_LIMIT} bytes, or not whole")
    return body


_FIELDS = {CALL: 4, WAIT: 2, DRIVE: 1, PORT: 2}


class Cursor:
    """The records of some blocks, one by one. Every method raises `ValueDamaged` for what is no record."""

    __slots__ = ("_blocks", "at", "block", "last_ns", "passed")

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.block = b""
        self.at = 0
        self.last_ns = [0] * (WALL + 1)
        self.passed = 0
        """The records that were read."""

    def kind(self) -> int:
        """The kind of the next record, whose fields are to be read next; 0 behind the last one."""
        while self.at >= len(self.block):
            block = next(self._blocks, None)
            if block is None:
                return 0
            self.block, self.at = block, 0
            self.last_ns[:] = [0] * len(self.last_ns)
        kind = self.block[self.at]
        self.at += 1
        self.passed += 1
        return kind

    def time_ns(self, clock: int) -> int:
        """What a clock showed: the fields of its record."""
        difference_ns, self.at = get_int(self.block, self.at)
        time_ns = self.last_ns[clock] = self.last_ns[clock] + difference_ns
        return time_ns

    def value(self) -> Any:
        """One field of another record."""
        value, self.at = get_value(self.block, self.at)
        return value

    def passes(self, packed_fields: bytes) -> bool:
        """Whether the next fields are these; then they were read."""
        is_same = self.block.startswith(packed_fields, self.at)
        if is_same:
            self.at += len(packed_fields)
        return is_same

    def fields(self, kind: int) -> tuple[Any, ...]:
        """All fields of a record of that kind."""
        if NOW <= kind <= WALL:
            return (self.time_ns(kind),)
        if kind not in _FIELDS:
            raise ValueDamaged(f"there is no record of kind {kind}, as byte {self.at - 1} has it")
        return tuple([self.value() for _ in range(_FIELDS[kind])])


def records_of(blocks: Iterator[bytes]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """All records, each its kind and its fields. Raises `ValueDamaged`."""
    cursor = Cursor(blocks)
    while kind := cursor.kind():
        yield kind, cursor.fields(kind)
