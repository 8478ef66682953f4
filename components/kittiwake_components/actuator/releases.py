"""What tasks have written, and what is to be reverted when they lose the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.actuator.device_calls import Answer, Then
    from kittiwake_components.actuator.point_paths import Point
    from kittiwake_components.actuator.reports import ActuatorReports
    from kittiwake_components.actuator.schedule_book import Holder

MAX_WRITTEN = 10_000
"""The most points that are kept in mind as written."""

RETRY_S = 30
MAX_TRIES = 20


class _Written(NamedTuple):
    """Who has written a point, and whether it is to be reverted in the end."""

    task: str
    reverts: bool


class _Due:
    """A point that is to be reverted now; `tries` counts the attempts that failed."""

    def __init__(self, task: str) -> None:
        self.task = task
        self.tries = 0
        self.next_ns = 0
        self.is_under_way = False


class Releases:
    """The points that were written in slots, by device, and those that wait to be reverted.

    `revert` sends a revert of a point's path; `settled` writes down that points are owed no longer. While writing
    `is_suspended`, what fails is tried again, and neither counted nor reported.
    """

    def __init__(
        self, reports: ActuatorReports, revert: Callable[[str, Then], None], settled: Callable[[list[str]], None],
        is_suspended: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._reports = reports
        self._revert = revert
        self._settled = settled
        self._is_suspended = is_suspended
        self._written: dict[str, dict[str, _Written]] = {}
        self._due: dict[str, _Due] = {}
        self._count = 0

    def owed(self) -> dict[str, str]:
        """The points that a restart must not forget, with their tasks."""
        found = {path: due.task for path, due in self._due.items()}
        for paths in self._written.values():
            found.update({path: written.task for path, written in paths.items() if written.reverts})
        return found

    def close(self) -> None:
        """Sends no more; what is owed stays so in the file."""
        self._due.clear()

    def is_full(self) -> bool:
        """Whether no more points can be kept in mind."""
        return self._count + len(self._due) >= MAX_WRITTEN

    def is_known(self, point: Point, task: str, reverts: bool) -> bool:
        """Whether it is written down already that a task writes a point."""
        return self._written.get(point.device, {}).get(point.path) == (task, reverts)

    def was_owed(self, point: Point) -> bool:
        """Whether somebody's write of that point is still to be reverted."""
        written = self._written.get(point.device, {}).get(point.path)
        return point.path in self._due or (written is not None and written.reverts)

    def note(self, point: Point, task: str, reverts: bool) -> None:
        """A task writes a point; what somebody else owed for it is that task's now."""
        self._due.pop(point.path, None)
        paths = self._written.setdefault(point.device, {})
        self._count += point.path not in paths
        paths[point.path] = _Written(task, reverts)

    def restore(self, owed: dict[str, str], holder_of: Callable[[str], Holder | None]) -> None:
        """Takes over what was kept: a task that still holds the device goes on, any other has lost it."""
        for path, task in owed.items():
            device = path.rpartition("/")[0]
            holder = holder_of(device)
            if holder is not None and holder.task == task:
                self._written.setdefault(device, {})[path] = _Written(task, True)
                self._count += 1
            else:
                self._due[path] = _Due(task)

    def settle(self, holder_of: Callable[[str], Holder | None]) -> None:
        """Finds who has lost a device on which it has written."""
        for device, paths in list(self._written.items()):
            holder = holder_of(device)
            lost = [path for path, written in paths.items() if holder is None or holder.task != written.task]
            for path in lost:
                self._lose(device, path, always=False)

    def lose_all(self) -> None:
        """All that was written is to be reverted, whatever its tasks wish."""
        for device, paths in list(self._written.items()):
            for path in list(paths):
                self._lose(device, path, always=True)

    def _lose(self, device: str, path: str, *, always: bool) -> None:
        written = self._written[device].pop(path)
        self._count -= 1
        if not self._written[device]:
            del self._written[device]
        if written.reverts or always:
            self._due[path] = _Due(written.task)

    def drive(self, now_ns: int) -> None:
        """Sends the reverts that are due."""
        for path, due in list(self._due.items()):
            if not due.is_under_way and due.next_ns <= now_ns:
                due.is_under_way = True
                due.next_ns = now_ns + RETRY_S * NS_PER_S
                self._send(path, due)

    def _send(self, path: str, due: _Due) -> None:
        self._revert(path, lambda answer: self._answered(path, due, answer))

    def _answered(self, path: str, due: _Due, answer: Answer) -> None:
        due.is_under_way = False
        if self._due.get(path) is not due:
            return  # somebody else has written it meanwhile
        if answer.fault is None:
            self._reports.point_released(path, due.task)
        elif self._is_suspended():
            return  # a driver may let nothing be written now, and release all by itself
        else:
            due.tries += 1
            if due.tries < MAX_TRIES:
                self._reports.release_failed(path, due.task, f"{answer.fault.type}: {answer.fault.value}")
                return
            self._reports.release_given_up(path, due.task, due.tries)
        del self._due[path]
        self._settled([path])
