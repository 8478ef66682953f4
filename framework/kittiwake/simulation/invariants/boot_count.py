"""The boot count grows with each start, and never by more than there were starts."""

from __future__ import annotations

from typing import Any

from kittiwake.simulation.invariants.base import Invariant


class BootCount(Invariant):
    """Looks at what each StartupManager counts, once in each life that gets so far."""

    name = "boot_count_monotone"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._seen: dict[str, tuple[int, int, int]] = {}

    def begun(self) -> None:
        self._noted: set[str] = set()
        self._begun_ns = self.view.now_ns

    def turn(self) -> None:
        for manager in self.instances("StartupManager"):
            count = manager.boot_count
            if manager.name not in self._noted and count:
                self._noted.add(manager.name)
                self._compare(manager.name, count)

    def _compare(self, name: str, count: int) -> None:
        life = self.view.machine.life
        before = self._seen.get(name)
        self._seen[name] = count, life, self._begun_ns  # it is saved as the life begins, and looked at later
        if before is None:
            return
        last, last_life, last_begun_ns = before
        is_excused = self.view.disk_trouble_ns >= last_begun_ns  # it says itself that it could not be saved
        if not (last if is_excused else last + 1) <= count <= last + life - last_life:
            self.broken(f"{name} counts {count} in start {life}, and had {last} in start {last_life}")


__all__ = ["BootCount"]
