"""What a job is: its name, when it is due, what it runs, and what becomes of runs that were missed or cut off."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum
from kittiwake.named_tuple import NamedTuple

NAME_SIZE = 40
SCHEDULE_SIZE = 80
ZONE_SIZE = 40
EXPRESSION_SIZE = 200
RESULT_SIZE = 200


@wire_enum(U8, name="Components.JobAction")
class JobAction(IntEnum):
    """What a job runs."""

    COMMAND = 0
    """A command line of the deployment."""
    SEQUENCE = 1
    """A sequence file."""
    SERVICE = 2
    """A call of a service, `service.method(literals)`."""


@wire_enum(U8, name="Components.MissedPolicy")
class MissedPolicy(IntEnum):
    """What is done about slots that went by while the device slept, was held, or had another time."""

    ONCE = 0
    """The job runs once for all of them."""
    ALL = 1
    """It runs once for each of them, the oldest first."""
    SKIP = 2
    """It does not run for them."""
    DEFAULT = 3
    """As the parameter MISSED_POLICY says."""


@wire_enum(U8, name="Components.JobGuarantee")
class JobGuarantee(IntEnum):
    """What holds for a run that a restart cut off, or that failed."""

    AT_MOST_ONCE = 0
    """It is never begun a second time."""
    AT_LEAST_ONCE = 1
    """It is tried again until it succeeds or RETRY_MAX tries more have failed."""


class RunState(IntEnum):
    """How a run stands, as the database keeps it."""

    BEGUN = 0
    """The intent: written before the run, and left there by a restart in its midst."""
    OK = 1
    FAILED = 2
    RETRY = 3
    """It failed, and is tried again."""
    DEAD = 4
    """It failed for the last time."""


class Job(NamedTuple):
    """One job, as the database keeps it. Times are microseconds of the wall clock."""

    id: int
    name: str
    schedule: str
    zone: str
    action: JobAction
    expression: str
    missed: MissedPolicy
    guarantee: JobGuarantee
    enabled: bool
    relative: bool
    made_us: int
    next_us: int | None


class Run(NamedTuple):
    """One run that was begun: for which slot of its job, and the how manieth try it is, from 1."""

    id: int
    job_id: int
    slot_us: int
    attempt: int
