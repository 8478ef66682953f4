"""An agent as a user writes it, which can be told to fail, to wait, and to count its calls."""

from __future__ import annotations

from kittiwake_components.building_agent.component import BuildingAgent


class Thermostat(BuildingAgent):
    """Writes what it is told to."""

    def initialize(self) -> None:
        super().initialize()
        self.lives: list[str] = []
        self.wanted: dict[str, float] = {"Fan": 1.0}
        self.raises = ""
        self.stop_raises = False
        self.sleeps_s = 0.0

    async def on_start(self) -> None:
        self.lives.append("start")
        if self.raises == "start":
            raise ValueError("no start")

    async def on_step(self) -> None:
        self.lives.append("step")
        for name, value in self.wanted.items():
            await self.write(name, value)
        if self.sleeps_s:
            await self.clock.sleep(self.sleeps_s)
            await self.write("Fan", 2.0)
        if self.raises == "step":
            raise ValueError("no step")

    def on_stop(self) -> None:
        self.lives.append("stop")
        if self.stop_raises:
            raise ValueError("no stop")
