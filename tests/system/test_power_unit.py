"""A deployment behind a power unit that really cuts its power: days of wakes, and software that goes wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import ROOT
from tests.system.battery_device import battery_device

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (on |off) (\w+) +battery ([\d.]+) %$")
SUMMARY = re.compile(r"^(\d+) wakes, (\d+) s awake in all, ([\d.]+) s each; (\d+) cuts unasked, (\d+) programs")


class Report:
    """What `kittiwake power-unit` said."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.changes = [found.groups() for found in map(LINE.match, text.splitlines()) if found]
        [summary] = [found for found in map(SUMMARY.match, text.splitlines()) if found]
        self.wakes, self.awake_s = int(summary[1]), int(summary[2])
        self.unasked, self.ended_early = int(summary[4]), int(summary[5])

    def cuts(self) -> list[str]:
        return [reason for word, reason, _ in self.changes if word == "off"]


def power_unit(tmp_path: Path, device: Path, *options: str) -> Report:
    arguments = [
        sys.executable, "-m", "kittiwake.cli.main", "power-unit", str(device), "--root", str(tmp_path / "root"),
        "--build", str(tmp_path / "build"), *options,
    ]  # fmt: skip
    environment = {"PYTHONPATH": f"{ROOT}/framework:{ROOT}/components:{ROOT}/ground:{ROOT}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=100, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Report(done.stdout)


@pytest.mark.timeout(300)
def test_a_device_wakes_each_hour_works_and_sleeps_again(tmp_path: Path) -> None:
    device = battery_device(tmp_path, parameters="{DEFAULT_SLEEP_S: 3600}")
    report = power_unit(tmp_path, device, "--for", "8h", "--pace", "10")
    assert report.wakes == 8
    assert set(report.cuts()) == {"TIMER"}
    assert (report.unasked, report.ended_early) == (0, 0)
    assert [reason for word, reason, _ in report.changes if word == "on "] == ["POWER_ON"] + ["TIMER"] * 7
    boots = int.from_bytes((tmp_path / "root/boot_count.bin").read_bytes(), "big")
    assert boots == 8


HOG = """  hog: {{component: "tests.system.hog.Hog", id: 0x10070000, settings: {{how: {how}}}}}
"""
WIRE = """    - supervisor.step_begin[1] -> hog.step_in
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["hang", "raise", "loop", "silent"])
def test_software_that_goes_wrong_in_a_step_never_holds_the_power(tmp_path: Path, how: str) -> None:
    # One that hangs must have been heard asking for a watchdog before that, which takes a busy machine its real time.
    pace, watchdog_s = (5, 10) if how == "hang" else (20, 30)
    device = battery_device(
        tmp_path, parameters=f"{{DEFAULT_SLEEP_S: 3600, COMMANDS_TIMEOUT_S: 20, WATCHDOG_S: {watchdog_s}}}",
        instances=HOG.format(how=how), connections=WIRE,
    )  # fmt: skip
    report = power_unit(tmp_path, device, "--for", "2h", "--pace", str(pace), "--hard-limit", "300")
    if how == "hang":
        # The watchdog cuts a loop that is stuck; after two such starts the step is left out, and the cycle ends.
        assert report.cuts()[:3] == ["WATCHDOG", "WATCHDOG", "TIMER"]
        assert set(report.cuts()) == {"WATCHDOG", "TIMER"}
    else:
        assert set(report.cuts()) == {"TIMER"}
    assert report.awake_s <= report.wakes * 300


@pytest.mark.timeout(300)
def test_a_program_that_is_not_there_costs_no_more_than_the_hard_limit(tmp_path: Path) -> None:
    device = battery_device(tmp_path)
    (tmp_path / "root").write_text("in the way of the deployment's files")
    report = power_unit(tmp_path, device, "--for", "2h", "--pace", "1000", "--hard-limit", "300")
    assert set(report.cuts()) == {"HARD_LIMIT"}
    assert report.ended_early == report.wakes
    assert report.awake_s <= report.wakes * 301


@pytest.mark.parametrize(
    "options, reason",
    [
        (["--for", "tomorrow"], "--for wants a length"),
        (["--pace", "0"], "--pace is from 0.1 to 1000"),
        (["--wall", "-1"], "--wall is from 0 to"),
        (["--wall", "nan"], "--wall is from 0 to"),
        (["--wall", "inf"], "--wall is from 0 to"),
        (["--charge", "120"], "--charge is from 0 to 100"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], reason: str
) -> None:
    from kittiwake.cli.main import main

    assert main(["power-unit", str(tmp_path / "device.yaml"), *options]) == 1
    assert reason in capsys.readouterr().err


def test_a_deployment_without_a_power_manager_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from kittiwake.cli.main import main

    device = battery_device(tmp_path)
    text = device.read_text(encoding="utf-8").replace(
        "kittiwake_components.PowerManager", "kittiwake_components.Version"
    )
    device.write_text(text, encoding="utf-8")
    assert main(["power-unit", str(device), "--build", str(tmp_path)]) == 1
    assert capsys.readouterr().err
