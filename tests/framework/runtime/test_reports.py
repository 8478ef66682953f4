"""Events, channels and their time tags."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.channels import Channel
from kittiwake.model.component import PassiveComponent
from kittiwake.model.events import ACTIVITY_LO, WARNING_HI, event
from kittiwake.model.types import F32, U8, Size, String, wire_array
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.tags import (
    BASE_SHIFT,
    MICROSECONDS,
    TB_PROC_TIME,
    TB_SC_TIME,
    TB_WORKSTATION_TIME,
    SharedTagSource,
    TagSource,
)
from kittiwake.testing import ComponentTester

Pairs = wire_array("Pairs", wire_array("Pair", U8, 2), 2)


class Reporter(PassiveComponent):
    level = Channel(U8)
    mode = Channel(String(8), on_change=True)
    volts = Channel(F32)
    pairs = Channel(Pairs, on_change=True)

    @event(ACTIVITY_LO, "{text} {number}")
    def plain(self, text: Annotated[str, Size(5)], number: U8) -> None: ...

    @event(WARNING_HI, "Three times", throttle=3)
    def seldom(self) -> None: ...

    @event(WARNING_HI, "{number} in ten seconds", throttle=2, every_s=10)
    def paced(self, number: U8) -> None: ...


@pytest.fixture
def reporter() -> ComponentTester[Reporter]:
    return ComponentTester(Reporter)


def test_an_event_takes_arguments_by_place_and_by_name(reporter: ComponentTester[Reporter]) -> None:
    reporter.component.plain("a", 1)
    reporter.component.plain("b", number=2)
    reporter.component.plain(number=3, text="c")
    assert [one.args for one in reporter.events] == [("a", 1), ("b", 2), ("c", 3)]
    for wrong in ({"nombre": 2}, {"number": 2, "text": "twice"}, {}):
        with pytest.raises((TypeError, ValueError)):
            reporter.component.plain("d", **wrong)
    assert len(reporter.events) == 3


def test_the_text_of_an_event_is_cut_to_what_the_downlink_carries(reporter: ComponentTester[Reporter]) -> None:
    reporter.component.plain("naïvely", 1)
    assert reporter.events[0].args == ("na?ve", 1)


def test_a_throttled_event_is_silent_until_it_is_cleared(reporter: ComponentTester[Reporter]) -> None:
    component = reporter.component
    for _ in range(5):
        component.seldom()
    assert len(reporter.events) == 3
    assert component._context.throttles["seldom"].suppressed == 2
    component.clear_throttle(component.seldom)
    for _ in range(5):
        component.seldom()
    assert len(reporter.events) == 6
    component.clear_throttle("seldom")
    component.seldom()
    assert len(reporter.events) == 7


def test_a_paced_event_may_come_again_after_its_interval(reporter: ComponentTester[Reporter]) -> None:
    for second in range(25):
        reporter.component.paced(second)
        reporter.advance(1)
    assert [one.args[0] for one in reporter.events] == [0, 1, 10, 11, 20, 21]


def test_time_tags_increase_strictly_over_events_and_channels(reporter: ComponentTester[Reporter]) -> None:
    component = reporter.component
    for number in range(5):
        component.level = number
        component.plain("x", number)
        component.volts = 1.5
    tags = reporter.channel("Level").tags + reporter.channel("Volts").tags + [one.tag for one in reporter.events]
    order = sorted(tags)
    assert len(set(tags)) == 15
    assert reporter.channel("Level").tags == order[0::3]
    assert [one.tag for one in reporter.events] == order[1::3]
    assert reporter.channel("Volts").tags == order[2::3]
    assert order[0] >> BASE_SHIFT == TB_WORKSTATION_TIME


def test_a_channel_takes_only_its_values(reporter: ComponentTester[Reporter]) -> None:
    component = reporter.component
    assert (component.level, component.mode) == (0, "")
    with pytest.raises(ValueError, match="256 is outside U8"):
        component.level = 256
    with pytest.raises(TypeError, match="wants an integer"):
        component.level = True
    with pytest.raises(TypeError, match="wants an integer"):
        component.level = "1"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="outside F32"):
        component.volts = 1e300
    with pytest.raises(ValueError, match="longer than the 8"):
        component.mode = "x" * 9
    component.volts = 3
    assert reporter.channels.latest() == {"Volts": 3}


def test_a_list_that_its_author_changes_later_is_another_value(reporter: ComponentTester[Reporter]) -> None:
    values: Any = [[0, 0], [0, 0]]
    for number in (1, 2, 2):
        values[1][0] = number
        reporter.component.pairs = values
    assert reporter.channel("pairs").history == [((0, 0), (1, 0)), ((0, 0), (2, 0))]


def test_a_channel_on_change_is_not_written_twice_with_one_value(reporter: ComponentTester[Reporter]) -> None:
    values: list[Any] = ["", "a", "a", "b", "a"]
    for value in values:
        reporter.component.mode = value
        reporter.component.level = 1
    assert reporter.channel("mode").history == ["", "a", "b", "a"]
    assert reporter.channel("level").history == [1] * 5


@given(st.lists(st.tuples(st.integers(-5_000_000, 5_000_000), st.booleans()), max_size=30), st.booleans())
def test_tags_increase_strictly_whatever_the_wall_clock_does(steps: list[tuple[int, bool]], shared: bool) -> None:
    clock = SimulatedPlatform(0).clock
    source = (SharedTagSource if shared else TagSource)(clock)
    last = 0
    for step_ns, stale in steps:
        clock.set_machine_wall_ns(clock.wall_ns() + step_ns)
        source.stale = stale
        tag = source.now()
        assert tag > last
        last = tag


def test_an_epoch_begins_with_the_base_and_the_clock_that_belong_to_it() -> None:
    platform = SimulatedPlatform(0, now_ns=5_000_000)
    source = TagSource(platform.clock)
    first = source.now()
    assert first & MICROSECONDS == platform.clock.wall_ns() // 1000
    source.begin_epoch(TB_PROC_TIME)
    assert source.now() == TB_PROC_TIME << BASE_SHIFT | 5000
    platform.clock.set_machine_wall_ns(7_000_000)
    source.begin_epoch(TB_SC_TIME)
    assert source.now() == TB_SC_TIME << BASE_SHIFT | 7000
    assert source.now() == TB_SC_TIME << BASE_SHIFT | 7001
