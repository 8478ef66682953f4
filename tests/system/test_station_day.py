"""The battery device with real processes: its power is really cut, its link loses and is down half of the time.

`KITTIWAKE_STATION_DAY` is how long it lasts, `24h` for all of it; half a day is enough for every commit.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.seeded import SeededRandom
from kittiwake_components.scheduler.jobs import RunState
from tests.peers import ROOT
from tests.system.lossy_ground import LossyGround
from tests.system.station_wake import ENROLLED, MACHINE, PREFIX
from tests.system.test_power_unit import LINE, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH = os.environ.get("KITTIWAKE_STATION_DAY", "12h")
HARD_LIMIT_S = 150
LOSS = 0.2
BROWN_OUTS = 0.3
LOG_BYTES = 6000
ORDERS = [
    {"id": "1", "command": f'{PREFIX}scheduler.JOB_ADD "noop" "every 1h" "" COMMAND "CdhCore.cmdDisp.CMD_NO_OP" ALL '
     "AT_LEAST_ONCE"},
    {"id": "2", "command": f'{PREFIX}scheduler.JOB_ADD "sync" "every 1h" "" COMMAND '
     f'"{PREFIX}transferService.SYNC_STORE logs" ONCE AT_LEAST_ONCE'},
]  # fmt: skip


class StationDay:
    """The device behind `kittiwake power-unit`, and what it is put through."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.root = folder / "root"
        self.random = SeededRandom(seed)
        self.logs: dict[str, bytes] = {}
        self.lines: list[str] = []
        self.brown_outs = 0
        self._folder = folder
        orders = {"incoming/monitoring-1.0/commands.json": json.dumps(ORDERS).encode()}
        for name, data in {**ENROLLED, **orders}.items():
            self._write(self.root / name, data)

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name("." + path.name)
        part.write_bytes(data)
        part.replace(path)

    def run(self) -> None:
        """Lets the time pass. The link is there in every other awake time; some end with a SIGKILL."""
        arguments = [
            sys.executable, "-m", "kittiwake.cli.main", "power-unit", str(ROOT / "topologies/station.yaml"),
            "--root", str(self.root), "--build", str(self._folder), "--for", LENGTH, "--supply-w", "0.5",
            "--hard-limit", str(HARD_LIMIT_S), "--set", f"{PREFIX}enrollment.machine_id={MACHINE}",
        ]  # fmt: skip
        subprocess.run([*arguments[:3], "build", arguments[4], "-o", str(self._folder)], check=True, timeout=60)
        dictionary = self._folder / "StationDeploymentTopologyDictionary.json"
        with LossyGround(dictionary, LOSS) as self.ground:
            arguments += ["--link", f"tcp://127.0.0.1:{self.ground.port}"]
            with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as unit:
                assert unit.stdout is not None
                for line in unit.stdout:
                    self.lines.append(line)
                    found = LINE.match(line.rstrip())
                    if found and found[1] == "on ":
                        self._woken(unit.pid)
            assert unit.returncode == 0

    def _woken(self, unit: int) -> None:
        wakes = sum(" on " in line for line in self.lines)
        self.ground.is_open = wakes % 2 == 1
        name = f"{wakes:04}.bin"
        self.logs[name] = SeededRandom(wakes).token_bytes(LOG_BYTES)
        self._write(self.root / "logs" / name, self.logs[name])
        if wakes > 3 and self.random.chance(BROWN_OUTS):
            time.sleep(self.random.uniform(0.1, 0.8))
            for child in children(unit):
                self.brown_outs += 1
                os.kill(child, signal.SIGKILL)

    def report(self) -> Report:
        return Report("".join(self.lines))


def children(pid: int) -> Iterator[int]:
    """The processes that a process has started and that are still there."""
    for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(text)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_wake_job_or_file_is_lost_and_the_power_never_held(tmp_path: Path) -> None:
    day = StationDay(tmp_path, seed=1)
    day.run()
    report = day.report()
    assert day.brown_outs > 0
    assert day.ground.lost > 20
    assert day.ground.connexions >= report.wakes // 3
    assert set(report.cuts()) <= {"TIMER", "WATCHDOG", "HARD_LIMIT"}
    assert report.unasked <= day.brown_outs
    # Every hour had its run, and none is left as it was begun.
    jobs = sqlite3.connect(tmp_path / "root/scheduler.sqlite")
    runs = jobs.execute(
        "SELECT job.name, slot_us, state FROM run JOIN job ON job.id = run.job ORDER BY run.id"
    ).fetchall()
    jobs.close()
    slots = [slot for name, slot, _ in runs if name == "noop"]
    assert slots == list(range(slots[0], slots[0] + len(slots) * 3_600_000_000, 3_600_000_000))
    assert len(slots) >= report.wakes * 0.7
    assert {state for *_, state in runs} <= {RunState.OK, RunState.BEGUN, RunState.RETRY}
    # Every file is at the ground, or still here; none is in neither place, and those of the last wakes alone are late.
    files = day.ground.receipts.files
    for number, (name, data) in enumerate(day.logs.items()):
        here = tmp_path / "root/logs" / name
        assert files.get(f"logs/{name}", data) == data
        assert here.exists() or f"logs/{name}" in files
        if number < len(day.logs) - 4:
            assert f"logs/{name}" in files
    sent = sorted(name for name in files if name.startswith("monitoring/report-"))
    assert len(sent) >= report.wakes * 0.6
    for name in sent:
        assert json.loads(files[name])["format"] == 1
