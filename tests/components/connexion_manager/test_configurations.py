"""ConnexionManager: a candidate configuration leads to contact, or the one before it is in force again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake_components import ConnexionManager
from kittiwake_components.connexion_manager.configuration import ConfigurationFault, parse_configuration
from tests.components.connexion_manager.device import BEARERS, RADIO, WIFI, Device
from tests.components.power_cuts import cut_everywhere

CANDIDATE = {"order": ["radio", "wifi"], "setups": {"radio": "apn=field"}}


def apply(device: Device, configuration: object = CANDIDATE) -> CommandResponse | None:
    device.tester.write_file("/new.json", json.dumps(configuration).encode())
    return device.tester.send("APPLY_CONFIG", "/new.json").response


def test_a_candidate_that_leads_to_contact_is_kept() -> None:
    """REQ-CM-013."""
    with Device() as device:
        device.live(5)
        assert apply(device) is CommandResponse.OK
        device.live(5)
        assert device.current == "radio"
        assert device.setups(RADIO) == ["apn=field"]
        assert device.tester.channels["OnTrial"] is True
        device.contact()
        assert device.tester.channels["OnTrial"] is False
        assert device.events()[-1] == "ConfigKept"
        device.live(2000)
        device.restart()
        device.live(5)
        assert device.current == "radio"
        assert device.setups(RADIO)[-1] == "apn=field"


def test_a_candidate_without_contact_is_rolled_back() -> None:
    """REQ-CM-013. Upstream: a wrong setting of the link was for ever."""
    with Device() as device:
        apply(device)
        device.live(895)
        assert device.current == "radio"
        device.live(10)
        assert device.current == "wifi"
        assert device.tester.channels["OnTrial"] is False
        assert "ConfigRolledBack" in device.events()
        device.restart()
        device.live(3)
        assert device.current == "wifi"


def test_contact_before_a_bearer_came_up_under_it_is_no_evidence() -> None:
    """REQ-CM-013: the last packets of the old bearer."""
    with Device() as device:
        device.live(5)
        apply(device)
        device.contact()
        assert device.tester.channels["OnTrial"] is True
        device.live(3)
        device.contact()
        assert device.tester.channels["OnTrial"] is False


@pytest.mark.parametrize("crash", [False, True])
def test_the_time_of_a_trial_counts_over_restarts(crash: bool) -> None:
    """REQ-CM-013: a device that lives a minute at a time does not try for ever."""
    with Device() as device:
        apply(device)
        for _ in range(40):
            device.live(61)
            if "ConfigRolledBack" in device.events():
                break
            device.restart(crash=crash)
        else:
            pytest.fail("it was never given up")
        device.live(3)
        assert device.current == "wifi"


def test_the_ground_confirms() -> None:
    """REQ-CM-013."""
    with Device() as device:
        assert device.tester.send("CONFIRM_CONFIG").response is CommandResponse.EXECUTION_ERROR
        apply(device)
        assert device.tester.send("CONFIRM_CONFIG").response is CommandResponse.OK
        device.live(1000)
        assert device.current == "radio"


@pytest.mark.parametrize(
    "configuration, reason",
    [
        ([], "an object"),
        ({"setups": {}}, '"order"'),
        ({"order": []}, "1 to 8"),
        ({"order": ["pigeon"]}, "no bearer 'pigeon'"),
        ({"order": [["wifi"]]}, "no bearer"),
        ({"order": ["wifi", "wifi"]}, "twice"),
        ({"order": ["wifi"], "setups": {"wifi": 7}}, "setups.wifi"),
        ({"order": ["wifi"], "setups": {"wifi": "x" * 121}}, "120 bytes"),
        ({"order": ["wifi"], "setups": {"wifi": "\ud800"}}, "setups.wifi"),
        ({"order": ["wifi"], "setups": []}, "setups"),
        ({"order": ["wifi"], "more": 1}, "an object"),
    ],
)
def test_a_wrong_configuration_is_refused_and_says_where(configuration: Any, reason: str) -> None:
    """REQ-CM-014."""
    with Device() as device:
        device.live(3)
        assert apply(device, configuration) is CommandResponse.VALIDATION_ERROR
        [fault] = device.tester.events.named("FileFault")
        assert reason in fault.args[1]
        device.live(3)
        assert device.current == "wifi"


def test_a_file_that_is_not_there_or_too_large_is_refused() -> None:
    """REQ-CM-014."""
    with Device() as device:
        assert device.tester.send("APPLY_CONFIG", "/none.json").response is CommandResponse.EXECUTION_ERROR
        assert device.tester.send("APPLY_CONFIG", "../x").response is CommandResponse.EXECUTION_ERROR
        device.tester.write_file("/large.json", b" " * 5000)
        assert device.tester.send("APPLY_CONFIG", "/large.json").response is CommandResponse.EXECUTION_ERROR
        device.tester.write_file("/text.json", b"\xff{")
        assert device.tester.send("APPLY_CONFIG", "/text.json").response is CommandResponse.VALIDATION_ERROR


def test_the_largest_configuration_can_be_saved_and_read() -> None:
    """REQ-CM-014."""
    names = [f"bearer{number:02}-{'x' * 11}" for number in range(8)]
    configuration = parse_configuration(
        json.dumps({"order": names, "setups": dict.fromkeys(names, "é" * 60)}, ensure_ascii=False).encode(), names
    )
    assert parse_configuration(configuration.packed(), names) == configuration
    with pytest.raises(ConfigurationFault):
        parse_configuration(b"[" * 4000, names)


def test_a_power_cut_at_any_file_operation_leaves_the_old_or_the_new() -> None:
    """REQ-CM-015."""

    def prepared(seed: int) -> ComponentTester[ConnexionManager]:
        device = Device(seed=seed, parameters={"TRIAL_S": 60})
        device.tester.write_file("/new.json", json.dumps(CANDIDATE).encode())
        device.live(3)
        return device.tester

    def scenario(tester: ComponentTester[ConnexionManager], noted: list[int]) -> None:
        if tester.send("APPLY_CONFIG", "/new.json").response is CommandResponse.OK:
            noted.append(1)
        if tester.send("CONFIRM_CONFIG").response is CommandResponse.OK:
            noted.append(2)

    def judge(tester: ComponentTester[ConnexionManager], noted: list[int], ports: Any) -> None:
        order = tester.component._trial.in_force.order
        assert order in (tuple(BEARERS), ("radio", "wifi"))
        if noted:
            assert order == ("radio", "wifi")
        if 2 in noted:
            assert not tester.component._trial.is_on
        for _ in range(65):
            tester.call.run(0)
            tester.advance(1)
        assert not tester.component._trial.is_on
        assert tester.component._trial.in_force.order in (
            (("radio", "wifi"),) if 2 in noted else (tuple(BEARERS), order)
        )

    assert cut_everywhere(prepared, scenario, judge) > 4


def test_a_disk_that_fails_is_told_and_the_bearers_go_on() -> None:
    """REQ-CM-015."""
    with Device() as device:
        device.tester.write_file("/link_configuration.a", b"rubbish")
        device.tester.write_file("/link_usage.b", b"rubbish")
        device.restart()
        assert device.events().count("FileFault") == 2
        device.live(5)
        assert device.current == "wifi"
        assert device.setups(WIFI) == [""]
