"""RateGroupDriver: when cycles are due, what delays do to them, and which groups are left alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import PassiveComponent, sync_port
from kittiwake.model.fw import Cycle
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import PassiveRateGroup, RateGroupDriver
from tests.framework.runtime.wired import deploy

MS = 1_000_000
TEN_HZ = {"tick_us": 100_000, "dividers": [1, 10], "offsets": [0, 3]}


def driver(**settings: Any) -> ComponentTester[Any]:
    return ComponentTester(RateGroupDriver, settings=settings)


def dues(tester: ComponentTester[Any], group: int) -> list[int]:
    return [due // MS for due, _ in tester.ports.cycle_out[group]]


def test_each_group_has_its_divider_and_its_offset() -> None:
    """REQ-RGD-001: and all count from one moment."""
    tester = driver(**TEN_HZ)
    tester.advance(2.5)
    assert dues(tester, 0) == list(range(0, 2501, 100))
    assert dues(tester, 1) == [300, 1300, 2300]
    assert tester.ports.cycle_out[1][0][1] == 1000 * MS
    assert dues(tester, 2) == []


@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.data())
def test_cycles_are_due_at_whole_periods_whatever_delays_them(dividers: list[int], data: st.DataObject) -> None:
    """REQ-RGD-002, REQ-RGD-003: no drift, no burst, and each cycle is either run or counted as skipped."""
    offsets = data.draw(st.lists(st.integers(0, 20), max_size=len(dividers)))
    delays = iter(data.draw(st.lists(st.integers(0, 40), min_size=30, max_size=30)))

    tester = driver(tick_us=10_000, dividers=dividers, offsets=offsets)
    for history in tester.ports.cycle_out:
        history.returns = lambda *_: tester.platform.clock.advance(next(delays, 0) * MS)
    tester.advance(3)
    run = skipped = 0
    for group, divider in enumerate(dividers):
        offset = (offsets + [0] * len(dividers))[group] * 10
        seen = dues(tester, group)
        period = divider * 10
        assert all((due - offset) % period == 0 for due in seen)
        assert all(later > earlier for earlier, later in pairwise(seen))
        run += len(seen)
        skipped += (seen[-1] - offset) // period + 1 - len(seen)
    assert tester.component.cycles_skipped == skipped
    assert run > 0


def test_the_mean_period_does_not_drift_over_a_simulated_hour() -> None:
    """REQ-RGD-002."""
    tester = driver(tick_us=1_000_000)
    late: list[int] = []

    def note(due_ns: int, period_ns: int) -> None:
        late.append(tester.platform.clock.now_ns() - due_ns)
        tester.platform.clock.advance(7 * MS)

    tester.ports.cycle_out[0].returns = note
    tester.advance(3600)
    assert dues(tester, 0)[-1] == 3_600_000
    assert max(late) == 0
    assert tester.component.cycles_skipped == 0


def test_cycles_that_were_missed_are_skipped_and_counted() -> None:
    """REQ-RGD-003: the group is told when the latest was due."""
    tester = driver(tick_us=100_000)
    tester.platform.clock.advance(450 * MS)
    tester.settle()
    assert dues(tester, 0) == [0, 400]
    assert tester.channels["CyclesSkipped"] == 3
    assert tester.channels["MaxLateUs"] == 50_000
    tester.advance(0.05)
    assert dues(tester, 0) == [0, 400, 500]


def test_it_wakes_only_when_a_group_is_due() -> None:
    """REQ-RGD-004: base ticks cost nothing."""
    tester = driver(tick_us=1000, dividers=[5000, 10_000])
    tester.advance(1)
    before = tester.deployment.main.turns
    tester.advance(20)
    assert tester.deployment.main.turns - before < 12


class Broken(PassiveComponent):
    @sync_port(Cycle)
    def cycle_in(self, due_ns: int, period_ns: int) -> None:
        raise ValueError("broken")


class Whole(PassiveComponent):
    def initialize(self) -> None:
        self.cycles = 0

    @sync_port(Cycle)
    def cycle_in(self, due_ns: int, period_ns: int) -> None:
        self.cycles += 1


def test_a_group_that_raises_stops_neither_the_others_nor_the_next_cycle() -> None:
    """REQ-RGD-005."""
    deployment, findings = deploy(
        {"driver": (RateGroupDriver, {"settings": {"dividers": [1, 1]}}), "broken": Broken, "whole": Whole},
        [("driver", "cycle_out", 0, "broken", "cycle_in", 0), ("driver", "cycle_out", 1, "whole", "cycle_in", 0)],
    )
    deployment.start()
    deployment.run_for(3)
    assert deployment.instances["whole"].cycles == 4  # type: ignore[attr-defined]
    assert [(one.instance, one.where) for one in findings] == [("driver", "cycle_out[0]")] * 4


def test_an_idle_group_has_no_cycles_until_its_time_and_stays_aligned() -> None:
    """REQ-RGD-006."""
    tester = driver(**TEN_HZ)
    tester.advance(0.25)
    tester.call.idle_in[0](750 * MS)
    tester.advance(0.75)
    assert dues(tester, 0) == [0, 100, 200, 800, 900, 1000]
    assert dues(tester, 1) == [300]
    assert tester.component.cycles_skipped == 0


def test_a_group_that_is_wanted_again_has_its_next_cycle_at_the_next_whole_period() -> None:
    """REQ-RGD-006."""
    tester = driver(**TEN_HZ)
    tester.call.idle_in[0](3_600_000 * MS)
    tester.advance(1.23)
    assert dues(tester, 0) == [0]
    tester.call.idle_in[0](0)
    tester.advance(0.2)
    assert dues(tester, 0) == [0, 1300, 1400]
    tester.call.idle_in[9](5)
    tester.advance(0.1)
    assert dues(tester, 0)[-1] == 1500


def test_a_group_that_takes_its_word_back_at_once_has_no_cycle_twice() -> None:
    """REQ-RGD-006."""
    tester = driver(tick_us=100_000)
    tester.advance(0.1)
    tester.call.idle_in[0](5000 * MS)
    tester.call.idle_in[0](0)
    tester.advance(0.1)
    assert dues(tester, 0) == [0, 100, 200]


def test_groups_that_are_not_connected_are_left_out_and_a_stop_ends_all_cycles() -> None:
    """REQ-RGD-007."""
    deployment, findings = deploy(
        {"driver": (RateGroupDriver, {"settings": {"dividers": [1, 1]}}), "group": PassiveRateGroup},
        [("driver", "cycle_out", 1, "group", "cycle_in", 0)],
    )
    deployment.start()
    deployment.run_for(2)
    deployment.stop()
    assert deployment.instances["group"]._cycles.count == 3  # type: ignore[attr-defined]
    assert deployment.main.next_deadline_ns() is None
    assert not findings


@pytest.mark.parametrize(
    "setting, bad",
    [
        ("tick_us", 99),
        ("dividers", []),
        ("dividers", [0]),
        ("dividers", [1] * 17),
        ("offsets", [-1]),
        ("offsets", [0] * 17),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: str, bad: Any) -> None:
    """REQ-RGD-008."""
    check = RateGroupDriver.__declarations__.settings[setting].check
    with pytest.raises(ValueError, match=r"wanted|is outside"):
        check(bad)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(RateGroupDriver) == []
