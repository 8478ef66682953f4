"""The watchdog: strokes behind the gate, stops that must be armed, backends, and what it does beside Health."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake_components import CommandDispatcher, Health, Watchdog
from kittiwake_components.watchdog.component import WatchdogState
from tests.components.flight import Flight

Tester = ComponentTester[Watchdog]


def live(tester: Tester, seconds: int, *, well: bool = True) -> None:
    """So many cycles of 1 Hz; Health strokes the gate in each while all is well."""
    for _ in range(seconds):
        if well:
            tester.call.gate_in(0)
        tester.call.run(0)
        tester.advance(1.0)


def strokes(tester: Tester) -> int:
    """How often the backend was stroked."""
    return int(tester.platform.watchdogs["notify"].strokes)


def has_expired(tester: Tester) -> bool:
    """Whether the power would be cycled by now."""
    return bool(tester.platform.watchdogs["notify"].has_expired())


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(Watchdog) == []


def test_each_period_gives_one_stroke_to_all_watchdogs() -> None:
    """REQ-WD-001."""
    with ComponentTester(Watchdog) as tester:
        live(tester, 10)
        assert strokes(tester) == 11
        assert [len(calls) for calls in tester.ports.stroke_out] == [10] * 4
        assert tester.channels["WatchdogTransitions"] == 10
        tester.set_parameter("PERIOD", 5)
        live(tester, 20)
        assert tester.channels["WatchdogTransitions"] == 14


def test_strokes_are_withheld_while_the_gate_is_shut() -> None:
    """REQ-WD-002. Upstream: strokes were given in each cycle, whatever had died."""
    with ComponentTester(Watchdog, settings={"gate": "CdhCore.health"}) as tester:
        live(tester, 5)
        live(tester, 40, well=False)
        assert has_expired(tester)
        assert strokes(tester) == 8
        assert tester.channels["Withheld"] == 38
        assert tester.events.named("WatchdogWithheld")[0].args == ("CdhCore.health",)
        assert len(tester.events.named("WatchdogWithheld")) == 5
        live(tester, 2)
        assert strokes(tester) == 10
        assert not has_expired(tester)


def test_nothing_is_given_before_health_was_satisfied_once() -> None:
    """REQ-WD-002: only the opening itself counts, so that a start that hangs is ended too."""
    with ComponentTester(Watchdog) as tester:
        live(tester, 31, well=False)
        assert strokes(tester) == 1
        assert has_expired(tester)


def test_without_a_gate_every_period_has_its_stroke() -> None:
    """REQ-WD-002."""
    with ComponentTester(Watchdog, settings={"gate": ""}) as tester:
        live(tester, 10, well=False)
        assert strokes(tester) == 11


def test_a_stop_must_be_armed_and_ends_in_a_power_cycle_that_was_announced() -> None:
    """REQ-WD-003."""
    with ComponentTester(Watchdog) as tester:
        live(tester, 2)
        assert tester.send("STOP_WATCHDOG").response is CommandResponse.EXECUTION_ERROR
        assert tester.send("ARM_STOP_WATCHDOG").response is CommandResponse.OK
        assert tester.send("STOP_WATCHDOG").response is CommandResponse.OK
        assert tester.events.names() == ["StopArmed", "WatchdogStop"]
        assert len(tester.ports.prepare_for_reboot) == 1
        live(tester, 31)
        assert has_expired(tester)


def test_the_arming_ends_after_its_time() -> None:
    """REQ-WD-003."""
    with ComponentTester(Watchdog) as tester:
        tester.send("ARM_STOP_WATCHDOG")
        live(tester, 31)
        assert tester.send("STOP_WATCHDOG").response is CommandResponse.EXECUTION_ERROR
        assert not has_expired(tester)


def test_a_deployment_may_do_without_arming() -> None:
    """REQ-WD-003: procedures written for PROVES send STOP_WATCHDOG alone."""
    with ComponentTester(Watchdog, settings={"arm_first": False}) as tester:
        assert tester.send("STOP_WATCHDOG").response is CommandResponse.OK
        assert tester.channels["WatchdogState"] is WatchdogState.STOPPED


def test_a_stop_is_taken_back_where_the_power_was_not_cycled_unless_it_is_confirmed() -> None:
    """REQ-WD-004."""
    with ComponentTester(Watchdog) as tester:
        tester.send("ARM_STOP_WATCHDOG")
        tester.send("STOP_WATCHDOG")
        live(tester, 119)
        assert tester.channels["WatchdogTransitions"] is None
        live(tester, 2)
        assert tester.events.names()[-1] == "StopTakenBack"
        assert tester.channels["WatchdogTransitions"] == 1
        tester.send("ARM_STOP_WATCHDOG")
        tester.send("STOP_WATCHDOG")
        assert tester.send("STOP_WATCHDOG").response is CommandResponse.OK
        live(tester, 1000)
        assert tester.channels["WatchdogTransitions"] == 1
        assert tester.send("START_WATCHDOG").response is CommandResponse.OK
        live(tester, 1)
        assert tester.channels["WatchdogTransitions"] == 2


def test_another_component_stops_it_at_once_and_unannounced() -> None:
    """REQ-WD-005."""
    with ComponentTester(Watchdog) as tester:
        tester.call.stop_in()
        assert tester.events.names() == ["WatchdogStop"]
        assert tester.ports.prepare_for_reboot == []
        live(tester, 31)
        assert has_expired(tester)
        tester.call.start_in()
        live(tester, 1)
        assert not has_expired(tester)


@pytest.mark.parametrize("step", steps_of(Watchdog.watchdog), ids=str)
def test_every_step_ends_where_the_declaration_says(step: Step) -> None:
    """REQ-WD-003, REQ-WD-004."""
    with ComponentTester(Watchdog) as tester:
        take(tester, "watchdog", step)
        gives = step.target in (WatchdogState.RUNNING, WatchdogState.ARMED)
        live(tester, 1)
        assert strokes(tester) == 1 + gives


def test_an_orderly_end_disarms_it_and_no_other_end_does() -> None:
    """REQ-WD-006."""
    for status, armed in ((0, False), (1, True), (81, True)):
        tester = ComponentTester(Watchdog)
        tester.deployment.request_stop("end", status)
        tester.stop()
        assert tester.platform.watchdogs["notify"].is_armed is armed
    stopped = ComponentTester(Watchdog)
    stopped.call.stop_in()
    stopped.stop()
    assert stopped.platform.watchdogs["notify"].is_armed


def test_a_backend_that_fails_is_reported_and_opened_anew() -> None:
    """REQ-WD-007."""
    with ComponentTester(Watchdog, settings={"backend": "/dev/watchdog"}) as tester:
        device = tester.platform.watchdogs["/dev/watchdog"]
        live(tester, 1)
        assert tester.channels["TimeoutInForce"] == 30
        device.is_broken = True
        live(tester, 2)
        assert tester.events.named("BackendFault")[0].args == ("/dev/watchdog", "Input/output error")
        assert tester.channels["TimeoutInForce"] == 0
        live(tester, 10)
        assert tester.platform.watchdogs["/dev/watchdog"] is not device
        assert tester.channels["TimeoutInForce"] == 30


def test_times_in_the_wrong_order_are_refused() -> None:
    """REQ-WD-008."""
    with ComponentTester(Watchdog) as tester:
        assert tester.send("TIMEOUT_PRM_SET", 120).response is CommandResponse.VALIDATION_ERROR
        assert tester.send("PERIOD_PRM_SET", 30).response is CommandResponse.VALIDATION_ERROR
        assert tester.send("STOP_MAX_S_PRM_SET", 30).response is CommandResponse.VALIDATION_ERROR


def test_a_dead_dispatcher_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-WD-002. Upstream: a dead command dispatcher was never caught, because the watchdog was stroked regardless."""
    classes: dict[str, Any] = {"cmdDisp": CommandDispatcher, "health": Health, "watchdog": Watchdog}
    flight = Flight(classes, ["health.wdog_stroke -> watchdog.gate_in"], ["health.run", "watchdog.run"])
    flight.run(10)
    assert flight.platform.watchdogs["notify"].strokes > 8
    loop = flight.deployment.main
    serve = loop.serve
    monkeypatch.setattr(loop, "serve", lambda queue: None if queue.name == "cmdDisp" else serve(queue))
    flight.run(20)
    assert flight.named("InstanceRestarted"), "Health tries to bring it back first"
    assert flight.named("WatchdogWithheld")
    flight.run(40)
    assert flight.platform.watchdogs["notify"].has_expired()
