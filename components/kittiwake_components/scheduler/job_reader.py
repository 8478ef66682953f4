"""Reads what jobs say: their schedules, and whether what they run is there to be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.daily_window import find_zone
from kittiwake_components.ports.service import parse_call
from kittiwake_components.scheduler.jobs import JobAction
from kittiwake_components.scheduler.schedules import parse_schedule

if TYPE_CHECKING:
    from kittiwake.storage.root import Root
    from kittiwake_components.expressions import Expressions
    from kittiwake_components.scheduler.jobs import Job
    from kittiwake_components.scheduler.schedules import Schedule

MAX_KEPT = 256
"""So many schedules are kept, so that those of busy jobs are not read each time."""


class JobReader:
    """Reads jobs against the deployment's instances, its root and the names of its services."""

    def __init__(self, expressions: Expressions, root: Root) -> None:
        self._expressions = expressions
        self._root = root
        self._kept: dict[tuple[str, str, int], Schedule] = {}

    def schedule_of(self, job: Job, anchor_us: int) -> Schedule:
        """A job's schedule; one of elapsed time counts from `anchor_us`."""
        key = (job.schedule, job.zone, anchor_us if job.relative else 0)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            found = self._kept[key] = parse_schedule(job.schedule, find_zone(job.zone), anchor_us)
        return found

    def checked(self, name: str, schedule: str, zone: str, action: JobAction, expression: str, now_us: int) -> Schedule:
        """The schedule of a job that makes sense. Raises `ValueError` that says what does not."""
        if not name or not name.isprintable():
            raise ValueError("a job has a name")
        times = parse_schedule(schedule, find_zone(zone), now_us)
        if action is JobAction.COMMAND:
            self._expressions.packet_of(expression)
        elif action is JobAction.SEQUENCE:
            try:
                self._root.resolve(expression)
            except OSError as fault:
                raise ValueError(str(fault)) from None
        else:
            self._expressions.service_index(parse_call(expression)[0])
        return times
