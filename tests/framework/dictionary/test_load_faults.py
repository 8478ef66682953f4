"""Loading F´ JSON dictionaries: what is said of a bad one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.fields import MAX_FAULTS, DictionaryFault
from kittiwake.dictionary.load import SEVERITIES, load_dictionary, read_dictionary
from tests.framework.dictionary.sample import sample_data

U8 = {"name": "U8", "kind": "integer", "size": 8, "signed": False}


def faults_of(data: Any) -> list[str]:
    with pytest.raises(DictionaryFault) as caught:
        read_dictionary(data, "d.json")
    return caught.value.faults


def test_ten_faults_are_reported_at_once_with_their_paths() -> None:
    data = sample_data()
    data["commands"][0]["opcode"] = "0x500"
    data["commands"][1]["name"] = "NoDot"
    data["commands"][3]["formalParams"][1]["type"]["name"] = "Sample.Mood"
    data["commands"][6]["opcode"] = 256
    data["events"][0]["severity"] = "LOUD"
    del data["events"][1]["id"]
    data["telemetryChannels"][1]["limits"]["high"]["red"] = "hot"
    data["telemetryPacketSets"][0]["members"][0]["members"][0] = "X.Cuont"
    data["typeDefinitions"][5]["enumeratedConstants"][1]["value"] = 256
    data["parameters"][1]["default"] = "Sample.Mode.AUTOO"
    assert sorted(faults_of(data)) == sorted(
        [
            "typeDefinitions[5].enumeratedConstants[1].value: 256 is outside U8",
            "typeDefinitions[5].default: 'Sample.Mode.ON' is no constant of Sample.Mode",
            "commands[0].opcode: should be a whole number, not '0x500'",
            "commands[1].name: 'NoDot' should be the instance, a dot and the name",
            "commands[3].formalParams[1].type.name: no type 'Sample.Mood' (did you mean Sample.Mode?)",
            "commands[6].opcode: 256 is already the opcode of NoDot",
            f"events[0].severity: should be one of {', '.join(SEVERITIES)}, not 'LOUD'",
            "events[1].id: is missing (it should be a whole number)",
            "telemetryChannels[1].limits.high.red: should be a number, not 'hot'",
            "telemetryPacketSets[0].members[0].members[0]: no channel 'X.Cuont' (did you mean X.Count?)",
            "parameters[1].default: 'Sample.Mode.AUTOO' is no constant of Sample.Mode: OFF, AUTO (did you mean AUTO?)",
        ]
    )


def definition(kind: str, **entries: Any) -> dict[str, Any]:
    return {"kind": kind, "qualifiedName": "Bad.Type", **entries}


@pytest.mark.parametrize(
    "entry, fault",
    [
        (definition("union"), "kind: should be alias, array, enum or struct, not 'union'"),
        (definition("alias"), "type: is missing"),
        (definition("array", elementType=U8, size=0), "an array holds 1 to 4096 elements, not 0"),
        (definition("array", elementType=U8, size=2, default=[1]), "default: Bad.Type has 2 values, not 1"),
        (definition("enum", representationType=U8, enumeratedConstants=[]), "holds no constant"),
        (definition("enum", representationType={"name": "F32"}, enumeratedConstants=[]), "should be an integer type"),
        (definition("struct", members={}), "struct Bad.Type has no members"),
        (
            definition("struct", members={"a": {"type": U8, "index": 0}, "b": {"type": U8, "index": 0}}),
            "members.b.index: 0 stands here twice",
        ),
        (definition("struct", members={"a": {"type": U8, "index": 0, "size": 9999}}), "an array holds 1 to 4096"),
        (definition("alias", type={"name": "Bad.Type"}), "Bad.Type holds itself"),
        (definition("alias", type={"name": "string"}), "type.size: is missing"),
        (definition("alias", type={"name": "string", "size": 0}), "a string's size is 1 to"),
        (
            definition("enum", representationType=U8, enumeratedConstants=[{"name": "mro", "value": 0}]),
            "mro",
        ),
        (
            definition(
                "enum",
                representationType=U8,
                enumeratedConstants=[{"name": "A", "value": 0}, {"name": "B", "value": 0}],
            ),
            "enumeratedConstants[1].value: 0 stands here twice",
        ),
    ],
)
def test_a_bad_type_is_reported_at_its_definition(entry: dict[str, Any], fault: str) -> None:
    data = sample_data()
    data["typeDefinitions"].append(entry)
    faults = faults_of(data)
    assert any(found.startswith("typeDefinitions[11]") and fault in found for found in faults), faults


def test_what_the_framework_needs_of_its_own_types_is_checked() -> None:
    data = sample_data()
    data["typeDefinitions"] += [
        {
            "kind": "enum",
            "qualifiedName": "ComCfg.Apid",
            "representationType": U8,
            "enumeratedConstants": [{"name": "FW_PACKET_COMMAND", "value": 0}],
        },
        {"kind": "alias", "qualifiedName": "FwPacketDescriptorType", "underlyingType": {"name": "F32"}},
    ]
    data["constants"].append({"qualifiedName": "FW_SERIALIZE_TRUE_VALUE", "value": 1})
    faults = faults_of(data)
    assert "typeDefinitions: ComCfg.Apid has no constant FW_PACKET_LOG" in faults
    assert "typeDefinitions[12]: FwPacketDescriptorType should be an integer type, not F32" in faults
    assert "constants: FW_SERIALIZE_TRUE_VALUE should be 0xff, not 1" in faults


def test_the_entries_of_every_section_are_checked() -> None:
    data = sample_data()
    data["typeDefinitions"] += [{"kind": "alias", "qualifiedName": "TimeBase", "underlyingType": U8}]
    data["constants"] += [{"qualifiedName": "Valueless"}]
    data["constants"][1]["value"] = "large"
    data["commands"][0]["commandKind"] = "later"
    data["commands"][4]["formalParams"][1]["name"] = "a"
    data["events"][0]["throttle"] = "often"
    data["telemetryPacketSets"][0]["members"][1]["id"] = 1
    data["telemetryChannels"][0]["id"] = 1 << 32
    data["commands"].append("junk")
    data["parameters"].append(dict(data["parameters"][0], id=7))
    faults = faults_of(data)
    assert "typeDefinitions: TimeBase should be an enum, not U8" in faults
    assert "constants[2].value: is missing" in faults
    assert "constants: ComCfg.TmFrameFixedSize should be a whole number, not 'large'" in faults
    assert "commands[0].commandKind: should be one of async, sync, guarded, set, save, not 'later'" in faults
    assert "commands[4].formalParams[1].name: 'a' stands here twice" in faults
    assert "events[0].throttle: should be a whole number, not 'often'" in faults
    assert "telemetryPacketSets[0].members[1].id: 1 stands in this set twice" in faults
    assert "telemetryChannels[0].id: 4294967296 is outside 0 to 4294967295" in faults
    assert "commands[9]: should be an object, not 'junk'" in faults
    assert "parameters[2].name: 'X.GAIN' stands here twice" in faults


def test_a_file_that_is_no_dictionary_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    for content, message in (
        (b"[]", "a dictionary is a JSON object"),
        (b"{", "this is not JSON"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b"[" * 100_000, "nests too deeply"),
        (b"{}", "typeDefinitions: is missing"),
    ):
        path.write_bytes(content)
        with pytest.raises(DictionaryFault) as caught:
            load_dictionary(str(path))
        assert str(caught.value).startswith(f"{path}: ")
        assert message in str(caught.value)


def test_no_more_faults_are_kept_than_the_limit() -> None:
    data = sample_data()
    data["events"] = [{}] * 1000
    with pytest.raises(DictionaryFault) as caught:
        read_dictionary(data, "d.json")
    assert len(caught.value.faults) == MAX_FAULTS
    assert "more faults" in str(caught.value)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data(), junk)
def test_junk_in_any_place_is_a_fault_or_no_matter_but_never_another_exception(draw: st.DataObject, value: Any) -> None:
    data = sample_data()
    here: Any = data
    while True:
        key = draw.draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
        deeper = here[key]
        if not isinstance(deeper, (dict, list)) or not deeper or draw.draw(st.booleans()):
            here[key] = value
            break
        here = deeper
    try:
        loaded = read_dictionary(data, "d.json")
    except DictionaryFault as fault:
        listed = fault.faults
        assert listed
    else:
        assert len(loaded.commands) == len(data["commands"])
