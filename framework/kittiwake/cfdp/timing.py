"""How long a transaction waits, and timers that stand still while the link is down."""

from __future__ import annotations

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S


class Patience(NamedTuple):
    """The protocol's timers and limits (CCSDS 727.0-B-5, 4.6.4 and 4.7), and the most bytes of a piece of the file.

    A timer should be longer than a round trip. The limits count turns in which nothing has come; what comes starts them
    anew.
    """

    ack_s: float = 10.0
    nak_s: float = 10.0
    inactivity_s: float = 300.0
    limit: int = 10
    segment_size: int = 1024


class Turns:
    """A timer that goes off again and again until it is stopped, and counts how often it has since `start`."""

    __slots__ = ("_due_ns", "_period_ns", "count")

    def __init__(self, period_s: float) -> None:
        self._period_ns = round(period_s * NS_PER_S)
        self._due_ns: int | None = None
        self.count = 0

    @property
    def is_running(self) -> bool:
        """Whether it goes off some time."""
        return self._due_ns is not None

    def start(self, now_ns: int) -> None:
        """Counts anew."""
        self._due_ns = now_ns + self._period_ns
        self.count = 0

    def stop(self) -> None:
        """Does not go off any more."""
        self._due_ns = None

    def went_off(self, now_ns: int) -> bool:
        """Whether a turn is over; the next one begins now."""
        if self._due_ns is None or now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + self._period_ns
        self.count += 1
        return True

    def due_ns(self) -> int | None:
        """When it goes off next."""
        return self._due_ns
