"""The receiving side of a class 2 transaction (CCSDS 727.0-B-5, section 4): it asks for what is missing at the end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from kittiwake.cfdp.checksum import Checksum
from kittiwake.cfdp.pdu import (
    MAX_SEGMENT_REQUESTS,
    Ack,
    ChecksumType,
    Condition,
    Directive,
    Eof,
    FileData,
    FileStatus,
    Finished,
    Metadata,
    Nak,
)
from kittiwake.cfdp.timing import Turns
from kittiwake.int_enum import IntEnum
from kittiwake.storage.coverage import Coverage

if TYPE_CHECKING:
    from kittiwake.cfdp.pdu import Header, Pdu
    from kittiwake.cfdp.timing import Patience

CHECK_PIECE = 65_536
ACTIVE = 1


class Sink(Protocol):
    """Where a file comes to be. Its name is known only once the metadata has come, which may be late."""

    def write_at(self, offset: int, data: bytes) -> None:
        """Writes a piece. Raises `OSError`."""

    def read_at(self, offset: int, count: int) -> bytes:
        """What was written. Raises `OSError`."""

    def finish(self, metadata: Metadata) -> None:
        """The file is whole and sound: gives it its name. Raises `OSError` or `ValueError` where that is refused."""

    def abort(self) -> None:
        """Drops what was written."""


class ReceiverState(IntEnum):
    """How far the receiver is."""

    RECEIVING = 0
    """The end of the file has not come."""
    ASKING = 1
    """The end is known, and something is missing."""
    FINISHED = 2
    """It has said how it ended, and nobody has acknowledged that."""
    ENDED = 3


class Receiver:
    """Receives one file. Pull PDUs by `next_pdu`; give it what comes by `receive`.

    `condition` says how it ended, `is_complete` whether the file stands in its place. `coverage` is what had come
    before a restart.
    """

    def __init__(
        self, header: Header, sink: Sink, patience: Patience, now_ns: int, coverage: Coverage | None = None
    ) -> None:
        self.header = header
        self.state = ReceiverState.RECEIVING
        self.condition = Condition.NO_ERROR
        self.is_complete = False
        self.metadata: Metadata | None = None
        self.coverage = Coverage() if coverage is None else coverage
        self.sent_pdus = 0
        self._sink = sink
        self._patience = patience
        self.eof: Eof | None = None
        self._file_status = FileStatus.UNREPORTED
        self._urgent: deque[Pdu] = deque()
        self._nak_timer = Turns(patience.nak_s)
        self._finished_timer = Turns(patience.ack_s)
        self._inactivity = Turns(patience.inactivity_s)
        self._inactivity.start(now_ns)

    # What comes

    def receive(self, pdu: Pdu, now_ns: int) -> None:
        """Takes a PDU of this transaction. What the sink refuses ends the transaction, and the sender hears why."""
        self._inactivity.start(now_ns)
        match pdu:
            case Ack(Directive.FINISHED):
                if self.state is ReceiverState.FINISHED:
                    self._end()
            case Eof(condition):
                self._urgent.append(Ack(Directive.EOF, condition, ACTIVE))
                self._take_eof(pdu, now_ns)
            case Metadata() | FileData() if self.state in (ReceiverState.RECEIVING, ReceiverState.ASKING):
                self._take_content(pdu, now_ns)

    def _take_eof(self, eof: Eof, now_ns: int) -> None:
        if self.state not in (ReceiverState.RECEIVING, ReceiverState.ASKING):
            return
        if eof.condition is not Condition.NO_ERROR:
            self._give_up(eof.condition, now_ns)
        elif self.eof is None:
            self.eof = eof
            self._ask(now_ns)

    def resume(self, metadata: Metadata | None, eof: Eof | None, now_ns: int) -> None:
        """Goes on after a restart with what was known before it; an end that was acknowledged does not come again."""
        self.metadata, self.eof = metadata, eof
        if eof is not None:
            self._ask(now_ns)

    def resume_finished(self, finished: Finished, now_ns: int) -> None:
        """Goes on after a restart with saying how it ended, which nobody has acknowledged."""
        self.condition, self.is_complete, self._file_status = finished
        self._say_finished(now_ns)

    def _ask(self, now_ns: int) -> None:
        self.state = ReceiverState.ASKING
        self._finish_if_whole(now_ns)
        if self.state is ReceiverState.ASKING:
            self._nak_timer.start(now_ns)
            self._urgent.extend(self._missing())

    def _take_content(self, pdu: Metadata | FileData, now_ns: int) -> None:
        if isinstance(pdu, Metadata):
            if self.metadata is None:
                self.metadata = pdu
        elif not self._write(pdu, now_ns):
            return
        if self.state is ReceiverState.ASKING:
            self._nak_timer.start(now_ns)  # what was asked for is coming
            self._finish_if_whole(now_ns)

    def _write(self, pdu: FileData, now_ns: int) -> bool:
        end = pdu.offset + len(pdu.data)
        size = self.eof.size if self.eof is not None else None if self.metadata is None else self.metadata.size
        if size is not None and end > size:
            self._give_up(Condition.SIZE_ERROR, now_ns)
            return False
        if not self.coverage.has_room(pdu.offset, end):
            return False  # it will be asked for
        if not self.coverage.gaps(pdu.offset, end):
            return True
        try:
            self._sink.write_at(pdu.offset, pdu.data)
        except OSError:
            self._give_up(Condition.FILESTORE_REJECTED, now_ns)
            return False
        self.coverage.add(pdu.offset, end)
        return True

    def _missing(self) -> list[Nak]:
        """All that is missing, in as many NAKs as that takes: their scopes join (4.6.4.3)."""
        assert self.eof is not None
        gaps = [] if self.metadata is not None else [(0, 0)]
        gaps += self.coverage.gaps(0, self.eof.size)
        naks: list[Nak] = []
        start = 0
        for first in range(0, len(gaps), MAX_SEGMENT_REQUESTS):
            asked = tuple(gaps[first : first + MAX_SEGMENT_REQUESTS])
            end = self.eof.size if first + len(asked) == len(gaps) else max(asked[-1][1], 1)
            naks.append(Nak(start, end, asked))
            start = end
        return naks

    def _finish_if_whole(self, now_ns: int) -> None:
        eof, metadata = self.eof, self.metadata
        assert eof is not None
        if metadata is None or self.coverage.gaps(0, eof.size):
            return
        try:
            if not self._is_sound(metadata.checksum_type, eof):
                self._give_up(Condition.CHECKSUM_FAILURE, now_ns)
                return
            self._sink.finish(metadata)
        except (OSError, ValueError):
            self._give_up(Condition.FILESTORE_REJECTED, now_ns)
            return
        self.is_complete = True
        self._file_status = FileStatus.RETAINED
        self._say_finished(now_ns)

    def _is_sound(self, kind: ChecksumType, eof: Eof) -> bool:
        if kind is ChecksumType.NULL:
            return True
        checksum, offset = Checksum(kind), 0
        while offset < eof.size:
            data = self._sink.read_at(offset, min(CHECK_PIECE, eof.size - offset))
            if not data:
                return False
            checksum.add(data)
            offset += len(data)
        return checksum.value == eof.checksum

    def _give_up(self, condition: Condition, now_ns: int) -> None:
        self.condition = condition
        self._file_status = FileStatus.REJECTED if condition is Condition.FILESTORE_REJECTED else FileStatus.DISCARDED
        try:
            self._sink.abort()
        except OSError:
            pass  # what is left of it is dropped at the next start
        self._say_finished(now_ns)

    def _say_finished(self, now_ns: int) -> None:
        self.state = ReceiverState.FINISHED
        self._nak_timer.stop()
        self._urgent.append(self.finished())
        self._finished_timer.start(now_ns)

    def finished(self) -> Finished:
        """How it ended, as the sender is told."""
        return Finished(self.condition, self.is_complete, self._file_status)

    def cancel(self, now_ns: int) -> None:
        """Gives up, and tells the sender."""
        if self.state in (ReceiverState.RECEIVING, ReceiverState.ASKING):
            self._give_up(Condition.CANCELLED, now_ns)

    def _end(self) -> None:
        self.state = ReceiverState.ENDED
        for timer in (self._nak_timer, self._finished_timer, self._inactivity):
            timer.stop()

    # What goes

    def next_pdu(self, now_ns: int) -> Pdu | None:
        """The next PDU to send, or `None` while there is nothing to say."""
        self._look_at_timers(now_ns)
        if not self._urgent:
            return None
        self.sent_pdus += 1
        return self._urgent.popleft()

    def _look_at_timers(self, now_ns: int) -> None:
        if self._inactivity.went_off(now_ns):
            if self.state is ReceiverState.FINISHED:
                self._end()
            elif self.state is not ReceiverState.ENDED:
                self._give_up(Condition.INACTIVE, now_ns)
        if self._nak_timer.went_off(now_ns):
            if self._nak_timer.count >= self._patience.limit:
                self._give_up(Condition.NAK_LIMIT, now_ns)
            else:
                self._urgent.extend(self._missing())
        if self._finished_timer.went_off(now_ns) and self.state is ReceiverState.FINISHED:
            if self._finished_timer.count >= self._patience.limit:
                self._end()
            else:
                self._urgent.append(self.finished())

    def next_ns(self) -> int | None:
        """When a timer goes off; 0 if there is something to send at once."""
        if self._urgent:
            return 0
        timers = (self._nak_timer, self._finished_timer, self._inactivity)
        return min([time for time in (timer.due_ns() for timer in timers) if time is not None], default=None)
