"""`kittiwake new deployment|component|topology`: what is made works before anything is changed in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.skeletons.names import MAX_NAME, NameFault, read_name
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = ("framework", "components", "ground")
LONGEST = "AaBbCcDdEeFfGgHhIiJjKkLl"


def environment(folder: Path, project: Path) -> dict[str, str]:
    """A virtual environment for a project, as its Makefile makes one: links to the programs and packages of ours."""
    folder.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != ".installed":
            (folder / part.name).symlink_to(part)
    (folder / ".installed").touch()
    path = os.pathsep.join([str(project), *[str(ROOT / source) for source in SOURCES]])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "MAKE"))}
    return {**kept, "PYTHONPATH": path, "MYPYPATH": path.partition(os.pathsep)[2], "PYTHONDONTWRITEBYTECODE": "1"}


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(300)
def test_a_new_project_with_all_that_can_be_added_passes_its_own_tests(
    kittiwake: Callable[..., Any], folder: Path
) -> None:
    made = kittiwake("new", "deployment", "weather-station")
    project = folder / "weather_station"
    assert made.status == 0
    assert made.out.splitlines()[-1] == "Next: cd weather_station; make test; make run"
    added = kittiwake("new", "component", "WaterPump", "--kind", "active", "--in", project)
    assert "waterPump: {component: weather_station.water_pump.component.WaterPump, id: 0x10020000, queue: 10" in (
        added.out
    )
    assert kittiwake("new", "component", LONGEST, "--in", project / "tests").status == 0
    assert kittiwake("new", "topology", "Trial", "--in", project).status == 0
    done = subprocess.run(
        ["make", "test", f"VENV={folder / 'venv'}"], cwd=project, env=environment(folder / "venv", project),
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Success: no issues found" in done.stdout
    assert "topologies/trial.yaml: Trial, 22 instances" in done.stdout
    assert "17 passed" in done.stdout


def test_a_new_component_of_the_house_keeps_the_rules_of_the_house(kittiwake: Callable[..., Any], folder: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "framework").symlink_to(ROOT / "framework")
    (folder / "components/kittiwake_components").mkdir(parents=True)
    for number, kind in enumerate(("passive", "active")):
        assert kittiwake("new", "component", f"Pump{number}", "--kind", kind).status == 0
    assert (folder / "tests/components/pump0/test_pump0.py").is_file()
    for check in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--no-cache", "components", "tests"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_the_project_takes_kittiwake_from_where_it_is_told(kittiwake: Callable[..., Any], folder: Path) -> None:
    def source(*options: str) -> str:
        shutil.rmtree(folder / "orchard", ignore_errors=True)
        assert kittiwake("new", "deployment", "Orchard", *options).status == 0
        makefile = (folder / "orchard/Makefile").read_text()
        return next(line.partition("?= ")[2] for line in makefile.splitlines() if line.startswith("KITTIWAKE "))

    assert source("--kittiwake", "==1.2.3") == "==1.2.3"
    assert source("--kittiwake", "https://example.org/k.whl") == "@ https://example.org/k.whl"
    assert source("--kittiwake", str(ROOT)) == f"@ {ROOT.as_uri()}"
    assert source()  # of this installation, whichever it is
    absent = kittiwake("new", "deployment", "Other", "--kittiwake", "nowhere.whl")
    assert (absent.status, (folder / "other").exists()) == (1, False)


@pytest.mark.parametrize(
    "name, why",
    [
        ("", "is no name"),
        ("2nd", "is no name"),
        ("../up", "is no name"),
        ("a b", "is no name"),
        ("lambda", "a word of Python's own"),
        ("x" * (MAX_NAME + 1), "at most 24 characters"),
        ("json", "there is a Python module 'json' already"),
        ("kittiwake", "there is a Python module 'kittiwake' already"),
        ("tests", "there is a Python module 'tests' already"),
    ],
)
def test_a_name_that_cannot_be_given_is_refused(
    name: str, why: str, kittiwake: Callable[..., Any], folder: Path
) -> None:
    refused = kittiwake("new", "deployment", "--", name)
    assert refused.status == 1
    assert why in refused.err
    assert files_of(folder) == {}


def test_a_name_is_spelt_as_each_place_needs_it() -> None:
    for text in ("WeatherStation", "weather_station", "weather-station"):
        names = read_name(text)
        assert (names.class_name, names.module, names.instance) == (
            "WeatherStation", "weather_station", "weatherStation",
        )  # fmt: skip
        assert (names.title, names.requirement) == ("weather station", "WS")
    assert (read_name("GPSReceiver").class_name, read_name("GPSReceiver").module) == ("GPSReceiver", "gps_receiver")
    assert read_name("pump2").requirement == "PUMP2"
    with pytest.raises(NameFault):
        read_name("_x")


def test_nothing_that_exists_is_overwritten(kittiwake: Callable[..., Any], folder: Path) -> None:
    kittiwake("new", "deployment", "Orchard")
    before = files_of(folder)
    for arguments in (["deployment", "Orchard"], ["component", "Beacon", "--in", "orchard"]):
        refused = kittiwake("new", *arguments)
        assert (refused.status, "is there already" in refused.err) == (1, True)
    refused = kittiwake("new", "topology", "Orchard", "--in", "orchard")
    assert (refused.status, refused.out) == (1, "")
    assert files_of(folder) == before


def test_all_is_written_or_nothing(kittiwake: Callable[..., Any], folder: Path) -> None:
    kittiwake("new", "deployment", "Orchard")
    project = folder / "orchard"
    shutil.rmtree(project / "topologies")
    shutil.rmtree(project / "tests")
    (project / "topologies").write_text("a file stands where the folder should be")
    before = files_of(folder)
    refused = kittiwake("new", "topology", "Trial", "--in", project)
    assert refused.status == 1
    assert "topologies" in refused.err
    assert files_of(folder) == before
    assert not (project / "tests").exists()


def test_outside_a_project_it_says_how_one_is_made(kittiwake: Callable[..., Any], folder: Path) -> None:
    for what in ("component", "topology"):
        refused = kittiwake("new", what, "Pump")
        assert refused.status == 1
        assert "`kittiwake new deployment NAME` makes a project" in refused.err
    (folder / "pyproject.toml").write_text("[tool.kittiwake]\npackage = 'nowhere'\n")
    assert "needs package" in kittiwake("new", "component", "Pump").err
    (folder / "pyproject.toml").write_text("[tool.kittiwake\n")
    assert "is no TOML" in kittiwake("new", "component", "Pump").err
