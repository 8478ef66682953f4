"""Time: epochs of tags, steps of the wall clock both ways, and delays that no step moves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.fw import TimeBase
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import WALL_START_NS, SimulatedPlatform
from kittiwake.runtime.tags import BASE_SHIFT, MICROSECONDS
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Time
from kittiwake_components.ports.time import TimeQuality
from kittiwake_components.time.component import SYNCHRONISED_MARK

DAY_NS = 86_400 * NS_PER_S


def made(wall_ns: int = WALL_START_NS, **settings: Any) -> Any:
    return ComponentTester(Time, platform=SimulatedPlatform(0, wall_start_ns=wall_ns), settings=settings)


def cycles(tester: Any, count: int = 1) -> None:
    for _ in range(count):
        tester.advance(1)
        tester.call.run(0)


def step(tester: Any, step_ns: int) -> None:
    clock = tester.platform.clock
    clock.set_machine_wall_ns(clock.wall_ns() + step_ns)


def now(tester: Any) -> tuple[int, int]:
    tag = tester.deployment.tags.now()
    return tag >> BASE_SHIFT, tag & MICROSECONDS


def test_a_clock_that_is_set_counts_from_the_unix_epoch() -> None:
    """REQ-TIME-001."""
    tester = made()
    tester.advance(5)
    assert now(tester) == (TimeBase.TB_WORKSTATION_TIME, (WALL_START_NS + 5 * NS_PER_S) // 1000)
    cycles(tester)
    assert tester.channels["TimeQuality"] is TimeQuality.SET


def test_a_clock_that_was_never_set_counts_from_boot_until_it_is() -> None:
    """REQ-TIME-001, REQ-TIME-002."""
    tester = made(wall_ns=0)
    tester.advance(5)
    assert now(tester) == (TimeBase.TB_PROC_TIME, 5_000_000)
    cycles(tester)
    assert not tester.events
    step(tester, WALL_START_NS)
    cycles(tester)
    assert tester.events.names() == ["ClockStep", "TimeQualityChanged"]
    assert tester.events[0].tag >> BASE_SHIFT == TimeBase.TB_PROC_TIME
    assert tester.events[1].tag >> BASE_SHIFT == TimeBase.TB_WORKSTATION_TIME
    assert tester.channels["TimeQuality"] is TimeQuality.SET


def test_a_clock_that_runs_into_the_present_without_a_step_changes_its_base_too() -> None:
    """REQ-TIME-001."""
    tester = made(wall_ns=1_699_999_998 * NS_PER_S)
    cycles(tester, 3)
    assert now(tester)[0] == TimeBase.TB_WORKSTATION_TIME
    assert not tester.events.named("ClockStep")


def test_a_clock_that_is_set_to_the_past_before_all_is_unset_again() -> None:
    """REQ-TIME-001."""
    tester = made()
    step(tester, -WALL_START_NS)
    cycles(tester)
    assert now(tester)[0] == TimeBase.TB_PROC_TIME
    assert tester.channels["TimeQuality"] is TimeQuality.UNSET


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS, 101_000_000, -101_000_000])
def test_a_step_either_way_is_reported_and_counted(step_ns: int) -> None:
    """REQ-TIME-003."""
    tester = made()
    cycles(tester)
    tester.clear_history()
    step(tester, step_ns)
    cycles(tester)
    [event] = tester.events
    assert event.args == (step_ns / NS_PER_S,)
    assert tester.channels["ClockSteps"] == 1
    assert now(tester)[1] >= tester.platform.clock.wall_ns() // 1000
    assert now(tester)[1] - tester.platform.clock.wall_ns() // 1000 < 10


@pytest.mark.parametrize("step_ns", [99_000_000, -99_000_000])
def test_drift_is_no_step_and_tags_wait_for_the_clock_to_catch_up(step_ns: int) -> None:
    """REQ-TIME-003, REQ-TIME-004."""
    tester = made()
    cycles(tester)
    tester.clear_history()
    before = now(tester)
    step(tester, step_ns)
    assert now(tester) > before
    cycles(tester, 3)
    assert not tester.events


def test_a_step_is_reported_in_the_epoch_that_ends() -> None:
    """REQ-TIME-004: the ground sees it before time turns back."""
    tester = made()
    cycles(tester)
    before = now(tester)[1]
    step(tester, -DAY_NS)
    cycles(tester)
    assert tester.events.named("ClockStep")[0].tag & MICROSECONDS > before
    assert now(tester)[1] < before


@given(st.lists(st.one_of(st.integers(-DAY_NS, DAY_NS), st.just(None), st.integers(0, 50)), max_size=30))
def test_tags_strictly_increase_within_an_epoch_whatever_the_clock_does(moves: list[int | None]) -> None:
    """REQ-TIME-004: an epoch ends only with a step that is reported, or a change of base."""
    tester = made()
    epochs = [[tester.deployment.tags.now()]]
    for move in moves:
        steps = tester.component._steps
        if move is None:
            cycles(tester)
        elif 0 <= move <= 50:
            epochs[-1] += [tester.deployment.tags.now() for _ in range(move)]
        else:
            step(tester, move)
        if tester.component._steps != steps:
            epochs.append([])
        epochs[-1].append(tester.deployment.tags.now())
    for tags in epochs:
        assert all(later > earlier for earlier, later in pairwise(tags))


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS])
def test_no_delay_is_moved_by_a_step(step_ns: int) -> None:
    """REQ-TIME-005."""
    tester = made()
    rang: list[int] = []
    tester.component.clock.call_after(10, lambda: rang.append(tester.platform.clock.now_ns()))
    cycles(tester, 5)
    step(tester, step_ns)
    cycles(tester, 4)
    assert not rang
    cycles(tester, 1)
    assert rang == [10 * NS_PER_S]


def sync_machine(tester: Any) -> None:
    files = tester.files
    files.make_folders(SYNCHRONISED_MARK.rpartition("/")[0])
    files.open(SYNCHRONISED_MARK, "x").close()


def test_a_clock_that_the_network_keeps_is_synced() -> None:
    """REQ-TIME-002."""
    tester = made()
    cycles(tester)
    sync_machine(tester)
    cycles(tester, 2)
    assert [one.args for one in tester.events] == [(TimeQuality.SET,), (TimeQuality.SYNCED,)]
    assert tester.channel("TimeQuality").history == [TimeQuality.SET, TimeQuality.SYNCED]


@pytest.mark.parametrize("quality", [TimeQuality.ESTIMATED, TimeQuality.SET, TimeQuality.SYNCED])
def test_a_time_that_is_set_counts_at_once_and_moves_no_delay(quality: TimeQuality) -> None:
    """REQ-TIME-006, REQ-TIME-005: the clock since boot stays as it is."""
    tester = made(wall_ns=0)
    rang: list[int] = []
    tester.component.clock.call_after(10, lambda: rang.append(tester.platform.clock.now_ns()))
    tester.advance(4)
    tester.call.set_time(WALL_START_NS // 1000, quality)
    assert tester.events.names() == ["ClockStep", "TimeQualityChanged"]
    assert [event.tag >> BASE_SHIFT for event in tester.events] == [1, 2]
    assert tester.channels["TimeQuality"] is quality
    assert now(tester) == (TimeBase.TB_WORKSTATION_TIME, WALL_START_NS // 1000 + 2)
    assert tester.component._tags.is_estimated == (quality is TimeQuality.ESTIMATED)
    tester.advance(6)
    assert rang == [10 * NS_PER_S]
    cycles(tester, 3)
    assert len(tester.events) == 2


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS, 50_000_000, -50_000_000])
def test_tags_increase_through_a_time_that_is_set_and_start_anew_only_behind_a_reported_step(step_ns: int) -> None:
    """REQ-TIME-006, REQ-TIME-004."""
    tester = made()
    cycles(tester)
    tester.clear_history()
    before = now(tester)[1]
    tester.call.set_time((tester.platform.clock.wall_ns() + step_ns) // 1000, TimeQuality.SET)
    assert tester.events.names() == ["ClockStep"] * (abs(step_ns) == DAY_NS)
    assert all(event.tag & MICROSECONDS > before for event in tester.events)
    assert (now(tester)[1] < before) == (step_ns == -DAY_NS)


def test_a_time_that_was_set_is_not_moved_by_the_machine() -> None:
    """REQ-TIME-006."""
    tester = made()
    tester.call.set_time(0, TimeQuality.SET)
    tester.clear_history()
    tester.platform.clock.set_machine_wall_ns(WALL_START_NS + DAY_NS)
    sync_machine(tester)
    cycles(tester, 2)
    assert not tester.events
    assert now(tester) == (TimeBase.TB_WORKSTATION_TIME, 2_000_000)


def test_an_estimated_time_gives_way_to_a_machine_that_is_synced() -> None:
    """REQ-TIME-006."""
    tester = made(wall_ns=0)
    tester.call.set_time(WALL_START_NS // 1000, TimeQuality.ESTIMATED)
    tester.platform.clock.set_machine_wall_ns(WALL_START_NS + DAY_NS)
    cycles(tester)
    sync_machine(tester)
    cycles(tester)
    assert tester.channel("TimeQuality").history == [TimeQuality.ESTIMATED, TimeQuality.SYNCED]
    assert tester.events[-2].args[0] == pytest.approx(86_400)
    assert not tester.component._tags.is_estimated
    assert tester.platform.clock.wall_ns() == WALL_START_NS + DAY_NS + 2 * NS_PER_S


def test_a_time_that_is_taken_back_counts_from_boot_again() -> None:
    """REQ-TIME-006."""
    tester = made()
    tester.advance(3)
    tester.call.set_time(WALL_START_NS // 1000, TimeQuality.UNSET)
    assert now(tester) == (TimeBase.TB_PROC_TIME, 3_000_000 + 1)
    assert tester.channels["TimeQuality"] is TimeQuality.UNSET


def test_tags_of_a_spacecraft_clock_say_so() -> None:
    """REQ-TIME-001: PROVES' base."""
    tester = made(wall_base=int(TimeBase.TB_SC_TIME))
    assert now(tester)[0] == TimeBase.TB_SC_TIME
    check = Time.__declarations__.settings["wall_base"].check
    with pytest.raises(ValueError, match="2 or 3 is wanted, not 1"):
        check(1)


def test_a_limit_that_makes_no_sense_is_refused() -> None:
    """REQ-TIME-003."""
    check = Time.__declarations__.settings["step_limit_ms"].check
    with pytest.raises(ValueError, match="is outside"):
        check(0)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Time) == []
