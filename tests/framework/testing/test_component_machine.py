"""The state machine of a component finds the faults that are planted, and leaves a sound component alone."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kittiwake.model import (
    U8,
    U32,
    ActiveComponent,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Range,
    async_port,
    command,
    event,
    internal_port,
    port,
    sync_port,
)
from kittiwake.model.events import ACTIVITY_LO
from kittiwake.model.fw import Ping, Sched
from kittiwake.testing import tester
from kittiwake.testing.component_machine import machine_of

# The first run that shows a fault is enough here; `check_component` goes on to the shortest one.
QUICK = settings(max_examples=300, stateful_step_count=15, phases=[Phase.generate], deadline=None, derandomize=True)


@port("Machine.Ask")
def Ask() -> U8:  # type: ignore[empty-body]
    """A number."""


Percent: Any = Annotated[U8, Range(0, 100)]


class Sound(ActiveComponent):
    """Does all that a component may."""

    ask = OutputPort(Ask)
    level = Channel(Percent)
    turns = Channel(U32)
    step = Parameter(U8, default=3, low=1, high=9)

    @event(ACTIVITY_LO, "At {level}")
    def moved(self, level: U8) -> None: ...

    def initialize(self) -> None:
        self._target = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        self.turns = (self.turns + 1) & 0xFFFFFFFF
        self.level = min(self.level + self.step, self._target)

    @async_port(Ping, full="drop")
    def ping(self, key: int) -> None:
        self.moved(self.ask())

    @sync_port(Ping)
    def choosy(self, key: int) -> None:
        """Raises `ValueError` for what it does not want, as it says."""
        if key > 3:
            raise ValueError("no")

    @command
    def aim(self, target: Annotated[U8, Range(0, 100)]) -> None:
        """Aim."""
        self._target = target

    @command(exclusive=True)
    async def wait(self, seconds: U8) -> None:
        """Wait."""
        await self.clock.sleep(seconds)

    @command
    def refuse(self) -> None:
        """Be refused."""
        raise CommandError(CommandResponse.EXECUTION_ERROR, "no")


class RaisesForOneValue(Sound):
    @sync_port(Sched)
    def run(self, context: int) -> None:
        if self._target > 5:
            raise ZeroDivisionError("by nothing")


class RaisesAfterSomeTime(Sound):
    def start(self) -> None:
        self.clock.call_after(150.0, self.blow)

    def blow(self) -> None:
        raise ZeroDivisionError("by nothing")


class TrustsItsNeighbour(Sound):
    @async_port(Ping, full="drop")
    def ping(self, key: int) -> None:
        self.level = self.ask()


class RaisesWhereItsQueueIsFull(Sound):
    @async_port(Ping, full="hook")
    def ping(self, key: int) -> None:
        """Nothing."""

    def ping_overflow(self, key: int) -> None:
        raise ZeroDivisionError("by nothing")


class AnswersTwice(Sound):
    @command
    def refuse(self) -> None:
        """Answers once more what was answered before."""
        sent = self._context.command_port
        assert sent is not None
        for opcode in sent.opcodes():
            sent._respond(opcode, 1, CommandResponse.OK)


class LosesAParametersRange(Sound):
    def parameter_updated(self, name: str) -> None:
        self.step = 2 * self.step


class LeaksTimers(Sound):
    @async_port(Ping, full="drop")
    def ping(self, key: int) -> None:
        for _ in range(120):
            self.clock.call_after(1e6, self.moved, 0)


class NeverSettles(Sound):
    @internal_port(full="drop")
    def again(self) -> None:
        self.again()

    @async_port(Ping, full="drop")
    def ping(self, key: int) -> None:
        self.again()


def run(cls: type[Any], **options: Any) -> None:
    run_state_machine_as_test(machine_of(cls, **options), settings=QUICK)


def test_a_component_that_never_settles_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tester, "TURNS_TO_SETTLE", 200)
    with pytest.raises(AssertionError, match="still busy"):
        run_state_machine_as_test(machine_of(NeverSettles, without=["choosy", "run"]), settings=QUICK)


def test_a_sound_component_is_left_alone() -> None:
    few = settings(QUICK, max_examples=10)
    run_state_machine_as_test(machine_of(Sound, raising={"choosy": (ValueError,)}), settings=few)


@pytest.mark.parametrize(
    "cls, kind, text",
    [
        (RaisesForOneValue, ZeroDivisionError, "nothing"),
        (RaisesAfterSomeTime, AssertionError, "blow"),
        (TrustsItsNeighbour, AssertionError, "is outside 0 to 100"),
        (RaisesWhereItsQueueIsFull, ZeroDivisionError, "nothing"),
        (AnswersTwice, AssertionError, "more than one response|not asked for|without exactly one|faults of"),
        (LosesAParametersRange, ValueError, "is outside 1 to 9"),
        (LeaksTimers, AssertionError, "timers are running"),
    ],
)
def test_planted_faults_are_found(cls: type[Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        run(cls, raising={"choosy": (ValueError,)})


def test_what_a_port_raises_without_saying_so_is_found() -> None:
    with pytest.raises(ValueError, match="no"):
        run(Sound)


def test_the_run_that_shows_a_fault_is_reported_as_what_was_done() -> None:
    with pytest.raises(ZeroDivisionError) as found:
        run(RaisesForOneValue, without=["choosy", "ping", "WAIT", "REFUSE"])
    told = "\n".join(getattr(found.value, "__notes__", ()))
    assert "send_a_command(action=Action(kind='send', name='AIM', arguments=(" in told
