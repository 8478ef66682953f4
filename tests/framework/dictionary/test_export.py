"""The dictionary of a topology: its sections, its entries, its hash, and what our own loader makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import evolve

from kittiwake.dictionary.digest import dictionary_hash
from kittiwake.dictionary.entries import Dictionary
from kittiwake.dictionary.export import HASH_KEY, export_dictionary, write_dictionary
from kittiwake.dictionary.load import load_dictionary, read_dictionary
from kittiwake.model.types import Struct, resolved
from tests.framework.dictionary.rich import Mode, Reading, Worker, rich_topology


def entry(section: str, name: str) -> dict[str, Any]:
    key = "qualifiedName" if section in ("typeDefinitions", "constants") else "name"
    found = [one for one in export_dictionary(rich_topology())[section] if one[key] == name]
    assert len(found) == 1
    only: dict[str, Any] = found[0]
    return only


def loaded() -> Dictionary:
    return read_dictionary(export_dictionary(rich_topology()), "the export")


def test_all_ten_sections_are_there_even_for_an_empty_topology() -> None:
    empty = evolve(rich_topology(), instances=(), connections=(), services={}, packets=())
    dictionary = export_dictionary(empty)
    assert set(dictionary) == {
        "metadata", "typeDefinitions", "constants", "commands", "parameters", "events", "telemetryChannels", "records",
        "containers", "telemetryPacketSets", "kittiwakeTopology",
    }  # fmt: skip
    assert dictionary["telemetryPacketSets"] == []
    assert dictionary["commands"] == []


def test_metadata_names_the_deployment_the_versions_and_the_hash() -> None:
    dictionary = export_dictionary(rich_topology(), "1.2.3")
    metadata = dictionary["metadata"]
    assert metadata["deploymentName"] == "Laboratory"
    assert metadata["projectVersion"] == "1.2.3"
    assert metadata["libraryVersions"] == []
    assert metadata["dictionarySpecVersion"] == "1.0.0"
    assert metadata[HASH_KEY] == dictionary_hash(dictionary)


def test_the_hash_depends_on_the_content_and_not_on_the_version() -> None:
    topology = rich_topology()
    first = export_dictionary(topology, "1")["metadata"][HASH_KEY]
    assert export_dictionary(topology, "2")["metadata"][HASH_KEY] == first
    fewer = evolve(topology, packets=topology.packets[:1])
    assert export_dictionary(fewer, "1")["metadata"][HASH_KEY] != first


def test_commands_carry_opcodes_kinds_and_what_only_kittiwake_knows() -> None:
    erase = entry("commands", "worker.ERASE")
    assert (erase["opcode"], erase["commandKind"], erase["hazardous"]) == (0x2010, "sync", True)
    assert erase["formalParams"][0] == {
        "name": "path",
        "type": {"name": "string", "kind": "string", "size": 100},
        "ref": False,
    }
    long = entry("commands", "Core.second.LONG_RUN")
    assert (long["opcode"], long["commandKind"], long["priority"]) == (0x3012, "async", 2)
    assert (long["queueFullBehavior"], long["exclusive"]) == ("drop", True)
    assert entry("commands", "worker.NO_OP")["annotation"] == "Does nothing."


def test_a_range_stands_beside_the_type_that_it_bounds() -> None:
    adjust = entry("commands", "worker.ADJUST")
    assert adjust["formalParams"][0]["type"] == {
        "name": "U8", "kind": "integer", "size": 8, "signed": False, "range": {"low": 1, "high": 9},
    }  # fmt: skip


def test_parameters_have_commands_that_set_and_save_them() -> None:
    setter, saver = entry("commands", "worker.LIMIT_PRM_SET"), entry("commands", "worker.LIMIT_PRM_SAVE")
    assert (setter["opcode"], setter["commandKind"]) == (0x2028, "set")
    assert [formal["name"] for formal in setter["formalParams"]] == ["val"]
    assert (saver["opcode"], saver["commandKind"], saver["formalParams"]) == (0x2029, "save", [])


def test_a_parameter_has_its_declared_default_or_the_topologys() -> None:
    assert entry("parameters", "worker.GAIN") == {
        "name": "worker.GAIN",
        "type": {"name": "F64", "kind": "float", "size": 64},
        "id": 0x2000,
        "default": 0.1,
        "unit": "dB",
        "annotation": "The gain.",
    }
    assert entry("parameters", "Core.second.GAIN")["default"] == 2.0
    assert entry("parameters", "worker.MODE_AT_START")["default"] == "Rich.Mode.BUSY"
    assert entry("parameters", "worker.READING")["default"]["mode"] == "Rich.Mode.IDLE"


def test_events_carry_severity_format_and_throttle() -> None:
    strange = entry("events", "worker.Strange")
    assert (strange["id"], strange["severity"], strange["format"]) == (0x2002, "WARNING_LO", "Mode {} of {}")
    assert strange["throttle"] == {"count": 2, "every": {"seconds": 1, "useconds": 500_000}}
    odd = entry("events", "worker.Odd")
    assert odd["format"] == "{x} and {{}} {.3f}"
    assert odd["throttle"] == {"count": 5, "every": None}
    assert odd["formalParams"][0]["type"] == {"name": "FwOpcodeType", "kind": "qualifiedIdentifier"}
    assert "throttle" not in entry("events", "worker.Gone")


def test_channels_carry_update_format_limits_unit_and_conversion() -> None:
    voltage = entry("telemetryChannels", "worker.Voltage")
    assert (voltage["id"], voltage["format"], voltage["unit"]) == (0x2001, "{.2f}", "V")
    assert voltage["telemetryUpdate"] == "always"
    assert voltage["limits"] == {
        "high": {"yellow": 7, "orange": 8, "red": 1e9},
        "low": {"yellow": 2, "orange": 1, "red": -6.5},
    }
    assert entry("telemetryChannels", "worker.Volts")["format"] == "{.1f}"
    raw = entry("telemetryChannels", "worker.Raw")
    assert raw["limits"] == {"high": {"red": 900}}
    assert raw["conversion"] == {"scale": 0.5, "offset": -10}
    assert entry("telemetryChannels", "worker.Count")["telemetryUpdate"] == "on change"


def test_the_one_packet_set_lists_what_it_sends_and_what_it_omits() -> None:
    (packets,) = export_dictionary(rich_topology())["telemetryPacketSets"]
    assert packets["name"] == "LaboratoryPackets"
    assert packets["members"][1] == {"name": "Rates", "id": 4, "group": 2, "members": ["worker.Rates"]}
    sent = [name for packet in packets["members"] for name in packet["members"]]
    channels = {one["name"] for one in export_dictionary(rich_topology())["telemetryChannels"]}
    assert set(sent).isdisjoint(packets["omitted"])
    assert {*sent, *packets["omitted"]} == channels


def test_types_that_only_ports_use_are_left_out() -> None:
    names = {one["qualifiedName"] for one in export_dictionary(rich_topology())["typeDefinitions"]}
    assert {"Rich.Reading", "Rich.Mode", "Rich.Rates", "Rich.Title", "Volts"} <= names
    assert "Rich.OnlyOnPorts" not in names


def test_a_struct_keeps_inline_arrays_in_its_members() -> None:
    reading = entry("typeDefinitions", "Rich.Reading")
    assert reading["members"]["counts"] == {
        "type": {"name": "U16", "kind": "integer", "size": 16, "signed": False}, "index": 1, "size": 3,
    }  # fmt: skip
    assert reading["default"]["counts"] == [0, 0, 0]
    assert reading["default"]["ready"] is True


def test_an_alias_says_what_it_stands_for_at_once_and_in_the_end() -> None:
    ticks = entry("typeDefinitions", "Rich.Ticks")
    assert ticks["type"]["name"] == "FwSizeType"
    assert ticks["underlyingType"]["name"] == "U64"


def test_fs_own_types_and_constants_are_always_there() -> None:
    empty = evolve(rich_topology(), instances=(), connections=(), services={}, packets=())
    dictionary = export_dictionary(empty)
    types = {one["qualifiedName"]: one for one in dictionary["typeDefinitions"]}
    constants = {one["qualifiedName"]: one["value"] for one in dictionary["constants"]}
    apids = {one["name"]: one["value"] for one in types["ComCfg.Apid"]["enumeratedConstants"]}
    assert apids["FW_PACKET_HAND"] == 0xFE
    assert apids["SPP_IDLE_PACKET"] == 0x7FF
    assert types["ComCfg.Apid"]["representationType"]["name"] == "U16"
    assert types["TimeBase"]["default"] == "TimeBase.TB_NONE"
    assert types["FwPacketDescriptorType"]["underlyingType"]["name"] == "U16"
    assert {"Fw.TimeValue", "Fw.TimeIntervalValue", "Fw.TimeComparison", "Fw.CmdResponse", "Fw.DpState"} <= set(types)
    assert constants["ComCfg.SpacecraftId"] == 0x44
    assert constants["FW_SERIALIZE_TRUE_VALUE"] == 0xFF


def test_our_loader_finds_every_entry_again() -> None:
    dictionary = loaded()
    exported = export_dictionary(rich_topology())
    assert {name: one.opcode for name, one in dictionary.commands.items()} == {
        one["name"]: one["opcode"] for one in exported["commands"]
    }
    assert {name: one.id for name, one in dictionary.events.items()} == {
        one["name"]: one["id"] for one in exported["events"]
    }
    assert dictionary.hash == exported["metadata"][HASH_KEY]
    assert dictionary.channel("worker.Voltage").unit == "V"


def test_what_a_component_packs_our_loader_unpacks() -> None:
    value = Reading(Mode.BUSY, (1, 2, 3), "text", (0.5, 1.5, 2.5), False, -2)
    form = Worker.__declarations__.channels["last"].type
    found = resolved(loaded().channel("worker.Last").type)
    assert isinstance(found, Struct)
    assert found.to_plain(found.unpack(form.pack(value))[0]) == form.to_plain(value)


def test_a_written_file_is_the_dictionary_in_ascii_json(tmp_path: Path) -> None:
    path = tmp_path / "LaboratoryTopologyDictionary.json"
    path.write_text("an older one")
    dictionary = write_dictionary(str(path), rich_topology(), "2.0")
    assert json.loads(path.read_bytes().decode("ascii")) == dictionary
    assert load_dictionary(str(path)).deployment == "Laboratory"
    assert list(tmp_path.iterdir()) == [path]
