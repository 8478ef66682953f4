"""The parameter file: F´'s layout byte for byte, and no input that breaks its reader."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.parameter_db.database_file import DatabaseFault, pack_database, parse_database
from tests.components.parameter_db.deployed import NUMBERS, Database, Mode, Window, packed

Require = Callable[[str], Path]

DATABASES = st.dictionaries(st.integers(0, 0xFFFFFFFF), st.binary(max_size=1024), max_size=20)

VALUES: dict[str, tuple[object, object]] = {
    "gain": (42, 42),
    "offset": (255, 255),
    "title": ("Some title", "Some title"),
    "mode": (Mode.ON, "ON"),
    "rates": ((0.5, -1.0, 8.25), [0.5, -1.0, 8.25]),
    "window": (Window(7, "abc", Mode.ON), {"start": 7, "label": "abc", "mode": "ON"}),
}


def with_checksum(body: bytes) -> bytes:
    return (crc32(body) ^ 0xFFFFFFFF).to_bytes(4, "big") + body


def reference(data: bytes) -> list[tuple[int, bytes]] | None:
    """The slow, obvious reader."""
    if len(data) < 4 or with_checksum(data[4:]) != data:
        return None
    rest = data[4:]
    found = []
    while rest:
        size = int.from_bytes(rest[1:5], "big")
        if len(rest) < 9 or rest[0] != 0xA5 or not 4 <= size <= 1028 or len(rest) < 5 + size:
            return None
        found.append((int.from_bytes(rest[5:9], "big"), rest[9 : 5 + size]))
        rest = rest[5 + size :]
    return found


def test_the_layout_is_that_of_the_ground_tools() -> None:
    """REQ-PDB-013: the example of the interoperability notes."""
    data = bytes.fromhex("d6fc6b8fa5000000080000012000000003")
    assert pack_database({0x120: bytes([0, 0, 0, 3])}) == data
    assert parse_database(data) == [(0x120, bytes([0, 0, 0, 3]))]
    assert pack_database({}) == b"\xff\xff\xff\xff"


@given(DATABASES)
def test_what_is_written_is_read(values: dict[int, bytes]) -> None:
    """REQ-PDB-013."""
    assert dict(parse_database(pack_database(values))) == values


@given(DATABASES, st.data())
def test_a_file_is_accepted_exactly_when_the_reference_reader_accepts_it(
    values: dict[int, bytes], draw: st.DataObject
) -> None:
    """REQ-PDB-006."""
    data = bytearray(pack_database(values))
    for _ in range(draw.draw(st.integers(0, 3))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = data[: draw.draw(st.integers(0, len(data)))]
    for one in (bytes(data), bytes(cut), with_checksum(bytes(data[4:])), with_checksum(bytes(cut[4:]))):
        expected = reference(one)
        try:
            assert parse_database(one) == expected
        except DatabaseFault:
            assert expected is None


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    """An F´ dictionary that has the parameters of the tested database."""
    number = {"kind": "integer", "size": 32, "signed": False, "name": "U32"}
    mode = {"name": "Tested.Mode", "kind": "qualifiedIdentifier"}
    rates = {"name": "Tested.Rates", "kind": "qualifiedIdentifier"}
    window = {"name": "Tested.Window", "kind": "qualifiedIdentifier"}
    label = {"name": "string", "kind": "string", "size": 10}
    single = {"name": "F32", "kind": "float", "size": 32}
    types = {
        "gain": (number, 3),
        "offset": ({"name": "U8", "kind": "integer", "size": 8, "signed": False}, 7),
        "title": ({"name": "string", "kind": "string", "size": 20}, "none"),
        "mode": (mode, "Tested.Mode.OFF"),
        "rates": (rates, [1.0, 2.0, 3.0]),
        "window": (window, {"start": 1, "label": "a", "mode": "Tested.Mode.OFF"}),
    }
    i32 = {"name": "I32", "kind": "integer", "size": 32, "signed": True}
    definitions = [
        {
            "kind": "enum", "qualifiedName": "Tested.Mode", "representationType": i32, "default": "Tested.Mode.OFF",
            "enumeratedConstants": [{"name": "OFF", "value": 0}, {"name": "ON", "value": 5}],
        },
        {"kind": "array", "qualifiedName": "Tested.Rates", "size": 3, "elementType": single, "default": [0.0] * 3},
        {
            "kind": "struct", "qualifiedName": "Tested.Window",
            "members": {
                "start": {"type": number, "index": 0}, "label": {"type": label, "index": 1},
                "mode": {"type": mode, "index": 2},
            },
            "default": {"start": 0, "label": "", "mode": "Tested.Mode.OFF"},
        },
    ]  # fmt: skip
    content = {
        "metadata": {
            "deploymentName": "Tested", "projectVersion": "1", "frameworkVersion": "4.0.0", "libraryVersions": [],
            "dictionarySpecVersion": "1.0.0",
        },
        "typeDefinitions": definitions, "constants": [], "commands": [], "events": [], "telemetryChannels": [],
        "parameters": [
            {"name": f"tested.{name.upper()}", "type": form, "id": NUMBERS[name], "default": default}
            for name, (form, default) in types.items()
        ],
        "records": [], "containers": [], "telemetryPacketSets": [],
    }  # fmt: skip
    path = tmp_path / "dictionary.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.peer
def test_files_of_the_ground_tools_are_read(require_peer: Require, dictionary: Path, tmp_path: Path) -> None:
    """REQ-PDB-013."""
    written = tmp_path / "in.json"
    written.write_text(json.dumps({"tested": {name.upper(): plain for name, (_, plain) in VALUES.items()}}))
    data = tmp_path / "out.dat"
    subprocess.run(
        [require_peer("fprime-prm-write"), "dat", written, "-d", dictionary, "-o", data], check=True, timeout=50,
        capture_output=True,
    )  # fmt: skip
    read = dict(parse_database(data.read_bytes()))
    assert read == {NUMBERS[name]: packed(name, value) for name, (value, _) in VALUES.items()}


@pytest.mark.peer
def test_our_files_are_read_by_the_ground_tools(require_peer: Require, dictionary: Path, tmp_path: Path) -> None:
    """REQ-PDB-013."""
    data = tmp_path / "ours.dat"
    data.write_bytes(pack_database({NUMBERS[name]: packed(name, value) for name, (value, _) in VALUES.items()}))
    out = tmp_path / "ours.json"
    subprocess.run(
        [require_peer("fprime-prm-decode"), data, "-d", dictionary, "-f", "json", "-o", out], check=True, timeout=50,
        capture_output=True,
    )  # fmt: skip
    assert json.loads(out.read_text()) == {"tested": {name.upper(): plain for name, (_, plain) in VALUES.items()}}


def test_the_tested_dictionary_names_every_parameter() -> None:
    assert set(VALUES) == set(Database.__declarations__.parameters)
