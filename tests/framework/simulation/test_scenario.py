"""Scenario files: what they say happens, and what is wrong in one is said with its place."""

from __future__ import annotations

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from kittiwake.faults import Faults
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.scenario.grammar import parse_time_ns, scenario_schema
from kittiwake.scenario.read import read_scenario
from kittiwake.scenario.write import scenario_text
from kittiwake.simulation.fault_plan import draw_faults
from kittiwake.simulation.mission import Mission
from kittiwake.simulation.scenario import Scenario
from kittiwake.simulation.surroundings import World
from tests.framework.simulation.flights import TOPOLOGIES, image_of

DARK = """
scenario: Dark
length: 100s
steps:
  - {at: 1s, contact_s: 90}
  - {at: 5s, command: 'CdhCore.cmdDisp.CMD_NO_OP_STRING "hello"'}
  - {at: 10s, set: battery.charge, to: 0.5}
  - {at: 20s, fault: power_cut, where: before dispatch, amount: 3, for_s: 5}
  - {at: 40s, fault: device, where: imu, for_s: 20}
"""


def world(topology: str) -> World:
    return World(image_of(topology), SeededRandom(0))


def test_what_a_scenario_says_happens_and_nothing_else() -> None:
    scenario = read_scenario(DARK, "dark.yaml", world("proves"))
    mission = Mission(image_of("proves"), scenario)
    outcome = mission.fly()
    assert outcome.broken is None
    assert [line.partition("  ")[2].split(" (")[0] for line in outcome.lines] == [
        "battery.charge is set to 0.5",
        outcome.lines[1].partition("  ")[2].split(" (")[0],
        "device imu for 20 s",
    ]
    assert "power cut before dispatch" in outcome.lines[1]
    assert outcome.lives == 2
    assert mission.operator.done == {}


FAULTY = """
scenario: 7
legnth: 3h
draws: everything
steps:
  - {at: noon, command: CdhCore.cmdDisp.CMD_NO_OP}
  - {at: 1s, command: a, fault: kill}
  - {at: 1s, fault: power_cat}
  - {at: 1s, fault: power_cut, where: at dispatch, amount: 3000, for_s: 5}
  - {at: 1s, fault: link_outage, where: here, amount: 2}
  - {at: 1s, fault: device, where: imo, for_s: 5}
  - {at: 1s, set: battery.chrage, to: 1}
  - {at: 1s, set: panel_w}
  - {at: 1s, contact_s: 3, amount: 2}
  - nothing
"""


def test_all_that_is_wrong_is_said_at_once_with_its_place() -> None:
    with pytest.raises(Faults) as caught:
        read_scenario(FAULTY, "faulty.yaml", world("proves"))
    found = [(fault.line, fault.message) for fault in caught.value.faults]
    for line, message in (
        (2, "scenario is a text"), (3, "a scenario has no key 'legnth'"), (4, "'everything' cannot be drawn"),
        (6, "'noon' is no time"), (7, "a step has one of"), (8, "there is no fault 'power_cat'"),
        (9, "power_cut does not hit 'at dispatch'"), (9, "amount of power_cut is from 1 to 600, not 3000"),
        (10, "link_outage has no place"), (10, "link_outage has no amount"), (10, "link_outage needs `for_s`"),
        (11, "device does not hit 'imo'"), (12, "the surroundings have no value 'battery.chrage'"),
        (13, "set misses its key to"), (14, "amount goes with a fault"), (15, "a step is a table"),
    ):  # fmt: skip
        assert any(at == line and said.startswith(message) for at, said in found), (line, message, found)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_whatever_is_drawn_can_be_written_read_and_validated(topology: str) -> None:
    around = world(topology)
    for seed in range(20):
        faults = draw_faults(SeededRandom(seed), 900 * NS_PER_S, around.devices())
        scenario = Scenario(name="it's", seed=seed, draws="work", faults=tuple(faults))
        text = scenario_text(scenario)
        assert read_scenario(text, "drawn.yaml", around) == scenario
        jsonschema.validate(yaml.safe_load(text), scenario_schema())


@pytest.mark.parametrize("text, seconds", [("90s", 90), ("1h30m", 5400), ("12.5s", 12.5), ("1d", 86400)])
def test_times_are_written_with_units(text: str, seconds: float) -> None:
    assert parse_time_ns(text) == round(seconds * NS_PER_S)


@pytest.mark.parametrize("text", ["", "90", "s", "1x", "-5s", "1h 2m", "99999d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time|longer than"):
        parse_time_ns(text)
