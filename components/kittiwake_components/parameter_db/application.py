"""Gives new values to running components, all of them or none, each on the thread that the component runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.runtime.monitor import fault_reason

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Loop
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.parameter_db.catalogue import Entry

THREAD_LIMIT_S = 2.0
"""How long another thread may take to give values to its components."""
POLL_S = 0.005


class ValueRefused(RuntimeError):
    """A component did not take a value, or its thread did not answer; no component keeps a new value."""


class Application:
    """One set of values on its way into the components of one thread."""

    def __init__(self, values: list[tuple[Entry, Any]]) -> None:
        self._values = values
        self._before: list[tuple[Entry, Any]] = []
        self.is_cancelled = False
        self.is_done = False
        self.fault = ""

    def apply(self) -> None:
        """Gives the values, in order; the first that is refused takes back those before it."""
        if self.is_cancelled:
            return
        for entry, value in self._values:
            self._before.append((entry, entry.value))
            try:
                entry.put(value)
            except Exception as fault:  # noqa: BLE001 - whatever the component raises is its refusal
                self.fault = f"{entry.name}: {fault_reason(fault)}"
                self.take_back()
                break
        self.is_done = True

    def take_back(self) -> None:
        """Gives the values back that were there before."""
        while self._before:
            entry, value = self._before.pop()
            try:
                entry.put(value)
            except Exception:  # noqa: BLE001 - it held this value before; it holds it again, whatever it says
                continue


async def apply_values(values: list[tuple[Entry, Any]], own: Loop, clock: TaskClock) -> None:
    """Gives all values to their components, those on the caller's loop first. Raises `ValueRefused`."""
    groups: dict[Loop, list[tuple[Entry, Any]]] = {}
    for entry, value in values:
        groups.setdefault(entry.component._context.loop, []).append((entry, value))
    done: list[tuple[Loop, Application]] = []
    for loop in sorted(groups, key=lambda loop: loop is not own):
        application = Application(groups[loop])
        await _run(application, loop, own, clock)
        if application.fault:
            for earlier, applied in reversed(done):
                if earlier is own:
                    applied.take_back()
                else:
                    earlier.post(applied.take_back)
            raise ValueRefused(application.fault)
        done.append((loop, application))


async def _run(application: Application, loop: Loop, own: Loop, clock: TaskClock) -> None:
    if loop is own:
        application.apply()
        return
    if not loop.post(application.apply):
        application.fault = f"thread {loop.name} is full"
        return
    deadline_ns = clock.now_ns() + round(THREAD_LIMIT_S * 1e9)
    while not application.is_done:
        if clock.now_ns() >= deadline_ns:
            application.is_cancelled = True
            application.fault = f"thread {loop.name} has not answered within {THREAD_LIMIT_S:g} s"
            loop.post(application.take_back)
            return
        await clock.sleep(POLL_S)
