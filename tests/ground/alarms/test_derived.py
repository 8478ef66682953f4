"""Derived channels of a deployment: in which order they follow, and what survives."""

from __future__ import annotations

from pathlib import Path

import pytest

from kittiwake.dictionary.decode import DecodedChannel
from kittiwake.dictionary.entries import Dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.alarms.book import Changed
from kittiwake_ground.alarms.derived import DerivedChannels, DerivedFault, NoSuchDerived
from kittiwake_ground.alarms.expression import ExpressionFault
from kittiwake_ground.alarms.store import AlarmStore
from tests.ground.server.foreign import DICTIONARY

TEMPERATURE = "Ref.heater.Temperature"


def loaded() -> Dictionary:
    return read_dictionary(DICTIONARY, "foreign")


def opened(store: AlarmStore, dictionary: Dictionary | None = None) -> DerivedChannels:
    made = DerivedChannels("ref", dictionary or loaded(), store)
    made.open()
    return made


def temperature(value: float, tag: int = 5) -> DecodedChannel:
    return DecodedChannel(loaded().channel(TEMPERATURE), 2 << 64 | tag, value, {})


def derive(derived: DerivedChannels, name: str, expression: str, revision: int | None = None) -> None:
    derived.derive(name, expression, "K", "", "ada", revision)


def test_each_follows_from_those_it_is_made_of_once_for_each_time() -> None:
    derived = opened(AlarmStore())
    derive(derived, "Ground.b.Kelvin", f"{TEMPERATURE} + 273")
    derive(derived, "Ground.a.Twice", "Ground.b.Kelvin * 2")
    found = derived.compute([temperature(1, 5), temperature(2, 5), temperature(3, 6)])
    shown = [(one.name, one.tag & 0xF, one.value) for one in found]
    assert shown == [
        ("Ground.b.Kelvin", 5, 275), ("Ground.a.Twice", 5, 550), ("Ground.b.Kelvin", 6, 276), ("Ground.a.Twice", 6, 552)
    ]  # fmt: skip
    assert found[0].channel.unit == "K"
    assert found[0].text == "275.0"


def test_one_without_a_value_says_why_and_so_do_those_made_of_it() -> None:
    derived = opened(AlarmStore())
    derive(derived, "Ground.a.Inverse", f"1 / {TEMPERATURE}")
    derive(derived, "Ground.a.Minus", "-Ground.a.Inverse")
    assert derived.compute([temperature(0)]) == []
    assert derived.find("Ground.a.Inverse").fault == "division by zero"
    assert [one.value for one in derived.compute([temperature(2)])] == [0.5, -0.5]
    assert derived.find("Ground.a.Inverse").fault == ""


def test_a_circle_is_refused_and_so_is_the_removal_of_what_is_used() -> None:
    derived = opened(AlarmStore())
    derive(derived, "Ground.a.One", TEMPERATURE)
    derive(derived, "Ground.a.Two", "Ground.a.One + 1")
    derive(derived, "Ground.a.Three", "Ground.a.Two + 1")
    with pytest.raises(DerivedFault, match=r"made of itself, by way of Ground\.a\.Two"):
        derive(derived, "Ground.a.One", "Ground.a.Three")
    with pytest.raises(ExpressionFault, match=r"there is no channel Ground\.a\.One"):
        derive(derived, "Ground.a.One", "Ground.a.One")
    with pytest.raises(DerivedFault, match=r"Ground\.a\.Two is made of Ground\.a\.One"):
        derived.remove("Ground.a.One")
    derived.remove("Ground.a.Three")
    with pytest.raises(NoSuchDerived):
        derived.find("Ground.a.Three")


@pytest.mark.parametrize(
    "name,message",
    [("Total", "two to six words"), (TEMPERATURE, "the deployment has a channel"), ("a.b c", "two to six words")],
)
def test_a_name_must_be_free_and_dotted(name: str, message: str) -> None:
    with pytest.raises(DerivedFault, match=message):
        derive(opened(AlarmStore()), name, f"{TEMPERATURE} * 2")


def test_who_has_not_seen_the_last_change_changes_nothing() -> None:
    derived = opened(AlarmStore())
    derive(derived, "Ground.a.One", TEMPERATURE, revision=0)
    with pytest.raises(Changed, match="by ada"):
        derive(derived, "Ground.a.One", f"{TEMPERATURE} * 2", revision=0)
    with pytest.raises(Changed):
        derived.remove("Ground.a.One", revision=1)
    derive(derived, "Ground.a.One", f"{TEMPERATURE} * 2", derived.find("Ground.a.One").revision)
    assert derived.find("Ground.a.One").expression == f"{TEMPERATURE} * 2"


def test_it_outlives_the_server_and_a_dictionary_without_its_input(tmp_path: Path) -> None:
    store = AlarmStore(tmp_path)
    first = opened(store)
    derive(first, "Ground.a.One", TEMPERATURE)
    store.close()
    store = AlarmStore(tmp_path)
    again = opened(store)
    assert [one.value for one in again.compute([temperature(7)])] == [7]
    store.close()
    other = loaded()
    del other.channels[TEMPERATURE]
    orphaned = opened(AlarmStore(tmp_path), other)
    assert orphaned.compute([temperature(7)]) == []
    assert "there is no channel Ref.heater.Temperature" in orphaned.find("Ground.a.One").fault
