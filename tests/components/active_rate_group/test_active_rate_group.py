"""ActiveRateGroup: its members' order and faults, slips, measures, and idleness."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model import OutputPort, PassiveComponent, sync_port
from kittiwake.model.fw import Sched
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import ActiveRateGroup, RateGroupDriver
from kittiwake_components.ports.lifecycle import Idle
from tests.framework.runtime.wired import deploy

MS = 1_000_000
PERIOD = 100 * MS
Tester = ComponentTester[Any]


@pytest.fixture
def tester() -> Tester:
    return ComponentTester(ActiveRateGroup, settings={"contexts": [7, 8]}, queue=3)


def cycle(tester: Tester, number: int) -> None:
    """Runs the cycle that is due `number` periods after the start, on time."""
    tester.platform.clock.advance_to(number * PERIOD)
    tester.call.cycle_in(number * PERIOD, PERIOD)


def dawdle(tester: Tester, member: int, duration_ms: int) -> None:
    tester.ports.member_out[member].returns = lambda _: tester.platform.clock.advance(duration_ms * MS)


def test_the_members_are_called_in_their_order_with_their_contexts(tester: Tester) -> None:
    """REQ-RG-001."""
    cycle(tester, 1)
    calls = [(name, arguments) for kind, name, arguments in tester.trace if kind == "port"]
    assert calls[:3] == [("member_out[0]", (7,)), ("member_out[1]", (8,)), ("member_out[2]", (0,))]
    assert len(calls) == 20


def test_the_first_cycle_is_reported(tester: Tester) -> None:
    """REQ-RG-002."""
    cycle(tester, 1)
    cycle(tester, 2)
    assert tester.events.names() == ["RateGroupStarted"]


def test_a_member_that_raises_fails_alone_and_is_named(tester: Tester) -> None:
    """REQ-RG-003."""

    def broken(context: int) -> None:
        raise ValueError("broken")

    tester.ports.member_out[1].returns = broken
    cycle(tester, 1)
    assert len(tester.ports.member_out[2]) == 1
    [finding] = tester.monitor
    assert (finding.kind, finding.where) == ("failed", "member_out[1]")
    assert finding.detail.startswith("ValueError: broken")


def test_a_cycle_that_ends_after_the_next_was_due_slips(tester: Tester) -> None:
    """REQ-RG-004."""
    cycle(tester, 1)
    dawdle(tester, 0, 99)
    cycle(tester, 2)
    assert not tester.events.named("RateGroupCycleSlip")
    dawdle(tester, 0, 100)
    cycle(tester, 3)
    [slip] = tester.events.named("RateGroupCycleSlip")
    assert slip.args == (2,)
    assert tester.channels["RgCycleSlips"] == 1


def test_cycles_that_were_never_run_are_slips_too(tester: Tester) -> None:
    """REQ-RG-004."""
    cycle(tester, 1)
    cycle(tester, 5)
    assert tester.channels["RgCycleSlips"] == 3
    assert len(tester.events.named("RateGroupCycleSlip")) == 1


def test_slips_are_reported_at_a_bounded_rate_and_counted_all_the_same(tester: Tester) -> None:
    """REQ-RG-004."""
    dawdle(tester, 0, 100)
    for number in range(1, 30):
        cycle(tester, number)
    assert len(tester.events.named("RateGroupCycleSlip")) == 5
    assert tester.channels["RgCycleSlips"] == 29


def test_with_a_full_queue_the_oldest_cycle_gives_way(tester: Tester) -> None:
    """REQ-RG-005: and is a slip."""
    with tester.held():
        for number in range(1, 6):
            tester.call.cycle_in(number * PERIOD, PERIOD)
        tester.platform.clock.advance_to(5 * PERIOD)
    assert len(tester.ports.member_out[0]) == 3
    # Cycles 3 and 4 were run too late; 1 and 2, before the first one run, nobody missed.
    assert tester.channels["RgCycleSlips"] == 2


def test_the_longest_cycle_and_call_and_the_jitter_are_measured(tester: Tester) -> None:
    """REQ-RG-006."""
    dawdle(tester, 0, 3)
    cycle(tester, 10)
    dawdle(tester, 0, 9)
    dawdle(tester, 4, 2)
    cycle(tester, 20)
    cycle(tester, 30)
    assert tester.channels["RgMaxTime"] == 11_000
    longest, jitter = tester.channels["RgMemberMax"], tester.channels["RgMemberJitter"]
    assert (longest[0], longest[1], longest[4]) == (9000, 0, 2000)
    assert (jitter[0], jitter[1], jitter[4], jitter[5]) == (0, 6000, 6000, 8000)


def test_no_cycle_is_left_out_of_the_measures_of_a_fast_group(tester: Tester) -> None:
    """REQ-RG-006: the longest call is one of many between two reports."""
    for number in range(1, 1500):
        dawdle(tester, 7, 3 if number == 700 else 0)
        tester.platform.clock.advance_to(number * 4 * MS)
        tester.call.cycle_in(number * 4 * MS, 4 * MS)
    assert tester.channels["RgMemberMax"] == (*[0] * 7, 3000, *[0] * 12)
    assert tester.channels["RgMemberJitter"] == (*[0] * 8, *[3000] * 12)


def test_measures_are_written_at_most_once_a_second(tester: Tester) -> None:
    """REQ-RG-006."""
    for number in range(1, 51):
        dawdle(tester, 0, number)
        cycle(tester, number)
    assert 4 <= len(tester.channel("RgMaxTime").history) <= 6


class Sleepy(PassiveComponent):
    """A member that wants one cycle in ten seconds, unless it is woken."""

    idle_out = OutputPort(Idle)

    def initialize(self) -> None:
        self.cycles: list[int] = []

    @sync_port(Sched)
    def run(self, context: int) -> None:
        self.cycles.append(self.clock.now_ns() // MS)
        self.idle_out(self.clock.now_ns() + 10_000 * MS)

    def wake(self) -> None:
        self.idle_out(0)


def sleepy_deployment(members: list[type]) -> Any:
    instances: dict[str, Any] = {
        "driver": (RateGroupDriver, {"settings": {"tick_us": 100_000}}), "group": ActiveRateGroup,
    }  # fmt: skip
    connections = [
        ("driver", "cycle_out", 0, "group", "cycle_in", 0), ("group", "idle_out", 0, "driver", "idle_in", 0),
    ]  # fmt: skip
    for place, cls in enumerate(members):
        instances[f"m{place}"] = cls
        connections.append(("group", "member_out", place, f"m{place}", "run", 0))
        if cls is Sleepy:
            connections.append((f"m{place}", "idle_out", 0, "group", "idle_in", place))
    deployment, findings = deploy(instances, connections)
    deployment.start()
    return deployment, findings


def test_a_group_whose_members_are_all_idle_is_not_ticked() -> None:
    """REQ-RG-007: nor are the cycles that stay away slips."""
    deployment, findings = sleepy_deployment([Sleepy, Sleepy])
    deployment.run_for(25)
    assert deployment.instances["m0"].cycles == [0, 10_000, 20_000]
    assert deployment.instances["group"].rg_cycle_slips == 0
    assert deployment.main.turns < 40
    assert not findings


def test_a_member_that_wakes_has_its_group_ticked_again() -> None:
    """REQ-RG-007."""
    deployment, _ = sleepy_deployment([Sleepy, Sleepy])
    deployment.run_for(3.21)
    deployment.instances["m1"].wake()
    deployment.run_for(0.5)
    assert deployment.instances["m0"].cycles == [0, 3300]
    assert deployment.instances["group"].rg_cycle_slips == 0


class Restless(PassiveComponent):
    def initialize(self) -> None:
        self.cycles = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        self.cycles += 1


def test_one_member_that_says_nothing_keeps_its_group_ticking() -> None:
    """REQ-RG-007."""
    deployment, _ = sleepy_deployment([Sleepy, Restless])
    deployment.run_for(2)
    assert deployment.instances["m1"].cycles == 21


@pytest.mark.parametrize("bad", [[0] * 21, [-1], [1 << 32]])
def test_contexts_that_do_not_fit_are_refused(bad: list[int]) -> None:
    """REQ-RG-001."""
    check = ActiveRateGroup.__declarations__.settings["contexts"].check
    with pytest.raises(ValueError, match=r"wanted|is outside"):
        check(bad)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(ActiveRateGroup) == []


def test_a_period_of_nothing_makes_every_cycle_slip_and_none_missed(tester: Tester) -> None:
    """A random run found that the missed cycles were counted by dividing by it."""
    for number in (1, 2):
        tester.platform.clock.advance_to(number * PERIOD)
        tester.call.cycle_in(number * PERIOD, 0)
    assert tester.channels["RgCycleSlips"] == 2
    tester.finish()
