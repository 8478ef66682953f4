"""State machines: what a component does at which signal, declared in one place (as FPP's state machines are).

    door = StateMachine(
        DoorState, DoorSignal,
        State(DoorState.CLOSED, On(DoorSignal.ASKED, DoorState.OPENING, guard="is_allowed")),
        State(DoorState.OPENING, On(DoorSignal.ARRIVED, DoorState.OPEN), After("travel_s", DoorState.CLOSED),
              entry="motor_on", exit="motor_off"),
        State(DoorState.OPEN, After(30.0, DoorState.CLOSED)),
        channel="door_state",
    )

    self.door.start()
    self.door.send(DoorSignal.ASKED)
    self.door.state

Guards and actions are named: methods of the component, or its events and output ports. The declaration is checked when
the component class is made.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from kittiwake.model.component import CO_COROUTINE
from kittiwake.model.types import TypeFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kittiwake.runtime.state_machine import RunningStateMachine

S = TypeVar("S", bound=IntEnum)
G = TypeVar("G", bound=IntEnum)


class On:
    """What happens at a signal.

    With a `target` the state is left (also for itself) and that one entered; without one only `do` happens, if there is
    one. `guard` names what must hold. Those of one state and signal are tried in their order, and only the last of them
    may have no guard. Guard and `do` are given the arguments that came with the signal.
    """

    __slots__ = ("do", "guard", "signal", "target")

    def __init__(self, signal: IntEnum, target: IntEnum | None = None, *, guard: str = "", do: str = "") -> None:
        self.signal = signal
        self.target = target
        self.guard = guard
        self.do = do

    @property
    def trigger(self) -> str:
        """What sets it off, for people."""
        return self.signal.name


class After:
    """What happens once a state has lasted `delay_s` seconds on the clock since boot, suspend included.

    The delay is a number, or the name of a parameter, a setting or a method that gives one when the state is entered.
    Without a `target` the state goes on, and `do` happens each `delay_s` seconds.
    """

    __slots__ = ("delay_s", "do", "target")

    guard = ""

    def __init__(self, delay_s: float | str, target: IntEnum | None = None, *, do: str = "") -> None:
        self.delay_s = delay_s
        self.target = target
        self.do = do

    @property
    def trigger(self) -> str:
        """What sets it off, for people."""
        return f"after {self.delay_s}" if isinstance(self.delay_s, str) else f"after {self.delay_s:g} s"


class State:
    """One state: its transitions, and what is done whenever it is entered and left."""

    __slots__ = ("entry", "exit", "state", "transitions")

    def __init__(self, state: IntEnum, *transitions: On | After, entry: str = "", exit: str = "") -> None:
        self.state = state
        self.transitions = transitions
        self.entry = entry
        self.exit = exit


class StateMachine(Generic[S, G]):
    """One declared state machine; its states and signals are the members of two enums.

    It begins in `initial` (default: the first member). `anywhere` holds for every state that has no `On` for that
    signal. A signal that neither knows changes nothing. Each change writes the state to `channel`, then calls `changed`
    with the state before and the one after, then runs the entry.
    """

    __state_machine__ = True

    def __init__(
        self, states: type[S], signals: type[G], *declared: State, initial: S | None = None,
        anywhere: Iterable[On] = (), channel: str = "", changed: str = "", doc: str = "",
    ) -> None:  # fmt: skip
        self.states = states
        self.signals = signals
        self.declared = declared
        self.initial: S = next(iter(states)) if initial is None else initial
        self.anywhere = tuple(anywhere)
        self.channel = channel
        self.changed = changed
        self.doc = doc
        self.name = ""
        self.by_state: dict[int, State] = {}
        self.table: dict[int, dict[int, tuple[On, ...]]] = {}

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> StateMachine[S, G]: ...

        @overload
        def __get__(self, instance: object, owner: type) -> RunningStateMachine[S, G]: ...

        def __get__(self, instance: object, owner: type) -> Any: ...

    def bind(self, name: str) -> None:
        """Takes the name under which the component declares it."""
        self.name = name

    def at(self, state: S, signal: G) -> tuple[On, ...]:
        """What may happen in a state at a signal, in the order in which it is tried."""
        return self.table[state].get(signal, ())

    def timers(self, state: S) -> tuple[After, ...]:
        """What happens in a state after a time."""
        return tuple([one for one in self.by_state[state].transitions if isinstance(one, After)])

    def transitions(self) -> Iterator[tuple[S, On | After]]:
        """Every state with each transition that may be taken there, in the order of declaration."""
        for state in self.states:
            own = self.by_state[state].transitions
            yield from ((state, one) for one in own)
            yield from ((state, one) for one in self._inherited(own))

    def _inherited(self, own: tuple[On | After, ...]) -> list[On]:
        known = {int(one.signal) for one in own if isinstance(one, On)}
        return [one for one in self.anywhere if int(one.signal) not in known]

    def check(self, cls: Any) -> None:
        """Raises `TypeFault` for what cannot be meant, naming the component, machine and state."""
        where = f"{cls.__name__}.{self.name}"
        for _, one in self.transitions():
            self._check_targets(where, one)
        self._check_unused(where)
        self._check_reach(where)
        for what, name in self._handlers():
            _check_handler(f"{where}: {what}", cls, name)
        for state in self.states:
            for timer in self.timers(state):
                _check_delay(f"{where}.{state.name}", cls, timer.delay_s)
        if self.channel:
            shown = cls.__declarations__.channels.get(self.channel)
            if shown is None or shown.type.python is not self.states:
                raise TypeFault(f"{where}: {self.channel} is no channel of type {self.states.__name__}")

    def settle(self, owner: str) -> None:
        """Settles the table. Raises `TypeFault` where it is none, naming the component `owner`."""
        where = f"{owner}.{self.name}"
        by_state: dict[int, State] = {}
        for one in self.declared:
            if not isinstance(one.state, self.states):
                raise TypeFault(f"{where}: {one.state!r} is no state of {self.states.__name__}")
            if int(one.state) in by_state:
                raise TypeFault(f"{where}: the state {one.state.name} is declared twice")
            by_state[int(one.state)] = one
        for state in self.states:
            if int(state) not in by_state:
                raise TypeFault(f"{where}: the state {state.name} is not declared")
        self.by_state = by_state
        for each in (*self.anywhere, *[each for one in self.declared for each in one.transitions]):
            if isinstance(each, On) and not isinstance(each.signal, self.signals):
                raise TypeFault(f"{where}: {each.signal!r} is no signal of {self.signals.__name__}")
        self.table = {int(state): self._row(f"{where}.{state.name}", by_state[state]) for state in self.states}
        for state in self.states:
            delays = [timer.delay_s for timer in self.timers(state)]
            if len(set(delays)) < len(delays):
                raise TypeFault(f"{where}.{state.name}: two timers are due at the same time")

    def _row(self, where: str, state: State) -> dict[int, tuple[On, ...]]:
        row: dict[int, tuple[On, ...]] = {}
        for one in (*state.transitions, *self._inherited(state.transitions)):
            if isinstance(one, On):
                earlier = row.get(int(one.signal), ())
                if any(before.guard in ("", one.guard) for before in earlier):
                    raise TypeFault(f"{where}: {one.trigger} is ambiguous; what follows is never tried")
                row[int(one.signal)] = (*earlier, one)
        return row

    def _check_targets(self, where: str, one: On | After) -> None:
        if one.target is not None and not isinstance(one.target, self.states):
            raise TypeFault(f"{where}: {one.target!r} is no state of {self.states.__name__}")
        if isinstance(one, After) and one.target is None and not one.do:
            raise TypeFault(f"{where}: nothing happens {one.trigger}")

    def _check_unused(self, where: str) -> None:
        used = {signal for row in self.table.values() for signal in row}
        unused = [signal.name for signal in self.signals if int(signal) not in used]
        if unused:
            raise TypeFault(f"{where}: no state heeds {', '.join(unused)}")

    def _check_reach(self, where: str) -> None:
        reached = {int(self.initial)}
        while True:
            more = {
                int(one.target) for state, one in self.transitions() if int(state) in reached and one.target is not None
            }
            if more <= reached:
                break
            reached |= more
        lost = [state.name for state in self.states if int(state) not in reached]
        if lost:
            raise TypeFault(f"{where}: no transition leads from {self.initial.name} to {', '.join(lost)}")

    def _handlers(self) -> Iterator[tuple[str, str]]:
        yield "changed", self.changed
        for state in self.states:
            one = self.by_state[state]
            yield f"the entry of {state.name}", one.entry
            yield f"the exit of {state.name}", one.exit
        for state, transition in self.transitions():
            yield f"the guard of {state.name} at {transition.trigger}", transition.guard
            yield f"what {state.name} does {transition.trigger}", transition.do


class StateMachineArray(StateMachine[S, G]):
    """`count` machines of one declaration, as a component has that looks after several things of one kind.

        doors = StateMachineArray(4, DoorState, DoorSignal, State(...), ...)

        self.doors[2].send(DoorSignal.ASKED)

    Guards, actions, `changed` and methods that give a delay get the machine's index before all else. There is no
    `channel`: what is shown of several states is for `changed` to say.
    """

    def __init__(
        self, count: int, states: type[S], signals: type[G], *declared: State, initial: S | None = None,
        anywhere: Iterable[On] = (), changed: str = "", doc: str = "",
    ) -> None:  # fmt: skip
        super().__init__(states, signals, *declared, initial=initial, anywhere=anywhere, changed=changed, doc=doc)
        self.count = count

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: type) -> StateMachineArray[S, G]: ...

        @overload
        def __get__(self, instance: object, owner: type) -> list[RunningStateMachine[S, G]]: ...

        def __get__(self, instance: object, owner: type) -> Any: ...


def _check_handler(what: str, cls: Any, name: str) -> None:
    if not name:
        return
    declared = cls.__declarations__
    if name in declared.events or (name in declared.outputs and not declared.outputs[name].is_array):
        return
    handler: Callable[..., Any] | None = getattr(cls, name, None)
    if not callable(handler):
        raise TypeFault(f"{what} is missing, the method {name}")
    code = getattr(handler, "__code__", None)
    if code is not None and code.co_flags & CO_COROUTINE:
        raise TypeFault(f"{what}: {name} may not be an `async def`, because signals run to completion")


def _check_delay(where: str, cls: Any, delay_s: float | str) -> None:
    if isinstance(delay_s, str):
        declared = cls.__declarations__
        if delay_s not in declared.parameters and delay_s not in declared.settings and not hasattr(cls, delay_s):
            raise TypeFault(f"{where}: {delay_s} is no parameter, setting or method that gives a delay")
    elif delay_s <= 0:
        raise TypeFault(f"{where}: a delay is more than 0 s, not {delay_s}")


__all__ = ["After", "On", "State", "StateMachine", "StateMachineArray"]
