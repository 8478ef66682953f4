"""ConnexionManager: which bearer is up, what happens when it fails, and what the mode allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.model.fw import Enabled
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake_components import ConnexionManager
from kittiwake_components.connexion_manager.backoff import backoff_s
from kittiwake_components.connexion_manager.states import BearerSignal, BearerState
from kittiwake_components.connexion_manager.strategy import LinkStrategy
from kittiwake_components.ports.bearer import NO_BEARER, BearerCondition, BearerOrder, LinkPurpose
from kittiwake_components.ports.mode import SystemMode
from tests.components.connexion_manager.device import LORA, RADIO, WIFI, Device

REPORT = LinkPurpose.REPORT


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(ConnexionManager) == []


def test_the_first_of_the_order_comes_up_and_is_used() -> None:
    """REQ-CM-001."""
    with Device() as device:
        device.live(3)
        assert device.current == "wifi"
        assert device.orders(WIFI)[-1] is BearerOrder.BRING_UP
        assert BearerOrder.BRING_UP not in device.orders(RADIO)
        assert list(device.tester.ports.link_up[0]) == [(WIFI,)]
        device.tester.set_parameter("ORDER", "lora, wifi")
        device.live(3)
        assert device.current == "lora"
        assert device.events() == ["LinkUp", "LinkUp", "BearerSwitched"]
        assert device.tester.send("ORDER_PRM_SET", "lora,carrier pigeon").response is CommandResponse.VALIDATION_ERROR


@pytest.mark.parametrize("step", steps_of(ConnexionManager.bearer), ids=str)
def test_every_step_of_a_bearer(step: Step) -> None:
    """REQ-CM-002: in whatever state, whatever comes."""
    with Device() as device:
        device.tester.call.run(0)
        take(device.tester, "bearer", step, ["no carrier"] if step.trigger is BearerSignal.LOST else [], index=RADIO)


def test_one_that_is_not_up_in_time_is_given_up_and_the_next_has_its_turn() -> None:
    """REQ-CM-002."""
    with Device() as device:
        device.works = {RADIO}
        device.live(29)
        assert device.state(WIFI) is BearerState.BRINGUP
        device.live(3)
        assert device.current == "radio"
        assert device.orders(WIFI)[-1] is BearerOrder.TAKE_DOWN
        assert device.tester.events.named("LinkDown")[0].args[1] == "it did not come up in 30 s"


def test_waits_double_up_to_the_longest_and_begin_anew_after_contact_alone() -> None:
    """REQ-CM-003, REQ-CM-005. Upstream: a link that came up was taken for one that works."""
    with Device(parameters={"ORDER": "wifi", "BACKOFF_MAX_S": 60}) as device:
        waits = []
        for _ in range(6):
            device.works = {WIFI}
            device.live(70)
            assert device.state(WIFI) is BearerState.UP
            device.says(WIFI, BearerCondition.DOWN, reason="no carrier")
            waits.append(device.tester.events.named("LinkDown")[-1].args[2])
        assert waits == [5, 10, 20, 40, 60, 60]
        device.live(70)
        device.contact()
        device.says(WIFI, BearerCondition.DOWN, reason="no carrier")
        assert device.tester.events.named("LinkDown")[-1].args[2] == 5


@given(
    failures=st.integers(1, 10_000),
    chance=st.floats(-1, 1),
    jitter=st.floats(0, 0.9),
    bounds=st.tuples(st.floats(1, 3600), st.floats(1, 86400)).filter(lambda one: one[0] <= one[1]),
)
def test_a_wait_is_always_within_its_bounds(
    failures: int, chance: float, jitter: float, bounds: tuple[float, float]
) -> None:
    """REQ-CM-003: for any number of failures and any chance."""
    wait_s = backoff_s(failures, chance, *bounds, jitter)
    assert bounds[0] <= wait_s <= bounds[1]
    assert backoff_s(failures + 1, 0.0, *bounds, 0.0) >= backoff_s(failures, 0.0, *bounds, 0.0)


def test_chance_spreads_the_waits_of_devices_that_failed_together() -> None:
    """REQ-CM-003."""
    waits = set()
    for seed in range(5):
        with Device(seed=seed, parameters={"ORDER": "wifi", "JITTER": 0.5, "BACKOFF_MIN_S": 100}) as device:
            device.live(2)
            for _ in range(2):
                device.says(WIFI, BearerCondition.DOWN, reason="no carrier")
                device.live(110)
            waits.add(device.tester.events.named("LinkDown")[-1].args[2])
    assert len(waits) > 2


def test_backoff_is_by_the_clock_since_boot() -> None:
    """REQ-CM-003. Upstream: a wait by wall time ended at once, or never, when the clock was set."""
    with Device(parameters={"ORDER": "wifi", "BACKOFF_MIN_S": 60}) as device:
        device.live(2)
        device.says(WIFI, BearerCondition.DOWN, reason="no carrier")
        device.tester.platform.clock.set_machine_wall_ns(0)
        device.live(30)
        assert device.state(WIFI) is BearerState.BACKOFF
        device.tester.platform.clock.set_machine_wall_ns(4_000_000_000 * 10**9)
        device.live(20)
        assert device.state(WIFI) is BearerState.BACKOFF
        device.live(20)
        assert device.state(WIFI) is BearerState.UP


def test_a_lost_bearer_is_replaced_and_taken_again_when_it_is_back() -> None:
    """REQ-CM-001, REQ-CM-004."""
    with Device() as device:
        device.live(3)
        device.breaks(WIFI)
        device.live(5)
        assert device.current == "radio"
        assert list(device.tester.ports.link_down[0]) == [(WIFI,)]
        device.works.add(WIFI)
        device.live(60)
        assert device.current == "wifi"
        assert device.state(RADIO) is BearerState.DOWN
        assert "BearerSwitched" in device.events()


def test_the_one_in_use_stays_until_the_better_one_is_up() -> None:
    """REQ-CM-004: a link is told that it is shut at the start, and then that it is open, once."""
    with Device() as device:
        device.works = {LORA}
        device.live(100)
        assert device.current == "lora"
        states = device.tester.ports.status_out[0]
        assert [int(call[0]) for call in states] == [0, 1]
        device.works.add(WIFI)
        device.live(600)
        assert device.current == "wifi"
        assert [int(call[0]) for call in states] == [0, 1]


def test_a_degraded_bearer_is_left_for_another_without_going_to_and_fro() -> None:
    """REQ-CM-004."""
    with Device() as device:
        device.live(3)
        device.says(WIFI, BearerCondition.DEGRADED, -90)
        device.live(3)
        assert device.current == "radio"
        assert device.state(WIFI) is BearerState.BACKOFF
        assert device.orders(WIFI).count(BearerOrder.BRING_UP) == 1


def test_a_degraded_bearer_is_better_than_none() -> None:
    """REQ-CM-004."""
    with Device() as device:
        device.works = {WIFI}
        device.live(3)
        device.says(WIFI, BearerCondition.DEGRADED, -90)
        device.live(20)
        assert device.current == "wifi"
        device.says(WIFI, BearerCondition.UP, -60)
        assert device.tester.channels["Rssi"] == -60
        assert device.state(WIFI) is BearerState.UP


def test_up_for_long_without_contact_is_a_failure() -> None:
    """REQ-CM-005."""
    with Device(parameters={"SILENCE_LIMIT_S": 100}) as device:
        device.live(90)
        device.contact()
        device.live(90)
        assert device.current == "wifi"
        device.live(20)
        assert device.current != "wifi"
        assert device.tester.events.named("LinkDown")[0].args[1] == "no contact in 100 s"


def test_packets_without_a_valid_signature_are_no_contact() -> None:
    """REQ-CM-005."""
    with Device() as device:
        device.live(100)
        device.tester.call.packet_routed(0, False)
        device.live(1)
        assert device.tester.channels["Silence"] == 100
        device.tester.call.transfer_done()
        device.live(1)
        assert device.tester.channels["Silence"] == 0


def test_that_all_have_failed_is_told_once() -> None:
    """REQ-CM-006."""
    with Device(parameters={"BACKOFF_MIN_S": 600}) as device:
        device.works = set()
        device.live(400)
        assert device.events().count("AllLinksDown") == 1
        assert device.current == ""


# Requests


def test_a_request_brings_a_bearer_up_for_its_time_only() -> None:
    """REQ-CM-007."""
    with Device(parameters={"KEEP_UP": False}) as device:
        device.live(10)
        assert device.current == ""
        assert device.tester.call.request(REPORT, 1000, 60) == NO_BEARER
        device.live(2)
        assert device.tester.call.request(REPORT, 1000, 60) == WIFI
        device.live(55)
        assert device.current == "wifi"
        device.live(10)
        assert device.current == ""
        assert device.orders(WIFI)[-1] is BearerOrder.TAKE_DOWN


COSTS: dict[str, Any] = {
    "cost_per_byte": {"wifi": 0.0, "radio": 0.001, "lora": 0.0},
    "rates_bps": {"wifi": 1e6, "radio": 1e5, "lora": 1e3},
    "power_mw": {"wifi": 800.0, "radio": 2000.0, "lora": 100.0},
}


@pytest.mark.parametrize(
    "size, deadline_s, joule, chosen",
    [(100, 60, 1.0, WIFI), (100_000, 60, 1.0, WIFI), (10, 3600, 1.0, WIFI), (1_000_000, 100, 0.0, WIFI)],
)
def test_the_cheapest_that_is_fast_enough_is_chosen(size: int, deadline_s: int, joule: float, chosen: int) -> None:
    """REQ-CM-008."""
    parameters = {"KEEP_UP": False, "STRATEGY": LinkStrategy.COST, "COST_PER_JOULE": joule, "ORDER": "radio,lora,wifi"}
    with Device(parameters=parameters, **COSTS) as device:
        device.tester.call.request(REPORT, size, deadline_s)
        device.live(2)
        expected = chosen if joule else WIFI
        assert device.tester.call.request(REPORT, size, deadline_s) == expected


def test_free_bearers_that_are_too_slow_are_left_out() -> None:
    """REQ-CM-008."""
    with Device(parameters={"KEEP_UP": False, "STRATEGY": LinkStrategy.COST, "ORDER": "lora,radio"}, **COSTS) as device:
        device.tester.call.request(REPORT, 100_000, 60)
        device.live(2)
        assert device.current == "radio"
        assert device.tester.call.request(LinkPurpose.UPDATE, 10_000_000, 60) == NO_BEARER
        assert device.tester.events.named("BudgetExceeded")[0].args[:2] == (LinkPurpose.UPDATE, 10_000_000)


def test_what_the_energy_does_not_allow_is_refused_and_told() -> None:
    """REQ-CM-008."""
    with Device(parameters={"KEEP_UP": False}, **COSTS) as device:
        device.tester.ports.energy_left.returns = 0.001
        assert device.tester.call.request(REPORT, 1_000_000, 3600) == NO_BEARER
        device.live(2)
        assert device.current == ""
        assert "BudgetExceeded" in device.events()


def test_a_spent_volume_turns_to_the_next_bearer_over_restarts_until_it_is_reset() -> None:
    """REQ-CM-009."""
    with Device(volume_bytes={"wifi": 1000.0}) as device:
        device.live(2)
        device.tester.call.traffic_in[WIFI](600, 500)
        device.live(3)
        assert device.current == "radio"
        device.restart()
        device.live(3)
        assert device.current == "radio"
        assert device.tester.send("RESET_VOLUME", "wifi").response is CommandResponse.OK
        device.live(3)
        assert device.current == "wifi"


# Commands and modes


def test_the_ground_disables_enables_and_prefers() -> None:
    """REQ-CM-010."""
    with Device() as device:
        device.live(3)
        assert device.tester.send("LINK_DISABLE", "wifi").response is CommandResponse.OK
        device.live(3)
        assert device.current == "radio"
        assert device.tester.send("LINK_ENABLE", "wifi").response is CommandResponse.OK
        assert device.tester.send("LINK_PREFER", "lora").response is CommandResponse.OK
        device.live(3)
        assert device.current == "lora"
        device.tester.send("LINK_PREFER", "")
        device.live(3)
        assert device.current == "wifi"
        assert device.tester.send("LINK_DISABLE", "telegraph").response is CommandResponse.VALIDATION_ERROR


def test_enabling_ends_a_wait_at_once() -> None:
    """REQ-CM-010."""
    with Device(parameters={"ORDER": "wifi", "BACKOFF_MIN_S": 3600}) as device:
        device.live(2)
        device.says(WIFI, BearerCondition.DOWN, reason="no carrier")
        device.live(5)
        assert device.state(WIFI) is BearerState.BACKOFF
        device.tester.send("LINK_ENABLE", "wifi")
        device.live(2)
        assert device.current == "wifi"


def test_a_scan_reports_every_signal() -> None:
    """REQ-CM-010."""
    with Device() as device:
        device.live(2)
        device.events()
        assert device.tester.send("SCAN").response is CommandResponse.OK
        assert device.orders(LORA)[-1] is BearerOrder.SCAN
        device.says(WIFI, BearerCondition.UP, -71)
        device.says(WIFI, BearerCondition.UP, -72)
        assert [event.args for event in device.tester.events] == [("wifi", -71)]


def test_safe_mode_and_hibernation_allow_what_the_policy_names() -> None:
    """REQ-CM-011."""
    with Device(safe_bearers=["radio"]) as device:
        device.live(2)
        device.tester.call.mode_in(SystemMode.SAFE_MODE)
        device.live(2)
        assert device.current == "radio"
        assert device.state(WIFI) is BearerState.DOWN
        device.tester.call.mode_in(SystemMode.HIBERNATE)
        device.live(2)
        assert device.current == ""
        assert device.tester.call.request(REPORT, 10, 60) == NO_BEARER
        device.tester.call.mode_in(SystemMode.NORMAL)
        device.live(2)
        assert device.current == "wifi"


# Recovery


def test_recovery_after_a_silence_that_adds_up_over_restarts_and_kills() -> None:
    """REQ-CM-012."""
    with Device(parameters={"RECOVERY_AFTER_S": 600, "SILENCE_LIMIT_S": 0}, recovery="lora") as device:
        for crash in (False, True, False, True):
            device.live(120)
            assert "RecoveryLinkUsed" not in device.events()
            device.restart(crash=crash)
        # What a kill forgets is at most half of a short life.
        device.live(400)
        assert device.events().count("RecoveryLinkUsed") == 1
        assert device.current == "lora"
        assert device.tester.channels["InRecovery"] is True
        device.contact()
        device.live(3)
        assert device.current == "wifi"


def test_recovery_uses_a_disabled_bearer_and_nothing_but_its_own_setup() -> None:
    """REQ-CM-012."""
    with Device(recovery="lora") as device:
        device.tester.send("LINK_DISABLE", "lora")
        assert device.tester.send("RECOVERY_LINK", Enabled.ENABLED).response is CommandResponse.OK
        device.live(3)
        assert device.current == "lora"
        assert device.setups(LORA) == [""]
        assert device.tester.send("RECOVERY_LINK", Enabled.DISABLED).response is CommandResponse.OK
        device.live(3)
        assert device.current == "wifi"


ACTIONS = st.one_of(
    st.tuples(st.just("says"), st.integers(0, 2), st.sampled_from(BearerCondition)),
    st.tuples(st.just("live"), st.integers(1, 50), st.none()),
    st.tuples(st.just("contact"), st.none(), st.none()),
    st.tuples(st.just("mode"), st.sampled_from(SystemMode), st.none()),
    st.tuples(st.just("works"), st.sets(st.integers(0, 2)), st.none()),
    st.tuples(st.just("request"), st.integers(0, 100_000), st.integers(0, 100)),
    st.tuples(st.just("disable"), st.sampled_from(["wifi", "radio", "lora"]), st.none()),
    st.tuples(st.just("restart"), st.booleans(), st.none()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=12), st.booleans())
def test_whatever_happens_at_most_two_are_on_and_afterwards_the_best_comes_back(
    actions: list[tuple[Any, Any, Any]], keep_up: bool
) -> None:
    """REQ-CM-001, REQ-CM-004: two bearers draw current only while the one takes over from the other."""
    with Device(parameters={"KEEP_UP": keep_up, "BACKOFF_MAX_S": 60}) as device:
        for what, first, second in actions:
            if what == "says":
                device.says(first, second, reason="lost")
            elif what == "live":
                device.live(first)
            elif what == "contact":
                device.contact()
            elif what == "mode":
                device.tester.call.mode_in(first)
            elif what == "works":
                device.works = first
            elif what == "request":
                device.tester.call.request(REPORT, first, second)
            elif what == "disable":
                device.tester.send("LINK_DISABLE", first)
            else:
                device.restart(crash=first)
            on = [one for one in range(3) if device.state(one) not in (BearerState.DOWN, BearerState.BACKOFF)]
            assert len(on) <= 2
        device.tester.call.mode_in(SystemMode.NORMAL)
        for name in ("wifi", "radio", "lora"):
            device.tester.send("LINK_ENABLE", name)
        device.works = {WIFI, RADIO, LORA}
        device.live(150)
        assert device.current == ("wifi" if keep_up else "")
