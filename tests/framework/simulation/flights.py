"""Missions of the repository's topologies, each image built once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from kittiwake.cli.sim import load
from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.mission import Mission
from kittiwake.simulation.scenario import Scenario
from tests.peers import ROOT

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.mission import Outcome

TOPOLOGIES = ("reference", "station", "building", "proves", "hive")


@cache
def image_of(topology: str) -> Image:
    """The image of a topology of the repository."""
    return load(ROOT / f"topologies/{topology}.yaml")


def fly(topology: str, seed: int = 1, seconds: float = 300, **more: Any) -> Outcome:
    """Flies a mission; `more` are fields of its scenario."""
    scenario = Scenario(seed=seed, length_ns=round(seconds * NS_PER_S))._replace(**more)
    return Mission(image_of(topology), scenario).fly()
