"""What was written, with which priority and until when: noted before it is written, so that a crash leaves nothing on.

A point with a lease is *dirty*: its readings are what was written, and its clean value is the one before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.platform_driver.registry_store import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.platform_driver.registry_store import RegistryStore

MAX_LEASES = 10_000

Key = tuple[str, int]
"""A point's id, and a priority."""


class LeaseBook:
    """The leases, as in the store. Those that are *due* are to be released: `on_due` is told the points concerned."""

    def __init__(self, store: RegistryStore, clock: TaskClock, on_due: Callable[[set[str]], None]) -> None:
        self._store = store
        self._clock = clock
        self._on_due = on_due
        self._leases: dict[str, dict[int, Lease]] = {}
        self._timers: dict[Key, Timer] = {}
        self._ends_ns: dict[Key, int] = {}
        self._due: set[Key] = set()
        for lease in store.leases():
            self._leases.setdefault(lease.point_id, {})[lease.priority] = lease
            self._due.add((lease.point_id, lease.priority))

    def __len__(self) -> int:
        return sum([len(held) for held in self._leases.values()])

    def held(self, point_id: str) -> dict[int, Lease]:
        """The leases of a point by priority."""
        return self._leases.get(point_id, {})

    def is_dirty(self, point_id: str) -> bool:
        """Whether something that was written to a point is in force."""
        return point_id in self._leases

    def clean_json(self, point_id: str) -> str | None:
        """The value that a dirty point had before."""
        return next((lease.clean_json for lease in self.held(point_id).values()), None)

    def due(self, point_id: str) -> list[int]:
        """The priorities of a point that are to be released."""
        return sorted([priority for id, priority in self._due if id == point_id])

    def dirty_points(self) -> set[str]:
        """The points with leases."""
        return set(self._leases)

    def due_points(self) -> set[str]:
        """The points with something to release."""
        return {point_id for point_id, _ in self._due}

    def note(self, lease: Lease, length_s: float) -> Callable[[], None]:
        """Notes a lease before it is written, for `length_s` from now (0: without end). Raises `OSError`.

        What it returns puts back what was there before, for a write that was refused; it raises `OSError` too.
        """
        key = lease.point_id, lease.priority
        before, before_end_ns = self.held(lease.point_id).get(lease.priority), self._ends_ns.get(key)
        self._put(lease, self._clock.now_ns() + round(length_s * NS_PER_S) if length_s else None)

        def put_back() -> None:
            if self.held(lease.point_id).get(lease.priority) is not lease:
                return  # something else was written since
            if before is None:
                self.drop(*key)
            else:
                self._put(before, before_end_ns)

        return put_back

    def _put(self, lease: Lease, end_ns: int | None) -> None:
        self._store.put_lease(lease)
        key = lease.point_id, lease.priority
        self._leases.setdefault(lease.point_id, {})[lease.priority] = lease
        self._due.discard(key)
        self._stop_timer(key)
        if end_ns is not None:
            self._ends_ns[key] = end_ns
            self._timers[key] = self._clock.call_at(end_ns, self._expired, key)

    def drop(self, point_id: str, priority: int) -> None:
        """Forgets a lease, because it was released or never written. Raises `OSError`."""
        self._store.drop_lease(point_id, priority)
        self.forget_key((point_id, priority))

    def forget(self, point_id: str) -> None:
        """Forgets the leases of a point that is no more in the store."""
        for priority in list(self.held(point_id)):
            self.forget_key((point_id, priority))

    def forget_key(self, key: Key) -> None:
        """Forgets one lease that is no more in the store."""
        point_id, priority = key
        held = self._leases.get(point_id, {})
        held.pop(priority, None)
        if not held:
            self._leases.pop(point_id, None)
        self._due.discard(key)
        self._stop_timer(key)

    def make_due(self, point_ids: set[str] | None = None) -> None:
        """Has the leases of some points, or of all, released."""
        found = {
            (point_id, priority)
            for point_id in (self._leases if point_ids is None else point_ids)
            for priority in self.held(point_id)
        }
        self._due |= found
        if found:
            self._on_due({point_id for point_id, _ in found})

    def _expired(self, key: Key) -> None:
        self._timers.pop(key, None)
        self._due.add(key)
        self._on_due({key[0]})

    def _stop_timer(self, key: Key) -> None:
        self._ends_ns.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Stops the timers; the leases stay in the store."""
        for key in list(self._timers):
            self._stop_timer(key)
