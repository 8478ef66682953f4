"""F´'s own tools take the dictionary: the ground system, the merger and the Fpy compiler."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kittiwake.dictionary.export import write_dictionary
from tests.framework.dictionary.rich import rich_topology

pytestmark = pytest.mark.peer

RequirePeer = Callable[[str], Path]

LIMIT_S = 50

LOADER = """
import json, sys
from fprime_gds.common.models.dictionaries import Dictionaries
from fprime_gds.common.utils.config_manager import ConfigManager

found = Dictionaries.load_dictionaries_into_config(sys.argv[1])
config = ConfigManager.get_instance()
print(json.dumps({
    "commands": {name: one.get_op_code() for name, one in found.command_name.items()},
    "events": {name: [one.get_id(), one.get_severity().name] for name, one in found.event_name.items()},
    "channels": {name: one.get_id() for name, one in found.channel_name.items()},
    "packets": {str(id): [one.get_full_name() for one in packet.get_ch_list()] for id, packet in found.packet.items()},
    "opcode": config.get_type("FwOpcodeType").__name__,
    "frame": config.get_constant("ComCfg.TmFrameFixedSize"),
}))
"""

SEQUENCE = """
worker.NO_OP()
Core.second.LONG_RUN(Fw.TimeIntervalValue(1, 2), True, 7)
worker.ADJUST(3, Rich.Mode.BUSY, Rich.Rates(1.0, 2.0, 3.0))
worker.LIMIT_PRM_SET(4)
"""


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def written(folder: Path) -> tuple[Path, dict[str, Any]]:
    path = folder / "LaboratoryTopologyDictionary.json"
    return path, write_dictionary(str(path), rich_topology())


def test_the_ground_system_loads_every_entry(require_peer: RequirePeer, tmp_path: Path) -> None:
    python = require_peer("fprime-gds").parent / "python"
    path, dictionary = written(tmp_path)
    found = json.loads(run(python, "-c", LOADER, path).splitlines()[-1])
    assert found["commands"] == {one["name"]: one["opcode"] for one in dictionary["commands"]}
    assert found["events"] == {one["name"]: [one["id"], one["severity"]] for one in dictionary["events"]}
    assert found["channels"] == {one["name"]: one["id"] for one in dictionary["telemetryChannels"]}
    (packets,) = dictionary["telemetryPacketSets"]
    assert found["packets"] == {str(one["id"]): one["members"] for one in packets["members"]}
    assert (found["opcode"], found["frame"]) == ("U32Type", 1024)


def test_the_merger_joins_two_dictionaries(require_peer: RequirePeer, tmp_path: Path) -> None:
    merge = require_peer("fprime-merge-dictionary")
    path, first = written(tmp_path)
    other = rich_topology()
    moved = [evolve(one, name=f"Far.{one.name}", base_id=one.base_id + 0x10_0000) for one in other.instances]
    second_path = tmp_path / "FarTopologyDictionary.json"
    second = write_dictionary(
        str(second_path), evolve(other, name="Far", instances=tuple(moved), connections=(), services={}, packets=())
    )
    merged_path = tmp_path / "merged.json"
    run(merge, "--permissive", "--output", merged_path, path, second_path)
    merged = json.loads(merged_path.read_text())
    for section in ("commands", "events", "telemetryChannels"):
        assert {one["name"] for one in merged[section]} == {one["name"] for one in first[section] + second[section]}


def test_the_fpy_compiler_takes_our_commands(require_peer: RequirePeer, tmp_path: Path) -> None:
    compiler = require_peer("fprime-fpyc")
    path, _ = written(tmp_path)
    source, binary = tmp_path / "run.fpy", tmp_path / "run.bin"
    source.write_text(SEQUENCE)
    run(compiler, "-d", path, "-o", binary, source)
    assert (0x2000).to_bytes(4, "big") in binary.read_bytes()
