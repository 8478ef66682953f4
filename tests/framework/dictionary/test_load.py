"""Loading F´ JSON dictionaries: what comes out of a good one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kittiwake.dictionary.decode import encode_command
from kittiwake.dictionary.digest import dictionary_hash, short_hash
from kittiwake.dictionary.entries import UnknownName
from kittiwake.dictionary.load import load_dictionary, read_dictionary
from kittiwake.model.types import Alias, Array, Enumeration, Struct
from tests.framework.dictionary.sample import sample, sample_data

MINIMAL: dict[str, Any] = {
    "metadata": {},
    "typeDefinitions": [],
    "constants": [],
    "commands": [],
    "events": [],
    "telemetryChannels": [],
    "telemetryPacketSets": [],
}


def test_the_smallest_dictionary_loads_with_the_default_widths() -> None:
    dictionary = read_dictionary(MINIMAL, "minimal")
    config = dictionary.config
    widths = [config.opcode, config.event_id, config.channel_id, config.packet_id, config.descriptor]
    assert [form.name for form in widths] == ["U32", "U32", "U32", "U16", "U16"]
    assert (config.time_base.name, config.time_context.name, config.size_store.name) == ("U16", "U8", "U16")
    assert config.descriptors["FW_PACKET_LOG"] == 2
    assert config.time_bases["TB_DONT_CARE"] == 0xFFFF
    assert (config.spacecraft_id, config.frame_size) == (0x44, 1024)
    assert dictionary.deployment == ""


def test_commands_have_their_opcode_kind_and_parameters() -> None:
    command = sample().command("X.SHAPES")
    assert (command.opcode, command.kind) == (261, "guarded")
    assert [formal.name for formal in command.formals] == ["vector", "modes", "state", "signed", "label"]
    assert sample().command(258).formals[0].annotation == "What to say"
    assert sample().command("cmdDisp.CMD_NO_OP").annotation == "Does nothing"
    assert sample().command("X.GAIN_PRM_SET").kind == "set"


def test_every_kind_of_type_becomes_its_wire_type() -> None:
    types = sample().types
    mode, vector, state, label = (types[f"Sample.{name}"] for name in ("Mode", "Vector", "State", "Label"))
    assert isinstance(mode, Enumeration)
    assert [(member.name, int(member)) for member in mode.enum] == [("OFF", 0), ("ON", 1), ("AUTO", 5)]
    assert mode.default.name == "ON"
    assert isinstance(vector, Array)
    assert vector.default == (0.0, 0.5, 1.0)
    assert isinstance(state, Struct)
    assert list(state.members) == ["count", "bytes", "mode", "label", "ok"]
    assert isinstance(state.members["bytes"], Array)
    assert state.default == (1, (1, 2, 3), mode.enum["AUTO"], "x", True)
    assert isinstance(label, Alias)
    assert label.max_size == 14
    assert [member.name for member in types["Sample.Modes"].default] == ["OFF", "AUTO"]


def test_a_struct_packs_its_members_by_their_index() -> None:
    state = sample().types["Sample.State"]
    value = state.from_plain({"count": 1, "bytes": [2, 3, 4], "mode": "ON", "label": "xyz", "ok": True})
    assert state.pack(value) == bytes.fromhex("00000001 020304 01 0003 78797a ff")
    assert state.unpack(state.pack(value)) == (value, 14)


def test_a_member_named_by_a_python_keyword_keeps_its_name_in_the_dictionary() -> None:
    pose = sample().types["Sample.Pose"]
    assert isinstance(pose, Struct)
    assert list(pose.members) == ["position", "class", "sure"]
    value = pose.from_plain({"position": [1, 2, 3], "class": -5, "sure": False})
    assert value.class_ == -5
    assert pose.to_plain(value) == {"position": [1, 2, 3], "class": -5, "sure": False}


def test_events_have_severity_format_and_throttle() -> None:
    said = sample().event("X.Said")
    assert (said.id, said.severity, said.throttle) == (513, "WARNING_LO", 10)
    assert sample().event(512).throttle == 5
    assert sample().event("X.Unformatted").format == ""


def test_channels_have_limits_format_and_update() -> None:
    temperature = sample().channel("X.Temp")
    assert temperature.high == (40, 50.5, 60)
    assert temperature.low == (None, None, -10)
    assert (temperature.format, temperature.annotation) == ("{.1f} C", "Temperature")
    assert sample().channel(768).update == "on change"


def test_packets_parameters_records_containers_and_constants_are_there() -> None:
    dictionary = sample()
    (packets,) = dictionary.packet_sets
    assert [(packet.name, packet.id, packet.group) for packet in packets.packets] == [("Basic", 1, 0), ("Shapes", 2, 1)]
    assert [channel.name for channel in packets.packets[1].channels] == ["X.State", "X.Pose"]
    assert dictionary.parameter("X.GAIN").default == 3
    assert dictionary.parameter(289).default.name == "AUTO"
    assert dictionary.records["X.Readings"].array is True
    assert dictionary.containers["X.Box"].default_priority == 10
    assert dictionary.constants["ComCfg.SpacecraftId"].value == 67
    assert (dictionary.config.spacecraft_id, dictionary.config.frame_size) == (67, 248)


def test_other_widths_come_from_the_dictionary() -> None:
    data = sample_data()
    for name, width in (("FwOpcodeType", "U16"), ("FwSizeStoreType", "U8"), ("FwTlmPacketizeIdType", "U32")):
        data["typeDefinitions"] = [entry for entry in data["typeDefinitions"] if entry["qualifiedName"] != name]
        data["typeDefinitions"].append({"kind": "alias", "qualifiedName": name, "underlyingType": {"name": width}})
    dictionary = read_dictionary(data, "widths")
    assert (dictionary.config.opcode.name, dictionary.config.packet_id.name) == ("U16", "U32")
    text = dictionary.command("X.CMD_STR").formals[0].type
    assert text.pack("hi") == b"\x02hi"
    assert text.unpack(b"\x02hi") == ("hi", 3)
    assert text.max_size == 41


def test_a_long_string_of_a_foreign_dictionary_is_no_fault() -> None:
    data = sample_data()
    data["commands"][2]["formalParams"][0]["type"]["size"] = 4000
    text = read_dictionary(data, "long").command("X.CMD_STR").formals[0].type
    assert text.unpack(text.pack("x" * 4000)) == ("x" * 4000, 4002)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"no command 'X.CMD_NOOP' \(did you mean X.CMD_NO_OP\?\)"):
        sample().command("X.CMD_NOOP")
    with pytest.raises(UnknownName, match=r"no event has the id 99 \(0x63\)"):
        sample().event(99)


def test_an_id_is_found_by_the_type_that_wants_it() -> None:
    dictionary = sample()
    assert dictionary.find_id("X.Count", "FwEventIdType") == 515
    assert dictionary.find_id("X.Count", "FwChanIdType") == 768
    assert dictionary.find_id("X.CMD_NO_OP", "FwOpcodeType") == 256
    assert dictionary.find_id("X.GAIN", "U32") == 288
    assert dictionary.find_id("word", "U32") is None
    with pytest.raises(ValueError, match=r"X\.Count names events and channels with different ids"):
        dictionary.find_id("X.Count", "U32")
    with pytest.raises(UnknownName, match=r"no events 'X.NoOpRecieved' \(did you mean X.NoOpReceived\?\)"):
        dictionary.find_id("X.NoOpRecieved", "FwEventIdType")


def test_the_hash_is_of_the_content_only() -> None:
    data = sample_data()
    first = dictionary_hash(data)
    assert sample().hash == first
    assert short_hash(first) == int(first[:8], 16)
    reordered = {key: data[key] for key in reversed(data)}
    reordered["commands"] = list(reversed(data["commands"]))
    reordered["metadata"] = {"dictionaryHash": first}
    assert dictionary_hash(reordered) == first
    data["commands"][0]["opcode"] += 1
    assert dictionary_hash(data) != first


def test_a_dictionary_file_loads_as_its_content_does(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps(sample_data()))
    assert load_dictionary(str(path)).hash == sample().hash


def test_the_range_of_a_number_is_read_and_kept() -> None:
    ranged = {"name": "U8", "kind": "integer", "size": 8, "signed": False, "range": {"low": 1, "high": 5}}
    sections: dict[str, Any] = {name: [] for name in ("typeDefinitions", "constants", "telemetryPacketSets")}
    parameter = {"name": "val", "type": ranged, "ref": False}
    data = {
        "metadata": {}, **sections, "events": [], "telemetryChannels": [],
        "commands": [{"name": "a.GAIN_PRM_SET", "opcode": 1, "formalParams": [parameter]}],
    }  # fmt: skip
    dictionary = read_dictionary(data, "here")
    assert encode_command(dictionary, "a.GAIN_PRM_SET", ["5"]) == bytes.fromhex("00000000000105")
    with pytest.raises(ValueError, match="6 is outside 1 to 5"):
        encode_command(dictionary, "a.GAIN_PRM_SET", ["6"])
