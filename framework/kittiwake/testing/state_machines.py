"""Exhaustive tests of declared state machines: every state with every signal, every outcome of the guards, every timer.

@pytest.mark.parametrize("step", steps_of(Door.door), ids=str)
def test_every_step(step):
    with ComponentTester(Door) as tester:
        take(tester, "door", step)
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.model.state_machine import After

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from enum import IntEnum

    from kittiwake.model.state_machine import On, StateMachine
    from kittiwake.runtime.state_machine import RunningStateMachine
    from kittiwake.testing.tester import ComponentTester

MAX_GUARDS = 8
"""The most guards of one state and signal whose outcomes are all combined."""


class Step(NamedTuple):
    """One thing that can happen to a machine: a signal or a timer in a state, with the outcome of each guard.

    `taken` is the transition that follows by the declaration, or `None`; `target` the state afterwards.
    """

    state: IntEnum
    trigger: IntEnum | After
    guards: dict[str, bool]
    taken: On | After | None

    @property
    def target(self) -> IntEnum:
        """The state that the step ends in, unless its actions send signals of their own."""
        return self.state if self.taken is None or self.taken.target is None else self.taken.target

    def __str__(self) -> str:
        trigger = self.trigger.trigger if isinstance(self.trigger, After) else self.trigger.name
        guards = ", ".join(f"{name} is {outcome}".lower() for name, outcome in self.guards.items())
        return f"{self.state.name} {trigger}" + (f" where {guards}" if guards else "")


def steps_of(machine: StateMachine[Any, Any]) -> list[Step]:
    """Every step of a machine (`Cls.machine`): all that a run of it is made of."""
    return list(_steps(machine))


def _steps(machine: StateMachine[Any, Any]) -> Iterator[Step]:
    for state in machine.states:
        for signal in machine.signals:
            offered = machine.at(state, signal)
            guards = [one.guard for one in offered if one.guard]
            assert len(guards) <= MAX_GUARDS, f"{state.name} has more than {MAX_GUARDS} guards at {signal.name}"
            for outcomes in product((True, False), repeat=len(guards)):
                holds = dict(zip(guards, outcomes, strict=True))
                taken = next((one for one in offered if holds.get(one.guard, True)), None)
                yield Step(state, signal, holds, taken)
        for timer in machine.timers(state):
            yield Step(state, timer, {}, timer)


def put(
    tester: ComponentTester[Any], machine: str, state: IntEnum, index: int | None = None
) -> RunningStateMachine[Any, Any]:
    """Puts the machine of that name (of an array: at `index`) into a state, without what transitions and entries do."""
    found = getattr(tester.component, machine)
    running: RunningStateMachine[Any, Any] = found if index is None else found[index]
    running.stop()
    running.state = state
    running.is_started = True
    return running


def take(
    tester: ComponentTester[Any], machine: str, step: Step, arguments: Iterable[Any] = (), index: int | None = None
) -> None:
    """Takes one step with the component's own actions, its guards held to the step's outcomes.

    Raises `AssertionError` unless it ends where the declaration says; what an action raises comes through.
    """
    running = put(tester, machine, step.state, index)
    component: Any = tester.component
    for name, outcome in step.guards.items():
        setattr(component, name, lambda *_, outcome=outcome: outcome)
    try:
        if isinstance(step.trigger, After):
            running.expire(step.trigger)
        else:
            running.send(step.trigger, *arguments)
    finally:
        for name in step.guards:
            delattr(component, name)
    assert running.state is step.target, f"{step} ends in {running.state.name} instead of {step.target.name}"
    tester.settle()
