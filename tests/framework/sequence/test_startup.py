"""A startup sequence in the manner of a flying CubeSat: both comma styles, stale-proof names, long waits."""

from __future__ import annotations

from typing import Any

from kittiwake.dictionary.entries import Dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.sequence.binary import read_sequence
from kittiwake.sequence.compile import compile_text

U32 = {"name": "U32", "kind": "integer", "size": 32, "signed": False}
U8 = {"name": "U8", "kind": "integer", "size": 8, "signed": False}
STARTUP = """\
; lets the noise of the first minutes through
R00:00:10 CdhCore.events.SET_ID_FILTER, 570462208, ENABLED
R00:00:00 CdhCore.events.SET_ID_FILTER, 570445824, ENABLED
R00:00:00 CdhCore.events.SET_ID_FILTER, 570425344, ENABLED
R00:00:00 CdhCore.events.SET_ID_FILTER, 268439553, ENABLED ; rate group slip, 50 Hz
R00:00:00 CdhCore.events.SET_ID_FILTER, 268443649, ENABLED

R00:45:00 ReferenceDeployment.antennaDeployer.DEPLOY
R00:00:00 ReferenceDeployment.lora.TRANSMIT, DISABLED
R00:00:00 ReferenceDeployment.lora.DATA_RATE_PRM_SET, SF_8
R00:00:00 ReferenceDeployment.downlinkDelay.DIVIDER_PRM_SET, 299
R00:00:00 ReferenceDeployment.telemetryDelay.DIVIDER_PRM_SET, 29
R00:00:00 ReferenceDeployment.lora.CODING_RATE_PRM_SET, CR_4_5
R00:00:00 ReferenceDeployment.lora.BANDWIDTH_RX_PRM_SET, BW_125_KHZ
R00:00:00 ReferenceDeployment.lora.BANDWIDTH_TX_PRM_SET, BW_125_KHZ
R00:00:00 ReferenceDeployment.lora.TRANSMIT ENABLED
R00:00:00 ReferenceDeployment.modeManager.EXIT_SAFE_MODE
R00:05:00 ReferenceDeployment.detumbleManager.SET_MODE, AUTO
R03:00:00 ReferenceDeployment.detumbleManager.SET_MODE, DISABLED
"""


def enum(name: str, *words: str) -> dict[str, Any]:
    constants = [{"name": word, "value": value} for value, word in enumerate(words)]
    return {"kind": "enum", "qualifiedName": name, "representationType": U8, "enumeratedConstants": constants}


def reference(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "qualifiedIdentifier"}


def deployment() -> Dictionary:
    prefix = "ReferenceDeployment"
    commands: dict[str, list[dict[str, Any]]] = {
        "CdhCore.events.SET_ID_FILTER": [U32, reference("Enabled")],
        f"{prefix}.antennaDeployer.DEPLOY": [],
        f"{prefix}.lora.TRANSMIT": [reference("LoRaTransmit")],
        f"{prefix}.lora.DATA_RATE_PRM_SET": [reference("DataRate")],
        f"{prefix}.lora.CODING_RATE_PRM_SET": [reference("CodingRate")],
        f"{prefix}.lora.BANDWIDTH_RX_PRM_SET": [reference("Bandwidth")],
        f"{prefix}.lora.BANDWIDTH_TX_PRM_SET": [reference("Bandwidth")],
        f"{prefix}.downlinkDelay.DIVIDER_PRM_SET": [U32],
        f"{prefix}.telemetryDelay.DIVIDER_PRM_SET": [U32],
        f"{prefix}.modeManager.EXIT_SAFE_MODE": [],
        f"{prefix}.detumbleManager.SET_MODE": [reference("DetumbleMode")],
    }
    data = {
        "metadata": {"deploymentName": prefix},
        "typeDefinitions": [
            enum("Enabled", "DISABLED", "ENABLED"),
            enum("LoRaTransmit", "ENABLED", "DISABLED"),
            enum("DataRate", "SF_7", "SF_8"),
            enum("CodingRate", "CR_4_5"),
            enum("Bandwidth", "BW_125_KHZ", "BW_250_KHZ"),
            enum("DetumbleMode", "DISABLED", "AUTO"),
        ],
        "constants": [],
        "commands": [
            {
                "name": name,
                "opcode": 0x1000 + number,
                "formalParams": [{"name": f"p{place}", "type": form} for place, form in enumerate(forms)],
            }
            for number, (name, forms) in enumerate(commands.items())
        ],
        "events": [
            {"name": f"{prefix}.rateGroup50Hz.RateGroupSlip", "id": 268439553, "severity": "WARNING_HI"},
        ],
        "telemetryChannels": [],
        "telemetryPacketSets": [],
    }
    return read_dictionary(data, "startup")


def test_the_startup_sequence_compiles_to_its_seventeen_records() -> None:
    data = compile_text(STARTUP, "startup.seq", deployment())
    records = read_sequence(data, 1024).records
    assert [record.seconds for record in records] == [10, 0, 0, 0, 0, 2700] + [0] * 9 + [300, 10800]
    assert records[0].packet == bytes.fromhex("0000 00001000 22009000 01")
    assert records[6].packet[6:] == b"\x01"
    assert records[13].packet[6:] == b"\x00"


def test_an_events_name_stands_for_the_number_that_would_go_stale() -> None:
    named = STARTUP.replace("268439553", "ReferenceDeployment.rateGroup50Hz.RateGroupSlip")
    assert named != STARTUP
    assert compile_text(named, "startup.seq", deployment()) == compile_text(STARTUP, "startup.seq", deployment())
