"""The simulated medium: when it carries nothing, when its signal is weak, by declared windows and by chance."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.platform.interface import Random

WINDOWS_MAX = 64
NEVER_S = float("inf")
_SMALLEST = 2.0**-53  # of what `uniform` draws above 0


class Window(NamedTuple):
    """From `begin_s` on, before `end_s`."""

    begin_s: float
    end_s: float


def parse_windows(texts: list[str]) -> tuple[Window, ...]:
    """Windows as `BEGIN-END` in seconds. Raises `ValueError`."""
    if len(texts) > WINDOWS_MAX:
        raise ValueError(f"at most {WINDOWS_MAX} windows are possible, not {len(texts)}")
    return tuple([_parse_window(text) for text in texts])


def _parse_window(text: str) -> Window:
    begin, dash, end = text.partition("-")
    try:
        window = Window(float(begin), float(end))
    except ValueError:
        window = Window(0.0, 0.0)
    if not dash or not 0.0 <= window.begin_s < window.end_s < NEVER_S:
        raise ValueError(f"a window is BEGIN-END in seconds, as in 600-1200, not {text!r}")
    return window


class Medium:
    """What is between the device and the other side; times are seconds since it began and never go back.

    `outages` and `fades` come again each `period_s` seconds (0: they do not). Outages by chance begin after `up_s` and
    last `outage_s` on the average, both exponentially distributed; 0 for none. It may begin within one.
    """

    def __init__(
        self, random: Random, outages: Iterable[Window], fades: Iterable[Window], period_s: float,
        up_s: float, outage_s: float,
    ) -> None:  # fmt: skip
        self._random = random
        self._outages = tuple(outages)
        self._fades = tuple(fades)
        self._period_s = period_s
        self._mean_s = {True: outage_s, False: up_s}
        # A device that wakes for a minute finds an outage as likely as one that is always awake.
        has_chance = up_s > 0.0 and outage_s > 0.0
        self._is_out_by_chance = has_chance and random.uniform(0.0, up_s + outage_s) < outage_s
        self._ordered_until_s = 0.0
        self._change_s = self._drawn_s(0.0) if has_chance else NEVER_S

    def _drawn_s(self, from_s: float) -> float:
        """When the present chance state ends; at least a second later, so that no draw has the loop spin."""
        chance = self._random.uniform(0.0, 1.0)
        return from_s + max(-log(max(chance, _SMALLEST)) * self._mean_s[self._is_out_by_chance], 1.0)

    def break_until(self, end_s: float) -> None:
        """Has it carry nothing until a time, for a drill."""
        self._ordered_until_s = end_s

    def is_out(self, at_s: float) -> bool:
        """Whether it carries nothing."""
        while at_s >= self._change_s:
            self._is_out_by_chance = not self._is_out_by_chance
            self._change_s = self._drawn_s(self._change_s)
        return self._is_out_by_chance or at_s < self._ordered_until_s or self._is_within(self._outages, at_s)

    def is_faded(self, at_s: float) -> bool:
        """Whether its signal is weak."""
        return self._is_within(self._fades, at_s)

    def _is_within(self, windows: tuple[Window, ...], at_s: float) -> bool:
        place_s = at_s % self._period_s if self._period_s else at_s
        return any(one.begin_s <= place_s < one.end_s for one in windows)
