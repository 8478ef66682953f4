"""`kittiwake sim`: its output, its files and its exit status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from kittiwake.cli.main import main
from kittiwake.platform.simulated_files import SimulatedFile
from tests.peers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REFERENCE = str(ROOT / "topologies/reference.yaml")
PROVES = str(ROOT / "topologies/proves.yaml")


def test_a_mission_is_told_and_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "report"
    assert main(["sim", PROVES, "--for", "40s", "--seed", "3", "--report", str(folder)]) == 0
    *_, summary, digest, page = capsys.readouterr().out.splitlines()
    assert summary.startswith("ReferenceDeployment, seed 3: 40 s in ")
    assert summary.endswith("; every invariant holds")
    assert digest.startswith("digest ")
    assert page == str(folder / "index.html")
    plots = sorted(path.name for path in folder.glob("*.svg"))
    assert plots == ["awake.svg", "charge.svg", "modes.svg", "power.svg", "queues.svg", "slips.svg"]
    for name in plots:
        assert ET.parse(folder / name).getroot().tag.endswith("svg")
        assert name in (folder / "index.html").read_text()


def test_what_breaks_is_said_and_cut_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = SimulatedFile.sync
    monkeypatch.setattr(SimulatedFile, "sync", lambda self: None if self._path.endswith(".part") else sync(self))
    minimal = tmp_path / "minimal.yaml"
    assert main(["sim", REFERENCE, "--for", "100s", "--seed", "1", "--minimal", str(minimal)]) == 1
    said = capsys.readouterr().out
    assert "BROKEN no_acknowledged_data_lost" in said
    assert "the shortest list of faults that breaks no_acknowledged_data_lost: " in said
    assert main(["sim", REFERENCE, "--scenario", str(minimal), "--no-minimise"]) == 1
    assert main(["sim", REFERENCE, "--for", "100s", "--seeds", "1"]) == 1
    assert "1 with a broken invariant" in capsys.readouterr().out


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Kittiwake scenario"


@pytest.mark.parametrize(
    "arguments, status, message",
    [
        ([], 2, "a topology file or an image is missing"),
        ([REFERENCE, "--for", "soon"], 2, "--for: 'soon' is no time"),
        ([REFERENCE, "--for", "0s"], 2, "--for: 0s is no time in which"),
        ([__file__, "--for", "1s"], 1, f"{__file__}: this is no Kittiwake image"),
        ([REFERENCE, "--seed", "-1"], 2, "--seed is from 0"),
        ([REFERENCE, "--seeds", "0"], 2, "--seeds is from 1"),
        ([REFERENCE, "--set", "nobody.x=1"], 2, "the deployment has no instance 'nobody'"),
        (["gone.yaml"], 1, "gone.yaml:1:1: cannot be read"),
        ([REFERENCE, "--scenario", "gone.yaml"], 1, "gone.yaml"),
    ],
)
def test_misuse_and_files_that_cannot_be_used_are_told_apart(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sim", *arguments]) == status
    assert message in capsys.readouterr().err
