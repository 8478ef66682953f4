"""Sensors as real processes: how soon a stop is seen, and what a kill leaves."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.components.sensors.running import Running

if TYPE_CHECKING:
    from collections.abc import Iterator

LATEST_S = 0.1
TRIES = 3
FAST = {"sample_interval_seconds": 0.02}
KINDS: dict[str, dict[str, Any]] = {
    "temp": {}, "cpu": {}, "scale": {}, "airquality": {}, "audio": {"device": "simulated"},
    "video": {"camera": "simulated", "resolution_x": 64, "resolution_y": 48},
}  # fmt: skip


def whole(folder: Path) -> Iterator[Path]:
    """The recordings that have their names. Raises `AssertionError` for one that is not what is said of it."""
    for path in folder.glob("*/*"):
        if path.suffix not in (".part", ".json", ".new"):
            described = json.loads(path.with_name(path.name + ".json").read_text())
            assert sha256(path.read_bytes()).hexdigest() == described["sha256"], path
            yield path


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_is_seen_within_100_ms_whatever_the_sensor_does(kind: str, tmp_path: Path) -> None:
    """Upstream: a sleeping sensor saw a stop at its next start, a recording one at its end."""
    for attempt in range(TRIES):  # a machine that does much else may be late once
        latencies = stop_latencies(kind, tmp_path / str(attempt) / kind)
        if max(latencies) < LATEST_S:
            return
    raise AssertionError(f"seconds until a stop was seen: {latencies}")


def stop_latencies(kind: str, folder: Path) -> list[float]:
    """Seconds from a stop to its answer: while it records, with either policy, and while it sleeps."""
    latencies = []
    with Running(kind, folder, **KINDS[kind]) as running:
        running.ready()
        for policy, answer in (("truncate", "done"), ("discard", "discarded")):
            running.record()
            running.hear("recording")
            time.sleep(0.15)
            before = time.monotonic()
            running.stop(policy)
            running.hear(answer)
            latencies.append(time.monotonic() - before)
        running.sleeps()
        before = time.monotonic()
        running.say(do="end")
        while running.line():
            pass
        latencies.append(time.monotonic() - before)
        assert running.ended() == 0
    assert len(list(whole(folder))) == 1
    return latencies


def test_a_sleeping_sensor_wakes_for_nothing(tmp_path: Path) -> None:
    """Upstream: queues were polled, twice a second and more."""
    with Running("temp", tmp_path / "temp") as running:
        running.ready()
        running.sleeps()
        before = running.status_of("voluntary_ctxt_switches")
        time.sleep(1.0)
        assert running.status_of("voluntary_ctxt_switches") == before
        assert running.status_of("Threads") == 1
        assert running.status_of("VmRSS") < 32_000


def test_the_end_of_its_orchestrator_loses_nothing(tmp_path: Path) -> None:
    """Upstream: the orchestrator's end took queue and recording with it."""
    with Running("faulty", tmp_path / "faulty", **FAST) as running:
        running.ready()
        path = running.record(0.3)
        running.hear("recording")
        running.close_input()
        assert running.process.stdout is not None
        running.process.stdout.close()
        assert running.ended() == 0
        assert list(whole(tmp_path / "faulty")) == [path]
        assert json.loads(path.with_name(path.name + ".json").read_text())["truncated"] is False


def test_term_publishes_what_there_is(tmp_path: Path) -> None:
    with Running("faulty", tmp_path / "faulty", **FAST) as running:
        running.ready()
        path = running.record()
        running.hear("reading")
        running.process.send_signal(signal.SIGINT)  # Ctrl-C at the orchestrator's terminal is not for it
        running.hear("reading")
        running.process.send_signal(signal.SIGTERM)
        assert running.hear("done")["truncated"] is True
        assert running.ended() == 0
        assert list(whole(tmp_path / "faulty")) == [path]


def test_two_processes_of_one_sensor_do_not_share_it(tmp_path: Path) -> None:
    """Upstream: a process that outlived its orchestrator and the next one shared the hardware."""
    with Running("faulty", tmp_path / "faulty", **FAST) as first:
        first.ready()
        first.record()
        first.hear("recording")
        with Running("faulty", tmp_path / "faulty", **FAST) as second:
            second.ready()
            second.record(0.1)
            assert "another process works in" in second.hear("failed")["why"]
            first.process.kill()
            first.process.wait()
            second.record(0.1)
            assert second.hear("discarded")["capture"] == 0
            assert second.hear("done")["capture"] == 2


def test_a_kill_at_any_moment_leaves_no_half_file_under_a_name(tmp_path: Path) -> None:
    """Upstream: a recorder that was killed left half a file under its name, and that was sent."""
    moments = random.Random(7)
    folder = tmp_path / "faulty"
    done: set[str] = set()
    for turn in range(12):
        with Running("faulty", folder, sample_interval_seconds=0.001) as running:
            running.ready()
            running._count = turn * 5
            timer = threading.Timer(moments.uniform(0.0, 0.12), running.process.kill)
            timer.start()
            try:
                for _ in range(5):
                    path = running.record(0.01)
                    running.hear("done")
                    done.add(path.name)
            except (AssertionError, BrokenPipeError):
                pass
            timer.join()
            running.process.wait()
        assert done <= {path.name for path in whole(folder)}
    with Running("faulty", folder) as running:
        running.ready()
    assert done <= {path.name for path in whole(folder)}
    assert [path.name for path in folder.glob("*/*.part")] == []


@pytest.mark.parametrize(
    "fault, kinds",
    [
        ("print", ["recording", "done"]),
        ("raise", ["recording", "failed"]),
        ("fail_reads", ["recording", "reading", "done"]),
        ("garbage", ["recording", None, None, None, "done"]),
        ("long_line", ["recording", None, "done"]),
    ],
)
def test_what_the_faulty_sensor_of_the_tests_says(fault: str, kinds: list[str | None], tmp_path: Path) -> None:
    with Running("faulty", tmp_path / "faulty", fault=fault) as running:
        running.ready()
        running.record(0.05)
        heard: list[str | None] = []
        while "done" not in heard and "failed" not in heard:
            try:
                heard.append(json.loads(running.line())["is"])
            except ValueError:
                heard.append(None)
        assert heard == kinds


def test_a_sensor_that_is_not_there_or_is_broken_is_refused_by_its_process(tmp_path: Path) -> None:
    with Running("fualty", tmp_path / "x") as running:
        assert running.ready()["why"] == "there is no sensor fualty; did you mean faulty?"
        assert running.ended() == 2
    with Running("broken", tmp_path / "x") as running:
        assert running.ready()["why"].startswith("broken.py cannot be imported: ModuleNotFoundError")
