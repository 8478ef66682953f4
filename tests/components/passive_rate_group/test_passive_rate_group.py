"""PassiveRateGroup: cycles in its caller's turn."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import PassiveRateGroup

MS = 1_000_000
PERIOD = 100 * MS
Tester = ComponentTester[Any]


@pytest.fixture
def tester() -> Tester:
    return ComponentTester(PassiveRateGroup, settings={"contexts": [7]})


def cycle(tester: Tester, number: int) -> None:
    tester.platform.clock.advance_to(number * PERIOD)
    tester.call.cycle_in(number * PERIOD, PERIOD)


def dawdle(tester: Tester, member: int, duration_ms: int) -> None:
    tester.ports.member_out[member].returns = lambda _: tester.platform.clock.advance(duration_ms * MS)


def test_its_members_have_run_when_the_call_returns(tester: Tester) -> None:
    """REQ-PRG-001: in their order, with their contexts."""
    with tester.held():
        cycle(tester, 1)
        calls = [(name, arguments) for kind, name, arguments in tester.trace if kind == "port"]
    assert calls[:2] == [("member_out[0]", (7,)), ("member_out[1]", (0,))]
    assert len(calls) == 20


def test_a_member_that_raises_fails_alone_and_is_named(tester: Tester) -> None:
    """REQ-PRG-002."""

    def broken(context: int) -> None:
        raise ValueError("broken")

    tester.ports.member_out[0].returns = broken
    cycle(tester, 1)
    assert len(tester.ports.member_out[1]) == 1
    assert [(one.kind, one.where) for one in tester.monitor] == [("failed", "member_out[0]")]


def test_slips_are_counted(tester: Tester) -> None:
    """REQ-PRG-003: cycles that end too late, and those that were never run."""
    dawdle(tester, 0, 100)
    cycle(tester, 1)
    dawdle(tester, 0, 0)
    cycle(tester, 4)
    assert tester.channels["CycleSlips"] == 3


def test_cycles_are_counted_and_measured_once_a_second(tester: Tester) -> None:
    """REQ-PRG-004."""
    dawdle(tester, 2, 5)
    for number in range(1, 32):
        cycle(tester, number)
    assert tester.channels["CycleCount"] == 31
    assert (tester.channels["CycleTime"], tester.channels["MaxCycleTime"]) == (5000, 5000)
    assert tester.channels["MemberMax"][2] == 5000
    assert tester.channels["MemberJitter"] == (0,) * 20
    assert len(tester.channel("CycleTime").history) == 4


def test_it_passes_on_until_when_all_its_members_are_idle(tester: Tester) -> None:
    """REQ-PRG-005: and that a member takes its word back."""
    for member in range(20):
        tester.call.idle_in[member]((20 + member) * PERIOD)
    tester.call.idle_in[3](0)
    assert tester.ports.idle_out == [(20 * PERIOD,), (0,)]
    cycle(tester, 1)
    tester.call.idle_in[3](30 * PERIOD)
    cycle(tester, 20)
    assert tester.component.cycle_slips == 0


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(PassiveRateGroup) == []


def test_a_cycle_that_comes_before_it_is_due_takes_no_time(tester: Tester) -> None:
    """A random run found that its time was shown as a negative number, which no channel takes."""
    tester.call.cycle_in(tester.platform.clock.now_ns() + MS, PERIOD)
    assert tester.channels["CycleTime"] == 0
    tester.finish()
