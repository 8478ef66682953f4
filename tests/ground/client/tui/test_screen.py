"""The terminal's screen before the real server, with a scripted deployment behind it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.client import Ground
from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration
from kittiwake_ground.tui import following
from kittiwake_ground.tui.channels_view import ChannelsView
from kittiwake_ground.tui.events_view import EventsView
from tests.ground.client.served import Served
from tests.ground.client.tui.sitting import sit_down

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake_ground.client import Deployment
    from tests.ground.client.scripted_deployment import ScriptedDeployment

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
TEST_CMD = "CdhCore.cmdDisp.CMD_TEST_CMD_1"
VERSION = "CdhCore.version.VERSION"
RECEIVED = "CdhCore.cmdDisp.NoOpReceived"
INVALID = "CdhCore.cmdDisp.InvalidCommand"
DOWN = "ComCcsds.link.BytesDown"


def test_values_come_with_limits_age_quality_and_a_curve(
    served: Served, station: Deployment, device: ScriptedDeployment
) -> None:
    station.alarms.set_limits(DOWN, {"high": {"yellow": 100, "red": 1000}})
    device.tell(DOWN, 12)
    station.wait_for(DOWN, 12)

    async def run() -> None:
        async with sit_down(served.url) as person:
            assert "live" in await person.see(DOWN)
            await person.until(lambda: 12.0 in person.app.picture.trail)
            for value in (50, 200, 5000):
                device.tell(DOWN, value)
            await person.see("RED")
            words = person.line("RED").split()
            assert (words[:4], words[-1]) == ([DOWN, "5000", "B", "RED"], "live")
            await person.see(f"{DOWN}  12 .. 5000")
            assert list(person.app.picture.trail) == [12.0, 50.0, 200.0, 5000.0]

            device.tell("ComCcsds.link.BytesUp", 1)
            await person.see("BytesUp")
            await person.press("slash")
            await person.type("red")
            await person.until(lambda: not person.line("BytesUp"))
            await person.press("enter", "enter")
            await person.see("latched RED")
            await person.see("┤")
            await person.press("escape", "escape")
            await person.see("BytesUp")

            device.close()
            await person.until(lambda: "held" in person.line(f"{DOWN} "))
            assert not person.line("link up")

    asyncio.run(run())


def test_a_command_is_found_explained_sent_and_followed(
    served: Served, station: Deployment, device: ScriptedDeployment
) -> None:
    def receive() -> None:
        device.say(RECEIVED)
        device.complete(NO_OP)

    device.script[NO_OP] = receive
    device.script[VERSION] = lambda: device.fail(VERSION, "EXECUTION_ERROR")

    async def run() -> None:
        async with sit_down(served.url) as person:
            await person.until(lambda: person.app.picture.live)
            await person.press("c")
            await person.type("no_op")
            await person.see(f"> {NO_OP}")
            await person.press("down", "up", "tab")
            await person.see("Does nothing but say so")
            await person.press("enter")
            await person.see(f"{NO_OP} completed")
            await person.see("NoOpReceived")

            await person.type(f"{VERSION} pro")
            await person.see("> PROJECT")
            await person.press("tab", "enter")
            await person.see(f"{VERSION} failed")
            assert device.received == [NO_OP, VERSION]

            await person.type(f"{NO_OP} 1 2")
            await person.press("enter")
            await person.see(f"{NO_OP}: ")
            await person.type("CdhCore.nothing")
            await person.press("enter")
            await person.see("no command 'CdhCore.nothing'")
            await person.press("ctrl+c", "up", "up")
            await person.see(f"{VERSION} PROJECT")
            await person.press("ctrl+c", "escape", "3", "enter")
            assert "EXECUTION_ERROR" in await person.see("answer")
            assert len(device.received) == 2

    asyncio.run(run())


def test_a_hazardous_command_is_sent_only_after_a_yes(
    served: Served, station: Deployment, device: ScriptedDeployment
) -> None:
    async def run() -> None:
        async with sit_down(served.url) as person:
            await person.until(lambda: person.app.picture.live)
            for answer in ("enter", "escape", "n"):
                await person.press("escape", "c")
                await person.type(f"{TEST_CMD} 1 2 3")
                await person.press("enter")
                await person.see("is hazardous")
                await person.press(answer)
                await person.see("was not sent")
            assert device.received == []
            await person.type(f"{TEST_CMD} 1 2 3")
            await person.press("enter")
            await person.see("is hazardous")
            await person.press("y")
            await person.see(f"{TEST_CMD} completed")
            assert device.received == [TEST_CMD]

    asyncio.run(run())


def test_events_are_followed_from_a_severity_on(
    served: Served, station: Deployment, device: ScriptedDeployment
) -> None:
    async def run() -> None:
        async with sit_down(served.url) as person:
            await person.until(lambda: person.app.picture.live)
            await person.press("2")
            device.say(RECEIVED)
            device.say(INVALID, 7)
            await person.see("WARNING_HI")
            assert person.line("NoOpReceived")
            view = person.app.query_one(EventsView)
            while view.severity != "WARNING_HI":
                await person.press("s")
            await person.until(lambda: not person.line("NoOpReceived"))
            assert person.line("WARNING_HI")
            await person.press("enter")
            await person.see("received ")
            await person.press("escape")
            for _ in range(40):
                device.say(INVALID, 8)
            device.say("CdhCore.cmdDisp.TooManyCommands", 9)
            await person.see("TooManyCommands")
            await person.press("home")
            device.say("CdhCore.events.EventsDropped", 9)
            await person.until(lambda: len(person.app.picture.events) == 44)
            await person.until(lambda: person.line("2 Events 44"))
            assert not person.line("EventsDropped")

    asyncio.run(run())


def test_an_alarm_is_acknowledged_with_a_comment(
    served: Served, station: Deployment, device: ScriptedDeployment
) -> None:
    async def run() -> None:
        async with sit_down(served.url) as person:
            await person.until(lambda: person.app.picture.live)
            device.say(INVALID, 7)
            await person.see("alarms 1")
            await person.press("4")
            assert "InvalidCommand" in await person.see("ORANGE")
            await person.press("a")
            await person.see("Acknowledge")
            await person.press("escape", "a")
            await person.type("seen")
            await person.press("enter")
            await person.see(f"{INVALID} was acknowledged")
            await person.see("alarms 0")

    asyncio.run(run())
    (entry,) = station.alarms.history(action="acknowledged")
    assert (entry.source, entry.text) == (INVALID, "seen")


def test_what_waits_for_the_link_is_taken_back(served: Served, station: Deployment, device: ScriptedDeployment) -> None:
    device.close()

    async def run() -> None:
        async with sit_down(served.url) as person:
            await person.until(lambda: person.app.picture.live and not person.line("link up"))
            await person.press("c")
            await person.type(NO_OP)
            await person.press("enter")
            await person.see("held")
            await person.see("queued 1")
            await person.press("escape", "3", "x")
            await person.see("cancelled")
            await person.until(lambda: not person.line("queued 1"))
            await person.press("x")
            await person.see("only what is queued")

    asyncio.run(run())


def test_what_is_planned_stands_before_what_was_sent_and_is_taken_back(
    served: Served, station: Deployment, device: ScriptedDeployment
) -> None:
    station.send(NO_OP)
    station.plans.command(VERSION, "PROJECT", after_s=3600)
    station.plans.command(NO_OP, after_s=60)

    async def run() -> None:
        async with sit_down(served.url) as person:
            await person.see("planned 2")
            await person.press("3")
            rows = [line.split() for line in person.lines() if ".CMD_NO_OP" in line or ".VERSION" in line]
            told = [(row[1], row[2].rpartition(".")[2]) for row in rows if row[1] in ("planned", "completed")]
            assert told == [("planned", "CMD_NO_OP"), ("planned", "VERSION"), ("completed", "CMD_NO_OP")]
            await person.press("enter")
            await person.see("due ")
            await person.press("escape", "x")
            await person.see(f"{NO_OP} was taken back")
            await person.see("planned 1")

    asyncio.run(run())
    assert [one.subject for one in station.plans.all(waiting=True)] == [VERSION]


def test_a_server_that_goes_and_comes_is_told_and_found_again(
    configuration: GroundConfiguration, device: ScriptedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE_S", 1.0)
    first = Served(configuration)
    with Ground(first.url) as ground:
        station = ground.deployment("small")
        for update in station.watch("links", recent=0) if station.link().state != "up" else ():
            if update.subject.state == "up":
                break
        device.tell(DOWN, 12)
        station.wait_for(DOWN, 12)

    async def run() -> None:
        def value_shown(value: int) -> bool:
            device.tell(DOWN, value)
            return str(value) in person.line(f"{DOWN} ")

        async with sit_down(first.url) as person:
            assert "live" in await person.see(f"{DOWN} ")
            await asyncio.to_thread(first.stop)
            assert "SERVER AWAY" in await person.see("SERVER AWAY")
            await person.see("link was up")
            await person.until(lambda: "held" in person.line(f"{DOWN} "))
            await person.press("c")
            await person.type(NO_OP)
            await person.press("enter")
            await person.see("the server is away, nothing was sent")

            second = await asyncio.to_thread(Served, configuration, None, first.port)
            try:
                await person.until(lambda: not person.line("SERVER AWAY"))
                await person.see("link up")
                assert person.line(f"{DOWN} ")
                await person.until(lambda: value_shown(13))
                await person.until(lambda: "live" in person.line(f"{DOWN} "))
            finally:
                await asyncio.to_thread(second.stop)

    asyncio.run(run())


def test_a_deployment_is_picked_among_several(
    configuration: GroundConfiguration, device: ScriptedDeployment, dictionary_file: Path
) -> None:
    spare = DeploymentConfiguration("spare", dictionary_file, "tcp://127.0.0.1:9", "fprime")
    served = Served(replace(configuration, deployments=(spare, *configuration.deployments)))

    async def run() -> None:
        async with sit_down(served.url, "spare", pick=True) as person:
            await person.see("small  ")
            await person.see("tcp://127.0.0.1:9")
            await person.press("down", "enter")
            await person.see("small  link up")
            device.tell(DOWN, 3)
            await person.see(DOWN)
            await person.press("d")
            await person.until(lambda: person.line("tcp://127.0.0.1:9"))
            await person.press("enter")
            await person.see("spare  link ")
            assert not person.line(DOWN)

    try:
        asyncio.run(run())
    finally:
        served.stop()


def test_the_screen_fits_any_terminal(served: Served, station: Deployment, device: ScriptedDeployment) -> None:
    device.tell(DOWN, 3)
    station.wait_for(DOWN, 3)

    async def run() -> None:
        async with sit_down(served.url, size=(80, 24)) as person:
            await person.see(DOWN)
            for columns, rows in ((200, 60), (40, 12), (24, 8)):
                await person.resize(columns, rows)
                await person.see("BytesDown"[-6:])
                assert person.app.query_one("#tail").display is (rows >= 20)
                for title, key in (("Events", "2"), ("Commands", "3"), ("Alarms", "4"), ("Channels", "1")):
                    await person.press(key)
                    assert person.app.view.title == title
                    assert person.line("small")
            assert person.app.query_one(ChannelsView).list.record.value == 3

    asyncio.run(run())
