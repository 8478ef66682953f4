"""A thread with an asyncio loop, for libraries that are built on asyncio; asyncio itself is imported there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Coroutine, Iterable

    from kittiwake.platform.interface import Platform

CANCEL_AGAIN_S = 3.0
"""From one try to cancel what runs to the next."""


class AsyncioThread:
    """Runs coroutines beside the deployment's loop, which never waits for it.

    What `begin` and `stop` are given is taken up in order, also before the thread has come up; in a replay it is not.
    """

    THREAD_SIDE = ("_lock", "_early", "_loop", "_tasks")

    def __init__(self, name: str, platform: Platform) -> None:
        from threading import Lock

        self._lock = Lock()
        self._early: list[Callable[[], object]] = []
        self._loop: AbstractEventLoop | None = None
        self._tasks: set[Task[None]] = set()
        self._thread = platform.start_thread(name, self._run)

    def begin(self, work: Callable[[], Coroutine[Any, Any, Any]], done: Callable[[Any], None]) -> None:
        """Runs the coroutine that `work` makes; `done` is called in the thread with its result, or its fault.

        `work` is called in the thread too, so that it may import what is slow. Safe from any thread.
        """
        self._post(lambda: self._begin(work, done))

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Has a function called in the thread; safe from any thread."""
        self._post(lambda: function(*arguments))

    def stop(self) -> None:
        """Cancels what still runs and ends the thread; safe from any thread."""
        self._post(lambda: self._loop and self._loop.stop())

    def _post(self, call: Callable[[], object]) -> None:
        if not self._thread.is_here:
            return
        with self._lock:
            if self._loop is None:
                self._early.append(call)
                return
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            pass  # it has ended

    def _run(self) -> None:
        import asyncio

        loop = asyncio.new_event_loop()
        with self._lock:
            self._loop = loop
            for call in self._early:
                loop.call_soon(call)
        try:
            loop.run_forever()
            loop.run_until_complete(_end_all(asyncio.all_tasks(loop)))
        finally:
            loop.close()

    def _begin(self, work: Callable[[], Coroutine[Any, Any, Any]], done: Callable[[Any], None]) -> None:
        assert self._loop is not None
        task = self._loop.create_task(self._carry_out(work, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, work: Callable[[], Coroutine[Any, Any, Any]], done: Callable[[Any], None]) -> None:
        try:
            result = await work()
        except BaseException as fault:  # noqa: BLE001 - a cancelled or failed work is answered too
            result = fault
        done(result)


async def _end_all(tasks: Iterable[Task[Any]]) -> None:
    """Cancels the tasks and returns when they, and the connections that they close, have ended."""
    import asyncio

    left = set(tasks)
    while left:  # again and again: before Python 3.12 `wait_for` loses a cancellation that comes as its work is done
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # asked for, so that nobody complains that it was not
    await asyncio.sleep(0)


class Errands:
    """What one owner has running in the thread, which can be ended together. Safe from any thread."""

    THREAD_SIDE = ("_tasks",)

    def __init__(self, thread: AsyncioThread) -> None:
        self._thread = thread
        self._tasks: set[Task[Any]] = set()

    def begin(self, work: Callable[[], Coroutine[Any, Any, Any]], done: Callable[[Any], None]) -> None:
        """As `AsyncioThread.begin`."""

        async def tracked() -> Any:
            from asyncio import current_task

            task = current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                return await work()
            finally:
                self._tasks.discard(task)

        self._thread.begin(tracked, done)

    def end(self, work: Callable[[], Coroutine[Any, Any, Any]], done: Callable[[Any], None]) -> None:
        """Cancels all that was begun before, waits for it, and then does the work."""

        async def last() -> Any:
            await _end_all(list(self._tasks))
            return await work()

        self._thread.begin(last, done)
