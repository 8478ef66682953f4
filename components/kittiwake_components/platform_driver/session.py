"""A driver object from its opening to its end: one operation at a time, each with a deadline, answered exactly once."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.drivers.interface import DriverFault, NoAnswer, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.inlet import Inlet
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.platform_driver.drivers.interface import Driver

MAX_WAITING = 256
"""The most operations that wait for a device; one more is refused."""

REASON_SIZE = 160


class DriverBroken(DriverFault):
    """A driver has raised what it must not: a fault of its own, and no reason to go on with it."""

    TYPE = "RuntimeError"


class SessionHost(Protocol):
    """What has calls made on the loop."""

    def post(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Has a call made, later."""

    def inlet(self, call: Callable[..., Any], *, lasts: bool = False) -> Inlet:
        """A way for other threads to have a call made."""


class Operation(NamedTuple):
    """One operation that is asked of a driver, and who waits for its answer."""

    name: str
    arguments: tuple[Any, ...]
    done: Callable[[Any], None]


class Session:
    """One driver object. `lost` is called once, on the loop, when the session is of no use any more, and says why.

    After a deadline the driver is left alone: what it may still answer goes nowhere, and all who wait are told.
    """

    def __init__(
        self, driver: Driver, clock: TaskClock, host: SessionHost, timeout_s: float,
        lost: Callable[[DriverFault], None],
    ) -> None:  # fmt: skip
        self._driver = driver
        self._clock = clock
        self._host = host
        self._inlets: list[Inlet] = []
        self._timeout_s = timeout_s
        self._lost = lost
        self._waiting: deque[Operation] = deque()
        self._urgent: deque[Operation] = deque()
        self._current: Operation | None = None
        self._number = 0
        self._timer: Timer | None = None
        self.is_over = False
        self.owes_answer = False
        """Whether the driver was given up with an operation that it never answered."""

    def submit(self, operation: Operation, *, urgent: bool = False) -> None:
        """Asks for an operation; urgent ones go before others. Its `done` is called once, but not within this call."""
        if self.is_over:
            self._host.post(operation.done, Unreachable("the session with the device is over"))
        elif len(self._waiting) + len(self._urgent) >= MAX_WAITING:
            refusal = NoAnswer(f"{MAX_WAITING} operations wait for the device already")
            self._host.post(operation.done, refusal)
        else:
            (self._urgent if urgent else self._waiting).append(operation)
            self._next()

    def _next(self) -> None:
        queue = self._urgent or self._waiting
        if self._current is not None or not queue or self.is_over:
            return
        operation = self._current = queue.popleft()
        self._number += 1
        number = self._number
        answered = self._host.inlet(partial(self._answered, number)).give
        self._timer = self._clock.call_after(self._timeout_s, self._expired, number)
        try:
            getattr(self._driver, operation.name)(*operation.arguments, answered)
        except DriverFault as fault:
            answered(fault)
        except Exception as fault:  # noqa: BLE001 - a driver may be anybody's, and breaks alone
            answered(DriverBroken(f"{type(fault).__name__} in {operation.name}: {fault}"[:REASON_SIZE]))

    def inlet(self, call: Callable[..., Any]) -> Inlet:
        """A way for the driver to have a call made again and again, until the session is over."""
        inlet = self._host.inlet(call, lasts=True)
        self._inlets.append(inlet)
        return inlet

    def _answered(self, number: int, result: Any) -> None:
        """An answer; a second one, and one that comes after its deadline, is ignored."""
        operation = self._current
        if operation is None or number != self._number or self.is_over:
            return
        self._current = None
        self._stop_timer()
        is_useless = isinstance(result, (Unreachable, DriverBroken))
        if is_useless or (operation.name == "open" and isinstance(result, DriverFault)):
            self._give_up(result)
        operation.done(result)
        self._next()

    def _expired(self, number: int) -> None:
        operation = self._current
        if operation is None or number != self._number or self.is_over:
            return
        self._current = None
        self.owes_answer = True
        fault = NoAnswer(f"no answer to {operation.name} within {self._timeout_s:g} s")
        self._give_up(fault)
        operation.done(fault)

    def _give_up(self, fault: DriverFault) -> None:
        waiting = self._end()
        self._lost(fault)
        reason = Unreachable(f"the session was given up: {fault}"[:REASON_SIZE])
        for operation in waiting:
            operation.done(reason)

    def _end(self) -> list[Operation]:
        """Nothing is asked for any more; who still waits for an answer."""
        self.is_over = True
        self._stop_timer()
        current, self._current = self._current, None
        waiting = [*([] if current is None else [current]), *self._urgent, *self._waiting]
        self.owes_answer = self.owes_answer or current is not None
        self._urgent.clear()
        self._waiting.clear()
        for inlet in self._inlets:
            inlet.close()
        self._inlets.clear()
        return waiting

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self, done: Callable[[bool], None], limit_s: float) -> None:
        """Ends the session and closes the driver; `done` is told whether the driver has answered, at the limit at last.

        A driver that closes after all later on is told of once more. What still waits is refused. Called once, also
        after the session was lost.
        """
        waiting = self._end()
        reason = Unreachable("the session was closed")
        for operation in waiting:
            operation.done(reason)
        is_closed = False

        def closed(_: object = None) -> None:
            nonlocal is_closed
            if not is_closed:
                is_closed = True
                timer.cancel()
                done(True)

        timer = self._clock.call_after(limit_s, done, False)
        has_closed = self._host.inlet(closed).give
        try:
            self._driver.close(has_closed)
        except Exception:  # noqa: BLE001 - it was on its way out
            has_closed(None)
