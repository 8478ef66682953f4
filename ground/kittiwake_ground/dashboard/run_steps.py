"""How far each step of a sequence's run has come, as far as the deployment's events tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake_ground.server.sequences import SequenceRun

DONE, STEP_FAILED, CURRENT, WAITING, NOT_RUN, UNTOLD = "done", "failed", "current", "waiting", "not run", "not told"


def step_states(run: SequenceRun) -> list[str]:
    """The state of every step.

    A step counts as done only when its answer came. The run's end leaves the others "not run", except where the
    deployment says that the sequence completed: then an answer was lost, and the step is "not told".
    """
    return [_state(run, number) for number in range(run.total)]


def _state(run: SequenceRun, number: int) -> str:
    if number in run.failed_steps:
        return STEP_FAILED
    if number < run.step:
        return DONE
    if run.state == "completed":
        return UNTOLD
    if run.is_final:
        return NOT_RUN
    return CURRENT if number == run.step and run.state in ("loaded", "running") else WAITING


def offset_text(offset_us: int) -> str:
    """A time from the start of a sequence: `+00:01:05`, with tenths of a second where there are any."""
    seconds, rest = divmod(offset_us, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    return f"+{hours:02}:{minutes:02}:{seconds:02}{fraction}"
