"""The sending side of a class 2 transaction (CCSDS 727.0-B-5, section 4)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kittiwake.cfdp.checksum import Checksum
from kittiwake.cfdp.pdu import Ack, Condition, Directive, Eof, FileData, Finished, Metadata, Nak
from kittiwake.cfdp.timing import Turns
from kittiwake.int_enum import IntEnum

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.cfdp.pdu import Header, Pdu
    from kittiwake.cfdp.timing import Patience

    ReadAt = Callable[[int, int], bytes]

MAX_ASKED = 4096
"""The most pieces that wait to be sent again; the receiver asks again for what found no room."""

CHECK_PIECE = 65_536
TERMINATED = 2


class SenderState(IntEnum):
    """How far the sender is."""

    SENDING = 0
    """The file goes out for the first time."""
    EOF_SENT = 1
    """Everything was sent once; the end of the file is not acknowledged."""
    WAITING = 2
    """The receiver knows the end; it asks for what is missing, and says when it has all."""
    ENDED = 3


class Sender:
    """Sends one file. Pull PDUs by `next_pdu`; give it what comes by `receive`.

    `read_at(offset, count)` gives the file. With `resumed`, after a restart, the file is not sent once more as a
    whole: its end is, and the receiver asks for what it misses. `condition` says how it ended, `is_delivered` whether
    the receiver has said that it holds the file.
    """

    def __init__(
        self, header: Header, metadata: Metadata, read_at: ReadAt, patience: Patience, now_ns: int,
        *, resumed: bool = False,
    ) -> None:  # fmt: skip
        self.header = header
        self.metadata = metadata
        self.state = SenderState.SENDING
        self.condition = Condition.NO_ERROR
        self.is_delivered = False
        self.sent_pdus = self.resent_bytes = 0
        self._read_at = read_at
        self._patience = patience
        self._checksum = Checksum(metadata.checksum_type)
        self._offset = 0
        self._urgent: deque[Pdu] = deque([metadata])
        self._asked: deque[tuple[int, int]] = deque()
        self._eof_timer = Turns(patience.ack_s)
        self._inactivity = Turns(patience.inactivity_s)
        self._inactivity.start(now_ns)
        if resumed:
            while self._offset < metadata.size:
                self._take_piece(CHECK_PIECE)

    @property
    def progress(self) -> int:
        """How many bytes of the file went out at least once."""
        return self._offset

    def cancel(self, condition: Condition = Condition.CANCELLED) -> None:
        """Gives up, and tells the receiver."""
        if self.state is SenderState.ENDED:
            return
        self.condition = condition
        self._asked.clear()
        self._eof_timer.stop()
        self._urgent = deque([self._eof()])
        self.state = SenderState.EOF_SENT

    # What comes

    def receive(self, pdu: Pdu, now_ns: int) -> None:
        """Takes a PDU of this transaction."""
        self._inactivity.start(now_ns)
        match pdu:
            case Ack(Directive.EOF):
                if self.state is SenderState.EOF_SENT:
                    self._eof_timer.stop()
                    # After a cancellation nothing more is to come.
                    self.state = SenderState.WAITING if self.condition is Condition.NO_ERROR else SenderState.ENDED
            case Nak(_, _, gaps):
                if self.condition is Condition.NO_ERROR and self.state is not SenderState.ENDED:
                    self._ask_again(gaps)
            case Finished(condition, is_complete, _):
                self._urgent.append(Ack(Directive.FINISHED, condition, TERMINATED))
                if self.state is not SenderState.ENDED:
                    self.is_delivered = is_complete and condition is Condition.NO_ERROR
                    if self.condition is Condition.NO_ERROR:
                        self.condition = condition
                    self._end()

    def _ask_again(self, gaps: tuple[tuple[int, int], ...]) -> None:
        if self._offset < self.metadata.size and self.state is SenderState.SENDING:
            gaps = tuple((start, min(end, self._offset)) for start, end in gaps if start < self._offset)
        for start, end in gaps:
            if (start, end) == (0, 0):
                if self.metadata not in self._urgent:
                    self._urgent.append(self.metadata)
            elif start < end <= self.metadata.size and len(self._asked) < MAX_ASKED and (start, end) not in self._asked:
                self._asked.append((start, end))

    def _end(self) -> None:
        self.state = SenderState.ENDED
        self._asked.clear()
        self._eof_timer.stop()
        self._inactivity.stop()

    # What goes

    def next_pdu(self, now_ns: int) -> Pdu | None:
        """The next PDU to send, or `None` while there is nothing to say. Raises `OSError` where the file fails."""
        pdu = self._next(now_ns)
        if pdu is not None:
            self.sent_pdus += 1
        return pdu

    def _next(self, now_ns: int) -> Pdu | None:
        self._look_at_timers(now_ns)
        if self._urgent:
            pdu = self._urgent.popleft()
            if isinstance(pdu, Eof) and not self._eof_timer.is_running:
                self._eof_timer.start(now_ns)
            return pdu
        if self._asked:
            return self._piece_again()
        if self.state is not SenderState.SENDING:
            return None
        if self._offset < self.metadata.size:
            offset = self._offset
            return FileData(offset, self._take_piece(self._patience.segment_size))
        self.state = SenderState.EOF_SENT
        self._eof_timer.start(now_ns)
        return self._eof()

    def _eof(self) -> Eof:
        return Eof(self.condition, self._checksum.value, self._offset)

    def _take_piece(self, count: int) -> bytes:
        data = self._read_at(self._offset, min(count, self.metadata.size - self._offset))
        if not data:
            raise OSError(f"the file is shorter than its {self.metadata.size} bytes")
        self._checksum.add(data)
        self._offset += len(data)
        return data

    def _piece_again(self) -> FileData:
        start, end = self._asked.popleft()
        stop = min(end, start + self._patience.segment_size)
        if stop < end:
            self._asked.appendleft((stop, end))
        data = self._read_at(start, stop - start)
        self.resent_bytes += len(data)
        return FileData(start, data)

    def _look_at_timers(self, now_ns: int) -> None:
        if self._inactivity.went_off(now_ns) and self.state is not SenderState.ENDED:
            self.condition = Condition.INACTIVE
            self._end()
            return
        if self._eof_timer.went_off(now_ns) and self.state is SenderState.EOF_SENT:
            if self._eof_timer.count >= self._patience.limit:
                self.condition = Condition.ACK_LIMIT if self.condition is Condition.NO_ERROR else self.condition
                self._end()
            else:
                self._urgent.append(self._eof())

    def next_ns(self) -> int | None:
        """When a timer goes off; 0 if there is something to send at once."""
        if self._urgent or self._asked or self.state is SenderState.SENDING:
            return 0
        times = [timer.due_ns() for timer in (self._eof_timer, self._inactivity)]
        return min([time for time in times if time is not None], default=None)
