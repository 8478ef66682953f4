"""Missions: whole over all topologies, repeatable under their seeds, and told in lines.

A few seeds of each here, 1,000 by `make sim-campaign`. `KITTIWAKE_SIM_SEEDS` and `KITTIWAKE_SIM_SECONDS` make it more.
"""

from __future__ import annotations

import os

import pytest

from tests.framework.simulation.flights import TOPOLOGIES, fly

SEEDS = int(os.environ.get("KITTIWAKE_SIM_SEEDS", "3"))
SECONDS = float(os.environ.get("KITTIWAKE_SIM_SECONDS", "200"))


@pytest.mark.timeout(max(60, SEEDS * 20))
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_nothing_breaks(topology: str) -> None:
    """With faults and the ground's work drawn from each seed, every invariant holds."""
    seconds = SECONDS * 6 if topology == "station" else SECONDS  # it sleeps most of the time
    outcomes = [fly(topology, seed, seconds) for seed in range(1, SEEDS + 1)]
    assert [(outcome.scenario.seed, str(outcome.broken)) for outcome in outcomes if outcome.broken] == []
    assert sum(outcome.answers for outcome in outcomes) > 5 * SEEDS
    assert sum(outcome.lives for outcome in outcomes) > SEEDS


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    first, again, other = fly("reference", 9, 120), fly("reference", 9, 120), fly("reference", 10, 120)
    assert (first.digest, first.lines) == (again.digest, again.lines)
    assert first.digest != other.digest
