"""Sensors by name: those of a folder, those that come along, and entry points."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

import pytest

from kittiwake.faults import Faults
from kittiwake.platform.system import SystemPlatform
from kittiwake_components.sensor_orchestrator.configuration import read_configuration
from kittiwake_components.sensors import __main__ as command_line
from kittiwake_components.sensors.discovery import BUILT_IN, KnownSensors, SensorNotFound, find_sensor
from kittiwake_components.sensors.temp import Temp
from tests.components.sensors.running import PLUGINS

if TYPE_CHECKING:
    from pathlib import Path

FILES = SystemPlatform().files
WIND = """\
from kittiwake_components.sensors.sensor import Option, Reading, ReadingsSensor

class Wind(ReadingsSensor):
    readings = (Reading("speed", "m/s"),)
    device = Option("/sys/bus/iio/devices/iio:device0", "The anemometer's folder.")

    def read(self) -> tuple[float, ...]:
        return (self.number(f"{self.device}/in_speed_raw"),)
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A folder of sensors, some of which are none."""
    inside = tmp_path / "sensors"
    inside.mkdir()
    (tmp_path / "outside.py").write_text(WIND)
    (inside / "linked.py").symlink_to(tmp_path / "outside.py")
    (inside / "wind.py").write_text(WIND)
    (inside / "temp.py").write_text(WIND)
    (inside / "typo.py").write_text("class Wind(\n")
    (inside / "empty.py").write_text("")
    (inside / "twice.py").write_text(WIND + WIND.replace("Wind", "Storm"))
    (inside / "no-name.py").write_text(WIND)
    (inside / "_private.py").write_text(WIND)
    return str(inside)


def test_a_file_is_a_sensor_and_goes_before_those_that_come_along(folder: str) -> None:
    assert find_sensor("wind", FILES, folder).__name__ == "Wind"
    assert find_sensor("temp", FILES, folder).__name__ == "Wind"
    assert find_sensor("temp", FILES) is Temp


def test_each_that_comes_along_can_be_found_and_is_imported_only_then() -> None:
    assert list(KnownSensors(FILES)) == sorted(BUILT_IN)
    for name in BUILT_IN:
        assert find_sensor(name, FILES).__doc__
        assert KnownSensors(FILES)[name]


@pytest.mark.parametrize(
    "name, why",
    [
        ("typo", "typo.py cannot be imported: SyntaxError"), ("empty", "holds 0 classes of sensors"),
        ("twice", "twice.py holds 2 classes"), ("linked", "there is no sensor linked"),
        ("../outside", "there is no sensor"),
        ("no-name", "there is no sensor"), ("_private", "there is no sensor"), ("wnid", "did you mean wind?"),
    ],
)  # fmt: skip
def test_what_is_no_sensor_is_refused_with_its_reason_and_others_go_on(name: str, why: str, folder: str) -> None:
    """Upstream: one class that could not be imported ended the search for all."""
    with pytest.raises(SensorNotFound, match=why):
        find_sensor(name, FILES, folder)
    assert find_sensor("wind", FILES, folder)


def test_entry_points_are_loaded_only_for_a_name_that_is_found_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    points = [
        importlib.metadata.EntryPoint("barometer", "kittiwake_components.sensors.temp:Temp", "kittiwake.sensors"),
        importlib.metadata.EntryPoint("nonsense", "kittiwake_components.sensors.temp:Attribute", "kittiwake.sensors"),
        importlib.metadata.EntryPoint("missing", "no_such_package:Sensor", "kittiwake.sensors"),
    ]

    def entry_points(*, group: str) -> list[importlib.metadata.EntryPoint]:
        asked.append(group)
        return points

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert find_sensor("temp", FILES) is Temp
    assert "temp" in KnownSensors(FILES)
    assert asked == []
    assert find_sensor("barometer", FILES) is Temp
    assert KnownSensors(FILES)["barometer"] is None
    with pytest.raises(SensorNotFound, match="no class of a sensor"):
        find_sensor("nonsense", FILES)
    with pytest.raises(SensorNotFound, match="cannot be imported: ModuleNotFoundError"):
        find_sensor("missing", FILES)


def test_options_in_a_configuration_are_checked_by_what_the_sensor_declares(folder: str) -> None:
    text = b"[audio]\ngian = 3\n[wind]\nanything = 4\n[wnid]\n"
    with pytest.raises(Faults) as caught:
        read_configuration(text, "hive.ini", KnownSensors(FILES, folder))
    assert str(caught.value).splitlines() == [
        "hive.ini:2:1: the sensor audio has no option gian (did you mean gain?)",
        "hive.ini:5:2: there is no sensor wnid (did you mean wind?)",
    ]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Status, output and errors of the command line."""
    status = command_line.main(list(arguments))
    return status, *capsys.readouterr()


def test_the_list_names_each_sensor_and_what_is_wrong_with_a_file(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, output, _ = run(capsys, "--list", "--sensors", folder)
    assert status == 1
    assert "typo: typo.py cannot be imported: SyntaxError" in output
    assert "wind: " in output
    assert "    reads speed in m/s" in output
    assert "    gain = 49 %    The gain" in output


def test_a_configuration_is_checked_with_every_option(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hive.toml"
    path.write_text("[wind]\ndevcie = '/sys/x'\n")
    status, output, _ = run(capsys, "--check", str(path), "--sensors", folder)
    assert (status, output) == (1, "hive.toml:2:1: the sensor wind has no option devcie (did you mean device?)\n")
    path.write_text("[wind]\ndevice = '/sys/x'\n[audio]\n")
    status, output, _ = run(capsys, "--check", str(path), "--sensors", folder)
    assert (status, output) == (0, f"{path} is in order: wind, audio\n")
    assert run(capsys, "--check", str(tmp_path / "none.toml"))[0] == 1


def test_one_capture_tries_a_sensor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["faulty", "--folder", str(tmp_path / "faulty"), "--sensors", str(PLUGINS)]
    status, output, _ = run(capsys, *arguments, "--once", "0.1")
    assert status == 0
    assert [line.partition(":")[0] for line in output.splitlines()] == ["ready", "recording", "reading", "done"]
    assert len(list((tmp_path / "faulty").glob("*/*.csv"))) == 1
    status, output, _ = run(capsys, *arguments, "--once", "0.1", "--set", "fault=refuse")
    assert (status, output) == (1, "refused: why RuntimeError: there is no such sensor on the bus\n")


@pytest.mark.parametrize(
    "arguments, why",
    [
        ([], "are needed"), (["temp"], "are needed"), (["temp", "--fodler", "x"], "--fodler is not known"),
        (["temp", "--folder"], "--folder needs a value"),
        (["temp", "--folder", "x", "--once", "soon"], "takes seconds"),
        (["temp", "--folder", "x", "--set", "gain"], "KEY=VALUE"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_explained(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, errors = run(capsys, *arguments)
    assert status == 2
    assert why in errors.partition("\n")[0]
    assert "--check FILE" in errors
