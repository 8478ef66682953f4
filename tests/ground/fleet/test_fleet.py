"""What is read of deployments at a glance, live and from before the server started."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.dictionary.export import export_dictionary
from kittiwake.topology.compile import load_topology
from kittiwake_ground.archive import Archive
from kittiwake_ground.configuration import DeploymentConfiguration, FleetLimits, GroundConfiguration
from kittiwake_ground.fleet.fleet import FRESH_S, Fleet
from kittiwake_ground.fleet.reading import Reader, next_pass_us
from kittiwake_ground.fleet.standing import ASLEEP, CONNECTING, HEARD, LOST, Concern, standing
from kittiwake_ground.passes.contact import Contact
from kittiwake_ground.passes.schedule import Schedule
from kittiwake_ground.passes.store import PassStore
from kittiwake_ground.server.ground import Ground
from kittiwake_ground.server.session import now_us
from tests.ground.fleet.planned_wake import ABOUT, write_past
from tests.ground.server.foreign import INVALID, measured, said, served, until
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kittiwake_ground.fleet.standing import Standing

HOUR_US = 3_600_000_000
NOBODY = "tcp://127.0.0.1:1"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dictionary of the reference deployment, which has a supervisor that plans its wakes."""
    path = tmp_path_factory.mktemp("reference") / "dictionary.json"
    path.write_text(json.dumps(export_dictionary(load_topology(ROOT / "topologies/reference.yaml"))))
    return path


@asynccontextmanager
async def begun(folder: Path, dictionary: Path) -> AsyncIterator[Ground]:
    """A ground station that starts over an archive, and hears nobody."""
    with Archive(folder / "archive") as archive:
        own = DeploymentConfiguration("sleeper", dictionary, NOBODY)
        never = DeploymentConfiguration("never", dictionary, NOBODY, fleet=FleetLimits(lost_after_s=10))
        ground = Ground(GroundConfiguration((never, own), folder=folder / "ground"), archive)
        await ground.start()
        try:
            yield ground
        finally:
            await ground.stop()


async def stands(ground: Ground, name: str, holds: Any) -> Standing:
    """How a deployment stands once something holds of it."""
    found: list[Standing] = []

    def is_so() -> bool:
        found[:] = [one for one in ground.fleet.standings() if one.glance.name == name]
        return bool(holds(found[0]))

    await until(is_so)
    return found[0]


def test_one_that_sleeps_is_known_to_sleep_when_the_ground_station_starts_anew(tmp_path: Path, reference: Path) -> None:
    heard_us, wake_us = now_us() - HOUR_US, now_us() + HOUR_US
    (tmp_path / "archive").mkdir()
    write_past(tmp_path / "archive", "sleeper", heard_us, wake_us)

    async def run() -> None:
        async with begun(tmp_path, reference) as ground:
            glance = (await stands(ground, "sleeper", lambda one: one.state == ASLEEP)).glance
            assert (glance.heard_us, glance.next_contact_us) == (heard_us, wake_us // 1_000_000 * 1_000_000)
            assert (glance.boot_count, glance.battery) == (41, "80.0 %")
            assert glance.event is not None
            assert (glance.event.name, glance.event.text) == (f"{ABOUT}.a.Warned", "old")
            lost = standing(Reader(ground.deployment("never")).glance(now_us(), now_us() - HOUR_US))
            assert [why.concern for why in lost.reasons] == [Concern.LINK_LOST]
            assert lost.glance.heard_us == 0
            moments = iter((heard_us, heard_us + 20_000_000))
            fleet = Fleet(ground.deployments.values(), None, lambda: next(moments))
            states = {one.glance.name: one.state for one in fleet.standings()}
            assert states == {"never": LOST, "sleeper": CONNECTING}, "each by its own limit"

    asyncio.run(run())


def test_an_archive_that_cannot_be_read_takes_nothing_but_the_past(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(Archive, "latest", broken)

    async def run() -> None:
        async with begun(tmp_path, reference) as ground:
            await ground.fleet.recall()
            assert [one.glance.name for one in ground.fleet.standings()] == ["never", "sleeper"]

    (tmp_path / "archive").mkdir()
    asyncio.run(run())
    assert "deployment sleeper: how it stood before could not be read" in caplog.text


def test_a_deployment_of_cpp_shows_what_it_has(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            well = await stands(ground, "ref", lambda one: one.state == HEARD)
            glance = well.glance
            assert (well.level, glance.mode, glance.battery, glance.boot_count) == ("", "", "", None)
            foreign.say(measured(60), measured(20), said(INVALID, bytes(4)))
            found = await stands(ground, "ref", lambda one: one.glance.event is not None)
            assert [why.concern for why in found.reasons] == [Concern.RED_ALARM, Concern.ORANGE_ALARM]
            assert found.reasons[0].text == "red alarm not acknowledged: heater.Temperature"
            assert (found.glance.unseen, found.glance.seen) == ({"RED": 1, "ORANGE": 1}, {})
            ground.deployment("ref").hub.alarms.acknowledge_all("ada")
            calm = await stands(ground, "ref", lambda one: not one.level)
            assert calm.glance.event is not None
            assert calm.glance.event.name == "Ref.dispatcher.InvalidCommand"

    asyncio.run(run())


def test_the_schedule_of_passes_says_when_somebody_is_to_be_heard(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, _):
            one = ground.deployment("ref")
            now = now_us()
            one.passes.schedule.add(Contact(now + HOUR_US, 600, every_s=7200))
            found = (await stands(ground, "ref", lambda found: found.glance.is_scheduled)).glance
            assert found.next_contact_us == now + HOUR_US

    asyncio.run(run())


def test_a_pass_that_has_begun_since_somebody_was_heard_is_the_one_that_counts() -> None:
    schedule = Schedule("ref", PassStore(), lambda: 0)
    first = Contact(10 * HOUR_US, 600, every_s=3600)
    schedule.add(first)
    minute_us = HOUR_US // 60
    for heard_us, at_us, expected_us in (
        (9 * HOUR_US + 1, 9 * HOUR_US + 2, 10 * HOUR_US),
        (9 * HOUR_US, 10 * HOUR_US + minute_us, 10 * HOUR_US),  # it is in the pass, and was not heard in it
        (9 * HOUR_US, 14 * HOUR_US, 10 * HOUR_US),  # it has missed several
        (10 * HOUR_US + minute_us, 10 * HOUR_US + 2 * minute_us, 0),  # it was heard in the pass that goes on
        (10 * HOUR_US + minute_us, 10 * HOUR_US + 30 * minute_us, 11 * HOUR_US),
    ):
        assert next_pass_us(schedule, heard_us, at_us) == expected_us


def test_many_who_ask_cost_one_look_and_each_event_is_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            now_s = time.monotonic()
            with monkeypatch.context() as clock:
                clock.setattr(time, "monotonic", lambda: now_s + FRESH_S)
                first = ground.fleet.standings()
                assert ground.fleet.standings() is first
                clock.setattr(time, "monotonic", lambda: now_s + 2 * FRESH_S)
                assert ground.fleet.standings() is not first
            reader = Reader(ground.deployment("ref"))
            foreign.say(said(INVALID, bytes(4)))
            await until(lambda: ground.deployment("ref").hub.event_count)
            seen = reader.glance(now_us(), 0).event
            ground.deployment("ref").hub.events.clear()
            assert seen is not None
            assert reader.glance(now_us(), 0).event == seen

    asyncio.run(run())
