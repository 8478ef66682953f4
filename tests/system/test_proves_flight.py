"""PROVES' procedures on its topology, unchanged and in virtual time: start, safe mode, clock, power cut, radio."""

from __future__ import annotations

import pytest

from kittiwake.model.fw import On
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.sequence.binary import read_sequence
from kittiwake.sequence.compile import form_of
from kittiwake_components.antenna_deployer.component import DeployResult
from kittiwake_components.detumble_manager.component import DetumbleMode
from kittiwake_components.lora.settings import LoRaBandwidth, LoRaCodingRate, LoRaDataRate, TransmitState
from kittiwake_components.ports.mode import SafeModeReason, SystemMode
from kittiwake_components.rtc_manager.time_data import TimeData
from kittiwake_components.startup_manager.states import SequenceState
from tests.system.proves_flight import ProvesFlight, built, procedure

pytestmark = pytest.mark.virtual_time

START_S = 45 * 60 + 10
"""When the startup sequence deploys the antenna."""


def flight(**settings: dict[str, object]) -> ProvesFlight:
    """A first start with both procedures on board."""
    made = ProvesFlight(settings={f"ReferenceDeployment.{name}": own for name, own in settings.items()})
    made.write("seq/startup.bin", procedure("startup"))
    made.write("seq/enter_safe.bin", procedure("enter_safe"))
    return made.start()


@pytest.mark.parametrize("name, records", [("startup", 17), ("enter_safe", 8)])
def test_the_procedures_compile_unchanged(name: str, records: int) -> None:
    assert len(list(read_sequence(procedure(name), 1024, form=form_of(built()[1].config)).records)) == records


@pytest.mark.slow
def test_the_startup_sequence_deploys_sets_the_radio_and_detumbles() -> None:
    made = flight()
    made.run(START_S - 5)
    assert not made.craft.antenna_released
    assert made["lora"]._sent == 0
    made.run(60)
    assert made.craft.antenna_released
    assert made.named("antennaDeployer.DeployFinish") == [(DeployResult.DEPLOY_RESULT_SUCCESS, 1)]
    assert made.craft.burning == set()
    radio = made["lora"]
    assert (radio.data_rate, radio.coding_rate) == (LoRaDataRate.SF_8, LoRaCodingRate.CR_4_5)
    assert (radio.bandwidth_tx, radio.bandwidth_rx) == (LoRaBandwidth.BW_125_KHZ, LoRaBandwidth.BW_125_KHZ)
    assert radio.transmit_state is TransmitState.ENABLED
    made.run(310)
    assert made["detumbleManager"].mode is DetumbleMode.AUTO
    assert made.named("detumbleManager.DetumbleStarted")
    # A portion every 30 s: what fills a frame of 248 bytes, and the rest of its last packet in a second one.
    assert made.named("lora.SendFailed") == []
    assert 248 * 12 <= made["lora"]._sent <= 2 * 248 * 14
    assert made["startupManager"].sequence_state is SequenceState.STARTED
    made.stop()


def test_a_low_battery_ends_in_safe_mode_with_its_loads_off_and_recovers() -> None:
    made = flight()
    made.run(5)
    assert made["modeManager"].current_mode == SystemMode.NORMAL
    assert "face0" in made.craft.loads.on
    made.craft.battery.charge = 0.03
    made.craft.panel_w = 0.0
    made.run(8)
    assert made["modeManager"].current_mode == SystemMode.NORMAL
    made.run(20)
    assert made["modeManager"].current_mode == SystemMode.SAFE_MODE
    assert made["modeManager"].current_safe_mode_reason is SafeModeReason.LOW_BATTERY
    assert made.craft.loads.on <= {"heater"}
    assert made.named("modeManager.SafeModeSequenceCompleted") == [()]
    made.craft.battery.charge = 0.95
    made.run(15)
    assert made["modeManager"].current_mode == SystemMode.NORMAL
    assert made["face0LoadSwitch"].is_on is On.ON
    made.stop()


def test_the_clock_set_cancels_sequences_and_ends_no_wait() -> None:
    """Upstream: setting the clock ends the startup's wait early, and lets the command loss begin."""
    made = flight()
    made.run(100)
    remaining = made["startupManager"].quiescence_remaining
    made["rtcManager"].time_set(TimeData(2080, 8, 6, 5, 17, 57))
    made.run(10)
    assert len(made.named("cmdSeq.CS_SequenceCanceled")) == 1
    assert made.named("rtcManager.TimeSet")
    assert remaining - made["startupManager"].quiescence_remaining == 10
    assert made["modeManager"].current_mode == SystemMode.NORMAL
    made.stop()


def test_a_power_cut_leaves_the_loads_off_and_what_was_known() -> None:
    made = flight()
    made.command("ReferenceDeployment.antennaDeployer.SET_DEPLOYMENT_STATE true")
    made.command("ReferenceDeployment.payloadPowerLoadSwitch.TURN_ON")
    made.run(200)
    assert "payloadPower" in made.craft.loads.on
    consumed = made["powerMonitor"].total_power_consumption
    assert consumed > 0
    again = ProvesFlight(made.platform.crash()).start()
    assert again.craft.loads.on == set()
    assert again["antennaDeployer"].deployed is True
    again.run(3)
    assert again["modeManager"].current_mode == SystemMode.SAFE_MODE
    assert again["modeManager"].current_safe_mode_reason is SafeModeReason.SYSTEM_FAULT
    assert again["powerMonitor"].total_power_consumption == pytest.approx(consumed, rel=0.4)
    again.command("ReferenceDeployment.modeManager.EXIT_SAFE_MODE")
    assert again["modeManager"].current_mode == SystemMode.NORMAL
    again.stop()


def test_a_ground_station_hears_the_radio_and_is_heard() -> None:
    platform = SimulatedPlatform(0)
    made = ProvesFlight(platform, {"ReferenceDeployment.loraModem": {"url": "tcp-listen://127.0.0.1:50001"}}).start()
    ground = platform.network.connect_tcp("127.0.0.1", 50001)
    made["lora"].transmit(TransmitState.ENABLED)
    made.run(40)
    heard = ground.receive(10_000)
    assert heard
    assert len(heard) % 248 == 0
    ground.send(b"no frame, but bytes on the air")
    made.run(5)
    assert made["lora"]._received == 30
    made.stop()


def test_the_dictionary_says_how_long_the_frames_of_the_topology_are() -> None:
    config = built()[1].config
    assert (config.frame_size, config.spacecraft_id) == (248, 0x44)


def test_the_watchdog_is_stroked_while_all_is_well_and_a_reset_is_announced() -> None:
    made = flight()
    made.run(30)
    assert made["watchdog"].watchdog_transitions > 20
    made.command("ReferenceDeployment.resetManager.WARM_RESET")
    made.run(2)
    assert made.named("modeManager.PreparingForReboot")
    assert made.deployment.exit_reason
    again = ProvesFlight(made.platform.restart()).start()
    again.run(3)
    assert again["modeManager"].current_mode == SystemMode.NORMAL
    again.stop()
