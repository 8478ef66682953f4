"""A failing list of faults is made as short as it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated_files import SimulatedFile
from kittiwake.scenario.read import read_scenario
from kittiwake.scenario.write import scenario_text
from kittiwake.simulation.minimise import flyer, minimal, minimise
from kittiwake.simulation.mission import Mission
from kittiwake.simulation.scenario import Scenario
from tests.framework.simulation.flights import image_of

if TYPE_CHECKING:
    import pytest


@given(st.lists(st.integers(0, 30), max_size=20, unique=True), st.sets(st.integers(0, 30), max_size=4))
def test_what_is_left_fails_and_nothing_of_it_can_be_left_out(items: list[int], needed: set[int]) -> None:
    def fails(some: list[int]) -> bool:
        return needed <= set(some)

    left = minimal(items, fails)
    if needed <= set(items):
        assert set(left) == needed
        assert left == [item for item in items if item in needed]


def test_a_mission_is_cut_down_to_the_fault_that_breaks_it_and_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    sync = SimulatedFile.sync
    monkeypatch.setattr(SimulatedFile, "sync", lambda self: None if self._path.endswith(".part") else sync(self))
    image = image_of("reference")
    outcome = Mission(image, Scenario(seed=1, length_ns=100 * NS_PER_S)).fly()
    assert outcome.broken is not None
    least = minimise(outcome, flyer(image))
    assert least.faults[-1].kind == "power_cut"
    assert len(least.faults) <= 2, "a step of the clock may shift what the cut hits"
    assert least.length_ns < outcome.scenario.length_ns
    text = scenario_text(least._replace(name="least"))
    mission = Mission(image, Scenario())
    again = read_scenario(text, "least.yaml", mission.world)
    assert again == least._replace(name="least")
    broken = Mission(image, again).fly().broken
    assert broken is not None
    assert broken.invariant == outcome.broken.invariant
