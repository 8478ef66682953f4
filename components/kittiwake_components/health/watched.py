"""One queue that Health pings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Loop
    from kittiwake.runtime.queue import MessageQueue

PING = "ping"
PRIORITY = 0


class Watched:
    """A queue, its limits in cycles, and the ping that it has not answered yet.

    `late` counts the cycles since that ping, which was due at `asked_ns`. `answered(watched, key, ns since boot)` is
    called on Health's loop. A ping for which the queue has no room is offered again each cycle.
    """

    __slots__ = (
        "_answered", "_depth", "_home", "_level", "_loop", "_offer", "_offered", "_send", "asked_ns", "enabled",
        "failed", "fatal", "key", "late", "name", "recovering", "waiting", "warn", "warned",
    )  # fmt: skip

    def __init__(
        self, queue: MessageQueue, warn: int, fatal: int, home: Loop, answered: Callable[[Watched, int, int], None]
    ) -> None:
        assert queue.loop is not None, "a queued component is served by its caller, which may never come"
        self.name = queue.name
        self.warn = warn
        self.fatal = fatal
        self.enabled = True
        self.waiting = self.warned = self.failed = self.recovering = False
        self.key = self.late = self.asked_ns = 0
        self._level = queue.level(PRIORITY)
        self._depth = queue.depth
        self._loop = queue.loop
        self._home = home
        self._answered = answered
        self._offer = queue.putter(PING, self._answer, PRIORITY, "drop")
        self._offered = False
        self._send: Callable[[int], object] = self._deliver if queue.loop is home else self._post
        queue.answer_refused(self._answer, self._refused)

    def ask(self, key: int, now_ns: int) -> None:
        """Sends a ping."""
        self.key = key
        self.asked_ns = now_ns
        self.waiting = True
        self.warned = self.failed = self.recovering = self._offered = False
        self.late = 0
        self._send(key)

    def insist(self) -> None:
        """Offers the ping again if the queue had no room for it."""
        if not self._offered:
            self._send(self.key)

    def _post(self, key: int) -> None:
        self._loop.post(self._deliver, key)

    def forget(self) -> None:
        """Waits for no answer any more."""
        self.waiting = self.recovering = False
        self.late = 0

    # On the watched loop

    def _deliver(self, key: int) -> None:
        if not self._offered and len(self._level) < self._depth:
            self._offered = self._offer(key)

    def _refused(self, why: str, key: int) -> None:
        """The instance was restarted with the ping still in its queue: it is asked afresh."""

    def _answer(self, key: int) -> None:
        # It stood in line with the instance's messages; from another loop the answer comes back as a message of ours.
        now_ns = self._loop.clock.now_ns()
        if self._loop is self._home:
            self._answered(self, key, now_ns)
        else:
            self._home.post(self._answered, self, key, now_ns)
