"""A step of a run counts as done only when the deployment has said so."""

from __future__ import annotations

import asyncio

import pytest

from kittiwake.sequence.timeline import Step
from kittiwake_ground.dashboard.run_steps import offset_text, step_states
from kittiwake_ground.dashboard.sequence_runs import run_html
from kittiwake_ground.server.sequences import SequenceRun


def a_run(state: str, answered: int, failed: tuple[int, ...] = ()) -> SequenceRun:
    async def make() -> SequenceRun:
        steps = tuple(Step(number, 0, 0, False, "R00:00:00", f"core.<{number}>") for number in range(3))
        run = SequenceRun(1, "core.sequencer", "/x<y>.bin", "ada", steps)
        run.step, run.failed_steps = answered, list(failed)
        run.enter(state)
        return run

    return asyncio.run(make())


@pytest.mark.parametrize(
    "run, states",
    [
        (a_run("requested", 0), ["waiting", "waiting", "waiting"]),
        (a_run("loaded", 0), ["current", "waiting", "waiting"]),
        (a_run("running", 1), ["done", "current", "waiting"]),
        (a_run("running", 2, (1,)), ["done", "failed", "current"]),
        (a_run("failed", 2, (1,)), ["done", "failed", "not run"]),
        (a_run("cancelled", 1), ["done", "not run", "not run"]),
        (a_run("completed", 3), ["done", "done", "done"]),
        (a_run("completed", 2), ["done", "done", "not told"]),
    ],
)
def test_states_are_what_was_told(run: SequenceRun, states: list[str]) -> None:
    assert step_states(run) == states


def test_what_comes_from_outside_is_escaped() -> None:
    shown = run_html(a_run("running", 1))
    assert "<y>" not in shown
    assert "core.<wbr>&lt;1&gt;" in shown


@pytest.mark.parametrize(
    "offset_us, text",
    [(0, "+00:00:00"), (65_000_000, "+00:01:05"), (1_250_000, "+00:00:01.25"), (360_000_000_000, "+100:00:00")],
)
def test_offsets_are_read_as_clocks(offset_us: int, text: str) -> None:
    assert offset_text(offset_us) == text
