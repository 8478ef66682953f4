"""Asks the power unit, one request at a time, until it has answered or is lost."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from kittiwake.wire.power_link import NOTICE, Kind, Message, PowerLinkReader, frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.power_manager.lines import Line

    Done = Callable[[Any], None]
    """Is given what a reply carries, or `None` where there was no reply or the request found no room."""

ANSWER_LIMIT_S = 0.5
TRIES = 3
MAX_WAITING = 16
"""The most requests that wait for their turn."""


class _Request:
    __slots__ = ("done", "kind", "payload")

    def __init__(self, kind: Kind, payload: Any, done: Done) -> None:
        self.kind = kind
        self.payload = payload
        self.done = done


class UnitLink:
    """The line to the power unit.

    A request that is not answered in half a second is repeated under the same number, three times in all, so that it is
    carried out once at most; then `lost` is called with the reason, unless it has been since the last reply. `notice`
    is given what the power unit says unasked, `replies`, `repeats` and `noise` count.
    """

    def __init__(
        self, line: Line, clock: TaskClock, notice: Callable[[Message], None], lost: Callable[[str], None],
        back: Callable[[], None],
    ) -> None:  # fmt: skip
        self._line = line
        self._clock = clock
        self._notice = notice
        self._lost = lost
        self._back = back
        self._is_up = False
        self._reader = PowerLinkReader()
        self._waiting: deque[_Request] = deque()
        self._request: _Request | None = None
        self._sequence = 0
        self._tries = 0
        self._timer: Timer | None = None
        self.is_lost = True
        self.replies = self.repeats = 0

    def open(self) -> None:
        """Opens the line, and again whenever it breaks."""
        self._line.open(self._came_up, self._feed, self._report_lost, self._went_down)

    def close(self) -> None:
        """Closes the line; what waits for an answer gets none."""
        self._line.close()
        self._is_up = False
        self._fail_all()

    def _came_up(self) -> None:
        self._is_up = True
        self._next()

    def _went_down(self, reason: str) -> None:
        self._is_up = False
        self._fail_all()
        self._report_lost(reason)

    def _feed(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            self._take(message)

    def ask(self, kind: Kind, payload: Any, done: Done) -> None:
        """Sends a request in its turn; `done` is called once."""
        if not self._is_up or len(self._waiting) >= MAX_WAITING:
            done(None)
            return
        self._waiting.append(_Request(kind, payload, done))
        if self._request is None:
            self._next()

    # Requests

    def _next(self) -> None:
        if not self._waiting or not self._is_up:
            return
        self._request = self._waiting.popleft()
        self._sequence = (self._sequence + 1) & 0xFF
        self._tries = 0
        self._send()

    def _send(self) -> None:
        request = self._request
        assert request is not None
        self._tries += 1
        self._timer = self._clock.call_after(ANSWER_LIMIT_S, self._unanswered)
        self._line.send(frame(Message(request.kind, self._sequence, request.payload)))

    def _unanswered(self) -> None:
        if self._tries < TRIES:
            self.repeats += 1
            self._send()
            return
        self._settle(None)
        self._report_lost("it does not answer")

    def _settle(self, payload: Any) -> None:
        request, self._request = self._request, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if request is not None:
            request.done(payload)
        if self._request is None:
            self._next()

    def _fail_all(self) -> None:
        waiting, self._waiting = list(self._waiting), deque()
        self._settle(None)
        for request in waiting:
            request.done(None)

    def _take(self, message: Message) -> None:
        if message.kind >= NOTICE:
            self._notice(message)
            return
        request = self._request
        if request is None or message.sequence != self._sequence or isinstance(message.payload, bytes):
            return  # a reply to a request that was given up, or of another version
        if message.kind not in (request.kind | 0x80, Kind.REFUSAL):
            return
        self.replies += 1
        if self.is_lost:
            self.is_lost = False
            self._back()
        self._settle(message.payload)

    def _report_lost(self, reason: str) -> None:
        if not self.is_lost:
            self.is_lost = True
            self._lost(reason)
