"""The startup sequence does in the deployment what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kittiwake.testing.simulated import SimulatedDeployment, compiled_sequence

PROJECT = Path(__file__).parents[1]
TOPOLOGY = PROJECT / "topologies/{{module}}.yaml"


def test_the_startup_sequence_switches_the_beacon_on() -> None:
    sequence = compiled_sequence(PROJECT / "sequences/startup.seq", TOPOLOGY)
    with SimulatedDeployment(TOPOLOGY, files={"/startup.bin": sequence}) as simulated:
        simulated.run_for(60)
        beacon: Any = simulated.instance("{{name}}.beacon")
        assert beacon.is_on
        assert beacon.rounds > 20
