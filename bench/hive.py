"""What ten sleeping sensors cost a hive: the CPU and memory of its deployment, and their own memory and wakes.

Two deployments of topologies/hive.yaml run beside each other, one with ten simulated sensors whose next start is hours
away, one without any. CPU is the time on a processor as the scheduler counts it, slice by slice, of both in the same
slices. A sensor's own process is compared with a bare interpreter that waits for input; its wakes are how often it
gave the processor up while it was watched, which is never for a process that sleeps.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.boot import WAITING
from bench.measure import Figure, dearer, resident_mb
from bench.reference_device import ReferenceDevice, stop

if TYPE_CHECKING:
    from collections.abc import Sequence

SENSORS = 10
SLICES = 20
SLICE_S = 1.0
WARM_UP_S = 3.0
READY_TIMEOUT_S = 60.0
QUIET = ("--set", "HiveDeployment.textCommands.url=")
"""Two of them cannot listen at the same port."""

HEAD = """[global]
pytz_time_zone = "UTC"
capture_window_start_time = "{hour:02}00"
capture_window_end_time = "{hour:02}30"
"""


class SensorsMissing(TimeoutError):
    """Not all sensors have become ready."""


def _configure(root: Path, sensors: int) -> Path:
    """A root whose sensors begin twelve hours from now."""
    hour = (datetime.now(UTC).hour + 12) % 24
    sections = [f'[temp{number}]\nkind = "temp"\ndevice = "simulated"\n' for number in range(sensors)]
    root.mkdir()
    (root / "hive.toml").write_text(HEAD.format(hour=hour) + "".join(sections))
    return root


def _cpu_us(pid: int) -> float:
    """The time on a processor of a process's main thread and the others, in microseconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e3


def _wakes(pid: int) -> int:
    """How often a process has given the processor up by itself."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("voluntary")).split()[1])


def _await_sensors(pid: int, root: Path) -> list[int]:
    """The processes of the sensors, once all have made their first wait: each has a lock in its folder by then."""
    end_s = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < end_s:
        found = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        ready = (root / "beemon.log").read_text().count(" is ready") if (root / "beemon.log").exists() else 0
        if len(found) == SENSORS and ready >= SENSORS:
            return found
        time.sleep(0.2)
    raise SensorsMissing(f"{len(found)} of {SENSORS} run, {ready} are ready")


def _slices(with_sensors: int, without: int) -> list[tuple[float, float]]:
    """The CPU time of both in the same slices of time, in microseconds."""
    pairs = []
    before = _cpu_us(with_sensors), _cpu_us(without)
    for _ in range(SLICES):
        time.sleep(SLICE_S)
        now = _cpu_us(with_sensors), _cpu_us(without)
        pairs.append((now[0] - before[0], now[1] - before[1]))
        before = now
    return pairs


def _own(sensors: Sequence[int], wakes: int, bare_mb: float) -> list[Figure]:
    mb = statistics.median([resident_mb(pid) for pid in sensors])
    return [
        Figure("sleeping sensor, memory over a bare interpreter", mb, "MB", bare_mb, mb - bare_mb, 10, 5),
        # The budget is in wakes: nothing may wake them.
        Figure("ten sleeping sensors, wakes", wakes, "wakes", 0, wakes, 0, 0),
    ]


def figures() -> list[Figure]:
    """CPU and memory of the deployment, memory and wakes of the sensors."""
    with ReferenceDevice("hive.yaml") as device:
        roots = [_configure(device.folder / f"hive{count}", count) for count in (SENSORS, 0)]
        full, empty = [device.start("none", root, QUIET) for root in roots]
        bare = device.start_bare(WAITING)
        try:
            sensors = _await_sensors(full.pid, roots[0])
            time.sleep(WARM_UP_S)
            began = sum(map(_wakes, sensors))
            pairs = _slices(full.pid, empty.pid)
            woken = sum(map(_wakes, sensors)) - began
            mb = resident_mb(full.pid), resident_mb(empty.pid)
            own = _own(sensors, woken, resident_mb(bare.pid))
        finally:
            bare.communicate()
            stop(full)
            stop(empty)
    return [
        dearer("hive with ten sleeping sensors, CPU a second", pairs, "us", 1.25, 1.05),
        # The budget is megabytes more than without sensors.
        Figure("hive with ten sleeping sensors, memory", mb[0], "MB", mb[1], mb[0] - mb[1], 4, 1),
        *own,
    ]
