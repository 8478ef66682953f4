"""A call that is connected: its bytes both ways, how many they were, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.modem_bearer.lines import CallEnd

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.modem_bearer.serial_line import SerialLine

ROOM_BYTES = 4096
END_S = 1.0
"""So long nothing comes behind the modem's word that the call is over."""

COUNT_S = 1.0


class Call:
    """Gives `heard` what comes, calls `counted` a second after bytes went, and `ended` when the other side hung up."""

    def __init__(
        self, line: SerialLine, clock: TaskClock, heard: Callable[[bytes], None], counted: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:  # fmt: skip
        self._line = line
        self._clock = clock
        self._heard = heard
        self._counted = counted
        self._ended = ended
        self._end = CallEnd()
        self._end_timer: Timer | None = None
        self._count_timer: Timer | None = None
        self._sent = self._received = 0
        self._wants_room = False

    def receive(self, data: bytes) -> None:
        """What came."""
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
        self._received += len(data)
        self._count_soon()
        if self._end.take(data):
            self._end_timer = self._clock.call_after(END_S, self._ended)
        self._heard(data)

    def send(self, data: bytes) -> None:
        """One frame, with the next flush of the line."""
        self._line.add(data)
        self._sent += len(data)
        self._count_soon()

    def room(self) -> int:
        """How many bytes may be handed over now."""
        room = max(ROOM_BYTES - self._line.unsent_bytes, 0)
        self._wants_room = not room
        return room

    def has_news_of_room(self) -> bool:
        """Whether somebody asked for room in vain; the line has sent all that waited."""
        wanted, self._wants_room = self._wants_room, False
        return wanted

    def take_counts(self) -> tuple[int, int]:
        """The bytes sent and received since this was last asked."""
        counts = self._sent, self._received
        self._sent = self._received = 0
        return counts

    def close(self) -> None:
        """It is over."""
        for timer in (self._end_timer, self._count_timer):
            if timer is not None:
                timer.cancel()

    def _count_soon(self) -> None:
        if self._count_timer is None:
            self._count_timer = self._clock.call_after(COUNT_S, self._count)

    def _count(self) -> None:
        self._count_timer = None
        self._counted()
