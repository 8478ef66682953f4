"""The runs that are under way, by the token that comes back with their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from kittiwake_components.scheduler.jobs import Job, Run

TOKEN_MAX = 0xFFFFFFFF


class LiveRun(NamedTuple):
    """A run under way; without a deadline it may take as long as it takes."""

    job: Job
    run: Run
    deadline_ns: int | None


class LiveRuns:
    """Runs by token. Tokens are not given twice, so that no late answer is taken for that of another run."""

    def __init__(self) -> None:
        self._by_token: dict[int, LiveRun] = {}
        self._token = 0

    def __len__(self) -> int:
        return len(self._by_token)

    def add(self, job: Job, run: Run, deadline_ns: int | None) -> int:
        """Takes note of a run, and gives its token."""
        self._token = self._token % TOKEN_MAX + 1
        self._by_token[self._token] = LiveRun(job, run, deadline_ns)
        return self._token

    def take(self, token: int) -> LiveRun | None:
        """The run that a token stands for, which is under way no more; `None` for one that is not known."""
        return self._by_token.pop(token, None)

    def forget_job(self, job_id: int) -> None:
        """Forgets the runs of a job."""
        for token in [token for token, live in self._by_token.items() if live.job.id == job_id]:
            del self._by_token[token]

    def late(self, now_ns: int) -> list[int]:
        """The tokens of the runs whose deadline has passed."""
        return [
            token
            for token, live in self._by_token.items()
            if live.deadline_ns is not None and now_ns >= live.deadline_ns
        ]
