"""Rate limits: so many at once, and so many a second after that, for each who asks."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_KEYS = 10_000
"""The most askers that are told apart; the ones that asked longest ago are forgotten."""


class RateLimit:
    """Allows `burst` at once and `rate` a second in the long run, for each key."""

    def __init__(self, burst: int, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._rate = rate
        self._clock = clock
        self._states: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Takes one for this key and gives 0, or takes none and gives the seconds until there is one."""
        now = self._clock()
        left, then = self._states.pop(key, (float(self._burst), now))
        left = min(left + (now - then) * self._rate, float(self._burst))
        allowed = left >= 1
        self._states[key] = (left - 1 if allowed else left, now)
        if len(self._states) > MAX_KEYS:
            self._states.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate
