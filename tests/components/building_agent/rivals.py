"""Two agents that want the same twenty zones: one for comfort all day, one against the peak while the price is high."""

from __future__ import annotations

from kittiwake_components.building_agent.component import BuildingAgent
from kittiwake_components.point_access import LOCK_ERROR, WriteFault

ZONES = [f"campus/b1/zone{number:02}" for number in range(20)]
HOUR_S = 3600.0
HIGH_PRICE = 0.3


class Comfort(BuildingAgent):
    """Keeps 21.5 degrees for as long as it is let."""

    def initialize(self) -> None:
        super().initialize()
        self._has_zones = False

    async def on_start(self) -> None:
        self._has_zones = await self.schedule("day", "LOW_PREEMPT", ZONES, HOUR_S)

    async def on_step(self) -> None:
        if not self._has_zones:
            await self.on_start()
        if self._has_zones:
            for zone in ZONES:
                await self.write(f"{zone}/Setpoint", 21.5)


class DemandLimit(BuildingAgent):
    """Lets it get warmer while the price is high."""

    def initialize(self) -> None:
        super().initialize()
        self._has_zones = False

    async def on_step(self) -> None:
        if self.number("Price") < HIGH_PRICE:
            await self.end_schedule("peak")
            self._has_zones = False
            return
        if not self._has_zones:
            self._has_zones = await self.schedule("peak", "HIGH", ZONES, HOUR_S)
        try:
            for zone in ZONES:
                await self.write(f"{zone}/Setpoint", 26.0)
        except WriteFault as fault:
            if fault.kind != LOCK_ERROR:  # the grace of those who were there before
                raise
