"""A scheduler under test: jobs are added, cycles go by, and what it sends is answered."""

from __future__ import annotations

from typing import Any

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import WALL_START_NS
from kittiwake.testing import ComponentTester
from kittiwake.wire.packets import parse_command
from kittiwake_components import Scheduler
from kittiwake_components.scheduler.jobs import JobAction, JobGuarantee, MissedPolicy

OK, BUSY, INVALID = CommandResponse.OK, CommandResponse.BUSY, CommandResponse.VALIDATION_ERROR
FAILED = CommandResponse.EXECUTION_ERROR
HOUR_S, DAY_S = 3600, 86400
US = 1_000_000
START_US = WALL_START_NS // 1000
PRUNE = "tested.LOG_PRUNE 5"
"""A command line that the tester's one instance takes."""


def scheduler(**options: Any) -> ComponentTester[Scheduler]:
    settings = {"services": ["monitoring"], **options.pop("settings", {})}
    return ComponentTester(Scheduler, settings=settings, **options)


def add(
    tester: ComponentTester[Scheduler], name: str, schedule: str, expression: str = PRUNE, zone: str = "",
    action: JobAction = JobAction.COMMAND, missed: MissedPolicy = MissedPolicy.DEFAULT,
    guarantee: JobGuarantee = JobGuarantee.AT_LEAST_ONCE,
) -> CommandResponse | None:  # fmt: skip
    return tester.send("JOB_ADD", name, schedule, zone, action, expression, missed, guarantee).response


def cycles(tester: ComponentTester[Scheduler], seconds: int, answer: CommandResponse | None = OK) -> int:
    """So many cycles of a second; commands sent in them are answered at once. How many commands that were."""
    sent = 0
    for _ in range(seconds):
        tester.advance(1)
        tester.call.run(0)
        sent += answer_all(tester, answer)
    return sent


def answer_all(tester: ComponentTester[Scheduler], answer: CommandResponse | None) -> int:
    calls = list(tester.ports.com_cmd_out)
    tester.ports.com_cmd_out.clear()
    for packet, token in calls:
        if answer is not None:
            tester.call.cmd_response_in(parse_command(packet)[0], token, answer)
    return len(calls)


def rows(tester: ComponentTester[Scheduler], what: str = "slot_us, attempt, state") -> list[tuple[Any, ...]]:
    store: Any = tester.component._store
    found: list[tuple[Any, ...]] = store._database.rows(f"SELECT {what} FROM run ORDER BY id")
    return found
