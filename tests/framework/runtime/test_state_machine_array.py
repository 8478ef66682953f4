"""Several machines of one declaration: each has its own state and timers, and actions are told which it is."""

from __future__ import annotations

from enum import IntEnum

from kittiwake.model import PassiveComponent
from kittiwake.model.state_machine import After, On, State, StateMachineArray
from kittiwake.runtime.recovery import Recovery
from kittiwake.testing import ComponentTester
from kittiwake.testing.state_machines import steps_of, take


class LampState(IntEnum):
    DARK = 0
    LIT = 1


class LampSignal(IntEnum):
    PUSHED = 0


class Lamps(PassiveComponent):
    """Three lamps, each lit for a while."""

    lamps = StateMachineArray(
        3,
        LampState,
        LampSignal,
        State(LampState.DARK, On(LampSignal.PUSHED, LampState.LIT, guard="is_free", do="count")),
        State(LampState.LIT, After("burning_s", LampState.DARK, do="burnt_out"), entry="light"),
        changed="note",
    )

    def initialize(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def start(self) -> None:
        for lamp in self.lamps:
            lamp.start()

    def is_free(self, index: int, strength: int) -> bool:
        return strength > index

    def count(self, index: int, strength: int) -> None:
        self.seen.append(("count", index, strength))

    def light(self, index: int) -> None:
        self.seen.append(("light", index))

    def burnt_out(self, index: int) -> None:
        self.seen.append(("burnt out", index))

    def burning_s(self, index: int) -> float:
        return 10.0 * (index + 1)

    def note(self, index: int, before: LampState, after: LampState) -> None:
        self.seen.append((index, before, after))


def test_each_has_its_state_and_its_timers_and_its_actions_know_which_it_is() -> None:
    with ComponentTester(Lamps) as tester:
        lamps = tester.component.lamps
        tester.component.seen.clear()
        assert lamps[1].send(LampSignal.PUSHED, 2)
        assert not lamps[2].send(LampSignal.PUSHED, 2)
        assert [lamp.state for lamp in lamps] == [LampState.DARK, LampState.LIT, LampState.DARK]
        assert lamps[0].send(LampSignal.PUSHED, 1)
        tester.advance(10)
        assert [lamp.state for lamp in lamps] == [LampState.DARK, LampState.LIT, LampState.DARK]
        tester.advance(10)
        assert [lamp.state for lamp in lamps] == [LampState.DARK] * 3
        assert tester.component.seen[:3] == [("count", 1, 2), (1, LampState.DARK, LampState.LIT), ("light", 1)]
        assert tester.component.seen[-2:] == [("burnt out", 1), (1, LampState.LIT, LampState.DARK)]


def test_every_step_of_any_of_them_can_be_taken() -> None:
    for step in steps_of(Lamps.lamps):
        with ComponentTester(Lamps) as tester:
            take(tester, "lamps", step, [1] if isinstance(step.trigger, LampSignal) else [], index=2)


def test_all_of_them_stop_with_their_instance() -> None:
    with ComponentTester(Lamps) as tester:
        tester.component.lamps[0].send(LampSignal.PUSHED, 1)
        before = tester.component.lamps
        Recovery(tester.deployment, tester.deployment.main).restart(tester.name, lambda _: None)
        tester.settle()
        assert not any(lamp.is_started for lamp in before)
