"""`async def` handlers: our own trampoline, and the few things a handler may await.

A task suspends only itself: at each await its component serves other messages, never two between awaits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from kittiwake.runtime.loop import Loop, Timer

T = TypeVar("T")


class Cancelled(BaseException):
    """Thrown into a handler that is cancelled. It is no `Exception`, so that no `except Exception` swallows it."""


class Task:
    """One running `async def` handler; `done` is called once, with the fault or `None`."""

    __slots__ = ("_cancel_asked", "_coroutine", "_done", "_lock", "_wait", "finished")

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], done: Callable[[BaseException | None], None], lock: Any = None
    ) -> None:
        self._coroutine = coroutine
        self._done = done
        self._lock = lock
        self._wait: Wait | None = None
        self._cancel_asked = False
        self.finished = False

    def step(self, value: Any = None, fault: BaseException | None = None) -> None:
        """Runs the handler to its next await, under the instance's lock if it has one."""
        if self.finished:
            return
        if self._lock is None:
            self._step(value, fault)
        else:
            with self._lock:
                self._step(value, fault)

    def _step(self, value: Any, fault: BaseException | None) -> None:
        self._wait = None
        try:
            wait = self._coroutine.send(value) if fault is None else self._coroutine.throw(fault)
        except StopIteration:
            self._finish(None)
        except Cancelled as cancelled:
            self._finish(cancelled)
        except Exception as raised:
            self._finish(raised)
        else:
            if isinstance(fault, Cancelled):
                self._give_up()
                self._finish(fault)
            elif self._cancel_asked:
                self._step(None, Cancelled())
            elif isinstance(wait, Wait):
                self._wait = wait
                wait.arm(self)
            else:
                self._step(None, TypeError(f"a handler awaits only what its clock and ports offer, not {wait!r}"))

    def _give_up(self) -> None:
        """Ends a cancelled handler that waits again: it may clean up, but not wait."""
        try:
            self._coroutine.close()
        except RuntimeError:
            return  # it awaits even now; nobody will step it again

    def _finish(self, fault: BaseException | None) -> None:
        self.finished = True
        self._done(fault)

    def cancel(self) -> None:
        """Throws `Cancelled` into the handler where it waits; one that is running gets it at its next await."""
        if self.finished:
            return
        if getattr(self._coroutine, "cr_running", False):
            self._cancel_asked = True
            return
        if self._wait is not None:
            self._wait.disarm()
        self.step(fault=Cancelled())


class Wait:
    """Something that a task can wait for."""

    def arm(self, task: Task) -> None:
        """Arranges that `task.step` is called when it has happened."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def disarm(self) -> None:
        """Takes that arrangement back."""

    def __await__(self) -> Generator[Wait, Any, Any]:
        return (yield self)


class Sleep(Wait):
    """Until a deadline."""

    def __init__(self, loop: Loop, deadline_ns: int) -> None:
        self._loop = loop
        self._deadline_ns = deadline_ns
        self._timer: Timer | None = None

    def arm(self, task: Task) -> None:
        """Starts the timer."""
        self._timer = self._loop.call_at(self._deadline_ns, task.step)

    def disarm(self) -> None:
        """Stops the timer."""
        if self._timer is not None:
            self._timer.cancel()


class Until(Wait):
    """Until a condition holds (true) or a deadline has passed (false)."""

    def __init__(self, loop: Loop, condition: Callable[[], bool], deadline_ns: int | None) -> None:
        self._loop = loop
        self._condition = condition
        self._deadline_ns = deadline_ns
        self._task: Task | None = None
        self._timer: Timer | None = None

    def arm(self, task: Task) -> None:
        """Has the condition checked at the end of every turn."""
        self._task = task
        if self._deadline_ns is not None:
            self._timer = self._loop.call_at(self._deadline_ns, self._expired)
        self._loop.when(self._check)

    def disarm(self) -> None:
        """Forgets the condition."""
        self._task = None
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> bool:
        task = self._task
        if task is None:
            return True
        try:
            holds = self._condition()
        except Exception as fault:
            self.disarm()
            task.step(fault=fault)
            return True
        if holds:
            self.disarm()
            task.step(True)
        return holds

    def _expired(self) -> None:
        task = self._task
        if task is not None:
            self.disarm()
            task.step(False)


class Reply(Wait, Generic[T]):
    """A value that somebody will give by `set`; awaiting it gives the value. It can be awaited after it was set."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._task: Task | None = None
        self._value: tuple[T] | None = None

    def set(self, value: T) -> None:
        """Gives the value; only the first one counts."""
        if self._value is not None:
            return
        self._value = (value,)
        if self._task is not None:
            task, self._task = self._task, None
            self._loop.resume(task.step, value)

    @property
    def is_set(self) -> bool:
        """Whether the value is there."""
        return self._value is not None

    def arm(self, task: Task) -> None:
        """Steps the task with the value, at once if it is there."""
        if self._value is not None:
            self._loop.resume(task.step, self._value[0])
        else:
            self._task = task

    def disarm(self) -> None:
        """Forgets the task."""
        self._task = None

    def __await__(self) -> Generator[Wait, Any, T]:
        value: T = yield self
        return value


class TaskClock:
    """A component's clock: the time since boot, and what its `async def` handlers may await."""

    __slots__ = ("_loop", "call_again", "call_at", "now_ns")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.call_at = loop.call_at
        self.call_again = loop.call_again
        self.now_ns = loop.clock.now_ns

    def wall_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC: a label and an absolute schedule, which may step."""
        return self._loop.clock.wall_ns()

    def sleep(self, delay_s: float) -> Wait:
        """Waits for `delay_s` seconds of time since boot, suspend included."""
        return Sleep(self._loop, self.now_ns() + round(delay_s * NS_PER_S))

    def sleep_until(self, deadline_ns: int) -> Wait:
        """Waits until `deadline_ns` since boot."""
        return Sleep(self._loop, deadline_ns)

    def until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> Wait:
        """Waits until `condition()` holds (true) or `timeout_s` has passed (false). It is checked after each turn."""
        deadline = None if timeout_s is None else self.now_ns() + round(timeout_s * NS_PER_S)
        return Until(self._loop, condition, deadline)

    def reply(self) -> Reply[Any]:
        """A new `Reply`, for a handler that asks through a port and awaits the answer."""
        return Reply(self._loop)

    def call_after(self, delay_s: float, callback: Callable[..., None], *arguments: Any) -> Timer:
        """Calls back on the component's loop in `delay_s` seconds."""
        return self._loop.call_at(self.now_ns() + round(delay_s * NS_PER_S), callback, *arguments)
