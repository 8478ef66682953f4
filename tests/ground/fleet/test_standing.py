"""Which deployment is looked at first, and why."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_ground.configuration import FleetLimits
from kittiwake_ground.fleet.standing import (
    ASLEEP,
    CONNECTING,
    DEFAULT_LIMITS,
    GRAVE_EVENT_S,
    HEARD,
    LOST,
    OVERDUE,
    SILENT,
    STATES,
    Concern,
    Glance,
    GraveEvent,
    Standing,
    heard_state,
    in_order,
    standing,
)
from kittiwake_ground.server.links import CONNECTING as LINK_CONNECTING
from kittiwake_ground.server.links import DOWN, UP

NOW_US = 1_700_000_000_000_000
LEVELS = ("RED", "ORANGE", "YELLOW")


def ago(seconds: float) -> int:
    return NOW_US - round(seconds * 1e6)


def glance(name: str = "station", **about: object) -> Glance:
    """A deployment that is heard now, and nothing wrong with it."""
    known = {"heard_us": ago(1), "served_us": ago(86_400), "link_since_us": ago(3600), **about}
    return Glance(name, NOW_US, **known)  # type: ignore[arg-type]


def concerns(one: Glance) -> list[Concern]:
    return [why.concern for why in standing(one).reasons]


def test_one_that_is_heard_and_well_wants_nobody() -> None:
    found = standing(glance())
    assert (found.state, found.level, found.reasons) == (HEARD, "", ())


# What is expected of the link


@pytest.mark.parametrize(
    "link, silent, heard_s, next_s, state",
    [
        (UP, False, 1, 0, HEARD),
        (UP, True, 20, 0, SILENT),
        (UP, True, DEFAULT_LIMITS.silent_lost_s + 1, 0, LOST),
        (DOWN, True, DEFAULT_LIMITS.lost_after_s - 5, 0, CONNECTING),
        (DOWN, True, DEFAULT_LIMITS.lost_after_s + 5, 0, LOST),
        (LINK_CONNECTING, True, DEFAULT_LIMITS.lost_after_s + 5, 0, LOST),
        (DOWN, True, 7200, 3600, ASLEEP),
        (UP, True, 7200, 3600, ASLEEP),
        (DOWN, True, 7200, -DEFAULT_LIMITS.overdue_after_s + 1, ASLEEP),
        (DOWN, True, 7200, -DEFAULT_LIMITS.overdue_after_s - 1, OVERDUE),
        (UP, True, 7200, -DEFAULT_LIMITS.overdue_after_s - 1, OVERDUE),
        (DOWN, True, 60, -3600, LOST),
        (UP, False, 1, 3600, HEARD),
    ],
    ids=[
        "up", "silent", "silent for long", "just lost", "lost", "lost, tried again", "asleep", "asleep, half open",
        "a little late", "overdue", "overdue, half open", "awake since its plan", "awake before its plan",
    ],
)  # fmt: skip
def test_what_is_expected_is_no_alarm(link: str, silent: bool, heard_s: float, next_s: float, state: str) -> None:
    planned = ago(-next_s) if next_s else 0
    found = glance(link=link, is_silent=silent, heard_us=ago(heard_s), next_contact_us=planned)
    assert heard_state(found) == state
    assert (Concern.LINK_LOST in concerns(found)) == (state in (LOST, OVERDUE))


@pytest.mark.parametrize(
    "link, heard_s, next_s, before, after",
    [
        (UP, 100, 0, SILENT, LOST),
        (DOWN, 25, 0, CONNECTING, LOST),
        (DOWN, 7200, -200, ASLEEP, OVERDUE),
    ],
)
def test_the_limits_are_those_of_the_deployment(
    link: str, heard_s: float, next_s: float, before: str, after: str
) -> None:
    planned = ago(-next_s) if next_s else 0
    found = glance(link=link, is_silent=True, heard_us=ago(heard_s), next_contact_us=planned)
    limits = FleetLimits(lost_after_s=20, silent_lost_s=90, overdue_after_s=150)
    assert (standing(found).state, standing(found, limits).state) == (before, after)


def test_nothing_is_lost_while_the_ground_station_has_only_begun() -> None:
    found = glance(link=DOWN, is_silent=True, heard_us=0, served_us=ago(5))
    assert heard_state(found) == CONNECTING
    lost = standing(replace(found, served_us=ago(60), reason="Connection refused"))
    assert (lost.state, lost.reasons[0].text) == (LOST, "never heard: Connection refused")


def test_one_that_is_overdue_says_since_when() -> None:
    (why,) = standing(glance(link=DOWN, is_silent=True, heard_us=ago(9000), next_contact_us=ago(1800))).reasons
    assert (why.since_us, why.page, why.level) == (ago(1800), "power", "RED")


# The other reasons


def test_alarms_that_somebody_has_seen_no_longer_press() -> None:
    found = standing(glance(unseen={"RED": 2}, worst_alarm="power.Voltage", seen={"ORANGE": 1}))
    assert [why.text for why in found.reasons] == [
        "red alarm not acknowledged: power.Voltage and 1 more", "1 acknowledged alarm",
    ]  # fmt: skip
    assert found.level == "RED"
    assert standing(glance(seen={"RED": 1})).level == ""


def test_an_event_is_a_reason_of_its_own_only_where_it_is_no_alarm_and_recent() -> None:
    event = GraveEvent("WARNING_HI", "cdh.health.PingLate", "late", ago(60), is_alarm=False)
    assert concerns(glance(event=event)) == [Concern.WARNING_EVENT]
    assert concerns(glance(event=event._replace(severity="FATAL"))) == [Concern.FATAL_EVENT]
    assert concerns(glance(event=event._replace(severity="WARNING_LO"))) == []
    assert concerns(glance(event=event._replace(is_alarm=True))) == []
    assert concerns(glance(event=event._replace(received_us=ago(GRAVE_EVENT_S + 1)))) == []


def test_commands_that_wait_are_told_of_only_while_they_cannot_go() -> None:
    assert concerns(glance(waiting=3)) == []
    asleep = glance(waiting=3, link=DOWN, is_silent=True, heard_us=ago(7200), next_contact_us=ago(-60))
    found = standing(asleep)
    assert ([why.text for why in found.reasons], found.level) == (["3 commands wait"], "")


# The order


def test_the_worst_comes_first() -> None:
    members = [
        glance("calm"),
        glance("acknowledged", seen={"RED": 1}),
        glance("silent", is_silent=True, heard_us=ago(20)),
        glance("mismatched", dictionary_matches=False),
        glance("yellow", unseen={"YELLOW": 1}),
        glance("warned", event=GraveEvent("WARNING_HI", "a.B", "", ago(1), is_alarm=False)),
        glance("orange", unseen={"ORANGE": 1}),
        glance("fatal", event=GraveEvent("FATAL", "a.B", "", ago(1), is_alarm=False)),
        glance("lost", link=DOWN, is_silent=True, heard_us=ago(600)),
        glance("red", unseen={"RED": 1}),
        glance("red and lost", unseen={"RED": 1}, link=DOWN, is_silent=True, heard_us=ago(600)),
        glance("asleep", link=DOWN, is_silent=True, heard_us=ago(600), next_contact_us=ago(-600)),
    ]
    names = [one.glance.name for one in in_order(standing(one) for one in members)]
    assert names == [
        "red and lost", "red", "lost", "fatal", "orange", "warned", "yellow", "mismatched", "silent", "acknowledged",
        "asleep", "calm",
    ]  # fmt: skip


counts = st.dictionaries(st.sampled_from(LEVELS), st.integers(0, 5))
moments = st.one_of(st.just(0), st.integers(-100_000, 100_000).map(ago))
events = st.builds(
    GraveEvent, st.sampled_from(["FATAL", "WARNING_HI", "WARNING_LO"]), st.just("a.B"), st.just("said"),
    st.integers(0, 100_000).map(ago), st.booleans(),
)  # fmt: skip
glances = st.builds(
    Glance,
    name=st.sampled_from("abcdefgh"),
    now_us=st.just(NOW_US),
    link=st.sampled_from([UP, DOWN, LINK_CONNECTING]),
    is_silent=st.booleans(),
    reason=st.just("why"),
    heard_us=moments,
    served_us=moments,
    next_contact_us=moments,
    is_scheduled=st.booleans(),
    dictionary_matches=st.sampled_from([None, True, False]),
    unseen=counts,
    seen=counts,
    worst_alarm=st.sampled_from(["", "power.Voltage"]),
    event=st.one_of(st.none(), events),
    waiting=st.integers(0, 3),
)
fleets = st.lists(glances, max_size=8, unique_by=lambda one: one.name)


@given(fleets, st.randoms())
def test_the_order_is_that_of_what_is_known_and_of_nothing_else(fleet: list[Glance], chance: object) -> None:
    expected = in_order(standing(one) for one in fleet)
    shuffled = list(fleet)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert in_order(standing(one) for one in shuffled) == expected
    assert sorted(one.glance.name for one in expected) == sorted(one.name for one in fleet)


@given(fleets)
def test_nobody_stands_before_one_with_a_graver_reason(fleet: list[Glance]) -> None:
    worst = [max([why.concern for why in one.reasons], default=0) for one in in_order(map(standing, fleet))]
    assert worst == sorted(worst, reverse=True)


@given(fleets, st.integers(0, 7), st.sampled_from(LEVELS))
def test_one_alarm_more_never_takes_a_deployment_down(fleet: list[Glance], number: int, level: str) -> None:
    if not fleet:
        return
    one = fleet[number % len(fleet)]
    worse = replace(one, unseen={**one.unseen, level: one.unseen.get(level, 0) + 1})
    before = in_order(map(standing, fleet))
    after = in_order(standing(worse if other is one else other) for other in fleet)
    assert _place(after, one.name) <= _place(before, one.name)


@given(glances)
def test_a_standing_says_why_and_is_plain_json(one: Glance) -> None:
    found = standing(one)
    assert found.state in STATES
    assert [why.concern for why in found.reasons] == sorted([why.concern for why in found.reasons], reverse=True)
    assert all(why.text and why.page for why in found.reasons)
    # What is graver is never of a lesser colour.
    ranks = [(*LEVELS, "").index(why.level) for why in found.reasons]
    assert ranks == sorted(ranks)
    shown = json.loads(json.dumps(found.plain()))
    assert (shown["name"], shown["level"], len(shown["reasons"])) == (one.name, found.level, len(found.reasons))


@given(glances)
def test_whoever_sleeps_as_planned_is_not_missed(one: Glance) -> None:
    asleep = replace(one, link=DOWN, heard_us=ago(7200), next_contact_us=ago(-60))
    assert standing(asleep).state == ASLEEP
    assert Concern.LINK_LOST not in concerns(asleep)
    assert Concern.STALE not in concerns(asleep)


def _place(order: list[Standing], name: str) -> int:
    return [one.glance.name for one in order].index(name)
