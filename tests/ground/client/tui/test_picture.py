"""What the screen holds of a deployment: bounded, in order, and honest about its age."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kittiwake_ground.client.records import (
    Alarm,
    AlarmChange,
    ChannelValue,
    CommandResult,
    CommandStep,
    DeploymentState,
    Event,
    LinkState,
    Update,
)
from kittiwake_ground.tui import picture as held
from kittiwake_ground.tui.picture import Picture
from kittiwake_ground.tui.wording import age_text, moment_text

LINK = LinkState("tcp://x", "up", "", "", 1_000_000, 0, False, *[0] * 9)
STATE = DeploymentState("one", "One", LINK, "hold", 0, "", "true", {}, ())
DICTIONARY = {"commands": [], "channels": [{"name": "a"}, {"name": "b"}]}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_us = 100_000_000

    def __call__(self) -> int:
        return self.now_us


def value(name: str, received_us: int, number: float = 1.0) -> ChannelValue:
    return ChannelValue(name, number, str(number), "", "", received_us, "TB_NONE", received_us, "")


def event(number: int) -> Event:
    return Event(number, "x", "DIAGNOSTIC", "", {}, "", 0, "TB_NONE", number)


def command(id: int, state: str = "sent") -> CommandResult:
    return CommandResult(id, "x", {}, "ann", state, False, "", "", (CommandStep("queued", id),))


def alarm(id: int, level: str = "RED", state: str = "active", **more: Any) -> Alarm:
    return Alarm(id, "one", "limit", "a", state, level, level, "", id, id, id, 1, 1, **more)


def news(kind: str, subject: Any, dropped: int = 0) -> Update:
    return Update(kind, "one", subject, {}, dropped)


@pytest.fixture
def clock() -> Clock:
    """The machine's clock."""
    return Clock()


@pytest.fixture
def picture(clock: Clock) -> Picture:
    """A picture of a deployment whose server is there."""
    made = Picture("one", clock)
    made.begin(DICTIONARY, STATE, {}, [], [], [])
    return made


def test_nothing_grows_without_end(picture: Picture) -> None:
    picture.choose("a")
    for number in range(1, 3000):
        picture.take(news("events", event(number)))
        picture.take(news("commands", command(number)))
        picture.take(news("channels", value("a", number, float(number))))
    assert [one.number for one in picture.events] == list(range(3000 - held.MAX_EVENTS, 3000))
    assert list(picture.commands) == list(range(3000 - held.MAX_COMMANDS, 3000))
    assert (len(picture.trail), picture.trail[-1]) == (held.MAX_TRAIL, 2999.0)
    assert list(picture.channels) == ["a"]


def test_what_came_while_everything_was_read_is_taken_once(picture: Picture) -> None:
    picture.begin(DICTIONARY, STATE, {}, [event(0), event(6), event(7)], [command(2), command(1)], [])
    for number in (6, 7, 8):
        picture.take(news("events", event(number)))
    picture.take(news("commands", command(1, "completed"), dropped=4))
    assert [one.number for one in picture.events] == [0, 6, 7, 8]
    assert [(one.id, one.state) for one in picture.commands.values()] == [(1, "completed"), (2, "sent")]
    assert picture.missed == 4


def test_a_value_is_held_once_link_or_server_are_not_there(picture: Picture, clock: Clock) -> None:
    late, early = value("a", 2_000_000), value("b", 999_999)
    assert (picture.quality(late), picture.quality(early)) == ("live", "held")
    picture.take(news("links", replace(LINK, silent=True)))
    assert picture.quality(late) == "held"
    picture.take(news("links", LINK))
    stale = replace(alarm(1), kind="stale")
    picture.take(news("alarms", AlarmChange(stale, "raised", "", "")))
    assert picture.quality(late) == "stale"
    picture.take(news("alarms", AlarmChange(replace(stale, now=""), "recovered", "", "")))
    assert picture.quality(late) == "live"
    picture.lose()
    assert picture.quality(late) == "held"


def test_the_last_values_outlive_a_server_that_forgot_them(picture: Picture) -> None:
    picture.take(news("channels", value("a", 5)))
    picture.take(news("channels", value("gone", 5)))
    picture.lose()
    picture.begin(DICTIONARY, STATE, {"b": value("b", 9)}, [], [], [])
    assert sorted(picture.channels) == ["a", "b"]


@pytest.mark.parametrize("ahead_us", [-3600_000_000, 0, 90_000_000])
def test_ages_are_by_the_grounds_clock(picture: Picture, clock: Clock, ahead_us: int) -> None:
    clock.now_us = 10_000_000_000
    for _ in range(3):
        clock.now_us += 1_000_000
        picture.take(news("channels", value("a", clock.now_us + ahead_us - 20_000)))
    clock.now_us += 5_000_000
    assert picture.age_s(picture.channels["a"]) == pytest.approx(5.0)


def test_the_worst_alarm_is_first_and_a_closed_one_goes(picture: Picture) -> None:
    alarms = [alarm(1, "YELLOW"), alarm(2, "RED", shelved_until_us=9), alarm(3, "RED"), alarm(4, "ORANGE", "latched")]
    picture.begin(DICTIONARY, STATE, {}, [], [], [*alarms, alarm(5, "RED", "acknowledged")])
    assert [one.id for one in picture.sorted_alarms()] == [5, 3, 4, 1, 2]
    assert picture.waiting_alarms() == 4
    picture.take(news("alarms", AlarmChange(alarm(3, state="closed"), "recovered", "", "")))
    assert [one.id for one in picture.sorted_alarms()] == [5, 4, 1, 2]


def test_ages_and_moments_are_short() -> None:
    seconds = (0.04, 9.94, 10, 119, 120, 7199, 7200, 86400 * 2, 1e12)
    assert [age_text(one) for one in seconds] == ["0.0s", "9.9s", "10s", "119s", "2m", "120m", "2h", "2d", "9999d"]
    assert moment_text(1_795_810_335_925_335) == "20:12:15"
    assert len(moment_text(3_723_000_000, "TB_PROC_TIME")) <= 8
