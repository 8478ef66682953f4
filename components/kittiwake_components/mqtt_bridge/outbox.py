"""What is to be published: the latest of each topic, and answers in their order; both are bounded."""

from __future__ import annotations

from collections import deque

from kittiwake.named_tuple import NamedTuple

ANSWERS_LIMIT = 100


class Message(NamedTuple):
    """One message; those of a topic's latest are retained by the broker."""

    topic: str
    payload: bytes
    is_retained: bool


class Outbox:
    """Filled while the broker is there or not, emptied by the connection. Used in one thread.

    Of each topic the latest is kept: after an outage the broker gets what holds then, all of it, once. Values that
    others followed meanwhile are counted in `replaced`, answers that found no room in `dropped`.
    """

    def __init__(self) -> None:
        self._latest: dict[str, bytes] = {}
        self._due: dict[str, None] = {}
        self._answers: deque[Message] = deque()
        self.replaced = self.dropped = 0

    def show(self, topic: str, payload: bytes) -> None:
        """The latest of a topic."""
        if topic in self._due and topic in self._latest:
            self.replaced += 1
        self._latest[topic] = payload
        self._due[topic] = None

    def answer(self, topic: str, payload: bytes) -> None:
        """A message of which each counts; the oldest gives way if there is no room."""
        if len(self._answers) >= ANSWERS_LIMIT:
            self._answers.popleft()
            self.dropped += 1
        self._answers.append(Message(topic, payload, is_retained=False))

    def begin(self) -> None:
        """A connection is new: all that is retained goes out again, for a broker that has forgotten it."""
        self._due = dict.fromkeys(self._latest)

    def take(self) -> Message | None:
        """The next one to publish; answers go first."""
        if self._answers:
            return self._answers.popleft()
        for topic in self._due:
            del self._due[topic]
            return Message(topic, self._latest[topic], is_retained=True)
        return None

    def put_back(self, message: Message) -> None:
        """One that was not acknowledged; a later one of the topic stays before it."""
        if message.is_retained:
            self._due[message.topic] = None
        else:
            self._answers.appendleft(message)

    def is_known(self, topic: str) -> bool:
        """Whether it is a topic of ours that is retained."""
        return topic in self._latest

    def __len__(self) -> int:
        return len(self._due) + len(self._answers)
