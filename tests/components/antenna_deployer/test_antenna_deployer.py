"""AntennaDeployer: attempts as they are made, success only from evidence, alone and with the wire it burns."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.simulation.spacecraft import Spacecraft, launch, spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake_components import AntennaDeployer, Burnwire
from kittiwake_components.antenna_deployer.component import DeployResult, DeployState
from tests.components.flight import Flight

Tester = ComponentTester[AntennaDeployer]
FAILED, SUCCESS, ABORT = (
    DeployResult.DEPLOY_RESULT_FAILED,
    DeployResult.DEPLOY_RESULT_SUCCESS,
    DeployResult.DEPLOY_RESULT_ABORT,
)


def release(tester: Tester, is_released: bool = True) -> None:
    spacecraft_of(tester.platform).antenna_released = is_released


def run(tester: Tester, seconds: int) -> None:
    for _ in range(seconds):
        tester.advance(1)
        tester.call.sched_in(0)


def finishes(tester: Tester) -> list[Any]:
    return [event.args for event in tester.events.named("DeployFinish")]


@pytest.mark.parametrize("step", steps_of(AntennaDeployer.deployment), ids=str)
def test_every_step_of_the_machine(step: Step) -> None:
    """REQ-AD-008."""
    with ComponentTester(AntennaDeployer) as tester:
        take(tester, "deployment", step)


def test_attempts_burn_wait_and_end_as_the_parameters_say() -> None:
    """Upstream: attempts are counted one too many. REQ-AD-001, REQ-AD-003."""
    with ComponentTester(AntennaDeployer, parameters={"MAX_DEPLOY_ATTEMPTS": 2}) as tester:
        assert tester.send("DEPLOY").response is CommandResponse.OK
        assert len(tester.ports.burn_start) == 1
        tester.advance(7.9)
        assert tester.ports.burn_stop == []
        tester.advance(0.2)
        assert len(tester.ports.burn_stop) == 1
        assert tester.events.named("AntennaBurnSignalCount")[0].args == (8,)
        tester.advance(29.5)
        assert len(tester.ports.burn_start) == 1
        tester.advance(0.5)
        assert len(tester.ports.burn_start) == 2
        assert finishes(tester) == []
        tester.advance(8)
        assert finishes(tester) == [(FAILED, 2)]
        assert [one.args for one in tester.events.named("DeployAttempt")] == [(1,), (2,)]
        assert tester.channels["DeployAttemptCount"] == 2
        assert tester.channels["DeployState"] is DeployState.IDLE
        tester.advance(1000)
        assert len(tester.ports.burn_start) == 2


def test_a_failed_deployment_is_not_remembered_as_deployed() -> None:
    """Upstream: "deployed" is recorded, and DeploySuccess reported, after a deployment that failed. REQ-AD-003."""
    with ComponentTester(AntennaDeployer, parameters={"MAX_DEPLOY_ATTEMPTS": 1}) as tester:
        tester.send("DEPLOY")
        run(tester, 10)
        assert finishes(tester) == [(FAILED, 1)]
        assert tester.events.named("DeploySuccess") == []
        assert tester.channels["Deployed"] is False
        tester.reboot()
        assert tester.send("DEPLOY").response is CommandResponse.OK
        assert tester.events.named("DeployAttempt")[0].args == (1,)


def test_success_is_what_the_sensor_sees_and_ends_the_burn() -> None:
    """REQ-AD-002."""
    with ComponentTester(AntennaDeployer) as tester:
        tester.send("DEPLOY")
        run(tester, 3)
        release(tester)
        run(tester, 1)
        assert len(tester.ports.burn_stop) == 1
        assert tester.events.named("DeploySuccess")[0].args == (1,)
        assert finishes(tester) == [(SUCCESS, 1)]
        assert tester.events.named("AntennaBurnSignalCount")[0].args == (4,)
        assert tester.channels["Deployed"] is True
        tester.crash()
        assert tester.channels["Deployed"] is True
        assert tester.send("DEPLOY").response is CommandResponse.OK
        assert tester.events.names() == ["DeploymentAlreadyComplete"]


def test_an_antenna_that_moves_late_is_seen_while_the_next_attempt_is_waited_for() -> None:
    """REQ-AD-002."""
    with ComponentTester(AntennaDeployer) as tester:
        tester.send("DEPLOY")
        run(tester, 15)
        release(tester)
        run(tester, 100)
        assert finishes(tester) == [(SUCCESS, 1)]
        assert len(tester.ports.burn_start) == 1


@pytest.mark.parametrize("seconds, attempts", [(3, 1), (15, 1), (40, 2)])
def test_the_ground_ends_a_deployment(seconds: int, attempts: int) -> None:
    """REQ-AD-004."""
    with ComponentTester(AntennaDeployer) as tester:
        tester.send("DEPLOY")
        run(tester, seconds)
        assert tester.send("DEPLOY").response is CommandResponse.BUSY
        assert tester.send("DEPLOY_STOP").response is CommandResponse.OK
        assert finishes(tester) == [(ABORT, attempts)]
        assert len(tester.ports.burn_stop) == attempts
        run(tester, 200)
        assert len(tester.ports.burn_start) == attempts
        assert tester.send("DEPLOY_STOP").response is CommandResponse.OK
        assert len(tester.ports.burn_stop) == attempts + 1
        assert len(finishes(tester)) == 1


def test_the_ground_says_what_is_known() -> None:
    """REQ-AD-005, REQ-AD-007."""
    with ComponentTester(AntennaDeployer) as tester:
        assert tester.send("SET_DEPLOYMENT_STATE", True).response is CommandResponse.OK
        tester.send("DEPLOY")
        assert tester.events.names() == ["DeploymentAlreadyComplete"]
        assert tester.send("RESET_DEPLOYMENT_STATE").response is CommandResponse.OK
        tester.send("DEPLOY")
        assert tester.channels["DeployState"] is DeployState.BURNING
        assert tester.send("SET_DEPLOYMENT_STATE", False).response is CommandResponse.OK
        assert tester.channels["DeployState"] is DeployState.BURNING
        assert tester.send("SET_DEPLOYMENT_STATE", True).response is CommandResponse.OK
        assert finishes(tester) == [(ABORT, 1)]
        assert len(tester.ports.burn_stop) == 1
        assert tester.events.named("DeploySuccess") == []


def test_an_antenna_that_is_out_already_is_not_burned_for() -> None:
    """REQ-AD-005."""
    with ComponentTester(AntennaDeployer) as tester:
        release(tester)
        assert tester.send("DEPLOY").response is CommandResponse.OK
        assert tester.events.names() == ["DeploymentAlreadyComplete"]
        assert tester.ports.burn_start == []
        assert tester.channels["Deployed"] is True


@pytest.mark.parametrize("sensor", ["", "/sys/none"])
def test_without_a_sensor_no_deployment_succeeds(sensor: str) -> None:
    """REQ-AD-002, REQ-AD-003."""
    settings = {"sensor": sensor}
    with ComponentTester(AntennaDeployer, settings=settings, parameters={"MAX_DEPLOY_ATTEMPTS": 1}) as tester:
        tester.send("DEPLOY")
        run(tester, 10)
        assert finishes(tester) == [(FAILED, 1)]
        assert bool(tester.events.named("SensorNotReady")) is bool(sensor)


def test_the_shutdown_ends_the_burn() -> None:
    """REQ-AD-004."""
    tester: Tester = ComponentTester(AntennaDeployer)
    tester.send("DEPLOY")
    tester.finish()
    assert len(tester.ports.burn_stop) == 1


def test_a_damaged_record_means_not_deployed_and_is_kept_aside() -> None:
    """REQ-AD-006."""
    with ComponentTester(AntennaDeployer) as tester:
        tester.send("SET_DEPLOYMENT_STATE", True)
        tester.write_file("antenna_deployed.a", b"KWAR" + bytes(20))
        tester.restart()
        assert tester.channels["Deployed"] is False
        assert tester.events.named("FileOperationError")[0].args[0] == "/antenna_deployed"
        assert tester.files.exists("/kittiwake/antenna_deployed.a.bad.0")


def test_a_state_that_cannot_be_saved_is_no_ok() -> None:
    """REQ-AD-006, REQ-AD-007."""
    with ComponentTester(AntennaDeployer, settings={"file": "/no/folder"}) as tester:
        assert tester.send("SET_DEPLOYMENT_STATE", True).response is CommandResponse.EXECUTION_ERROR
        assert tester.channels["Deployed"] is True
        assert tester.events.named("FileOperationError")


def test_a_cut_anywhere_leaves_the_old_state_or_the_new_one() -> None:
    """REQ-AD-006."""

    def life(platform: SimulatedPlatform, seen: list[bool]) -> None:
        tester: Tester = ComponentTester(AntennaDeployer, platform=platform)
        for state in (True, False, True):
            tester.send("SET_DEPLOYMENT_STATE", state)
            seen.append(state)

    whole = SimulatedPlatform(0)
    life(whole, [])
    for operation in range(1, whole.files.operations + 1):
        for after in (False, True):
            platform = SimulatedPlatform(operation)
            platform.files.cut_at(operation, after=after)
            seen: list[bool] = []
            try:
                life(platform, seen)
            except PowerCut:
                pass
            tester: Tester = ComponentTester(AntennaDeployer, platform=platform.crash())
            under_way = (True, False, True, True)[len(seen)]
            assert tester.channels["Deployed"] in {seen[-1] if seen else False, under_way}


# With the wire


def flight(craft_settings: dict[str, Any], parameters: dict[str, int]) -> Flight:
    platform = SimulatedPlatform(0)
    launch(platform, Spacecraft(platform.clock, **craft_settings))
    made = Flight(
        {"deployer": AntennaDeployer, "burnwire": Burnwire},
        ["deployer.burn_start -> burnwire.burn_start", "deployer.burn_stop -> burnwire.burn_stop"],
        ["deployer.sched_in", "burnwire.sched_in"],
        platform,
    )
    for name, value in parameters.items():
        setattr(made["deployer"], name, value)
    return made


def test_the_wire_releases_the_antenna() -> None:
    """REQ-AD-002, with the burn wire."""
    made = flight({"release_s": 5.0}, {})
    made["deployer"].deploy()
    made.run(10)
    craft = spacecraft_of(made.platform)
    assert craft.antenna_released
    assert made.named("DeployFinish") == [(SUCCESS, 1)]
    assert 5 <= made.named("BurnwireEndCount")[0][0] <= 6
    assert craft.burning == set()
    made.stop()


def test_a_stuck_antenna_costs_its_attempts_and_no_more() -> None:
    """REQ-AD-003, with the burn wire."""
    made = flight({"is_stuck": True}, {"retry_delay_sec": 0, "burn_duration_sec": 3})
    made["deployer"].deploy()
    made.run(100)
    assert made.named("DeployFinish") == [(FAILED, 3)]
    assert [args[0] for args in made.named("BurnwireEndCount")] == [3, 3, 3]
    assert spacecraft_of(made.platform).burning == set()
    made.stop()


def test_a_burn_longer_than_the_safety_timer_ends_with_it() -> None:
    """Upstream: the wire is left on. REQ-BW-002, with the deployer."""
    made = flight({"is_stuck": True}, {"burn_duration_sec": 60, "max_deploy_attempts": 1})
    made["deployer"].deploy()
    made.run(11)
    assert spacecraft_of(made.platform).burning == set()
    made.run(60)
    assert made.named("DeployFinish") == [(FAILED, 1)]
    made.stop()


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(AntennaDeployer) == []
