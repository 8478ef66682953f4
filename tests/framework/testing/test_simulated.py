"""Whole deployments in memory: files before the start, time, and what a power cut leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kittiwake.testing.simulated import SimulatedDeployment, compiled_sequence

REFERENCE = Path(__file__).parents[3] / "topologies/reference.yaml"
STARTUP = REFERENCE.parents[1] / "sequences/startup.seq"


def test_a_deployment_runs_the_sequence_that_it_was_given_and_counts_its_starts() -> None:
    files = {"/startup.bin": compiled_sequence(STARTUP, REFERENCE)}
    with SimulatedDeployment(REFERENCE, files=files) as simulated:
        simulated.run_for(20)
        dispatcher: Any = simulated.instance("CdhCore.cmdDisp")
        assert dispatcher.commands_dispatched == 3
        simulated.crash(off_s=60)
        simulated.run_for(20)
        startup: Any = simulated.instance("ReferenceDeployment.startupManager")
        assert startup.boot_count == 2
        assert simulated.platform.clock.wall_ns() >= (20 + 60 + 20) * 10**9
