"""The run log that a procedure leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake_ground.client import RunLog

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake_ground.client import Deployment, Ground
    from tests.ground.client.scripted_deployment import ScriptedDeployment

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
RECEIVED = "CdhCore.cmdDisp.NoOpReceived"
DOWN = "ComCcsds.link.BytesDown"


def entries(log: RunLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_a_procedure_leaves_its_steps_commands_and_expectations(
    ground: Ground, station: Deployment, device: ScriptedDeployment, tmp_path: Path
) -> None:
    with ground.procedure("check out", tmp_path / "logs") as log:
        log.step("Is it there?")
        station.send(NO_OP)
        device.tell(DOWN, 7)
        station.expect(DOWN, 7, timeout_s=60)
        log.note("all well", volts=3.3)
    found = entries(log)
    assert [one["kind"] for one in found] == ["begin", "step", "command", "expectation", "note", "end"]
    assert [step["state"] for step in found[2]["life"]] == ["queued", "sent", "dispatched", "completed"]
    assert (found[3]["met"], found[3]["seen"], found[4]["volts"]) == (True, [7], 3.3)
    assert (found[0]["procedure"], found[0]["server"]) == ("check out", ground.url)
    assert (found[-1]["outcome"], log.outcome) == ("passed", "passed")
    times = [one["time"] for one in found]
    assert times == sorted(times)
    text = log.text_path.read_text().splitlines()
    assert len(text) == len(found)
    assert text[1].endswith("step         1. Is it there?")
    assert f"small: {NO_OP} completed (queued +0.000 s, sent +" in text[2]
    assert f"small: {DOWN}, wanted 7: met; seen: 7" in text[3]


def test_an_expectation_that_fails_ends_the_procedure_as_failed(
    ground: Ground, station: Deployment, tmp_path: Path
) -> None:
    with (
        pytest.raises(AssertionError, match="none came"),
        ground.procedure("fails", tmp_path) as log,
    ):
        station.expect(RECEIVED, timeout_s=0.1)
    expectation, end = entries(log)[1:]
    assert (expectation["met"], expectation["timeout_s"], end["outcome"]) == (False, 0.1, "failed")
    assert end["reason"].startswith(f"ExpectationFailed: {RECEIVED} did not come")
    assert "NOT met within 0.1 s; seen: nothing" in log.text_path.read_text()


def test_an_interrupted_procedure_is_aborted(ground: Ground, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ground.procedure("interrupted", tmp_path) as log:
        raise KeyboardInterrupt
    assert (log.outcome, entries(log)[-1]["outcome"]) == ("aborted", "aborted")


def test_each_entry_is_in_the_file_as_soon_as_it_happened(ground: Ground, tmp_path: Path) -> None:
    with ground.procedure("live", tmp_path) as log:
        log.step("one")
        assert [one["kind"] for one in entries(log)] == ["begin", "step"]


def test_logs_of_the_same_second_do_not_replace_each_other(ground: Ground, tmp_path: Path) -> None:
    logs = []
    for _ in range(3):
        with ground.procedure("again", tmp_path) as log:
            logs.append(log)
    assert len({log.path for log in logs}) == len(list(tmp_path.glob("*.jsonl"))) == 3


def test_one_procedure_at_a_time_and_none_before_or_after(ground: Ground, tmp_path: Path) -> None:
    with ground.procedure("outer", tmp_path) as log:
        with pytest.raises(RuntimeError, match="'outer' is under way"), ground.procedure("inner", tmp_path):
            pass
        log.note("goes on")
    with pytest.raises(ValueError, match="is not under way"):
        log.step("late")
    with pytest.raises(ValueError, match="a procedure's name"):
        ground.procedure("../x", tmp_path)


def test_a_very_long_entry_is_cut_and_stays_one_line(ground: Ground, tmp_path: Path) -> None:
    with ground.procedure("long", tmp_path) as log:
        log.note("line\nbreak " + "x" * 100_000, number=5)
    note = entries(log)[1]
    assert (note["cut"], note["number"]) == (True, 5)
    assert len(log.text_path.read_text().splitlines()) == 3
    assert log.path.stat().st_size < 50_000
