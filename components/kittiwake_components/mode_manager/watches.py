"""What ModeManager watches on the clock since boot: a condition that must last, and the silence of the ground."""

from __future__ import annotations

from kittiwake.platform.interface import NS_PER_S

LONGEST_GAP_NS = 3 * NS_PER_S
"""Two looks that are further apart do not show that a condition held between them."""


class Debounce:
    """How long a condition has held in all looks."""

    __slots__ = ("_last_ns", "_since_ns")

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self._last_ns = 0

    def has_lasted(self, *, holds: bool, now_ns: int, limit_s: float) -> bool:
        """One look: whether the condition has held for `limit_s` seconds up to now."""
        if not holds:
            self._since_ns = None
            return False
        if self._since_ns is None or now_ns - self._last_ns > LONGEST_GAP_NS:
            self._since_ns = now_ns
        self._last_ns = now_ns
        return now_ns - self._since_ns >= round(limit_s * NS_PER_S)

    def begin_anew(self) -> None:
        """Forgets what was seen."""
        self._since_ns = None


class Silence:
    """How long nobody with a valid signature was heard, over restarts; time without power does not count."""

    __slots__ = ("_before_us", "_since_ns", "_was_heard")

    def __init__(self, before_us: int, now_ns: int) -> None:
        self._before_us = before_us
        self._since_ns = now_ns
        self._was_heard = False

    def add(self, before_us: int) -> None:
        """What was known late of the starts before this one; it counts unless somebody was heard since."""
        if not self._was_heard:
            self._before_us += before_us

    def heard(self, now_ns: int) -> None:
        """Somebody was: the silence begins anew."""
        self._was_heard = True
        self._before_us = 0
        self._since_ns = now_ns

    def lasted_us(self, now_ns: int) -> int:
        """How long it has lasted."""
        return self._before_us + (now_ns - self._since_ns) // 1000
