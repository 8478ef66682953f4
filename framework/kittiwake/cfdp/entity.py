"""An entity: who sends and receives files by class 2, several at a time (CCSDS 727.0-B-5, section 4)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from kittiwake.cfdp.pdu import (
    TO_RECEIVER,
    TO_SENDER,
    Ack,
    Condition,
    Directive,
    Eof,
    FileData,
    Finished,
    Header,
    Metadata,
    PduFault,
    decode,
    encode,
)
from kittiwake.cfdp.receiver import Receiver, ReceiverState
from kittiwake.cfdp.sender import Sender, SenderState
from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from kittiwake.cfdp.pdu import Pdu
    from kittiwake.cfdp.receiver import Sink
    from kittiwake.cfdp.sender import ReadAt
    from kittiwake.cfdp.timing import Patience

    Transaction = tuple[int, int]

MAX_REMEMBERED = 256
"""The ended transactions whose late PDUs are known as such."""

MAX_ANSWERS = 64
"""The most answers to ended transactions that wait; whoever wanted one asks again."""

TERMINATED, UNRECOGNISED = 2, 3


class TooManyTransactions(ValueError):
    """One transaction more than the entity runs at a time."""


class User(Protocol):
    """Whoever uses an entity: it says where files go, and hears of what happens."""

    def open_sink(self, header: Header) -> Sink | None:
        """Where a file that begins to arrive goes, or `None` where nobody wants it."""

    def advanced(self, receiver: Receiver) -> None:
        """A PDU has come for a file that arrives. What the receiver now knows may be kept before it is said."""

    def sent(self, sender: Sender) -> None:
        """A file that was sent has ended, well or not."""

    def received(self, receiver: Receiver) -> None:
        """A file that arrived has ended, well or not; the sender is told after this."""

    def closed(self, receiver: Receiver) -> None:
        """The sender knows how a file that arrived has ended, or has not answered for long. Until then it is told."""


class Limits(NamedTuple):
    """The most files that arrive, and that are sent, at a time."""

    receiving: int = 8
    sending: int = 8


DEFAULT_LIMITS = Limits()


class Entity:
    """Runs the transactions of one entity. Pull PDUs by `next_pdu`; give it what comes by `receive`.

    Receivers speak first, then senders by their priority, those of one priority in turn. While the link is down nothing
    is said and all timers stand still.
    """

    def __init__(self, entity_id: int, user: User, patience: Patience, limits: Limits = DEFAULT_LIMITS) -> None:
        self.id = entity_id
        self.patience = patience
        self.limits = limits
        self.dropped_pdus = 0
        """PDUs that were damaged, of no transaction, or of one too many."""
        self._user = user
        self._senders: dict[Transaction, Sender] = {}
        self._priorities: dict[Transaction, int] = {}
        self._receivers: dict[Transaction, Receiver] = {}
        self._told: set[Transaction] = set()
        self._remembered: dict[Transaction, Finished] = {}
        self._answers: deque[bytes] = deque()
        self._down_since_ns: int | None = None
        self._down_ns = 0

    # The link

    def set_link(self, is_up: bool, now_ns: int) -> None:
        """The link came up or went down."""
        if is_up and self._down_since_ns is not None:
            self._down_ns += now_ns - self._down_since_ns
            self._down_since_ns = None
        elif not is_up and self._down_since_ns is None:
            self._down_since_ns = now_ns

    def _time(self, now_ns: int) -> int:
        """The time that the transactions see: that in which the link was up."""
        return (now_ns if self._down_since_ns is None else self._down_since_ns) - self._down_ns

    # Transactions

    @property
    def sending(self) -> list[Sender]:
        """The files that are being sent."""
        return [one for transaction, one in self._senders.items() if transaction not in self._told]

    @property
    def receiving(self) -> list[Receiver]:
        """The files that arrive."""
        return [one for transaction, one in self._receivers.items() if transaction not in self._told]

    @property
    def has_room(self) -> bool:
        """Whether one more file can be sent."""
        return len(self._senders) < self.limits.sending

    def put(
        self, header: Header, metadata: Metadata, read_at: ReadAt, now_ns: int,
        *, priority: int = 0, resumed: bool = False,
    ) -> Sender:  # fmt: skip
        """Sends a file; `header` says to whom and under which number, the lowest `priority` goes first.

        Raises `TooManyTransactions`, `ValueError` for a transaction that is none of this entity or runs already, and
        `OSError` where the file of a resumed transaction cannot be read.
        """
        transaction = header.transaction
        if header.source != self.id or header.direction != TO_RECEIVER or transaction in self._senders:
            raise ValueError(f"transaction {transaction} is not for entity {self.id} to begin")
        if not self.has_room:
            raise TooManyTransactions(f"{self.limits.sending} files are being sent already")
        sender = Sender(header, metadata, read_at, self.patience, self._time(now_ns), resumed=resumed)
        self._senders[transaction] = sender
        self._priorities[transaction] = priority
        return sender

    def take_up(self, receiver: Receiver) -> None:
        """Goes on with a file whose arrival a restart has interrupted."""
        self._receivers[receiver.header.transaction] = receiver
        self._tell_received(receiver)

    def tell_again(self, receiver: Receiver) -> None:
        """Goes on saying how an arrival has ended that a restart found unacknowledged; the user knows of it.

        A sender whose end of file was acknowledged says nothing more: it waits for this (4.7).
        """
        self._told.add(receiver.header.transaction)
        self._receivers[receiver.header.transaction] = receiver

    def remember(self, transaction: Transaction, finished: Finished) -> None:
        """Knows how a file that arrived has ended, so that its sender is told again instead of beginning anew."""
        self._remembered.pop(transaction, None)
        self._remembered[transaction] = finished
        if len(self._remembered) > MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def cancel(self, transaction: Transaction, now_ns: int) -> bool:
        """Ends a transaction, and tells the other side. False if there is none."""
        sender, receiver = self._senders.get(transaction), self._receivers.get(transaction)
        if sender is not None:
            sender.cancel()
            self._tell_sent(sender)
        elif receiver is not None:
            receiver.cancel(self._time(now_ns))
            self._tell_received(receiver)
        return sender is not None or receiver is not None

    # What comes

    def receive(self, data: bytes, now_ns: int) -> None:
        """Takes a PDU. One that is damaged or of no transaction of this entity is counted and dropped."""
        try:
            header, pdu = decode(data)
        except PduFault:
            self.dropped_pdus += 1
            return
        if not header.acknowledged:
            self.dropped_pdus += 1
        elif header.direction == TO_SENDER and header.source == self.id:
            self._receive_as_sender(header, pdu, now_ns)
        elif header.direction == TO_RECEIVER and header.destination == self.id:
            self._receive_as_receiver(header, pdu, now_ns)
        else:
            self.dropped_pdus += 1

    def _receive_as_sender(self, header: Header, pdu: Pdu, now_ns: int) -> None:
        sender = self._senders.get(header.transaction)
        if sender is not None:
            sender.receive(pdu, self._time(now_ns))
            self._tell_sent(sender)
        elif isinstance(pdu, Finished):
            # It ended before a restart, or long ago: the receiver need not ask for ever.
            self._answer(header._replace(direction=TO_RECEIVER), Ack(Directive.FINISHED, pdu.condition, UNRECOGNISED))
        else:
            self.dropped_pdus += 1

    def _receive_as_receiver(self, header: Header, pdu: Pdu, now_ns: int) -> None:
        transaction = header.transaction
        receiver = self._receivers.get(transaction)
        if receiver is None and transaction in self._remembered:
            self._answer_late(header, pdu)
            return
        if receiver is None:
            receiver = self._begin(header, pdu, now_ns)
        if receiver is None:
            self.dropped_pdus += 1
            return
        receiver.receive(pdu, self._time(now_ns))
        if transaction not in self._told:
            self._user.advanced(receiver)
        self._tell_received(receiver)

    def _begin(self, header: Header, pdu: Pdu, now_ns: int) -> Receiver | None:
        if not isinstance(pdu, Metadata | FileData | Eof) or len(self._receivers) >= self.limits.receiving:
            return None
        sink = self._user.open_sink(header)
        if sink is None:
            return None
        receiver = Receiver(header._replace(direction=TO_SENDER), sink, self.patience, self._time(now_ns))
        self._receivers[header.transaction] = receiver
        return receiver

    def _answer_late(self, header: Header, pdu: Pdu) -> None:
        """What a sender still says after the end: it has not heard of it."""
        if isinstance(pdu, Eof):
            back = header._replace(direction=TO_SENDER)
            self._answer(back, Ack(Directive.EOF, pdu.condition, TERMINATED))
            self._answer(back, self._remembered[header.transaction])

    def _answer(self, header: Header, pdu: Pdu) -> None:
        if len(self._answers) < MAX_ANSWERS:
            self._answers.append(encode(header, pdu))

    def _tell_sent(self, sender: Sender) -> None:
        transaction = sender.header.transaction
        is_over = sender.state is SenderState.ENDED or sender.condition is not Condition.NO_ERROR
        if is_over and transaction not in self._told:
            self._told.add(transaction)
            self._user.sent(sender)

    def _tell_received(self, receiver: Receiver) -> None:
        transaction = receiver.header.transaction
        if receiver.state in (ReceiverState.FINISHED, ReceiverState.ENDED) and transaction not in self._told:
            self._told.add(transaction)
            self._user.received(receiver)

    # What goes

    def next_pdu(self, now_ns: int) -> bytes | None:
        """The bytes of the next PDU to send, or `None` while there is nothing to say."""
        if self._down_since_ns is not None:
            return None
        time_ns = self._time(now_ns)
        return self._next_of_receivers(time_ns) or self._next_answer() or self._next_of_senders(time_ns)

    def _next_answer(self) -> bytes | None:
        return self._answers.popleft() if self._answers else None

    def _next_of_receivers(self, time_ns: int) -> bytes | None:
        for transaction, receiver in list(self._receivers.items()):
            pdu = receiver.next_pdu(time_ns)
            self._tell_received(receiver)
            if pdu is not None:
                self._receivers[transaction] = self._receivers.pop(transaction)  # the next one's turn
                return encode(receiver.header, pdu)
            if receiver.state is ReceiverState.ENDED:
                self.remember(transaction, receiver.finished())
                del self._receivers[transaction]
                self._told.discard(transaction)
                self._user.closed(receiver)
        return None

    def _next_of_senders(self, time_ns: int) -> bytes | None:
        for transaction in sorted(self._senders, key=self._priorities.__getitem__):
            sender = self._senders[transaction]
            try:
                pdu = sender.next_pdu(time_ns)
            except OSError:
                sender.cancel(Condition.FILESTORE_REJECTED)
                pdu = sender.next_pdu(time_ns)
            self._tell_sent(sender)
            if pdu is not None:
                self._senders[transaction] = self._senders.pop(transaction)  # the next one's turn
                return encode(sender.header, pdu)
            if sender.state is SenderState.ENDED:
                del self._senders[transaction], self._priorities[transaction]
                self._told.discard(transaction)
        return None

    def next_ns(self, now_ns: int) -> int | None:
        """When there is something to say next, 0 for at once; `None` while the link is down or all is said."""
        if self._down_since_ns is not None:
            return None
        if self._answers:
            return 0
        times = [one.next_ns() for one in self._receivers.values()] + [one.next_ns() for one in self._senders.values()]
        due = min([time for time in times if time is not None], default=None)
        return due if not due else due + self._down_ns
