"""The PROVES satellite under its supervisor, flown by the unmodified fprime-gds by signed commands, each sent once."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.key_file import add_key, changing_keys
from tests.peers import ROOT
from tests.ports import free_port
from tests.system.device import Device, build
from tests.system.gds import Gds
from tests.system.gds_packages import path_of_packages
from tests.system.proves_flight import procedure, sequence
from tests.system.test_data_products import decoded, records_of
from tests.system.test_kill import FIRST_TICK, boot_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.gds import Event

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

PREFIX = "ReferenceDeployment."
VERSION_LIMIT_S = 15.0
WATCHDOG_S = 3
PLUGIN = "authenticate-space-data-link"


class Satellite:
    """A supervised satellite, and the ground station that flies it."""

    def __init__(self, gds: Gds, device: Device) -> None:
        self.gds = gds
        self.device = device
        self.sent = 0

    def __call__(self, command: str, *arguments: Any) -> list[Event]:
        """Sends a command, once, and gives the events from then to its completion."""
        since = self.gds.event_count()
        self.gds.send_and_complete(_full(command), *arguments, timeout_s=20)
        self.sent += 1
        return self.gds.events(since)

    def heard(self, name: str, since: int, timeout_s: float = 20.0) -> Event:
        """An event since then, by its name as `instance.Event`."""
        return self.gds.await_event(_full(name), since=since, timeout_s=timeout_s)

    def restart_by(self, *commands: str) -> tuple[int, str]:
        """Sends what ends this start, and gives how the boot count moved and the reason the next start reports.

        The version event of the next start must reach the ground in 15 s of its beginning.
        """
        before = boot_count(self.device.root)
        since, line = self.gds.event_count(), len(self.device.lines)
        for command in commands[:-1]:
            self(command)
        self.gds.send(_full(commands[-1]))
        self.sent += 1
        self.device.await_line("ResetReason", 40, line)
        began_s = time.monotonic()
        self.heard("CdhCore.version.FrameworkVersion", since, VERSION_LIMIT_S)
        assert time.monotonic() - began_s < VERSION_LIMIT_S
        reason = self.heard("resetManager.ResetReason", since)
        completed = [one for one in self.gds.events(since) if one.name.endswith("OpCodeCompleted")]
        assert len(completed) >= len(commands), "the answer to what ended the start was lost"
        return boot_count(self.device.root) - before, str(reason.args[0])

    def power_was_cycled(self) -> bool:
        """Whether the supervisor has cycled the power since the last call."""
        mark = self.device.root / "cycled"
        was = mark.exists()
        mark.unlink(missing_ok=True)
        return was


def _full(name: str) -> str:
    return name if name.count(".") > 1 else PREFIX + name


@pytest.fixture(scope="module")
def fly(require_peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Satellite]:
    """One satellite with PROVES' safe mode sequence on board, for all tests of this file."""
    require_peer("fprime-gds")
    folder = tmp_path_factory.mktemp("proves")
    image, dictionary = build(ROOT / "topologies/proves.yaml", folder / "built")
    keys = folder / "uplink.keys"
    with changing_keys(keys) as made:
        secret = add_key(made, 0).secret.hex()
    (folder / "root/seq").mkdir(parents=True)
    (folder / "root/seq/enter_safe.bin").write_bytes(procedure("enter_safe"))
    (folder / "root/long.bin").write_bytes(sequence("R01:00:00 CdhCore.cmdDisp.CMD_NO_OP"))
    signing = ["--framing-selection", PLUGIN, "--spi", "0", "--authentication-type", "HMAC"]
    signing += ["--authentication-key", secret, "--authentication-numbers", str(folder / "numbers")]
    signing += ["--authenticator", "ComCcsdsUart.authenticator"]
    port = free_port()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as running:
        patch.setenv("PYTHONPATH", path_of_packages(folder))
        gds = running.enter_context(Gds(dictionary, port=port, options=signing))
        options = ["--supervise", "--watchdog", str(WATCHDOG_S), "--keys", str(keys)]
        options += ["--power-cycle", f"touch {folder / 'root/cycled'}"]
        options += ["--set", f"{PREFIX}simulation.charge_percent=95"]
        device = running.enter_context(Device(image, folder / "root", f"tcp://127.0.0.1:{port}", options))
        device.await_line(FIRST_TICK)
        device.await_line("Link up")
        gds.await_event("CdhCore.version.FrameworkVersion", timeout_s=20)
        yield Satellite(gds, device)


def names(events: list[Event]) -> list[str]:
    """The last part of each event's name."""
    return [event.name.rpartition(".")[2] for event in events]


def test_the_sequence_number_is_asked_for_and_moves_by_one_a_command(fly: Satellite) -> None:
    asked = [fly("ComCcsdsUart.authenticator.GET_SEQ_NUM") for _ in range(3)]
    numbers = [next(one.args[-1] for one in events if one.name.endswith("SequenceNumberGet")) for events in asked]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_safe_mode_is_forced_and_left(fly: Satellite) -> None:
    fly("modeManager.GET_CURRENT_MODE")
    since = fly.gds.event_count()
    assert "ManualSafeModeEntry" in names(fly("modeManager.FORCE_SAFE_MODE"))
    fly.heard("modeManager.SafeModeSequenceCompleted", since)
    fly("modeManager.GET_SAFE_MODE_REASON")
    assert fly.heard("modeManager.CurrentSafeModeReasonReading", since).args == ("GROUND_COMMAND",)
    assert "ExitingSafeMode" in names(fly("modeManager.EXIT_SAFE_MODE"))
    fly("modeManager.GET_CURRENT_MODE")
    assert fly.heard("modeManager.CurrentModeReading", since).args == ("NORMAL",)


def test_load_switches(fly: Satellite) -> None:
    for switch in ("face4", "face0", "face1", "face2", "face3", "face5", "payloadPower", "payloadBattery"):
        for command, state in (("TURN_OFF", "OFF"), ("TURN_ON", "ON")):
            fly(f"{switch}LoadSwitch.{command}")
            asked = fly(f"{switch}LoadSwitch.GET_IS_ON")
            assert [one.args for one in asked if one.name.endswith(".IsOn")] == [(state,)]
    fly("payloadPowerLoadSwitch.TURN_OFF")


def test_the_power_monitor_and_its_rails(fly: Satellite) -> None:
    for reading in ("Voltage", "Current", "Power"):
        [event] = [one for one in fly(f"ina219SysManager.Get{reading}") if one.name.endswith(f"{reading}Reading")]
        assert event.args[0] > 0
    fly("powerMonitor.GET_TOTAL_POWER")
    assert "TotalPowerReset" in names(fly("powerMonitor.RESET_TOTAL_POWER"))
    assert "TotalGenerationReset" in names(fly("powerMonitor.RESET_TOTAL_GENERATION"))
    [total] = [one for one in fly("powerMonitor.GET_TOTAL_POWER") if one.name.endswith("TotalPowerConsumptionReading")]
    assert 0 <= total.args[0] < 10


def test_the_antenna_is_deployed_at_the_second_attempt(fly: Satellite) -> None:
    """Three seconds of heat are not enough: the wire cools between the attempts."""
    fly("antennaDeployer.BURN_DURATION_SEC_PRM_SET", 3)
    fly("antennaDeployer.RETRY_DELAY_SEC_PRM_SET", 1)
    since = fly.gds.event_count()
    fly("antennaDeployer.DEPLOY")
    assert fly.heard("antennaDeployer.DeployFinish", since).args == ("DEPLOY_RESULT_SUCCESS", 2)
    attempts = [one.args[0] for one in fly.gds.events(since) if one.name.endswith("DeployAttempt")]
    assert attempts == [1, 2]
    assert "DeploymentAlreadyComplete" in names(fly("antennaDeployer.DEPLOY"))


def test_the_clock_set_cancels_running_sequences(fly: Satellite) -> None:
    since = fly.gds.event_count()
    fly("cmdSeq.CS_RUN", "/long.bin", "NO_BLOCK")
    fly("payloadSeq.CS_RUN", "/long.bin", "NO_BLOCK")
    now = time.gmtime()
    moment = {"Year": now.tm_year + 1, "Month": 5, "Day": 17, "Hour": 4, "Minute": 5, "Second": 6}
    fly("rtcManager.TIME_SET", json.dumps(moment))
    fly.heard("rtcManager.TimeSet", since)
    cancelled = {one.name for one in fly.gds.events(since) if one.name.endswith("CS_SequenceCanceled")}
    assert cancelled == {f"{PREFIX}cmdSeq.CS_SequenceCanceled", f"{PREFIX}payloadSeq.CS_SequenceCanceled"}


def test_the_rails_are_recorded_and_come_down_as_a_data_product(
    fly: Satellite, require_peer: Callable[[str], Path]
) -> None:
    """REQ-PM-007: fprime-dp finds it valid and decodes it."""
    since, files = fly.gds.event_count(), fly.gds.downlink_count()
    fly("powerMonitor.RECORD_RAILS", 2)
    fly.heard("DataProducts.dpWriter.FileWritten", since)
    fly("DataProducts.dpCat.START_XMIT_CATALOG", "WAIT", False)
    [name] = [str(one.args[0]) for one in fly.gds.events(since) if one.name.endswith("SendingProduct")]
    product = decoded(
        require_peer("fprime-dp"), fly.gds.dictionary, fly.gds.await_downlink(Path(name).name, since=files)
    )
    found = records_of(product)
    assert all(6.5 < volts < 9 for volts in found["SystemVoltage"]["values"])
    assert len(found["SystemPower"]["values"]) == len(found["SolarPower"]["values"]) == 2


def test_a_low_battery_ends_in_safe_mode_and_recovers(fly: Satellite) -> None:
    fly("modeManager.SafeModeDebounceSeconds_PRM_SET", 3)
    since = fly.gds.event_count()
    fly("simulation.SET_CHARGE", 2.0)
    entry = fly.heard("modeManager.AutoSafeModeEntry", since)
    assert entry.args[0] == "LOW_BATTERY"
    assert entry.args[1] < 6.7
    fly.heard("modeManager.SafeModeSequenceCompleted", since)
    fly("simulation.SET_CHARGE", 99.0)
    assert fly.heard("modeManager.AutoSafeModeExit", since).args[0] > 8.0


@pytest.mark.parametrize("kind", ["WARM_RESET", "COLD_RESET"])
def test_a_reset_loses_nothing_and_is_one_boot_more(fly: Satellite, kind: str) -> None:
    """Upstream: COLD_RESET may drop its own event. With the version event in 15 s of the restart."""
    since = fly.gds.event_count()
    assert fly.restart_by(f"resetManager.{kind}") == (1, kind)
    fly.heard(f"resetManager.INITIATE_{kind}", since)
    assert fly.power_was_cycled() == (kind == "COLD_RESET")
    fly("CdhCore.cmdDisp.CMD_NO_OP")


def test_a_watchdog_stopped_by_the_ground_ends_in_a_power_cycle_and_one_boot_more(fly: Satellite) -> None:
    assert fly.restart_by("watchdog.STOP_WATCHDOG") == (1, "WATCHDOG")
    assert fly.power_was_cycled()
    since = fly.gds.event_count()
    fly("modeManager.GET_CURRENT_MODE")
    assert fly.heard("modeManager.CurrentModeReading", since).args == ("NORMAL",)


def test_no_command_was_lost_and_none_refused(fly: Satellite) -> None:
    """Over all tests of this file, three restarts among them."""
    every = fly.gds.events(0)
    assert len([one for one in every if one.name.endswith("cmdDisp.OpCodeDispatched")]) >= fly.sent
    assert [one.name for one in every if one.severity == "FATAL"] == []
    assert [one.text for one in every if one.name.endswith(("OpCodeError", "AuthenticationFailed"))] == []
