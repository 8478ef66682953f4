"""Which slot of a job to run now, which is next, and how many are given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.scheduler.jobs import MissedPolicy

if TYPE_CHECKING:
    from kittiwake_components.scheduler.schedules import Schedule

MAX_COUNTED = 1000
"""Missed slots are counted so far and no further."""

MAX_CATCH_UP = 100
"""The most slots that are made up for, one after the other, under the policy ALL; older ones are given up."""


class Plan(NamedTuple):
    """The slot to run, or `None`; the one after it, or `None`; and how many slots are given up."""

    slot_us: int | None
    next_us: int | None
    missed: int


def plan(schedule: Schedule, first_us: int, now_us: int, policy: MissedPolicy, missed_after_us: int) -> Plan:
    """What becomes of the slots from `first_us`, which has come, to `now_us`.

    A slot counts as missed once it is later than `missed_after_us`, or another one has come after it.
    """
    due = _due_slots(schedule, first_us, now_us)
    if policy is MissedPolicy.ALL:
        given_up = max(0, len(due) - MAX_CATCH_UP)
        return Plan(due[given_up], schedule.after(due[given_up]), given_up)
    latest = due[-1]
    if policy is MissedPolicy.SKIP and now_us - latest > missed_after_us:
        return Plan(None, schedule.after(now_us), len(due))
    return Plan(latest, schedule.after(now_us), len(due) - 1)


def _due_slots(schedule: Schedule, first_us: int, now_us: int) -> list[int]:
    due = [first_us]
    while len(due) < MAX_COUNTED:
        following = schedule.after(due[-1])
        if following is None or following > now_us:
            break
        due.append(following)
    return due
