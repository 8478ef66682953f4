"""Parameters at a time are what the archive tells of them, and what it does not tell is unknown, never guessed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake_ground.archive import Archive, NewEvent, Retention
from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration
from kittiwake_ground.replay.replays import NoReplay
from kittiwake_ground.server.ground import Ground, UnknownDeployment
from kittiwake_ground.server.parameter_diff import compare, compare_with_defaults, read_side
from tests.ground.server.foreign import DICTIONARY, command, enum, event, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW_US = 1_700_000_000_000_000
SECOND = 1_000_000
SETPOINT, TITLE, WINDOW = "Ref.heater.SETPOINT", "Ref.heater.TITLE", "Ref.heater.WINDOW"
SOURCE = {"name": "Ref.PrmSource", "kind": "qualifiedIdentifier"}
F32 = {"name": "F32", "kind": "float", "size": 32}
U32 = {"name": "U32", "kind": "integer", "size": 32, "signed": False}
TITLE_ROOM = 20
SOURCES = ("DEFAULT", "SAVED", "CHANGED")
"""The archive keeps a constant in an event as its number."""


def dictionary(*parameters: dict[str, Any]) -> str:
    """That of the foreign deployment, with a database that tells its values."""
    window = {"kind": "array", "qualifiedName": "Ref.Window", "size": 6, "elementType": F32, "default": [0.0] * 6}
    told = event("Ref.prmDb.PrmValue", 0x950, "ACTIVITY_HI", "{} {} = {} ({})", Id=U32, title=text(40),
                 value=text(TITLE_ROOM), source=SOURCE)  # fmt: skip
    source = enum("Ref.PrmSource", *SOURCES)
    return json.dumps({
        **DICTIONARY,
        "typeDefinitions": [*DICTIONARY["typeDefinitions"], source, window],
        "commands": [*DICTIONARY["commands"], command("Ref.prmDb.PRM_RESET_DEFAULT", 0x951, id=U32)],
        "events": [*DICTIONARY["events"], told],
        "parameters": [
            *DICTIONARY["parameters"],
            {"name": TITLE, "type": text(40), "id": 0x811, "default": "none"},
            {"name": WINDOW, "type": {"name": "Ref.Window", "kind": "qualifiedIdentifier"}, "id": 0x812,
             "default": [0.0] * 6},
            *parameters,
        ],
    })  # fmt: skip


class Told:
    """A ground station of two deployments that are never connected, and what its archive is given of them."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self.archive = archive
        plans = []
        for name, more in (("one", ()), ("two", ({"name": "Ref.heater.EXTRA", "type": U32, "id": 0x813},))):
            path = folder / f"{name}.json"
            path.write_text(dictionary(*more))
            plans.append(DeploymentConfiguration(name, path, "tcp://127.0.0.1:1"))
        self.ground = Ground(GroundConfiguration(tuple(plans), folder=folder / "ground"), archive)

    def dump(self, at: int, id: int, value: str, source: str = "SAVED", deployment: str = "one") -> None:
        us = NOW_US + at * SECOND
        arguments = {"Id": id, "title": "x", "value": value, "source": SOURCES.index(source)}
        self.archive.add_events(
            deployment, [NewEvent("Ref.prmDb.PrmValue", "ACTIVITY_HI", 2 << 64 | us, us, "told", arguments)]
        )

    def send(self, at: int, name: str, arguments: dict[str, Any], end: str = "completed", lasting: int = 1) -> None:
        us = NOW_US + at * SECOND
        id = self.archive.record_command("one", name, 1, arguments, by="ada", at_us=us)
        self.archive.update_command(id, end, at_us=us + lasting * SECOND)

    def verdicts(
        self, at: int, other: int | None = None, last_known: bool = False, name: str = "one"
    ) -> dict[str, str]:
        """Those of `one` at a time with the defaults, or with another time."""

        async def run() -> dict[str, Any]:
            first = await read_side(self.ground, "one", NOW_US + at * SECOND)
            if other is None:
                return compare_with_defaults(first, last_known=last_known)
            second = await read_side(self.ground, name, NOW_US + other * SECOND)
            return compare(first, second, last_known=last_known)

        self.archive.flush()
        return {one["name"]: one["verdict"] for one in asyncio.run(run())["parameters"]}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    keep_all = Retention(None, None, None, None, None, None)
    with Archive(tmp_path / "archive", keep_all, lambda: NOW_US, commit_interval_s=0.0) as archive:
        yield Told(archive, tmp_path)


def test_before_anything_is_told_all_is_unknown(told: Told) -> None:
    told.dump(-100, 0x810, "21.5", "DEFAULT")
    assert set(told.verdicts(-101).values()) == {"unknown"}
    assert told.verdicts(-99) == {SETPOINT: "same", TITLE: "unknown", WINDOW: "unknown"}


def test_dumps_and_commands_count_in_the_order_of_their_times(told: Told) -> None:
    """A command that was sent before a dump does not outlive what the dump said, whatever is read first."""
    told.send(-100, f"{SETPOINT}_PRM_SET", {"val": 30})
    told.dump(-50, 0x810, "21.5")
    told.send(-20, f"{SETPOINT}_PRM_SET", {"val": 40}, "failed")
    told.send(-10, f"{SETPOINT}_PRM_SET", {"val": 50}, lasting=5)
    assert told.verdicts(-90)[SETPOINT] == "different"
    assert told.verdicts(-40)[SETPOINT] == "same"
    assert told.verdicts(-8)[SETPOINT] == "same", "a command that is under way has set nothing yet"
    assert told.verdicts(0)[SETPOINT] == "different"
    assert told.verdicts(-90, -40)[SETPOINT] == "different"
    assert told.verdicts(-40, -30)[SETPOINT] == "same"


def test_after_a_lost_link_or_a_reset_a_value_is_no_longer_sure(told: Told) -> None:
    told.dump(-100, 0x810, "30")
    told.archive.add_link_state("one", "up", at_us=NOW_US - 200 * SECOND)
    told.archive.add_link_state("one", "down", "gone", at_us=NOW_US - 80 * SECOND)
    told.archive.add_link_state("one", "up", at_us=NOW_US - 70 * SECOND)
    told.dump(-60, 0x810, "30")
    told.send(-50, "Ref.prmDb.PRM_RESET_DEFAULT", {"id": 0})
    for at, sure in ((-90, True), (-75, False), (-65, False), (-55, True), (-40, False)):
        assert told.verdicts(at)[SETPOINT] == ("different" if sure else "unknown"), at
        assert told.verdicts(at, last_known=True)[SETPOINT] == "different", at


def test_a_value_that_was_cut_as_it_was_told_is_unknown(told: Told) -> None:
    """A text that just fills its room in the event may go on, and half an array is none."""
    told.dump(-100, 0x811, "a" * TITLE_ROOM)
    told.dump(-100, 0x812, "[1.0,2.0,3.0")
    assert told.verdicts(-90) == {SETPOINT: "unknown", TITLE: "unknown", WINDOW: "unknown"}
    told.dump(-80, 0x811, "short")
    assert told.verdicts(-70)[TITLE] == "different"


def test_two_deployments_are_compared_and_what_only_one_has_is_absent(told: Told) -> None:
    told.dump(-100, 0x810, "0.1")
    told.dump(-100, 0x810, "0.10000000149", "SAVED", "two")  # what an F32 makes of it
    told.dump(-100, 0x811, "here")
    told.dump(-100, 0x811, "there", "SAVED", "two")
    assert told.verdicts(0, 0, name="two") == {
        SETPOINT: "same", TITLE: "different", WINDOW: "unknown", "Ref.heater.EXTRA": "absent"
    }  # fmt: skip


def test_sides_that_there_are_not_are_refused(told: Told, tmp_path: Path) -> None:
    with pytest.raises(UnknownDeployment, match="three"):
        asyncio.run(read_side(told.ground, "three", None))
    with pytest.raises(ValueError, match="yet to come"):
        told.verdicts(10**12)
    with pytest.raises(NoReplay):
        asyncio.run(read_side(Ground(told.ground.configuration), "one", NOW_US))
