"""What a board draws, and what that makes in milliwatt-hours."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

US_PER_H = 3_600_000_000
US_PER_DAY = 86_400_000_000


class Board(NamedTuple):
    """Milliwatts: asleep, awake and idle, awake with the processor busy, and what each radio adds while it is on."""

    asleep_mw: float
    idle_mw: float
    busy_mw: float
    radio_mw: Sequence[float]


class Spent(NamedTuple):
    """Microseconds: awake, of these with the processor busy, asleep, and with each radio on; and wake cycles begun."""

    awake_us: int = 0
    cpu_us: int = 0
    asleep_us: int = 0
    wakes: int = 0
    radio_us: tuple[int, ...] = ()

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(
            self.awake_us + other.awake_us,
            self.cpu_us + other.cpu_us,
            self.asleep_us + other.asleep_us,
            self.wakes + other.wakes,
            tuple([one + two for one, two in zip_longest(self.radio_us, other.radio_us, fillvalue=0)]),
        )

    @property
    def lasted_us(self) -> int:
        """Awake and asleep."""
        return self.awake_us + self.asleep_us


def energy_mwh(board: Board, spent: Spent) -> float:
    """What that took. More processor time than awake time (several cores) counts as it is."""
    idle_us = max(spent.awake_us - spent.cpu_us, 0)
    radios = sum(power * used for power, used in zip(board.radio_mw, spent.radio_us, strict=False))
    total = board.idle_mw * idle_us + board.busy_mw * spent.cpu_us + board.asleep_mw * spent.asleep_us + radios
    return total / US_PER_H


def days_left(left_mwh: float, used_mwh: float, lasted_us: int) -> float:
    """How long the rest lasts if it goes on as it did; infinite where nothing was used yet."""
    if used_mwh <= 0.0 or lasted_us <= 0:
        return float("inf")
    return max(left_mwh, 0.0) / used_mwh * lasted_us / US_PER_DAY
