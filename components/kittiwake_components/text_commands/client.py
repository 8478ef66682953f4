"""One connection of the text protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.caller_connection import CallerConnection
from kittiwake_components.text_commands.lines import LineReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Poller, Stream
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock

QUIET_S = 0.3
"""What has no line end is a command after so long: Beemon's clients sent none, and its server took what it received."""


class Client(CallerConnection[bytes]):
    """A connection. `asked` gets each line; a second line waits until the first one is answered."""

    def __init__(
        self, stream: Stream, poller: Poller, clock: TaskClock, request_limit_s: float,
        asked: Callable[[Client, bytes], None], ended: Callable[[Client, str], None],
    ) -> None:  # fmt: skip
        super().__init__(stream, poller, clock, request_limit_s)
        self._reader = LineReader()
        self._quiet: Timer | None = None
        self._asked = asked
        self._ended = ended
        self.expect()

    def feed(self, data: bytes) -> None:
        self._reader.feed(data)
        self._forget_quiet()
        self._quiet = self._clock.call_after(QUIET_S, self._take_the_rest)

    def _forget_quiet(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None

    def _take_the_rest(self) -> None:
        self._reader.end()
        if not self.is_busy and not self.is_closed:
            self.serve()

    def next_request(self) -> bytes | None:
        return self._reader.line()

    @property
    def has_begun(self) -> bool:
        return self._reader.has_begun

    def asked(self, request: bytes) -> None:
        self._asked(self, request)

    def refuse(self, fault: ValueError) -> None:
        self.answer(f"error: {fault}")

    def ended(self, reason: str) -> None:
        if self.is_closed:
            self._forget_quiet()
        self._ended(self, reason)

    def at_end(self) -> None:
        """What was said last counts, and the answer is sent to whoever still listens."""
        if not self._reader.has_begun:
            self.close("")
            return
        self._keep_alive = False
        self._take_the_rest()
        if not self.is_busy:
            self.close("")

    def answer(self, line: str) -> None:
        """Answers the command that waits."""
        self.send(line.encode("utf-8", "replace") + b"\n")
