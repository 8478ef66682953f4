"""Whether a channel's value is within its declared limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum

if TYPE_CHECKING:
    from kittiwake.model.channels import Limits


@wire_enum(U8, name="Svc.TelemetryStore.LimitState")
class LimitState(IntEnum):
    """How far out of its limits a value is."""

    GREEN = 0
    YELLOW = 1
    ORANGE = 2
    RED = 3


class LimitWatch:
    """The state of one channel.

    A value that has passed a limit counts as beyond it until it is back inside by `hysteresis`, a share of the range
    between the outermost limits, or of the limit's own size where there is but one.
    """

    __slots__ = ("_bounds", "_high", "state")

    def __init__(self, limits: Limits, hysteresis: float) -> None:
        bounds = [
            (rank, side == "high", getattr(limits, f"{side}_{rank.name.lower()}"))
            for rank in (LimitState.RED, LimitState.ORANGE, LimitState.YELLOW)
            for side in ("high", "low")
        ]
        given = [limit for _, _, limit in bounds if limit is not None]
        span = max(given, default=0.0) - min(given, default=0.0)
        self._bounds = [
            (rank, is_high, limit, hysteresis * (span or abs(limit)))
            for rank, is_high, limit in bounds
            if limit is not None
        ]
        self._high = False
        self.state = LimitState.GREEN

    def judge(self, value: float) -> bool:
        """Takes a value and says whether the state has changed by it."""
        before = self.state
        for rank, is_high, limit, margin in self._bounds:
            if before < rank or is_high is not self._high:
                margin = 0.0
            if value > limit - margin if is_high else value < limit + margin:
                self.state, self._high = rank, is_high
                return rank is not before
        self.state = LimitState.GREEN
        return before is not LimitState.GREEN
