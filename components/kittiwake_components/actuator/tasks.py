"""Tasks, and the slots in which they use devices. Times are microseconds since the Unix epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.int_enum import IntEnum
from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_components.actuator.wire_types import Priority


class TaskState(IntEnum):
    """How a task stands; a function of time."""

    PRE_RUN = 0
    RUNNING = 1
    PREEMPTED = 2
    FINISHED = 3


class Slot(NamedTuple):
    """The use of a device from `start_us` to before `end_us`; the offsets are those in which the times were given."""

    device: str
    start_us: int
    end_us: int
    start_offset_s: int = 0
    end_offset_s: int = 0


class Task:
    """A task that was accepted. `hull_start_us` to `hull_end_us` is its whole time, gaps included.

    `slots` are those that are not over. `reverts` says that what was written in a slot is reverted at its end;
    `has_started` is kept by the book.
    """

    __slots__ = (
        "has_started", "hull_end_us", "hull_start_us", "id", "owner", "preempted", "priority", "reverts", "slots",
    )  # fmt: skip

    def __init__(
        self, id: str, owner: str, priority: Priority, slots: Iterable[Slot], *, preempted: bool = False,
        reverts: bool = False, hull: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        self.id = id
        self.owner = owner
        self.priority = priority
        self.slots = dict.fromkeys(slots)
        self.preempted = preempted
        self.reverts = reverts
        self.hull_start_us, self.hull_end_us = hull or (
            min([slot.start_us for slot in self.slots]), max([slot.end_us for slot in self.slots])
        )  # fmt: skip
        self.has_started = preempted

    def state(self, now_us: int) -> TaskState:
        """How it stands."""
        if now_us >= self.hull_end_us:
            return TaskState.FINISHED
        if self.preempted:
            return TaskState.PREEMPTED
        return TaskState.RUNNING if now_us >= self.hull_start_us else TaskState.PRE_RUN

    def cut(self, now_us: int, grace_us: int) -> Task | None:
        """What preemption leaves: the open slots, with no more than the grace time; `None` without an open slot."""
        cut_us = now_us + grace_us
        opened = [slot for slot in self.slots if slot.start_us <= now_us < slot.end_us]
        left = [slot._replace(end_us=min(slot.end_us, cut_us)) for slot in opened]
        if not left or cut_us <= now_us:
            return None
        hull = now_us, cut_us
        return Task(self.id, self.owner, self.priority, left, preempted=True, reverts=self.reverts, hull=hull)


def shown(slot: Slot) -> list[Any]:
    """A slot as reports show it: `str` of the datetimes, in the offsets in which they were given."""
    return [slot.device, _text(slot.start_us, slot.start_offset_s), _text(slot.end_us, slot.end_offset_s)]


def _text(time_us: int, offset_s: int) -> str:
    from datetime import timedelta, timezone

    from kittiwake_components.daily_window import local_time

    return str(local_time(time_us, timezone(timedelta(seconds=offset_s))))
