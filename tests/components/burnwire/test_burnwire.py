"""Burnwire: hot when it is told, and off by its own timer whatever else happens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.model.fw import On
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Burnwire


def burning(tester: ComponentTester[Burnwire]) -> set[str]:
    return spacecraft_of(tester.platform).burning


def test_commands_and_ports_switch_both_wires_and_say_so() -> None:
    """REQ-BW-001."""
    with ComponentTester(Burnwire) as tester:
        assert tester.send("START_BURNWIRE").response is CommandResponse.OK
        assert burning(tester) == {"0", "1"}
        assert tester.events.names() == ["SetBurnwireState", "SafetyTimerStatus", "SafetyTimerState"]
        assert tester.events.named("SafetyTimerState")[0].args == (10,)
        tester.advance(3)
        assert tester.send("STOP_BURNWIRE").response is CommandResponse.OK
        assert burning(tester) == set()
        assert tester.events.named("SetBurnwireState")[-1].args == (On.OFF,)
        assert tester.events.named("BurnwireEndCount")[-1].args == (3,)
        tester.call.burn_start()
        tester.advance(1)
        tester.call.burn_stop()
        assert tester.events.named("BurnwireEndCount")[-1].args == (1,)


def test_a_stop_of_cold_wires_is_reported_too() -> None:
    """REQ-BW-001: ground procedures begin with it."""
    with ComponentTester(Burnwire) as tester:
        assert tester.send("STOP_BURNWIRE").response is CommandResponse.OK
        assert tester.events.names() == ["SetBurnwireState", "BurnwireEndCount"]
        assert tester.events.named("BurnwireEndCount")[0].args == (0,)


def test_the_timer_ends_the_heat_without_any_rate_group() -> None:
    """Upstream: the wire stays on when whoever counts its cycles stands still. REQ-BW-002."""
    with ComponentTester(Burnwire) as tester:
        tester.call.burn_start()
        tester.advance(9.9)
        assert burning(tester)
        tester.advance(0.2)
        assert not burning(tester)
        assert tester.events.named("SafetyTimerStatus")[-1].args == (On.OFF,)
        assert tester.events.named("BurnwireEndCount")[0].args == (10,)
        tester.advance(100)
        assert len(tester.events.named("BurnwireEndCount")) == 1


def test_a_second_start_gives_no_more_time() -> None:
    """REQ-BW-003."""
    with ComponentTester(Burnwire, parameters={"SAFETY_TIMER": 5}) as tester:
        for _ in range(4):
            assert tester.send("START_BURNWIRE").response is CommandResponse.OK
            tester.set_parameter("SAFETY_TIMER", 60)
            tester.advance(1)
        assert burning(tester)
        tester.advance(1.1)
        assert not burning(tester)


@given(st.lists(st.tuples(st.sampled_from(["burn_start", "burn_stop", "sched_in"]), st.floats(0.1, 8.0)), max_size=20))
def test_no_wire_is_ever_hot_for_longer_than_the_timer(calls: list[tuple[str, float]]) -> None:
    """REQ-BW-002."""
    with ComponentTester(Burnwire, parameters={"SAFETY_TIMER": 4}) as tester:
        hot_s = 0.0
        for port, after_s in calls:
            getattr(tester.call, port)(*([0] if port == "sched_in" else []))
            left = after_s
            while left > 0:
                step = min(left, 0.5)
                tester.advance(step)
                left -= step
                hot_s = hot_s + step if burning(tester) else 0.0
                assert hot_s <= 4.5


def test_every_start_and_the_shutdown_switch_off() -> None:
    """Upstream: a restart leaves the wire on. REQ-BW-004."""
    tester: Any = ComponentTester(Burnwire)
    tester.call.burn_start()
    craft = spacecraft_of(tester.platform)
    tester.deployment.instances["tested"].start()
    assert craft.burning == set()
    craft.write("burnwires/0/value", 1)
    tester.finish()
    assert craft.burning == set()


def test_what_cannot_be_switched_off_is_tried_until_it_is() -> None:
    """REQ-BW-005."""
    with ComponentTester(Burnwire) as tester:
        tester.call.burn_start()
        craft = spacecraft_of(tester.platform)
        craft.broken.add("burnwires/1")
        assert tester.send("STOP_BURNWIRE").response is CommandResponse.EXECUTION_ERROR
        assert craft.burning == {"1"}
        assert tester.events.named("SetBurnwireState")[-1].args == (On.ON,)
        assert tester.events.named("BurnwireFailed")[0].args == (On.OFF, "Input/output error")
        tester.advance(30)
        tester.call.sched_in(0)
        craft.broken.clear()
        tester.advance(1.1)
        assert craft.burning == set()
        assert tester.events.named("SetBurnwireState")[-1].args == (On.OFF,)


def test_one_wire_that_fails_leaves_none_on() -> None:
    """REQ-BW-006."""
    with ComponentTester(Burnwire) as tester:
        craft = spacecraft_of(tester.platform)
        write = craft.write

        def failing(path: str, value: int) -> None:
            if value and path.startswith("burnwires/1"):
                raise OSError(5, "Input/output error")
            write(path, value)

        craft.write = failing  # type: ignore[method-assign]
        assert tester.send("START_BURNWIRE").response is CommandResponse.EXECUTION_ERROR
        assert craft.burning == set()
        assert (On.ON,) not in [one.args for one in tester.events.named("SetBurnwireState")]


@pytest.mark.parametrize("places", [[], ["/sys/x"] * 9, ["wire"]])
def test_settings_that_make_no_sense_are_refused(places: list[str]) -> None:
    """REQ-BW-001."""
    check = Burnwire.__declarations__.settings["devices"].check
    with pytest.raises(ValueError, match=r"wanted|neither"):
        check(places)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Burnwire) == []
