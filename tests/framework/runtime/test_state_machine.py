"""A state machine at work: order of actions, guards, timers, signals within signals, faults, and every step it has."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import (
    ACTIVITY_HI,
    F32,
    U8,
    ActiveComponent,
    Channel,
    Parameter,
    async_port,
    command,
    event,
    port,
    sync_port,
)
from kittiwake.model.state_machine import After, On, State, StateMachine
from kittiwake.model.types import wire_enum
from kittiwake.runtime.recovery import Recovery
from kittiwake.testing import ComponentTester
from kittiwake.testing.state_machines import Step, put, steps_of, take


@wire_enum(U8)
class DoorState(IntEnum):
    CLOSED = 0
    OPENING = 1
    OPEN = 2
    JAMMED = 3


class DoorSignal(IntEnum):
    ASKED = 0
    ARRIVED = 1
    JAM = 2
    ECHO = 3


@port("Test.Tell")
def Tell(signal: U8, strength: U8) -> None: ...


class Door(ActiveComponent):
    """Opens when asked, gives up after a while, and closes by itself."""

    door = StateMachine(
        DoorState,
        DoorSignal,
        State(
            DoorState.CLOSED,
            On(DoorSignal.ASKED, DoorState.OPENING, guard="is_strong", do="pushed"),
            On(DoorSignal.ASKED, DoorState.CLOSED, guard="is_loud"),
            On(DoorSignal.ASKED, do="ignored"),
            On(DoorSignal.ECHO, do="echo"),
            entry="lock",
            exit="unlock",
        ),
        State(
            DoorState.OPENING,
            On(DoorSignal.ARRIVED, DoorState.OPEN),
            After("travel_s", DoorState.JAMMED),
            After(1.0, do="push"),
            entry="push",
            exit="let_go",
        ),
        State(DoorState.OPEN, After("patience", DoorState.CLOSED), On(DoorSignal.JAM)),
        State(DoorState.JAMMED, On(DoorSignal.ASKED, DoorState.OPENING)),
        anywhere=[On(DoorSignal.JAM, DoorState.JAMMED, do="jam")],
        channel="shown",
        changed="tell_change",
    )
    shown = Channel(DoorState)
    travel_s = Parameter(F32, default=4.5)

    @event(ACTIVITY_HI, "Pushed with {strength}")
    def pushed(self, strength: U8) -> None: ...

    def initialize(self) -> None:
        self.seen: list[str] = []
        self.fails: set[str] = set()

    def start(self) -> None:
        self.door.start()

    def _note(self, what: str) -> None:
        self.seen.append(what)
        if what in self.fails:
            raise ValueError(what)

    def patience(self) -> float:
        return 2 * self.travel_s

    def is_strong(self, strength: int) -> bool:
        self._note("is_strong")
        return strength > 9

    def is_loud(self, strength: int) -> bool:
        return strength == 7

    def ignored(self, strength: int) -> None:
        self._note(f"ignored {strength}")

    def echo(self, left: int) -> None:
        self._note(f"echo {left}")
        if left:
            assert self.door.send(DoorSignal.ECHO, left - 1)
        self._note(f"end {left}")

    def lock(self) -> None:
        self._note("lock")

    def unlock(self) -> None:
        self._note("unlock")

    def push(self) -> None:
        self._note("push")

    def let_go(self) -> None:
        self._note("let_go")

    def jam(self, strength: int = 0) -> None:
        self._note("jam")

    def tell_change(self, before: DoorState, after: DoorState) -> None:
        self._note(f"{before.name} to {after.name}")

    @async_port(Tell)
    def tell(self, signal: int, strength: int) -> None:
        self.door.send(DoorSignal(signal), strength)

    @sync_port(Tell)
    def tell_now(self, signal: int, strength: int) -> None:
        self.door.send(DoorSignal(signal), strength)

    @command
    def begin_anew(self) -> None:
        self.door.start(DoorState.OPEN)


def seen(tester: ComponentTester[Door]) -> list[str]:
    """What was done since the last look."""
    found = list(tester.component.seen)
    tester.component.seen.clear()
    return found


def state(tester: ComponentTester[Door]) -> DoorState:
    """The present state."""
    return tester.component.door.state


def test_a_start_enters_the_initial_state() -> None:
    with ComponentTester(Door) as tester:
        assert seen(tester) == ["CLOSED to CLOSED", "lock"]
        assert tester.channels["Shown"] is DoorState.CLOSED


def test_a_transition_leaves_acts_tells_and_enters_in_this_order() -> None:
    with ComponentTester(Door) as tester:
        seen(tester)
        tester.call.tell(DoorSignal.ASKED, 10)
        assert seen(tester) == ["is_strong", "unlock", "CLOSED to OPENING", "push"]
        assert tester.events.named("Pushed")[0].args == (10,)
        assert tester.channel("Shown").history == [DoorState.CLOSED, DoorState.OPENING]


def test_guards_are_tried_in_their_order_and_the_last_way_needs_none() -> None:
    with ComponentTester(Door) as tester:
        seen(tester)
        tester.call.tell(DoorSignal.ASKED, 7)
        assert seen(tester) == ["is_strong", "unlock", "CLOSED to CLOSED", "lock"]
        tester.call.tell(DoorSignal.ASKED, 1)
        assert seen(tester) == ["is_strong", "ignored 1"]


def test_a_signal_that_a_state_does_not_know_changes_nothing_and_says_so() -> None:
    with ComponentTester(Door) as tester:
        seen(tester)
        assert not tester.component.door.send(DoorSignal.ARRIVED, 0)
        assert tester.component.door.send(DoorSignal.ECHO, 0)
        assert seen(tester) == ["echo 0", "end 0"]


def test_a_state_may_ignore_what_holds_anywhere() -> None:
    with ComponentTester(Door) as tester:
        put(tester, "door", DoorState.OPEN).send(DoorSignal.JAM, 0)
        assert state(tester) is DoorState.OPEN
        put(tester, "door", DoorState.OPENING).send(DoorSignal.JAM, 0)
        assert state(tester) is DoorState.JAMMED


def test_a_signal_sent_by_an_action_waits_for_the_end_of_its_transition() -> None:
    with ComponentTester(Door) as tester:
        seen(tester)
        tester.call.tell(DoorSignal.ECHO, 2)
        assert seen(tester) == ["echo 2", "end 2", "echo 1", "end 1", "echo 0", "end 0"]


def test_signals_without_end_are_a_fault_and_the_machine_goes_on() -> None:
    with ComponentTester(Door) as tester:
        tester.call.tell(DoorSignal.ECHO, 200)
        assert "SignalChainTooLong" in tester.monitor.faults()[0].detail
        tester.monitor.clear()
        seen(tester)
        tester.call.tell(DoorSignal.ECHO, 0)
        assert seen(tester) == ["echo 0", "end 0"]


def test_a_state_is_left_after_its_time_on_the_clock_since_boot() -> None:
    with ComponentTester(Door) as tester:
        tester.call.tell(DoorSignal.ASKED, 10)
        seen(tester)
        tester.platform.clock.set_wall_ns(0)
        tester.advance(4.4)
        assert seen(tester) == ["push"] * 4
        tester.advance(0.2)
        assert seen(tester) == ["let_go", "OPENING to JAMMED"]
        tester.advance(60.0)
        assert seen(tester) == []


def test_a_delay_may_come_from_a_method_and_is_taken_when_the_state_is_entered() -> None:
    with ComponentTester(Door) as tester:
        tester.call.tell(DoorSignal.ASKED, 10)
        tester.call.tell(DoorSignal.ARRIVED, 0)
        entered_ns = tester.component.door.entered_ns
        tester.set_parameter("travel_s", 100.0)
        tester.advance(8.9)
        assert state(tester) is DoorState.OPEN
        tester.advance(0.2)
        assert state(tester) is DoorState.CLOSED
        assert tester.component.door.entered_ns - entered_ns == 9_000_000_000


def test_a_state_that_was_left_in_time_is_not_timed_any_more() -> None:
    with ComponentTester(Door) as tester:
        tester.call.tell(DoorSignal.ASKED, 10)
        tester.advance(4.0)
        tester.call.tell(DoorSignal.ARRIVED, 0)
        tester.advance(8.9)
        assert state(tester) is DoorState.OPEN


@pytest.mark.parametrize("failing", ["unlock", "CLOSED to OPENING", "push"])
def test_a_fault_of_an_action_leaves_no_machine_between_two_states(failing: str) -> None:
    with ComponentTester(Door) as tester:
        seen(tester)
        tester.component.fails = {failing}
        tester.call.tell(DoorSignal.ASKED, 10)
        assert seen(tester) == ["is_strong", "unlock", "CLOSED to OPENING", "push"]
        assert [one.detail.partition(" (")[0] for one in tester.monitor.faults()] == [f"ValueError: {failing}"]
        tester.monitor.clear()
        tester.component.fails = set()
        tester.advance(5.0)
        assert state(tester) is DoorState.JAMMED


def test_a_fault_of_a_guard_lets_nothing_happen() -> None:
    with ComponentTester(Door) as tester:
        seen(tester)
        tester.component.fails = {"is_strong"}
        tester.call.tell(DoorSignal.ASKED, 10)
        assert seen(tester) == ["is_strong"]
        assert state(tester) is DoorState.CLOSED
        assert len(tester.monitor.faults()) == 1
        tester.monitor.clear()


def test_a_delay_that_cannot_be_told_is_a_fault_and_no_timer() -> None:
    with ComponentTester(Door) as tester:
        setattr(tester.component, "patience", lambda: 1 / 0)  # noqa: B010
        put(tester, "door", DoorState.OPENING)
        with pytest.raises(ZeroDivisionError):
            tester.component.door.send(DoorSignal.ARRIVED, 0)
        assert state(tester) is DoorState.OPEN


def test_a_machine_can_begin_where_the_last_start_ended() -> None:
    with ComponentTester(Door) as tester:
        tester.send("BEGIN_ANEW")
        tester.advance(9.1)
        assert tester.channel("Shown").history == [DoorState.CLOSED, DoorState.OPEN, DoorState.CLOSED]


def test_a_stopped_machine_refuses_signals_and_its_timers_are_off() -> None:
    with ComponentTester(Door) as tester:
        tester.call.tell(DoorSignal.ASKED, 10)
        tester.component.door.stop()
        seen(tester)
        tester.advance(60.0)
        assert seen(tester) == []
        with pytest.raises(RuntimeError, match=r"tested\.door got ASKED before it was started"):
            tester.component.door.send(DoorSignal.ASKED, 0)


@pytest.mark.parametrize("step", ["restart", "quarantine"])
def test_an_instance_that_is_restarted_or_set_aside_leaves_no_timer_of_its_machine(step: str) -> None:
    with ComponentTester(Door) as tester:
        tester.call.tell(DoorSignal.ASKED, 10)
        old = tester.component.door
        ended: list[str] = []
        recovery = Recovery(tester.deployment, tester.deployment.main)
        getattr(recovery, step)(tester.name, ended.append)
        tester.settle()
        assert ended == [""]
        seen(tester)
        tester.advance(60.0)
        assert seen(tester) == []
        assert not old.is_started


def test_an_action_may_not_start_its_own_machine() -> None:
    with ComponentTester(Door) as tester:
        setattr(tester.component, "lock", lambda: tester.component.door.start())  # noqa: B010
        with pytest.raises(RuntimeError, match="is started by its own action"):
            tester.component.door.start()


def test_steps_are_listed_for_every_state_signal_guard_and_timer() -> None:
    steps = steps_of(Door.door)
    assert len(steps) == 4 * 4 + 3 + 3
    names = [str(step) for step in steps]
    assert names[0] == "CLOSED ASKED where is_strong is true, is_loud is true"
    assert "OPENING after travel_s" in names
    assert {step.state for step in steps} == set(DoorState)
    by_name = dict(zip(names, steps, strict=True))
    assert by_name["CLOSED ASKED where is_strong is false, is_loud is true"].target is DoorState.CLOSED
    assert by_name["JAMMED ARRIVED"].taken is None
    assert by_name["OPEN after patience"].target is DoorState.CLOSED


@pytest.mark.parametrize("step", steps_of(Door.door), ids=str)
def test_every_step_ends_where_the_declaration_says(step: Step) -> None:
    with ComponentTester(Door) as tester:
        take(tester, "door", step, () if isinstance(step.trigger, After) else (0,))
        assert state(tester) is step.target


def test_a_step_that_ends_elsewhere_is_found() -> None:
    with ComponentTester(Door) as tester:
        step = next(one for one in steps_of(Door.door) if str(one) == "OPENING ARRIVED")
        wrong = step._replace(taken=After(1.0, DoorState.JAMMED))
        with pytest.raises(AssertionError, match="OPENING ARRIVED ends in OPEN instead of JAMMED"):
            take(tester, "door", wrong, (0,))


def expected(state: DoorState, signal: DoorSignal, strength: int) -> DoorState:
    """The door's behaviour written out once more, by hand."""
    if signal is DoorSignal.ASKED:
        if state is DoorState.JAMMED or (state is DoorState.CLOSED and strength > 9):
            return DoorState.OPENING
    elif signal is DoorSignal.ARRIVED:
        return DoorState.OPEN if state is DoorState.OPENING else state
    elif signal is DoorSignal.JAM:
        return state if state is DoorState.OPEN else DoorState.JAMMED
    return state


@given(st.lists(st.tuples(st.sampled_from(list(DoorSignal)), st.integers(0, 20))))
def test_any_run_of_signals_goes_as_written_by_hand(run: list[tuple[DoorSignal, int]]) -> None:
    with ComponentTester(Door) as tester:
        wanted = DoorState.CLOSED
        calls: Any = tester.call
        for signal, strength in run:
            calls.tell_now(signal, strength)
            wanted = expected(wanted, signal, strength)
            assert tester.channels["Shown"] is wanted
