"""What the actuator must still know after a restart: a journal of changes, made anew when it has grown.

A record is a JSON object of what a request, a cancellation or a write has changed, so that it costs as much as that,
and not as much as all that is scheduled:

    tasks    [id, owner, priority, reverts, preempted, hull, [device, start, end, offset, offset] ...], new or cut
    gone     ids of tasks that are no more
    owed     path of a written point -> task that is to revert it
    settled  paths that are owed no longer

Times are microseconds since the epoch, offsets seconds.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.finding import Finding, copy_aside
from kittiwake.storage.journal import Journal, JournalFull
from kittiwake_components.actuator.device_calls import packed, unpacked
from kittiwake_components.actuator.tasks import Slot, Task
from kittiwake_components.actuator.wire_types import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kittiwake.platform.interface import Files

VERSION = 1
RECORD_LIMIT = 8 << 20
SIZE_LIMIT = 256 << 20
COMPACT_FROM = 1 << 20
GROWTH = 4
STALE_ALLOWED = 1000
TASKS_A_RECORD = 100


class Kept:
    """What is kept: tasks by id, and the points that are to be reverted, with their tasks."""

    def __init__(self, tasks: dict[str, Task], owed: dict[str, str]) -> None:
        self.tasks = tasks
        self.owed = owed


class Change:
    """What changes, to be written down before it is done."""

    def __init__(
        self, *, tasks: Iterable[Task] = (), gone: Iterable[str] = (), owed: dict[str, str] | None = None,
        settled: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.tasks = list(tasks)
        self.gone = list(gone)
        self.owed = owed or {}
        self.settled = list(settled)

    def packed(self) -> bytes:
        """The record."""
        rows = [_row(task) for task in self.tasks]
        members = {"tasks": rows, "gone": self.gone, "owed": self.owed, "settled": self.settled}
        return packed({name: value for name, value in members.items() if value})


class StateFile:
    """The journal at `path`. `everything` gives what is to be kept when it is made anew."""

    def __init__(self, files: Files, path: str, everything: Callable[[], Kept]) -> None:
        self._files = files
        self._path = path
        self._everything = everything
        self._journal = Journal(files, path, VERSION, record_limit=RECORD_LIMIT, size_limit=SIZE_LIMIT)
        self._compact_at = COMPACT_FROM

    def open(self) -> tuple[Kept, list[Finding]]:
        """Opens it, made if absent; what was kept, and what was wrong. Raises `OSError`."""
        make_folders_durably(self._files, posixpath.dirname(self._path))
        findings = list(self._journal.open())
        kept = Kept({}, {})
        number = 0
        for number, record in enumerate(self._journal.records(), 1):
            try:
                _apply(kept, unpacked(record))
            except (ValueError, TypeError, KeyError) as fault:
                reason = f"its record {number} is none of ours: {type(fault).__name__}; what stands before it is kept"
                findings.append(copy_aside(self._files, self._path, reason))
                self._compact(kept)
                return kept, findings
        self._compact_at = max(COMPACT_FROM, GROWTH * self._journal.size)
        if number > 2 * len(kept.tasks) + STALE_ALLOWED:
            self._compact(kept)
        return kept, findings

    def append(self, change: Change) -> None:
        """Writes a change down, durable on return. Raises `OSError` or `ValueError`: it then counts as not written."""
        record = change.packed()
        if self._journal.size + len(record) > self._compact_at:
            self._compact(self._everything())
        try:
            self._journal.append(record)
        except JournalFull:
            self._compact(self._everything())
            self._journal.append(record)

    def _compact(self, kept: Kept) -> None:
        self._journal.compact(_records(kept))
        self._compact_at = max(COMPACT_FROM, GROWTH * self._journal.size)

    def close(self) -> None:
        """Closes it; a second close does nothing."""
        self._journal.close()


def _records(kept: Kept) -> Iterator[bytes]:
    waiting: list[Task] = []
    slots = 0
    for task in kept.tasks.values():
        waiting.append(task)
        slots += len(task.slots)
        if len(waiting) >= TASKS_A_RECORD or slots >= TASKS_A_RECORD:
            yield Change(tasks=waiting).packed()
            waiting, slots = [], 0
    if waiting or kept.owed:
        yield Change(tasks=waiting, owed=kept.owed).packed()


def _row(task: Task) -> list[Any]:
    hull = [task.hull_start_us, task.hull_end_us]
    return [task.id, task.owner, task.priority.name, task.reverts, task.preempted, hull, *map(list, task.slots)]


def _task(row: list[Any]) -> Task:
    id, owner, priority, reverts, preempted, (hull_start, hull_end), *slots = row
    made = [Slot(str(device), *map(int, times)) for device, *times in slots]
    return Task(
        str(id), str(owner), Priority[priority], made, preempted=bool(preempted), reverts=bool(reverts),
        hull=(int(hull_start), int(hull_end)),
    )  # fmt: skip


def _apply(kept: Kept, record: Any) -> None:
    if not isinstance(record, dict):
        raise TypeError("an object is wanted")
    tasks = [_task(row) for row in record.get("tasks", ())]
    for id in [*[task.id for task in tasks], *record.get("gone", ())]:
        kept.tasks.pop(id, None)
    kept.tasks.update({task.id: task for task in tasks})
    kept.owed.update(record.get("owed", {}))
    for path in record.get("settled", ()):
        kept.owed.pop(path, None)
