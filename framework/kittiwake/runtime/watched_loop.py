"""A loop that tells a watch of each call, before it and after it: simulations count them, and cut the power.

Chosen when a deployment is made, so that the plain loop has nothing to ask.
"""

from __future__ import annotations

from _thread import get_ident
from typing import TYPE_CHECKING, Any

from kittiwake.runtime.loop import MESSAGES_A_BATCH, Loop, named, owner_of

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from kittiwake.platform.interface import Clock, DispatchWatch, Poller
    from kittiwake.runtime.inlet import Inlet
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.monitor import Monitor
    from kittiwake.runtime.queue import Message, MessageQueue
    from kittiwake.runtime.tags import TagSource


class WatchedLoop(Loop):
    """Does what `Loop` does, in the same order.

    Dispatches are the messages of queues, timers, calls from the inbox and callbacks of descriptors; not the
    conditions that tasks wait for, which only look.
    """

    def __init__(
        self, name: str, clock: Clock, poller: Poller, tags: TagSource, monitor: Monitor, watch: DispatchWatch
    ) -> None:
        super().__init__(name, clock, poller, tags, monitor)
        self._watch = watch
        self._home = get_ident()
        self.until_ns: int | None = None
        """Until when it turns; `None` for ever."""
        self.inlets: dict[int, Inlet] = {}
        """Those that are open, by number: a replay has the same ones."""
        self.inlets_made = 0

    def _serve_level(self, queue: MessageQueue, level: deque[Message]) -> None:
        count = len(level)
        if count > queue.peak:
            queue.peak = count
        began = self._meter_ns()
        self._serve_levels(queue, min(count, MESSAGES_A_BATCH))
        queue.busy_ns += self._meter_ns() - began

    def _serve_levels(self, queue: MessageQueue, limit: int) -> int:
        watch, levels, serve = self._watch, queue.levels, super()._serve_levels
        for served in range(limit):
            for level in levels:
                if level:
                    break
            else:
                return served
            watch.began(queue.name, named(level[0][0]))
            serve(queue, 1)
            watch.ended()
        return limit

    def _run_timer(self, timer: Timer) -> None:
        if timer.callback is not None:
            self._watch.began(owner_of(timer.callback, self.name), named(timer.callback))
            super()._run_timer(timer)
            self._watch.ended()

    def _call(self, callback: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._watch.began(owner_of(callback, self.name), named(callback))
        super()._call(callback, arguments)
        self._watch.ended()

    def resume(self, step: Callable[..., Any], *arguments: Any) -> None:
        """As that of `Loop`; the watch may have calls from other threads come as the poller's."""
        if get_ident() == self._home or not self._watch.arrived(step, arguments):
            super().resume(step, *arguments)
        else:
            self.poller.wake()

    def inlet(self, call: Callable[..., Any], *, lasts: bool = False) -> Inlet:
        """As that of `Loop`; each has a number."""
        from kittiwake.runtime.inlet import Inlet

        self.inlets_made = number = self.inlets_made + 1
        inlet = self.inlets[number] = Inlet(self, number, call, lasts=lasts)
        return inlet

    def forget_inlet(self, number: int) -> None:
        """An inlet is closed."""
        self.inlets.pop(number, None)

    def run(self) -> None:
        """As that of `Loop`."""
        self.until_ns = None
        super().run()

    def run_until(self, deadline_ns: int) -> None:
        """As that of `Loop`."""
        self.until_ns = deadline_ns
        super().run_until(deadline_ns)

    def go_on(self) -> None:
        """Ends the turn in whose wait it was frozen, and goes on with `run` or `run_until`, whichever it was."""
        callbacks = self.poller.wait(None)
        self._asleep = False
        for callback in callbacks:
            self._tags.stale = True
            self._call(callback, ())
        if self.until_ns is None:
            self.run()
        elif not self._has_reached(self.until_ns):
            self.run_until(self.until_ns)


__all__ = ["WatchedLoop"]
