"""No software holds the battery: every awake time ends by the power unit's hard limit at the latest."""

from __future__ import annotations

from kittiwake.simulation.invariants.base import Invariant

SLACK_S = 1.0
"""The power unit has its turn twice a second."""


class AwakeLimit(Invariant):
    """Looks at the power unit, where there is one, and at what is left for the next start."""

    name = "battery_never_held"

    def turn(self) -> None:
        power = self.view.world.power
        awake_s = power.awake_s(self.view.now_ns)
        if awake_s > power.hard_limit_s + SLACK_S:
            self.broken(f"awake for {awake_s:.1f} s, the limit is {power.hard_limit_s:g} s")


__all__ = ["AwakeLimit"]
