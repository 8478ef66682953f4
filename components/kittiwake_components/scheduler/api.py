"""The methods by which a supervisor outside asks for jobs and says what became of them (RustiqIOT's names)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.daily_window import epoch_us, local_time
from kittiwake_components.ports.service import ServiceFault, arguments_of, succeeded
from kittiwake_components.scheduler.jobs import RESULT_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.scheduler.jobs import Job

MAX_JOBS_LISTED = 100


class SchedulerApi:
    """Calls of a scheduler's methods by name: `waiting` and `committed` are the scheduler's own."""

    def __init__(
        self, waiting: Callable[[int], list[Job]], committed: Callable[[int, int, bool, str], None]
    ) -> None:  # fmt: skip
        self._waiting = waiting
        self._committed = committed
        self._methods: dict[str, Callable[..., Any]] = {
            "get_next_execution_time_for_all_jobs": self._next_times,
            "commit_job_execution": self._commit,
        }

    def call(self, method: str, arguments: bytes) -> bytes:
        """The reply of a method. Raises `ServiceFault`, and `OSError` where the database fails."""
        found = self._methods.get(method)
        if found is None:
            raise ServiceFault(f"the scheduler has no method {method}: {', '.join(self._methods)}")
        given = arguments_of(arguments)
        try:
            return succeeded(found(*given))
        except TypeError:
            raise ServiceFault(f"{method} does not take {len(given)} such arguments") from None

    def _next_times(self) -> list[dict[str, Any]]:
        """Each job with its next time, the next one first: at most 100."""
        from datetime import UTC

        return [
            {
                "job_id": job.id,
                "name": job.name,
                "next_execution_time": local_time(job.next_us or 0, UTC).isoformat(),
                "executed_expression": job.expression,
            }
            for job in self._waiting(MAX_JOBS_LISTED)
        ]

    def _commit(self, job_id: int, time: str, is_error: int, result: Any = "") -> bool:
        """A job was run: when (ISO 8601 with an offset), whether it failed, and what came of it."""
        from datetime import datetime

        if type(job_id) is not int or is_error not in (0, 1):
            raise ServiceFault("a job is committed with its number, a time, 0 or 1, and a result")
        try:
            moment = datetime.fromisoformat(time)
        except (TypeError, ValueError):
            raise ServiceFault(f"{time!r} is no ISO 8601 time") from None
        if moment.tzinfo is None:
            raise ServiceFault(f"{time} has no offset; one such as +00:00 or Z is wanted")
        self._committed(job_id, epoch_us(moment), bool(is_error), str(result)[:RESULT_SIZE])
        return True
