"""The actuator's next request, among 100 to 100,000 tasks: read, decided, entered, and written down without its fsync.

The reference is the same decision by a linear scan, as the original makes it: every slot of every task is held against
every slot of the request, and then the task is appended to a list. It reads no times, writes nothing down and keeps no
order; what the original pickles after each request is left out as well. The tasks have two slots each, on twenty
devices; the request has two as well and conflicts with none. A figure of its own is the record with its fsync, beside
a bare write and fsync of as many bytes, first one and then the other by turns.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import Figure, dearer, faster, seconds_of
from kittiwake.platform.system_files import SystemFiles
from kittiwake.storage.journal import Journal
from kittiwake_components.actuator.requests import Request, read_request
from kittiwake_components.actuator.schedule_book import Plan, ScheduleBook
from kittiwake_components.actuator.state_file import RECORD_LIMIT, SIZE_LIMIT, VERSION, Change
from kittiwake_components.actuator.tasks import Slot, Task
from kittiwake_components.actuator.times import NaivePolicy, TimeReader
from kittiwake_components.actuator.wire_types import Priority
from kittiwake_components.daily_window import find_zone

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100, 1_000, 10_000, 100_000)
BUDGETS = {100: 0.05, 1_000: 0.5, 10_000: 5.0, 100_000: 50.0}
"""The linear scan over ours, at each size."""

DEVICES = 20
REQUESTS = 50
ROUNDS = 7
NOW_US = 1_767_225_600_000_000
MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
GRACE_US = MINUTE_US


def tasks_of(count: int) -> list[Task]:
    """So many tasks, each with two slots on two devices, in the days ahead."""
    made = []
    for number in range(count):
        start_us = NOW_US + DAY_US + (number // DEVICES) * 10 * MINUTE_US
        slots = []
        for offset in (0, 1):
            begin_us = start_us + offset * 5 * MINUTE_US
            slots.append(Slot(f"campus/b1/ahu{(number + offset) % DEVICES}", begin_us, begin_us + 4 * MINUTE_US))
        made.append(Task(f"task {number}", "agent", Priority.LOW, slots))
    return made


def request_of(number: int) -> Request:
    """A request in the gap that every tenth minute has."""
    from datetime import UTC, datetime, timedelta

    start = datetime.fromtimestamp(NOW_US / 1e6, UTC) + timedelta(days=1, minutes=10 * number + 9, seconds=1)
    end = start + timedelta(seconds=50)
    slots = [[f"campus/b1/ahu{number % DEVICES}", str(start), str(end)] for number in (number, number + 1)]
    return Request("agent", f"new {number}", "HIGH", slots)


class Indexed:
    """What the component does for a request, but for its events and messages."""

    def __init__(self, count: int, journal: Journal) -> None:
        self.book = ScheduleBook(GRACE_US)
        self.book.restore(tasks_of(count), NOW_US)
        self._journal = journal

    def request(self, request: Request) -> str:
        """Accepts a request; its task."""
        reader = TimeReader(NaivePolicy.UTC, find_zone("UTC"), NOW_US)
        wanted = read_request(request, reader, self.book.is_taken)
        plan = self.book.plan(wanted.requester, wanted.task, wanted.priority, wanted.slots, NOW_US)
        assert isinstance(plan, Plan)
        assert plan.task is not None
        self._journal.append(Change(tasks=[plan.task]).packed(), sync=False)
        self.book.carry_out(plan)
        return wanted.task

    def forget(self, task: str) -> None:
        """Takes it out again."""
        self.book.remove(task)


class Linear:
    """The decision alone, by looking at everything."""

    def __init__(self, count: int) -> None:
        self.tasks = tasks_of(count)

    def request(self, task: Task) -> str:
        """Accepts a request; its task."""
        for other in self.tasks:
            assert other.id != task.id
            for theirs in other.slots:
                for ours in task.slots:
                    if ours.device == theirs.device:
                        assert not (ours.start_us < theirs.end_us and theirs.start_us < ours.end_us)
        self.tasks.append(task)
        return task.id

    def forget(self, _: str) -> None:
        """Takes the last one out again."""
        self.tasks.pop()


def _us_each(request: Callable[[Any], str], forget: Callable[[str], None], wanted: list[Any]) -> float:
    """The median: a request takes microseconds, and whoever else has the processor takes milliseconds."""
    spent = []
    for one in wanted:
        began = time.perf_counter()
        task = request(one)
        spent.append(time.perf_counter() - began)
        forget(task)
    return statistics.median(spent) * 1e6


def _pairs(indexed: Indexed, linear: Linear, requests: list[Request]) -> list[tuple[float, float]]:
    reader = TimeReader(NaivePolicy.UTC, find_zone("UTC"), NOW_US)
    read = [read_request(request, reader, lambda task: False) for request in requests]
    tasks = [Task(one.task, one.requester, one.priority, one.slots) for one in read]
    few = tasks[: max(2, REQUESTS * 1_000 // len(linear.tasks))][:REQUESTS]
    _us_each(indexed.request, indexed.forget, requests)
    return [
        (_us_each(indexed.request, indexed.forget, requests), _us_each(linear.request, linear.forget, few))
        for _ in range(ROUNDS)
    ]


def _growth(few: Indexed, many: Indexed, requests: list[Request]) -> list[tuple[float, float]]:
    return [
        (_us_each(many.request, many.forget, requests), _us_each(few.request, few.forget, requests))
        for _ in range(ROUNDS * 3)
    ]


def _fsync_pairs(journal: Journal, path: Path) -> list[tuple[float, float]]:
    record = Change(tasks=tasks_of(1)).packed()
    pairs = []
    with path.open("wb", buffering=0) as plain:

        def bare() -> None:
            plain.write(record)
            os.fsync(plain.fileno())

        for number in range(ROUNDS * 6):
            # The file system may settle both with one: neither comes first always.
            if number % 2:
                theirs = seconds_of(bare)
                ours = seconds_of(lambda: journal.append(record))
            else:
                ours = seconds_of(lambda: journal.append(record))
                theirs = seconds_of(bare)
            pairs.append((ours * 1e6, theirs * 1e6))
    return pairs


def figures() -> list[Figure]:
    """The next request at each size, how it grows, and what its fsync costs."""
    requests = [request_of(number) for number in range(REQUESTS)]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "actuator.journal"
        journal = Journal(SystemFiles(), str(path), VERSION, record_limit=RECORD_LIMIT, size_limit=SIZE_LIMIT)
        journal.open()
        books = {size: Indexed(size, journal) for size in SIZES}
        gc.freeze()  # as a deployment does once it is up
        for size, book in books.items():
            pairs = _pairs(book, Linear(size), requests)
            name, budget = f"actuator request among {size:,} tasks", BUDGETS[size]
            found.append(faster(name, pairs, "us", budget, 2 * budget))
        growth = _growth(books[SIZES[0]], books[SIZES[-1]], requests)
        found.append(dearer("actuator request, a thousand times the tasks", growth, "us", 3, 2))
        found.append(
            dearer("actuator record with its fsync", _fsync_pairs(journal, Path(folder) / "plain"), "us", 2.5, 1.5)
        )
        journal.close()
        gc.unfreeze()
    return found
