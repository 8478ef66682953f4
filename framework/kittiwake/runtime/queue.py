"""The queue of one instance: bounded, with a priority for each port, and a declared behaviour when it is full."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from kittiwake.runtime.monitor import fault_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Loop
    from kittiwake.runtime.monitor import Monitor

Message = tuple[Any, tuple[Any, ...]]

MAX_DEPTH = 100_000


class MessageQueue:
    """Messages of one instance. Only its own loop touches it; other loops post to that loop's inbox.

    They wait in `levels`, the highest priority first, at most `depth` in each: a flood of one priority takes no room
    from another. `peak` is the most that were found waiting since `take_peak`, `dropped` counts by port what found no
    room, `served` what was handled, and `busy_ns` how long that took: handlers run to completion, so it is what they
    used of the processor, and what they called of passive components with them. While there is a `refusal`, its loop
    refuses what comes, for that reason.
    """

    __slots__ = (
        "_answers", "_earlier_peak", "_hooks", "_ports", "_priorities", "_ready", "busy_ns", "depth", "dropped",
        "levels", "loop", "monitor", "name", "peak", "refusal", "scheduled", "served", "slow_limit_ns", "slowest_ns",
        "waiting",
    )  # fmt: skip

    def __init__(self, name: str, depth: int, monitor: Monitor, loop: Loop | None, priority: int) -> None:
        if not 1 <= depth <= MAX_DEPTH:
            raise ValueError(f"{name}: a queue holds 1 to {MAX_DEPTH} messages, not {depth}")
        self.name = name
        self.depth = depth
        self.monitor = monitor
        self.loop = loop
        self.levels: list[deque[Message]] = []
        self._priorities: list[int] = []
        self.peak = self._earlier_peak = 0
        self.served = 0
        self.busy_ns = 0
        self.dropped: dict[str, int] = {}
        self.slowest_ns = 0
        self.slow_limit_ns = 1_000_000_000
        self.waiting: deque[Message] = deque()
        self.scheduled = False
        self.refusal = ""
        self._ports: dict[Callable[..., Any], str] = {}
        self._hooks: dict[Callable[..., Any], Callable[..., None]] = {}
        self._answers: dict[Callable[..., Any], Callable[..., None]] = {}
        self._ready: Callable[[MessageQueue], None] = _never if loop is None else loop.ready_level(priority)

    def level(self, priority: int) -> deque[Message]:
        """The messages of one priority; its place among the levels is kept sorted."""
        if priority in self._priorities:
            return self.levels[self._priorities.index(priority)]
        place = 0
        while place < len(self._priorities) and self._priorities[place] > priority:
            place += 1
        self._priorities.insert(place, priority)
        self.levels.insert(place, deque())
        return self.levels[place]

    def putter(
        self, port: str, handler: Callable[..., Any], priority: int, full: str, hook: Callable[..., None] | None = None
    ) -> Callable[..., bool]:
        """The function that queues a call of `handler`; it says whether there was room.

        `full` is what happens if there is none; `hook`, if it is given, then gets the arguments.
        """
        level = self.level(priority)
        self._ports[handler] = port
        if hook is not None:
            self._hooks[handler] = hook
        depth, append, ready = self.depth, level.append, self._ready

        def put(*arguments: Any) -> bool:
            if len(level) >= depth and not self._make_room(port, handler, level, full, hook, arguments):
                return False
            append((handler, arguments))
            if not self.scheduled:
                self.scheduled = True
                ready(self)
            return True

        return put

    def _make_room(
        self, port: str, handler: Any, level: deque[Message], full: str, hook: Callable[..., None] | None,
        arguments: tuple[Any, ...],
    ) -> bool:  # fmt: skip
        self.dropped[port] = self.dropped.get(port, 0) + 1
        self.note_high()
        if hook is not None:
            hook(*arguments)
            return False
        self.monitor.queue_full(self.name, port, full)
        if full != "drop_oldest":
            return False
        # Only a message of the same port gives way: another's may be a command that must be answered.
        for place, (queued, _) in enumerate(level):
            if queued is handler:
                del level[place]
                return True
        return False

    def answer_refused(self, handler: Callable[..., Any], answer: Callable[..., None]) -> None:
        """Has `answer(why, *arguments)` called for each refused message for `handler`: every command is answered."""
        self._answers[handler] = answer

    def refuse_all(self, why: str) -> None:
        """Takes all messages away unhandled: commands are answered, others counted as dropped, hooks get theirs."""
        while (message := self.take()) is not None:
            handler, arguments = message
            answer = self._answers.get(handler)
            if answer is not None:
                answer(why, *arguments)
                continue
            port = self._ports[handler]
            self.dropped[port] = self.dropped.get(port, 0) + 1
            if self.refusal:
                self.monitor.queue_full(self.name, port, "quarantined")
            elif handler in self._hooks:
                try:
                    self._hooks[handler](*arguments)
                except Exception as fault:
                    self.monitor.handler_failed(self.name, f"{port}_overflow", fault_reason(fault))

    @property
    def count(self) -> int:
        """The messages that wait."""
        return sum(map(len, self.levels))

    def note_high(self) -> None:
        """Keeps the most that were found waiting."""
        count = 0
        for level in self.levels:
            count += len(level)
        if count > self.peak:
            self.peak = count

    @property
    def high(self) -> int:
        """The most that were ever found waiting."""
        return max(self.peak, self._earlier_peak)

    def take_peak(self) -> int:
        """The most that were found waiting since the last time this was asked."""
        self.note_high()
        peak = self.peak
        self._earlier_peak = self.high
        self.peak = 0
        return peak

    def take(self) -> Message | None:
        """The next message, the highest priority first, or `None`."""
        for level in self.levels:
            if level:
                return level.popleft()
        return None

    def admit_waiting(self) -> None:
        """Takes in what other threads hold back until there is room."""
        while self.waiting and self.has_room():
            take, arguments = self.waiting.popleft()
            take(*arguments)

    def has_room(self) -> bool:
        """Whether a message of any priority would be taken."""
        return all(len(level) < self.depth for level in self.levels)


def _never(queue: MessageQueue) -> None:
    """A queued component is not scheduled: it empties its queue itself."""
