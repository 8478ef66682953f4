"""Reading what a component keeps: at its start, and later again where the medium would not give it then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.finding import ReadFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.storage.finding import Reading
    from kittiwake.storage.record import AtomicRecord

PATIENCE_S = 600
"""For so long a file that cannot be read, and of which there is no other copy, is tried again."""
COPY_PATIENCE_S = 10
"""The same where another copy could be read, which is at most one write older."""
LONGEST_INTERVAL_S = 60


class BootClock(Protocol):
    """What is needed of a clock."""

    def now_ns(self) -> int:
        """Nanoseconds since boot."""


class Recall:
    """`take(last_try)` reads, and takes what it finds beside what has come since the start; it raises `OSError`.

    Until it has returned nothing is to be written in the place of what was not read. After `patience_s` it is told
    that this is its last try: what the medium does not give then counts as lost. Without a patience that comes only
    where another copy could be read (`ReadFailed.rest`).
    """

    def __init__(self, clock: BootClock, take: Callable[[bool], object], patience_s: int | None = PATIENCE_S) -> None:
        self._clock = clock
        self._take = take
        self._patience_s = patience_s
        self._began_ns = self._due_ns = 0
        self._fault: tuple[int | None, str, str | None] | None = None
        self._has_copy = False
        self.is_done = False

    def ensure(self) -> None:
        """Takes what is kept, unless that was done. Raises `OSError`: it could not be read yet.

        The medium is asked at growing intervals, of a minute at last; in between the fault of last time stands.
        """
        if self.is_done:
            return
        now_ns = self._clock.now_ns()
        if self._fault is None:
            self._began_ns = now_ns
        elif now_ns < self._due_ns:
            raise OSError(*self._fault)
        waited_ns = now_ns - self._began_ns
        try:
            self._take(self._is_last_try(waited_ns))
        except OSError as fault:
            self._fault = fault.errno, fault.strerror or str(fault), fault.filename
            self._has_copy = isinstance(fault, ReadFailed) and fault.rest is not None
            self._due_ns = now_ns + min(max(waited_ns, NS_PER_S), LONGEST_INTERVAL_S * NS_PER_S)
            raise
        self.is_done, self._fault = True, None

    def _is_last_try(self, waited_ns: int) -> bool:
        patience_s = COPY_PATIENCE_S if self._has_copy else self._patience_s
        return self._fault is not None and patience_s is not None and waited_ns >= patience_s * NS_PER_S


def read_for_start(record: AtomicRecord) -> Reading:
    """What a start needs at once: the older slot where the medium gives only that, and the other is kept aside.

    Raises `ReadFailed` where it gives neither: all is then left as it is.
    """
    try:
        return record.read()
    except ReadFailed as fault:
        if fault.rest is None:
            raise
    return record.read(last_try=True)


__all__ = ["COPY_PATIENCE_S", "LONGEST_INTERVAL_S", "PATIENCE_S", "Recall", "read_for_start"]
