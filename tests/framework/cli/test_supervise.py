"""What the supervisor and systemd are told: pauses between starts, reasons, and the unit."""

from __future__ import annotations

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from kittiwake.cli.outcome import Misuse
from kittiwake.cli.supervise import BUDGET, SLOW_DELAY_S, Restarts, last_end, parse
from kittiwake.cli.systemd_unit import unit_text


def test_the_pauses_grow_with_each_early_end_and_never_end() -> None:
    restarts = Restarts()
    delays = [restarts.delay_s(1.0) for _ in range(BUDGET + 100)]
    assert delays[:9] == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert delays[BUDGET:] == [SLOW_DELAY_S] * 100


def test_a_life_that_lasted_ends_the_row() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.delay_s(1.0)
    assert restarts.delay_s(61.0) == 0.0
    assert restarts.delay_s(1.0) == 0.0
    assert restarts.delay_s(1.0) == 1.0


@pytest.mark.parametrize(
    "status, was_expired, told",
    [
        (80, False, "COLD_RESET"),
        (81, False, "WARM_RESET"),
        (82, False, "FACTORY_RESET"),
        (1, False, "CRASH status 1"),
        (-11, False, "CRASH signal 11"),
        (-9, True, "WATCHDOG"),
    ],
)
def test_the_next_start_is_told_how_the_last_one_ended(status: int, was_expired: bool, told: str) -> None:
    assert last_end(status, was_expired=was_expired) == told


def test_its_own_options_are_taken_out() -> None:
    given = ["--supervise", "x.image", "--watchdog", "5", "--root", "r", "--power-cycle=reboot now"]
    assert parse(given) == (["x.image", "--root", "r"], 5.0, "reboot now")
    for value in ("", "nan", "0.5", "90000"):
        with pytest.raises(Misuse, match="--watchdog wants seconds"):
            parse(["--watchdog", value])


def unit(folder: Path) -> Path:
    """A unit in a file, with paths that need care."""
    path = folder / "Cabin.service"
    program = folder / "a folder" / "kittiwake"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path.write_text(unit_text("Cabin", program, folder / "100% cabin.image"))
    return path


def test_the_unit_restarts_after_resets_and_is_watched(tmp_path: Path) -> None:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit(tmp_path))
    service = parser["Service"]
    assert service["Type"] == "notify"
    assert service["WatchdogSec"] == "30"
    assert service["Restart"] == "on-failure"
    assert service["RestartForceExitStatus"] == "80 81 82"
    assert '"' + str(tmp_path / "100%% cabin.image") + '"' in service["ExecStart"]


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd here")
    command = [analyze, "verify", "--recursive-errors=no", str(unit(tmp_path))]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    # Older ones do not know how to slow restarts down, and go on without it.
    found = [line for line in checked.stderr.splitlines() if "Cabin" in line and "Unknown key" not in line]
    assert found == []
