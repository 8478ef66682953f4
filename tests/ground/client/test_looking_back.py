"""The past through the API: how it stood, the timeline, and all of it told again, by client and command line."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kittiwake.cli.main import main
from kittiwake_ground.archive import Archive
from kittiwake_ground.client import ChartLayout, Ground, RequestRefused
from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration
from tests.ground.client.served import Served
from tests.system.past_hour import DISPATCHED, NO_OP, NO_OP_SAID, SECOND_US, PastHour, write_past_hour

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake_ground.client import Deployment
    from tests.ground.client.scripted_deployment import ScriptedDeployment


@pytest.fixture(autouse=True)
def hour(tmp_path: Path, dictionary_file: Path) -> PastHour:
    """An hour in the archive before the server opens it."""
    return write_past_hour(tmp_path, dictionary_file, time.time_ns() // 1000, "small")


@pytest.fixture
def past(ground: Ground) -> Deployment:
    """The deployment; whether its link is up is of no interest here."""
    return ground.deployment("small")


def test_the_state_at_a_time_is_that_of_just_before(past: Deployment, hour: PastHour) -> None:
    at = hour.start_us + 600 * SECOND_US
    moment = past.past.at(at, DISPATCHED)
    assert [(one.name, one.value, one.time_us) for one in moment.channels.values()] == [
        (DISPATCHED, 599, at - SECOND_US)
    ]
    assert moment.link.state == "up"
    assert past.past.at(at + 1, DISPATCHED).channels[DISPATCHED].value == 600
    assert past.past.at(hour.start_us + 1_700 * SECOND_US).link.reason == "out of sight"
    assert past.past.at(hour.start_us).channels == {}


def test_a_replay_tells_each_thing_once_and_ends(past: Deployment, hour: PastHour) -> None:
    start, until = hour.start_us + 60 * SECOND_US, hour.start_us + 300 * SECOND_US
    told = list(
        past.past.replay(start, until, 1000, ("channels", "events", "commands"), (DISPATCHED, "*.NoOp*", NO_OP))
    )
    values = [one.subject.value for one in told if one.kind == "channels"]
    assert values == list(range(60, 300))
    texts = [one.subject.text for one in told if one.kind == "events"]
    assert texts == [f"no-op of second {second}" for second in (60, 120, 180, 240)]
    assert [one for one in told if one.kind == "commands"] == []


@pytest.mark.parametrize(
    "at, speed, words", [("10m", 0, "speed"), ("10m", 1e9, "speed"), ("2999-01-01", 1, "yet to come")]
)
def test_a_replay_that_makes_no_sense_is_refused(past: Deployment, at: str, speed: float, words: str) -> None:
    with pytest.raises(RequestRefused, match=words):
        list(past.past.replay(at, None, speed))


def test_the_timeline_has_spans_that_meet_and_commands_with_their_lives(past: Deployment, hour: PastHour) -> None:
    found = past.past.timeline(hour.start_us, hour.end_us)
    assert [one["state"] for one in found["link"]] == ["up", "down", "up"]
    ends = [one["end_us"] for one in found["link"]]
    assert [one["start_us"] for one in found["link"]] == [hour.start_us, *ends[:-1]]
    assert ends[-1] == hour.end_us
    assert found["event_count"] == len(found["events"]) == 60
    assert [[step["state"] for step in one["steps"]] for one in found["commands"]] == [
        ["queued", "sent", "dispatched", "completed"]
    ] * 6
    with pytest.raises(RequestRefused, match="ends before it begins"):
        past.past.timeline(hour.end_us, hour.start_us)
    with pytest.raises(RequestRefused, match="days at once"):
        past.past.timeline(0, hour.end_us)


def test_the_command_line_replays_and_prints_the_timeline(
    served: Served, hour: PastHour, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITTIWAKE_GROUND", served.url)
    start, end = (f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(us / 1e6))}Z" for us in hour)
    part = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(hour.start_us / 1e6 + 600))}Z"
    assert (
        main(["ground", "replay", "--at", start, "--until", part, "--speed", "1000", "*.NoOpReceived", "--json"]) == 0
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["text"] for one in lines] == [f"no-op of second {second}" for second in range(0, 600, 60)]
    assert main(["ground", "timeline", "--start", start, "--end", end]) == 0
    out = capsys.readouterr().out
    for words in ("link      down  out of sight", f"command   {NO_OP}  by ada: queued, sent, dispatched, completed"):
        assert words in out
    assert main(["ground", "replay", "--at", "never"]) == 1
    assert "is no time" in capsys.readouterr().err


def test_layouts_are_saved_changed_and_removed_by_client_and_command_line(
    past: Deployment, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = "CdhCore.cmdDisp.CommandsDispatched"
    first = past.past.save_layout(ChartLayout("today / yesterday", (channel,), 86_400, live=False, over_s=86_400))
    assert past.past.layouts() == [first]
    with pytest.raises(RequestRefused, match="exists already"):
        past.past.save_layout(replace(first, version=0))
    with pytest.raises(RequestRefused, match="nothing"):
        past.past.save_layout(ChartLayout("other", ("nothing",)))
    second = past.past.save_layout(replace(first, span_s=3_600))
    assert second.version == 2
    words = ["ground", "layouts", "--server", served.url]
    assert main([*words, "--save", "all", "--channels", channel, "--shared", "--live", "--span", "60"]) == 0
    assert main(words) == 0
    out = capsys.readouterr().out
    assert f"all  (for all)  60 s live  {channel}" in out
    assert f"today / yesterday  (local)  3600 s over 86400 s earlier  {channel}" in out
    assert main([*words, "--remove", "all", "--shared"]) == 0
    assert main([*words, "--remove", "all", "--shared"]) == 2
    past.past.remove_layout(second)
    assert past.past.layouts() == []


def test_frames_are_decoded_again_through_the_server(
    device: ScriptedDeployment, dictionary_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The dictionary of the right build calls an event by other words: the archive has them then."""
    plan = DeploymentConfiguration("small", dictionary_file, device.link, "fprime", raw_frames=True)
    right = tmp_path / "right.json"
    content = json.loads(dictionary_file.read_text())
    for one in content["events"]:
        if one["name"].endswith("NoOpReceived"):
            one["format"] = "heard it"
    right.write_text(json.dumps(content))
    with Archive(tmp_path / "archive") as archive:
        served = Served(GroundConfiguration((plan,), folder=tmp_path / "ground"), archive)
        try:
            with Ground(served.url) as ground:
                station = ground.deployment("small")
                for update in station.watch("links") if station.link().state != "up" else ():
                    if update.subject.state == "up":
                        break
                device.say(NO_OP_SAID)
                while not station.events(NO_OP_SAID, start="1m"):
                    time.sleep(0.02)
            archive.flush()
            words = [
                "ground",
                "redecode",
                "--server",
                served.url,
                "--dictionary",
                str(right),
                "--from",
                "5m",
                "--to",
                "0s",
            ]
            assert main([*words, "--dry-run"]) == 0
            assert "-> ACTIVITY_HI heard it" in capsys.readouterr().out
            assert main(words) == 0
            assert capsys.readouterr().out.endswith("written\n")
            found = archive.events("small", name=NO_OP_SAID, limit=1)
            assert found[0].text == "heard it"
            assert main([*words[:-4], "--from", "70m", "--to", "69m"]) == 1
            assert "no raw frames" in capsys.readouterr().err
        finally:
            served.stop()
