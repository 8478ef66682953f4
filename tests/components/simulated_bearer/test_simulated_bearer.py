"""SimulatedBearer: how it comes up, fades, breaks, and is the same under the same seed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.state_machine import After
from kittiwake.platform.seeded import SeededRandom
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake_components import SimulatedBearer
from kittiwake_components.ports.bearer import UNKNOWN_RSSI, BearerCondition, BearerOrder
from kittiwake_components.ports.link import LinkState
from kittiwake_components.simulated_bearer.medium import Medium, Window, parse_windows
from kittiwake_components.simulated_bearer.states import SimulatedSignal

UP, DEGRADED, DOWN = BearerCondition.UP, BearerCondition.DEGRADED, BearerCondition.DOWN


def _tester(*, seed: int = 0, parameters: dict[str, Any] | None = None, **settings: Any) -> ComponentTester[Any]:
    return ComponentTester(SimulatedBearer, settings={"spread_db": 0, **settings}, parameters=parameters, seed=seed)


def _order(tester: ComponentTester[Any], order: BearerOrder, setup: str = "") -> None:
    tester.call.control_in(order, setup)


def _conditions(tester: ComponentTester[Any]) -> list[BearerCondition]:
    """How it was, each once."""
    told = [call[0] for call in tester.ports.status_out]
    return [*told[:1], *[after for before, after in pairwise(told) if before is not after]]


def _link(tester: ComponentTester[Any]) -> list[int]:
    return [int(call[0]) for call in tester.ports.link_out[0]]


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(SimulatedBearer) == []


@pytest.mark.parametrize(
    "step", [one for one in steps_of(SimulatedBearer.machine) if not isinstance(one.trigger, After)], ids=str
)
def test_every_step(step: Step) -> None:
    """REQ-SBR-002: what the timers do sends signals, which are these steps."""
    with _tester() as tester:
        take(tester, "machine", step)


def test_it_comes_up_in_its_time_and_goes_down_at_once() -> None:
    """REQ-SBR-001, REQ-SBR-008: the order is answered once, and TAKE_DOWN is not."""
    with _tester(parameters={"BRINGUP_S": 4.0}) as tester:
        assert tester.channels["Condition"] is DOWN
        _order(tester, BearerOrder.BRING_UP)
        tester.advance(3.9)
        assert not tester.ports.status_out
        assert _link(tester) == [LinkState.DOWN]
        tester.advance(0.1)
        assert list(tester.ports.status_out) == [(UP, -70, "")]
        assert _link(tester) == [LinkState.DOWN, LinkState.UP]
        assert tester.channels["Condition"] is UP
        assert tester.channels["Rssi"] == -70
        _order(tester, BearerOrder.TAKE_DOWN)
        assert _link(tester) == [LinkState.DOWN, LinkState.UP, LinkState.DOWN]
        assert len(tester.ports.status_out) == 1
        assert tester.channels["Condition"] is DOWN
        tester.advance(60)
        assert len(tester.ports.status_out) == 1


def test_a_bringup_that_is_taken_back_is_not_answered() -> None:
    """REQ-SBR-001."""
    with _tester() as tester:
        _order(tester, BearerOrder.BRING_UP)
        tester.advance(1)
        _order(tester, BearerOrder.TAKE_DOWN)
        tester.advance(60)
        assert not tester.ports.status_out


def test_as_many_bringups_fail_as_were_declared() -> None:
    """REQ-SBR-003."""
    with _tester(seed=3, parameters={"FAILURE_CHANCE": 0.3, "BRINGUP_S": 1.0}) as tester:
        for _ in range(300):
            _order(tester, BearerOrder.BRING_UP)
            tester.advance(1)
            _order(tester, BearerOrder.TAKE_DOWN)
        failed = [reason for condition, _, reason in tester.ports.status_out if condition is DOWN]
        assert len(tester.ports.status_out) == 300
        assert 60 < len(failed) < 120
        assert set(failed) == {"the bring-up failed"}
        assert tester.channels["Bringups"] == 300


def test_a_setup_that_nobody_answers_to_fails() -> None:
    """REQ-SBR-003: so a candidate configuration can be bad in a simulation."""
    with _tester(setups=["ssid=field"]) as tester:
        for setup in ("ssid=elsewhere", "ssid=field", ""):
            _order(tester, BearerOrder.BRING_UP, setup)
            tester.advance(3)
            _order(tester, BearerOrder.TAKE_DOWN)
        assert [call[0] for call in tester.ports.status_out] == [DOWN, UP, UP]
        assert tester.ports.status_out[0][2] == "nobody answers to this setup"


def test_declared_outages_break_it_and_come_again() -> None:
    """REQ-SBR-004: and it does not come up within one."""
    with _tester(outages=["100-200"], period_s=1000.0) as tester:
        for _ in range(2000):
            if tester.channels["Condition"] is DOWN and tester.component.machine.state == 0:
                _order(tester, BearerOrder.BRING_UP)
            tester.advance(1)
        ends = [reason for condition, _, reason in tester.ports.status_out if condition is DOWN]
        assert set(ends) == {"there is no signal"}
        assert len(ends) > 20
        assert _conditions(tester) == [UP, DOWN, UP, DOWN, UP]


def test_a_fade_degrades_it() -> None:
    """REQ-SBR-005."""
    with _tester(fades=["50-100"]) as tester:
        _order(tester, BearerOrder.BRING_UP)
        tester.advance(150)
        assert _conditions(tester) == [UP, DEGRADED, UP]
        assert {call[1] for call in tester.ports.status_out} == {-70, -100}
        assert _link(tester)[-1] == LinkState.UP


def test_an_outage_by_command_is_told_at_once_and_can_be_ended() -> None:
    """REQ-SBR-004."""
    with _tester() as tester:
        _order(tester, BearerOrder.BRING_UP)
        tester.advance(3)
        tester.send("OUTAGE", 100)
        assert tester.ports.status_out[-1] == (DOWN, UNKNOWN_RSSI, "there is no signal")
        assert _link(tester)[-1] == LinkState.DOWN
        _order(tester, BearerOrder.BRING_UP)
        tester.advance(5)
        assert tester.ports.status_out[-1][0] is DOWN
        tester.send("OUTAGE", 0)
        _order(tester, BearerOrder.BRING_UP)
        tester.advance(5)
        assert tester.channels["Condition"] is UP


def test_a_scan_is_answered_by_how_it_is() -> None:
    """REQ-SBR-006: one within a bring-up is answered by the end of that, and does not end it."""
    with _tester() as tester:
        _order(tester, BearerOrder.SCAN)
        assert list(tester.ports.status_out) == [(DOWN, -70, "it is not wanted")]
        _order(tester, BearerOrder.BRING_UP)
        _order(tester, BearerOrder.SCAN)
        assert len(tester.ports.status_out) == 1
        tester.advance(3)
        _order(tester, BearerOrder.SCAN)
        assert [call[0] for call in tester.ports.status_out] == [DOWN, UP, UP]


def _life(seed: int) -> list[Any]:
    with _tester(seed=seed, spread_db=5, mean_up_s=100.0, mean_outage_s=30.0) as tester:
        for _ in range(600):
            if tester.component.machine.state == 0:
                _order(tester, BearerOrder.BRING_UP)
            tester.advance(1)
        return list(tester.ports.status_out)


def test_the_same_seed_gives_the_same_life() -> None:
    """REQ-SBR-007, REQ-SBR-004."""
    assert _life(4) == _life(4)
    assert _life(4) != _life(5)
    assert {call[0] for call in _life(4)} == {UP, DOWN}


def test_traffic_counts_while_it_is_up() -> None:
    """REQ-SBR-008."""
    with _tester() as tester:
        tester.call.traffic_in(10, 20)
        assert not tester.ports.traffic_out
        _order(tester, BearerOrder.BRING_UP)
        tester.advance(3)
        tester.call.traffic_in(100, 7)
        tester.call.traffic_in(0, 0)
        _order(tester, BearerOrder.TAKE_DOWN)
        tester.call.traffic_in(5, 6)
        tester.call.traffic_in(1, 1)
        assert list(tester.ports.traffic_out) == [(100, 7), (5, 6)]


@pytest.mark.parametrize("text", ["", "5", "5-", "-5", "5-5", "6-5", "a-b", "0-inf", "nan-5", "0-nan"])
def test_what_is_no_window_is_refused(text: str) -> None:
    """REQ-SBR-004."""
    with pytest.raises(ValueError, match="BEGIN-END in seconds"):
        parse_windows([text])


@given(seed=st.integers(0, 2**32), up_s=st.floats(1, 1000), outage_s=st.floats(1, 1000))
def test_outages_by_chance_last_about_as_long_as_they_should(seed: int, up_s: float, outage_s: float) -> None:
    """REQ-SBR-004: over many of them, for any means."""
    medium = Medium(SeededRandom(seed), (), (), 0.0, up_s, outage_s)
    end_s = 400 * (up_s + outage_s)
    samples = [medium.is_out(end_s * step / 2000) for step in range(2000)]
    # At least a second each, which pulls the shortest means up.
    share = max(outage_s, 1.0) / (max(up_s, 1.0) + max(outage_s, 1.0))
    assert abs(sum(samples) / len(samples) - share) < 0.2


def test_a_device_that_wakes_for_a_moment_finds_as_many_outages() -> None:
    """REQ-SBR-004: a simulation of short wakes would else never see one."""
    found = [Medium(SeededRandom(seed), (), (), 0.0, 600.0, 300.0).is_out(1.0) for seed in range(1000)]
    assert 260 < sum(found) < 410


def test_windows_end_before_their_end() -> None:
    """REQ-SBR-004."""
    medium = Medium(SeededRandom(1), [Window(10.0, 20.0)], [], 0.0, 0.0, 0.0)
    assert [medium.is_out(at) for at in (9.9, 10.0, 19.9, 20.0, 1e9)] == [False, True, True, False, False]


def test_signals_are_those_of_the_orders_and_the_medium() -> None:
    """REQ-SBR-002: each signal is heeded somewhere."""
    heeded = {step.trigger for step in steps_of(SimulatedBearer.machine) if step.taken}
    assert set(SimulatedSignal) <= heeded
