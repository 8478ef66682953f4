"""The computer itself: how busy, how hot and how full it is, from /proc and /sys."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from kittiwake_components.sensors.sensor import Option, Reading, ReadingsSensor

if TYPE_CHECKING:
    from kittiwake.platform.interface import Platform

_MAX_BYTES = 65536
_IDLE = slice(3, 5)
"""The fields of /proc/stat that count idle time: idle and iowait (proc_stat(5))."""

_COUNTED = 8
"""Fields behind the eighth are contained in others."""


class Cpu(ReadingsSensor):
    """Load since the reading before, temperature, and memory in use."""

    readings = (Reading("load", "%"), Reading("temperature", "degC"), Reading("memory", "%"))

    thermal_zone = Option("/sys/class/thermal/thermal_zone0/temp", "Where the temperature is read.")

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._before = (0, 0)

    def read(self) -> tuple[float, ...]:
        return self.attempt(self._load), self.attempt(self._temperature), self.attempt(self._memory)

    def _load(self) -> float:
        """The share of time since the last reading (at first: since boot) in which the processors did something."""
        first_line = self._text("/proc/stat").partition("\n")[0]
        ticks = [int(field) for field in first_line.split()[1 : 1 + _COUNTED]]
        total, idle = sum(ticks), sum(ticks[_IDLE])
        total_before, idle_before = self._before
        self._before = (total, idle)
        passed = total - total_before
        return 100.0 * (1 - (idle - idle_before) / passed) if passed else 0.0

    def _temperature(self) -> float:
        return self.number(self.thermal_zone) / 1000

    def _memory(self) -> float:
        lines = (line.split() for line in self._text("/proc/meminfo").splitlines())
        amounts = {words[0]: int(words[1]) for words in lines if len(words) >= 2}
        try:
            return 100.0 * (1 - amounts["MemAvailable:"] / amounts["MemTotal:"])
        except KeyError:
            raise OSError(errno.EBADMSG, "no amounts of memory", "/proc/meminfo") from None

    def _text(self, path: str) -> str:
        return self.platform.files.read(path, _MAX_BYTES).decode("ascii", "replace")
