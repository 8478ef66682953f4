"""The PROVES topology against PROVES: instance names, base ids, subtopologies, groups of telemetry, frames."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.topology.compile import load_topology
from tests.peers import ROOT
from tests.system.proves_flight import built

pytestmark = pytest.mark.virtual_time

BASE_IDS = {
    "rateGroup10Hz": 0x10002000,
    "rateGroup1Hz": 0x10003000,
    "cmdSeq": 0x10006000,
    "modeManager": 0x1000A000,
    "watchdog": 0x10015000,
    "rtcManager": 0x10016000,
    "downlinkDelay": 0x1001E000,
    "lora": 0x1001F000,
    "antennaDeployer": 0x10022000,
    "resetManager": 0x10037000,
    "powerMonitor": 0x10038000,
    "ina219SysManager": 0x10039000,
    "startupManager": 0x1003B000,
    "detumbleManager": 0x1005A000,
    "telemetryDelay": 0x10061000,
    "payloadSeq": 0x10062000,
    "amateurRadio": 0x10065000,
    "safeModeSeq": 0x10066000,
}
SUBTOPOLOGIES = {
    "CdhCore": 0x01000000,
    "FileHandling": 0x05000000,
    "ComCcsdsUart": 0x21000000,
    "ComCcsdsLora": 0x22000000,
    "Update": 0xA0000000,
}
PACKETS_OF_A_BEACON_PASS = 21


@pytest.fixture(scope="module")
def topology() -> Any:
    return load_topology(ROOT / "topologies/proves.yaml")


def test_instances_have_the_names_and_base_ids_of_proves(topology: Any) -> None:
    ids = {one.name: one.base_id for one in topology.instances}
    assert {name: ids.get(f"ReferenceDeployment.{name}") for name in BASE_IDS} == BASE_IDS
    for subtopology, base in SUBTOPOLOGIES.items():
        own = [id for name, id in ids.items() if name.startswith(f"{subtopology}.")]
        assert own
        assert all(base <= id < base + 0x01000000 for id in own)


def test_the_bypass_opcodes_are_those_of_proves(topology: Any) -> None:
    ids = {one.name: one.base_id for one in topology.instances}
    assert ids["CdhCore.cmdDisp"] == 0x01000000
    assert ids["ComCcsdsUart.authenticator"] == 0x2100B000
    assert ids["ComCcsdsLora.authenticator"] == 0x2200B000


def test_as_many_packets_as_proves_has_go_down_in_its_groups(topology: Any) -> None:
    groups = [packet.group for packet in topology.packets]
    assert len([group for group in groups if group <= 6]) == PACKETS_OF_A_BEACON_PASS


def test_frames_are_those_of_proves() -> None:
    config = built()[1].config
    assert (config.spacecraft_id, config.frame_size) == (0x44, 248)
