"""A state machine at work in one instance: the present state, its timers, and signals that run to completion."""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.component import Component
    from kittiwake.model.state_machine import After, On, StateMachine
    from kittiwake.runtime.loop import Timer

S = TypeVar("S", bound=IntEnum)
G = TypeVar("G", bound=IntEnum)

MAX_CHAIN = 64
"""The most signals that one signal may set off by its own actions."""


class SignalChainTooLong(RuntimeError):
    """Actions go on sending signals to their own machine."""


class RunningStateMachine(Generic[S, G]):
    """One instance's machine. A signal that an action sends waits until the transition at hand has ended.

    A fault in an action does not leave the machine between two states: the rest of the transition is done, then the
    first fault is raised. A guard that fails lets no transition happen. One of an array has its `index`.
    """

    __slots__ = (
        "_busy", "_channel", "_clock", "_component", "_declared", "_fault", "_index", "_lock", "_table", "_timers",
        "_waiting", "entered_ns", "is_started", "state",
    )  # fmt: skip

    def __init__(self, declared: StateMachine[S, G], component: Component, index: int | None = None) -> None:
        self.state: S = declared.initial
        self.entered_ns = 0
        self.is_started = False
        self._declared = declared
        self._component = component
        self._index = () if index is None else (index,)
        self._clock = component.clock
        self._channel = declared.channel
        self._table = declared.table
        self._timers: list[Timer] = []
        self._waiting: deque[tuple[G, tuple[Any, ...]]] = deque()
        self._busy = False
        self._fault: Exception | None = None
        self._lock: Any = None

    def start(self, state: S | None = None) -> None:
        """Enters `state` (default: the initial one), as at a start that goes on where the last one ended.

        Nothing is left for it. Raises `RuntimeError` from within an action.
        """
        if self._busy:
            raise RuntimeError(f"{self._component.name}.{self._declared.name} is started by its own action")
        self._lock = self._component._context.deployment.lock_of(self._component.name)
        self.is_started = True
        self._settle(self._enter, self._declared.initial if state is None else state)

    def stop(self) -> None:
        """Stops the timers. The state stays; nothing is left or entered, and signals are faults until `start`."""
        self.is_started = False
        self._disarm()
        self._waiting.clear()

    def send(self, signal: G, *arguments: Any) -> bool:
        """Gives the machine a signal; says whether the state had something to do for it.

        From within an action the signal waits, and the answer is true. What an action raises comes through, and
        `RuntimeError` before `start`.
        """
        if not self.is_started:
            raise RuntimeError(f"{self._component.name}.{self._declared.name} got {signal.name} before it was started")
        if self._busy:
            if len(self._waiting) >= MAX_CHAIN:
                raise SignalChainTooLong(f"{self._component.name}.{self._declared.name}: {signal.name} finds no room")
            self._waiting.append((signal, arguments))
            return True
        transitions = self._table[self.state].get(signal)
        if transitions is None:
            return False
        return self._settle(self._take, transitions, arguments)

    def _settle(self, step: Callable[..., Any], *arguments: Any) -> bool:
        """Takes one step, and then those that its actions ask for."""
        self._busy = True
        self._fault = None
        try:
            took = bool(step(*arguments))
            self._serve_waiting()
        finally:
            self._busy = False
            self._waiting.clear()
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        return took

    def _serve_waiting(self) -> None:
        served = 0
        while self._waiting and self.is_started:
            served += 1
            if served > MAX_CHAIN:
                raise SignalChainTooLong(f"{self._component.name}.{self._declared.name}: its signals have no end")
            signal, arguments = self._waiting.popleft()
            self._take(self._table[self.state].get(signal, ()), arguments)

    def _take(self, transitions: tuple[On, ...], arguments: tuple[Any, ...]) -> bool:
        component = self._component
        for one in transitions:
            if one.guard and not getattr(component, one.guard)(*self._index, *arguments):
                continue
            self._follow(one, arguments)
            return True
        return False

    def _follow(self, one: On | After, arguments: tuple[Any, ...]) -> None:
        if one.target is None:
            self._act(one.do, *arguments)
            return
        self._disarm()
        self._act(self._declared.by_state[self.state].exit)
        self._act(one.do, *arguments)
        self._enter(one.target)

    def _enter(self, state: Any) -> None:
        before = self.state
        self.state = state
        self.entered_ns = self._clock.now_ns()
        self._disarm()
        if self._channel:
            setattr(self._component, self._channel, state)
        if self._declared.changed:
            self._act(self._declared.changed, before, state)
        declared = self._declared.by_state[state]
        self._act(declared.entry)
        # An entry may have stopped the machine.
        for timer in self._declared.timers(state) if self.is_started else ():
            self._arm(timer)

    def _act(self, name: str, *arguments: Any) -> None:
        if not name:
            return
        try:
            getattr(self._component, name)(*self._index, *arguments)
        except Exception as fault:
            self._fault = self._fault or fault

    # Timers

    def _arm(self, timer: After) -> None:
        try:
            delay_s = timer.delay_s
            if isinstance(delay_s, str):
                delay_s = getattr(self._component, delay_s)
                delay_s = delay_s(*self._index) if callable(delay_s) else delay_s
            due_ns = self._clock.now_ns() + max(1, round(delay_s * NS_PER_S))
        except Exception as fault:
            self._fault = self._fault or fault
            return
        self._timers.append(self._clock.call_at(due_ns, self._due, timer))

    def _disarm(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _due(self, timer: After) -> None:
        if self._lock is None:
            self.expire(timer)
        else:
            with self._lock:
                self.expire(timer)

    def expire(self, timer: After) -> None:
        """What the clock calls when a timer of the present state is due; tests may call it too."""
        if self.is_started:
            self._settle(self._elapsed, timer)

    def _elapsed(self, timer: After) -> None:
        if timer.target is None:
            self._timers = [one for one in self._timers if one.arguments != (timer,)]
            self._arm(timer)
        self._follow(timer, ())
