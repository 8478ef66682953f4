"""Operator overrides: patterns over device paths, for a time or for good (VOLTTRON's set_override_on and its like)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.platform_driver.drivers.interface import DriverFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.platform_driver.registry_store import RegistryStore

MAX_PATTERNS = 1000
PATTERN_SIZE = 240
US_PER_S = 1_000_000
MAX_DURATION_S = 10 * 366 * 86_400.0


class OverrideError(DriverFault):
    """The device is overridden by an operator, or there is no such override."""

    TYPE = "OverrideError"


class Overrides:
    """The patterns in force. Ends are kept on the wall clock and counted on the clock since boot."""

    def __init__(self, store: RegistryStore, clock: TaskClock) -> None:
        self._store = store
        self._clock = clock
        self._ends_ns: dict[str, int | None] = {}
        self._timers: dict[str, Timer] = {}
        now_us = clock.wall_ns() // 1000
        found = store.overrides()
        over = [pattern for pattern, until_us in found.items() if until_us is not None and until_us <= now_us]
        if over:
            store.drop_overrides(over)
        for pattern, until_us in found.items():
            if pattern not in over:
                self._set(pattern, None if until_us is None else (until_us - now_us) / US_PER_S)

    def patterns(self) -> list[str]:
        """The patterns in force, sorted."""
        return sorted(self._ends_ns)

    def covers(self, device: str) -> bool:
        """Whether a device is overridden: shell patterns, case counts, `*` goes over slashes."""
        if not self._ends_ns:
            return False
        from fnmatch import fnmatchcase

        return any(fnmatchcase(device, pattern) for pattern in self._ends_ns)

    def check(self, device: str) -> None:
        """Raises `OverrideError` for a device that is overridden."""
        if self.covers(device):
            raise OverrideError(f"device {device} is overridden")

    def matching(self, devices: Iterable[str], pattern: str) -> list[str]:
        """The devices that a pattern means."""
        from fnmatch import fnmatchcase

        return [device for device in devices if fnmatchcase(device, pattern)]

    def on(self, pattern: str, duration_s: float) -> None:
        """Overrides what matches; a duration of 0 or less is without end. The later end of one pattern wins.

        Raises `OverrideError` for one pattern too many, `OSError` where it cannot be kept.
        """
        length_s = None if duration_s <= 0 else min(duration_s, MAX_DURATION_S)
        if pattern in self._ends_ns:
            end_ns = self._ends_ns[pattern]
            if end_ns is None or (length_s is not None and self._end_ns(length_s) <= end_ns):
                return
        elif len(self._ends_ns) >= MAX_PATTERNS:
            raise OverrideError(f"there are {MAX_PATTERNS} patterns already")
        until_us = None if length_s is None else self._clock.wall_ns() // 1000 + round(length_s * US_PER_S)
        self._store.put_override(pattern, until_us)
        self._set(pattern, length_s)

    def off(self, pattern: str) -> None:
        """Takes the override of exactly this pattern back. Raises `OverrideError` if there is none, and `OSError`."""
        if pattern not in self._ends_ns:
            raise OverrideError(f"there is no override of the pattern {pattern}")
        self._store.drop_overrides([pattern])
        self._forget(pattern)

    def clear(self) -> None:
        """Takes all overrides back. Raises `OSError`."""
        self._store.drop_overrides(self.patterns())
        for pattern in self.patterns():
            self._forget(pattern)

    def _end_ns(self, length_s: float) -> int:
        return self._clock.now_ns() + round(length_s * NS_PER_S)

    def _set(self, pattern: str, length_s: float | None) -> None:
        self._forget(pattern)
        if length_s is None:
            self._ends_ns[pattern] = None
        else:
            self._ends_ns[pattern] = end_ns = self._end_ns(length_s)
            self._timers[pattern] = self._clock.call_at(end_ns, self._expired, pattern)

    def _expired(self, pattern: str) -> None:
        self._forget(pattern)
        try:
            self._store.drop_overrides([pattern])
        except OSError:
            pass  # the next start finds that it is over

    def _forget(self, pattern: str) -> None:
        self._ends_ns.pop(pattern, None)
        timer = self._timers.pop(pattern, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Stops the timers; the overrides stay in the store."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
