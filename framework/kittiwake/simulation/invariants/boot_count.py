"""The boot count grows with each start, and never by more than there were starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.simulation.invariants.base import Invariant

if TYPE_CHECKING:
    from kittiwake.simulation.witness import SeenEvent


class _Counted(NamedTuple):
    """What a manager counted last in a life."""

    boots: int
    life: int


UNSAVED = ("BootCountUnread", "BootCountUpdateFailure")


class BootCount(Invariant):
    """Looks at what each StartupManager counts. One that knows no count, as it can read nothing, shows 0.

    A count that rests on one of two files may still rise in a life, once the other can be read. A start of which the
    manager has said, with the disk in trouble, that it could not be saved may be lost; those before it count.
    """

    name = "boot_count_monotone"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._saved: dict[str, int] = {}
        self._before: dict[str, _Counted] = {}
        self._now: dict[str, _Counted] = {}

    def begun(self) -> None:
        for name, counted in self._now.items():
            if name not in self._unsaved:
                self._saved[name] = counted.boots
        self._before.update(self._now)
        self._now.clear()
        self._unsaved: set[str] = set()
        self._begun_ns = self.view.now_ns

    def saw_event(self, event: SeenEvent) -> None:
        if event.label in UNSAVED and self.view.disk_trouble_ns >= self._begun_ns:
            self._unsaved.add(event.instance)

    def turn(self) -> None:
        for manager in self.instances("StartupManager"):
            count = manager.boot_count
            now = self._now.get(manager.name)
            if count != (0 if now is None else now.boots):
                self._compare(manager.name, count)

    def _compare(self, name: str, count: int) -> None:
        life = self.view.machine.life
        now, before = self._now.get(name), self._before.get(name)
        self._now[name] = _Counted(count, life)
        if now is not None and count < now.boots:
            self.broken(f"{name} counts {count} in start {life}, and has counted {now.boots} in it")
        if before is None:
            return
        if not self._saved.get(name, 0) < count <= before.boots + life - before.life:
            self.broken(f"{name} counts {count} in start {life}, and had {before.boots} in start {before.life}")


__all__ = ["BootCount"]
