"""The connexion manager with one real adapter, on the machine's own clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from kittiwake.platform.system import SystemPlatform
from kittiwake_components import ConnexionManager
from kittiwake_components.connexion_manager.states import BearerState
from kittiwake_components.ports.bearer import BearerCondition
from tests.framework.runtime.wired import deploy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NS_PER_S = 1_000_000_000
TICK_S = 0.1


class StationOnMachine:
    """Its bearer is named `bearer`; files of the manager are in `folder`. Backoff is a second.

    `told` is what the adapter has told: conditions and reasons.
    """

    def __init__(self, adapter: Any, settings: dict[str, Any], folder: Path) -> None:
        files = {name: f"{folder}/{name}" for name in ("configuration_file", "usage_file")}
        self.deployment, self._findings = deploy(
            {
                "manager": (ConnexionManager, {"settings": {"bearers": ["bearer"], **files}, "depth": 50}),
                "adapter": (adapter, {"settings": settings}),
            },
            [
                ("manager", "control", 0, "adapter", "control_in", 0),
                ("adapter", "status_out", 0, "manager", "status_in", 0),
                ("adapter", "traffic_out", 0, "manager", "traffic_in", 0),
            ],
            platform=SystemPlatform(),
        )
        self.manager: Any = self.deployment.instances["manager"]
        self.adapter: Any = self.deployment.instances["adapter"]
        self.told: list[tuple[BearerCondition, str]] = []
        built: Any = self.adapter
        tell = built.status_out

        def witness(condition: BearerCondition, rssi_dbm: int, reason: str) -> None:
            self.told.append((condition, reason))
            tell(condition, rssi_dbm, reason)

        built.status_out = witness
        self.ticks = 0
        """Cycles of the manager: few of them come while something holds the loop up."""

    def __enter__(self) -> Self:
        self.deployment.start()
        self.manager.backoff_min_s = 1
        self._tick()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.deployment.stop()
        if kind is None:
            assert not self._findings

    def _tick(self) -> None:
        self.ticks += 1
        self.manager.run(0)
        self.deployment.main.call_at(self.deployment.main.clock.now_ns() + round(TICK_S * NS_PER_S), self._tick)

    def until(self, condition: Callable[[], bool], wait_s: float = 20.0) -> bool:
        """Lives until something holds; whether it did so in time."""
        loop = self.deployment.main
        end_ns = loop.clock.now_ns() + round(wait_s * NS_PER_S)
        while not condition() and loop.clock.now_ns() < end_ns:
            self.deployment.run_for(0.05)
        return condition()

    def comes_up(self) -> bool:
        """Lives until the bearer is in use."""
        return self.until(lambda: bool(self.manager.current_bearer == "bearer"))

    def is_lost(self) -> bool:
        """Lives until the bearer has failed."""
        return self.until(lambda: self.manager.bearer[0].state is BearerState.BACKOFF)
