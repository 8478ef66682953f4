"""The real FPP compiler accepts the export, and makes the same dictionary of it as we do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.fpp import export_fpp
from kittiwake.topology.model import Topology
from tests.framework.dictionary.rich import rich_topology

pytestmark = pytest.mark.peer

RequirePeer = Callable[[str], Path]

LIMIT_S = 50

OURS_ALONE = frozenset({"annotation", "range", "unit", "conversion", "hazardous", "exclusive"})
"""What FPP has no words for, or words differently."""


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def export_to(folder: Path, topology: Topology) -> list[Path]:
    paths = []
    for name, text in export_fpp(topology).items():
        paths.append(folder / name)
        paths[-1].write_text(text)
    return paths


def compiled(program: Path, folder: Path, topology: Topology) -> dict[str, Any]:
    """What `fpp-to-dict` makes of the export."""
    run(program, "-d", folder, *export_to(folder, topology))
    (path,) = folder.glob("*TopologyDictionary.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def shared(part: Any) -> Any:
    """What both dictionaries should say."""
    if isinstance(part, dict):
        return {key: shared(value) for key, value in part.items() if key not in OURS_ALONE}
    return [shared(item) for item in part] if isinstance(part, list) else part


def by_name(entries: list[dict[str, Any]], *without: str) -> dict[str, Any]:
    return {
        entry.get("qualifiedName") or entry["name"]: {
            key: value for key, value in shared(entry).items() if key not in without
        }
        for entry in entries
    }


def test_the_compiler_accepts_the_export(require_peer: RequirePeer, tmp_path: Path) -> None:
    run(require_peer("fpp-check"), *export_to(tmp_path, rich_topology()))


def test_the_compilers_dictionary_is_ours(require_peer: RequirePeer, tmp_path: Path) -> None:
    theirs = compiled(require_peer("fpp-to-dict"), tmp_path, rich_topology())
    ours = export_dictionary(rich_topology())
    assert theirs["metadata"]["deploymentName"] == ours["metadata"]["deploymentName"]
    for section in ("typeDefinitions", "constants", "commands", "telemetryChannels", "records", "containers"):
        assert by_name(ours[section]) == by_name(theirs[section]), section
    # A default that the topology sets for one instance, and formats with a width, are not FPP's.
    assert by_name(ours["parameters"], "default") == by_name(theirs["parameters"], "default")
    assert by_name(ours["events"], "format") == by_name(theirs["events"], "format")
    assert ours["telemetryPacketSets"][0]["members"] == theirs["telemetryPacketSets"][0]["members"]
    assert sorted(ours["telemetryPacketSets"][0]["omitted"]) == sorted(theirs["telemetryPacketSets"][0]["omitted"])


def test_formats_and_defaults_that_fpp_can_say_are_the_same(require_peer: RequirePeer, tmp_path: Path) -> None:
    theirs = compiled(require_peer("fpp-to-dict"), tmp_path, rich_topology())
    ours = export_dictionary(rich_topology())
    formats, other_formats = by_name(ours["events"]), by_name(theirs["events"])
    differing = {name for name in formats if formats[name]["format"] != other_formats[name]["format"]}
    assert differing == {"worker.Wide", "worker.Half", "Core.second.Wide", "Core.second.Half"}
    parameters, other_parameters = by_name(ours["parameters"]), by_name(theirs["parameters"])
    for name in ("worker.GAIN", "worker.LIMIT", "worker.TITLE", "worker.MODE_AT_START", "worker.MODES"):
        assert parameters[name]["default"] == other_parameters[name]["default"]


@pytest.mark.parametrize("name", ["Rich", "Core", "Volts", "topology", "worker"])
def test_a_topology_may_have_any_name(require_peer: RequirePeer, tmp_path: Path, name: str) -> None:
    topology = evolve(rich_topology(), name=name)
    theirs = compiled(require_peer("fpp-to-dict"), tmp_path, topology)
    ours = export_dictionary(topology)
    assert by_name(ours["commands"]) == by_name(theirs["commands"])


def test_a_topology_of_nothing_is_accepted(require_peer: RequirePeer, tmp_path: Path) -> None:
    empty = evolve(rich_topology(), instances=(), connections=(), services={}, packets=())
    theirs = compiled(require_peer("fpp-to-dict"), tmp_path, empty)
    assert theirs["commands"] == []
    assert by_name(theirs["typeDefinitions"]) == by_name(export_dictionary(empty)["typeDefinitions"])
