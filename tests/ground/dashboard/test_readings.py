"""Values as the dashboard spells them out."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.dictionary.entries import Dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.dashboard import readings
from kittiwake_ground.dashboard.readings import reading_parts
from kittiwake_ground.server.hub import Hub
from kittiwake_ground.server.samples import Sample
from tests.ground.server.foreign import DICTIONARY, F32, U16, enum

VECTOR = {"name": "Ref.Vector", "kind": "qualifiedIdentifier"}
FRAME = {"name": "Ref.Frame", "kind": "qualifiedIdentifier"}
TYPES = [
    enum("Ref.Hue", "GREEN", "RED"),
    {
        "kind": "struct", "qualifiedName": "Ref.Vector", "default": {"x": 0.0, "y": 0.0},
        "members": {"x": {"type": F32, "index": 0, "format": "{.2f} m"}, "y": {"type": F32, "index": 1}},
    },
    {
        "kind": "struct", "qualifiedName": "Ref.Frame", "default": None,
        "members": {
            "hue": {"type": {"name": "Ref.Hue", "kind": "qualifiedIdentifier"}, "index": 0},
            "bins": {"type": U16, "index": 1, "size": 3},
            "ends": {"type": VECTOR, "index": 2, "size": 2},
        },
    },
]  # fmt: skip


@pytest.fixture
def dictionary() -> Dictionary:
    channels = [
        {"name": "Ref.camera.Frame", "type": FRAME, "id": 1, "telemetryUpdate": "always"},
        {"name": "Ref.camera.Heat", "type": F32, "id": 2, "telemetryUpdate": "always", "format": "{.1f} K"},
    ]
    changed = {**DICTIONARY, "typeDefinitions": DICTIONARY["typeDefinitions"] + TYPES, "telemetryChannels": channels}
    return read_dictionary(changed, "test")


def parts(dictionary: Dictionary, channel: str, value: Any) -> list[tuple[str, str]]:
    return reading_parts(Sample(dictionary.channels[channel], 0, value, 0), Hub("ref", dictionary, 10))


def frame(dictionary: Dictionary) -> Any:
    form = dictionary.channels["Ref.camera.Frame"].type
    return form.from_plain({"hue": "RED", "bins": [1, 2, 3], "ends": [{"x": 1.5, "y": 2.0}, {"x": 0.0, "y": -1.0}]})


def test_a_plain_value_is_one_part_in_its_format(dictionary: Dictionary) -> None:
    assert parts(dictionary, "Ref.camera.Heat", 300.0) == [("", "300.0 K")]


def test_a_struct_is_spelt_out_member_by_member(dictionary: Dictionary) -> None:
    assert parts(dictionary, "Ref.camera.Frame", frame(dictionary)) == [
        ("hue", "RED"), ("bins", "1, 2, 3"), ("ends[0].x", "1.50 m"), ("ends[0].y", "2.0"), ("ends[1].x", "0.00 m"),
        ("ends[1].y", "-1.0"),
    ]  # fmt: skip


def test_of_very_many_parts_some_are_left_out(dictionary: Dictionary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "MAX_PARTS", 2)
    found = parts(dictionary, "Ref.camera.Frame", frame(dictionary))
    assert found == [("hue", "RED"), ("bins", "1, 2, 3"), ("…", "4 more")]
