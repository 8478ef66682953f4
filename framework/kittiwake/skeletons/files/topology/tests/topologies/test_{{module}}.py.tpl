"""The deployment {{name}} on a machine in memory: it starts, works, and comes back after a power cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kittiwake.testing.simulated import SimulatedDeployment

TOPOLOGY = Path(__file__).parents[2] / "topologies/{{module}}.yaml"


def test_it_runs_for_an_hour_and_nothing_fails() -> None:
    with SimulatedDeployment(TOPOLOGY) as simulated:
        simulated.run_for(3600)
        health: Any = simulated.instance("CdhCore.health")
        assert health.handler_failures == 0
        assert health.messages_dropped == 0


def test_it_comes_back_after_a_power_cut() -> None:
    with SimulatedDeployment(TOPOLOGY) as simulated:
        simulated.run_for(10)
        simulated.crash()
        simulated.run_for(10)
        startup: Any = simulated.instance("{{name}}.startupManager")
        assert startup.boot_count == 2
