"""The JSON Schema for editors says the same as the checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.topology import grammar
from kittiwake.topology.schema import listed_components, topology_schema
from tests.framework.topology.parts import P

if TYPE_CHECKING:
    from collections.abc import Callable

jsonschema: Any = pytest.importorskip("jsonschema")

SCHEMA = topology_schema([f"{P}.Ticker", f"{P}.Worker"])
SOUND: dict[str, Any] = {
    "topology": "Main",
    "imports": ["core.yaml"],
    "instances": {
        "t": {"component": f"{P}.Ticker", "id": 1, "settings": {"limits": [1, 2], "names": {"a": 1.5}}},
        "w": {"component": f"{P}.Worker", "id": 2, "queue": 3, "parameters": {"GAIN": 3, "armed": False}},
        "own": {"component": "my_package.Own", "id": 3, "settings": {"anything": 1}},
    },
    "overrides": {"Core.worker": {"queue": 50}},
    "services": {"command": "w"},
    "connections": {"Words": ["w.words_out -> w.words_in"]},
    "packets": {"P": {"id": 1, "group": 1, "channels": ["w.Level"]}},
    "omitted": ["w.Count"],
}


def is_valid(document: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft7Validator(SCHEMA).is_valid(document))


def test_the_schema_is_one_and_accepts_a_sound_file() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert is_valid(SOUND)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.pop("topology"),
        lambda file: file.update(subtopology="Sub"),
        lambda file: file.update(colour="red"),
        lambda file: file["instances"]["t"].pop("id"),
        lambda file: file["instances"]["t"].update(id=-1),
        lambda file: file["instances"]["t"].update(speed=3),
        lambda file: file["instances"]["t"].update(component="Ticker"),
        lambda file: file["instances"]["t"]["settings"].update(limit=[1]),
        lambda file: file["instances"]["t"]["settings"].update(limits=["a"]),
        lambda file: file["instances"]["t"]["settings"].update(names={"a": 5.1}),
        lambda file: file["instances"]["w"]["parameters"].update(gian=1),
        lambda file: file["instances"].update({"a b": {"component": "a.B", "id": 1}}),
        lambda file: file["services"].update(weather="w"),
        lambda file: file["connections"]["Words"].append("w.words_out"),
        lambda file: file["packets"]["P"].pop("group"),
        lambda file: file["overrides"]["Core.worker"].update(id=3),
    ],
)
def test_the_schema_refuses_what_the_checks_refuse(spoil: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(json.dumps(SOUND))
    spoil(document)
    assert not is_valid(document)


def test_every_key_is_documented() -> None:
    for name in grammar.TOPOLOGY_KEYS:
        assert SCHEMA["properties"][name]["description"]
    for name in grammar.INSTANCE_KEYS:
        assert SCHEMA["definitions"]["instance"]["properties"][name]["description"]


def test_the_standard_components_are_offered() -> None:
    listed = listed_components()
    assert "kittiwake_components.Health" in listed
    offered = topology_schema()["definitions"]["instance"]["properties"]["component"]["anyOf"][0]["enum"]
    assert offered == sorted(listed)
    assert listed_components("no_such_package") == []
