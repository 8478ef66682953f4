"""The loop: timers on absolute deadlines, queues by priority, descriptors, and an inbox for other threads.

Handlers run to completion. A turn runs the timers that are due, the inbox, and a bounded number of messages, the
highest priority first; then it looks at the descriptors, waiting there only when nothing is ready.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from kittiwake.runtime.monitor import fault_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Clock, Poller
    from kittiwake.runtime.inlet import Inlet
    from kittiwake.runtime.monitor import Monitor
    from kittiwake.runtime.queue import Message, MessageQueue
    from kittiwake.runtime.tags import TagSource

MESSAGES_A_BATCH = 64
"""The most messages one instance handles before those of its priority and of higher ones are looked at again."""

BATCHES_A_TURN = 16
"""The batches that go by priority alone; behind them every priority has one."""

ROUNDS_A_TURN = 16
"""How often timers that others have started in the same turn may be run in it."""

INBOX_LIMIT = 100_000
CALLS_A_SWEEP = 1024


class Timer:
    """A call that is due at `deadline_ns`; `cancel` makes sure that it does not happen."""

    __slots__ = ("arguments", "callback", "deadline_ns", "order")

    def __init__(self, deadline_ns: int, order: int, callback: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self.deadline_ns = deadline_ns
        self.order = order
        self.callback: Callable[..., None] | None = callback
        self.arguments = arguments

    def cancel(self) -> None:
        """Forgets the call; a timer that has run is left as it is."""
        self.callback = None


class Loop:
    """Runs the instances of one thread."""

    def __init__(self, name: str, clock: Clock, poller: Poller, tags: TagSource, monitor: Monitor) -> None:
        self.name = name
        self.clock = clock
        self.poller = poller
        self.monitor = monitor
        self.stopping = False
        self.turns = 0
        self._tags = tags
        self._now_ns, self._meter_ns = clock.now_ns, clock.meter_ns
        self._timers: list[tuple[int, int, Timer]] = []
        self._order = 0
        self._inbox: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._asleep = False
        self._ready: list[deque[MessageQueue]] = []
        self._ready_priorities: list[int] = []
        self._conditions: list[Callable[[], bool]] = []
        self._conditions_moved = False

    # Timers

    def call_at(self, deadline_ns: int, callback: Callable[..., None], *arguments: Any) -> Timer:
        """Calls back at `deadline_ns` since boot; calls that are due together come in the order they were asked for."""
        self._order += 1
        if self._order % CALLS_A_SWEEP == 0:
            # Cancelled timeouts would else stay until they are due, which may be hours.
            self._timers[:] = [entry for entry in self._timers if entry[2].callback is not None]
            heapify(self._timers)
        timer = Timer(deadline_ns, self._order, callback, arguments)
        self.call_again(timer)
        return timer

    def call_again(self, timer: Timer) -> None:
        """Has a timer that has just run call once more, at what is its `deadline_ns` now; it keeps its order."""
        heappush(self._timers, (timer.deadline_ns, timer.order, timer))
        if self._asleep:
            # Only another thread can ask while the loop sleeps: a guarded handler that runs on its caller's.
            self.poller.wake()

    def cancel_timers_of(self, owner: object) -> None:
        """Cancels every timer that would call a method of `owner`."""
        for _, _, timer in self._timers:
            if getattr(timer.callback, "__self__", None) is owner:
                timer.cancel()

    def next_deadline_ns(self) -> int | None:
        """When the next timer is due, or `None`."""
        timers = self._timers
        while timers and timers[0][2].callback is None:
            heappop(timers)
        return timers[0][0] if timers else None

    # Queues

    def ready_level(self, priority: int) -> Callable[[MessageQueue], None]:
        """The function by which queues of that instance priority say that they hold messages."""
        if priority not in self._ready_priorities:
            place = 0
            while place < len(self._ready_priorities) and self._ready_priorities[place] > priority:
                place += 1
            self._ready_priorities.insert(place, priority)
            self._ready.insert(place, deque())
        return self._ready[self._ready_priorities.index(priority)].append

    def has_ready(self) -> bool:
        """Whether a queue holds messages."""
        return any(self._ready)

    def serve(self, queue: MessageQueue) -> None:
        """Handles one batch of a queue's messages."""
        try:
            if queue.refusal:
                queue.refuse_all(queue.refusal)
            elif len(queue.levels) == 1:
                self._serve_level(queue, queue.levels[0])
            else:
                queue.note_high()
                began = self._meter_ns()
                self._serve_levels(queue, MESSAGES_A_BATCH)
                queue.busy_ns += self._meter_ns() - began
        finally:
            # Also where a handler ends the run: the shutdown flushes what is left.
            if queue.waiting:
                queue.admit_waiting()
            for level in queue.levels:
                if level:
                    queue._ready(queue)
                    break
            else:
                queue.scheduled = False

    def serve_within(self, queue: MessageQueue, limit: int) -> int:
        """Handles up to `limit` messages of a queued component in its caller's turn (0: those there now)."""
        queue.note_high()
        try:
            return self._serve_levels(queue, limit or queue.count)
        finally:
            queue.admit_waiting()

    def _serve_level(self, queue: MessageQueue, level: deque[Message]) -> None:
        """The most common queue by far has one priority: what is there now can be counted beforehand."""
        meter_ns = self._meter_ns
        count = len(level)
        if count > queue.peak:
            queue.peak = count
        if count > MESSAGES_A_BATCH:
            count = MESSAGES_A_BATCH
        left = count
        began = first = meter_ns()
        while left:
            left -= 1
            handler, arguments = level.popleft()
            try:
                handler(*arguments)
            except Exception as fault:
                self.monitor.handler_failed(queue.name, named(handler), fault_reason(fault))
            ended = meter_ns()
            if ended - began > queue.slowest_ns:
                self._note_slow(queue, handler, ended - began)
            began = ended
        queue.served += count
        queue.busy_ns += began - first

    def _serve_levels(self, queue: MessageQueue, limit: int) -> int:
        meter_ns = self._meter_ns
        levels = queue.levels
        began = meter_ns()
        for served in range(limit):
            for level in levels:
                if level:
                    handler, arguments = level.popleft()
                    break
            else:
                return served
            try:
                handler(*arguments)
            except Exception as fault:
                self.monitor.handler_failed(queue.name, named(handler), fault_reason(fault))
            queue.served += 1
            ended = meter_ns()
            if ended - began > queue.slowest_ns:
                self._note_slow(queue, handler, ended - began)
            began = ended
        return limit

    def _note_slow(self, queue: MessageQueue, handler: Callable[..., Any], duration_ns: int) -> None:
        queue.slowest_ns = duration_ns
        if duration_ns > queue.slow_limit_ns:
            self.monitor.handler_slow(queue.name, named(handler), duration_ns // 1000)

    # Other threads

    def post(self, call: Callable[..., Any], *arguments: Any) -> bool:
        """Has `call` made on this loop; safe from any thread. False if the inbox is full."""
        if len(self._inbox) >= INBOX_LIMIT:
            return False
        self.resume(call, *arguments)
        return True

    def resume(self, step: Callable[..., Any], *arguments: Any) -> None:
        """As `post`, for the steps of tasks: those are few, and one that found no room would never end."""
        self._inbox.append((step, arguments))
        if self._asleep:
            self.poller.wake()

    def inlet(self, call: Callable[..., Any], *, lasts: bool = False) -> Inlet:
        """A way for other threads to have `call` made on this loop, once, or with `lasts` until it is closed.

        It is made on the loop. What a thread has found out comes through one, or is given to a method of a component
        by `post` or `resume`: both can be recorded.
        """
        from kittiwake.runtime.inlet import Inlet

        return Inlet(self, 0, call, lasts=lasts)

    def forget_inlet(self, number: int) -> None:
        """An inlet is closed."""

    def await_calls(self, deadline_ns: int) -> bool:
        """Makes the calls that have come from other threads; where there are none it waits for some until the deadline.

        Says whether any have come. For the end, when nobody turns the loop and a thread has something left to say.
        """
        self._asleep = True
        callbacks = self.poller.wait(0 if self._inbox else deadline_ns)
        self._asleep = False
        for callback in callbacks:
            self._call(callback, ())
        has_come = bool(callbacks or self._inbox)
        self._take_inbox()
        return has_come

    # Conditions that tasks wait for

    def when(self, condition: Callable[[], bool]) -> None:
        """Calls `condition` at the end of every turn until it says that it is done."""
        self._conditions.append(condition)

    # Running

    def turn(self, until_ns: int | None = None) -> None:
        """One turn; it waits no longer than `until_ns`, and not at all if anything is ready."""
        self.turns += 1
        self._tags.stale = True
        timers = self._timers
        if timers:
            now = self._now_ns()
            if timers[0][0] <= now:
                self._run_timers(now)
        if self._inbox:
            self._take_inbox()
        is_left = self._serve_ready()
        if self._conditions or self._conditions_moved:
            self._conditions_moved = self._check_conditions()
            is_left = self._conditions_moved or self.has_ready()
        # From here on whoever posts wakes the poller: what came before that is in the inbox by now.
        self._asleep = True
        if is_left or self._inbox or self.stopping:
            until_ns = 0
        deadline = timers[0][0] if timers and timers[0][2].callback is not None else self.next_deadline_ns()
        if until_ns is not None and (deadline is None or until_ns < deadline):
            deadline = until_ns
        callbacks = self.poller.wait(deadline)
        self._asleep = False
        for callback in callbacks:
            self._tags.stale = True
            self._call(callback, ())

    def _run_timers(self, now: int) -> None:
        timers = self._timers
        rounds = ROUNDS_A_TURN
        # Rounds, because one that asks for a time that is past must not keep all else from running.
        while rounds and timers and timers[0][0] <= now:
            rounds -= 1
            timer = heappop(timers)[2]
            if timers and timers[0][0] <= now:
                due = [timer]
                while timers and timers[0][0] <= now:
                    due.append(heappop(timers)[2])
                for timer in due:
                    self._run_timer(timer)
            else:
                self._run_timer(timer)

    def _run_timer(self, timer: Timer) -> None:
        callback = timer.callback
        if callback is not None:
            try:
                callback(*timer.arguments)
            except Exception as fault:
                self._report(callback, fault)

    def _take_inbox(self) -> None:
        inbox = self._inbox
        for _ in range(len(inbox)):
            if not inbox:
                break  # a step that flushed the loop, as a restart does, has had the others taken
            self._call(*inbox.popleft())

    def _serve_ready(self) -> bool:
        """Serves a turn's batches; whether any are left."""
        ready = self._ready
        batches = BATCHES_A_TURN
        while batches:
            for level in ready:
                if level:
                    self.serve(level.popleft())
                    batches -= 1
                    break
            else:
                return False
        # The highest priority would starve the others if it always had messages.
        for level in ready:
            if level:
                self.serve(level.popleft())
        return self.has_ready()

    def _check_conditions(self) -> bool:
        """Whether one was done: what it set off may be what another, checked before it, waits for."""
        waiting, self._conditions = self._conditions, []
        open_still = [condition for condition in waiting if not self._is_done(condition)]
        self._conditions += open_still
        return len(open_still) < len(waiting)

    def _is_done(self, condition: Callable[[], bool]) -> bool:
        try:
            return condition()
        except Exception as fault:
            self._report(condition, fault)
            return True

    def _call(self, callback: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        try:
            callback(*arguments)
        except Exception as fault:
            self._report(callback, fault)

    def _report(self, callback: Callable[..., Any], fault: Exception) -> None:
        self.monitor.handler_failed(owner_of(callback, self.name), named(callback), fault_reason(fault))

    def run(self) -> None:
        """Turns until `stop` is called."""
        while not self.stopping:
            self.turn()

    def run_until(self, deadline_ns: int) -> None:
        """Turns until the clock has reached `deadline_ns` and all that was due by then has run."""
        while not self.stopping:
            self.turn(deadline_ns)
            if self._has_reached(deadline_ns):
                return

    def _has_reached(self, deadline_ns: int) -> bool:
        return self._now_ns() >= deadline_ns and not self._busy(deadline_ns)

    def go_on(self) -> None:
        """Goes on with what was frozen; only a watched loop can."""
        raise NotImplementedError(f"{self.name} is not watched")

    def _busy(self, deadline_ns: int) -> bool:
        due = self.next_deadline_ns()
        return self.is_unsettled() or (due is not None and due <= deadline_ns)

    def is_unsettled(self) -> bool:
        """Whether messages, calls from other threads or conditions that just came true wait to be served."""
        return bool(self._inbox) or self._conditions_moved or self.has_ready()

    def settle(self, limit: int = 1000) -> bool:
        """Turns without waiting until nothing is ready; false if it still was after `limit` turns."""
        for _ in range(limit):
            self.turn(0)
            if not self._busy(self.clock.now_ns()):
                return True
        return False

    def stop(self) -> None:
        """Makes `run` return after its present turn; safe from any thread and from signal handlers."""
        self.stopping = True
        self.poller.wake()


def named(handler: Callable[..., Any]) -> str:
    """The name of what is called."""
    return getattr(handler, "__name__", type(handler).__name__)


def owner_of(callback: Callable[..., Any], default: str) -> str:
    """The name of the instance whose method it is, or the default."""
    return str(getattr(getattr(callback, "__self__", None), "name", default))
