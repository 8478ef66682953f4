"""Alarms as the dashboard writes them: how they stand, and nothing of theirs is markup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kittiwake.dictionary.decode import DecodedChannel
from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.alarms.life import EVENT, LIMIT, STALE, Alarm
from kittiwake_ground.alarms.store import Entry
from kittiwake_ground.dashboard.alarm_html import (
    alarm_fact,
    alarm_html,
    history_html,
    pill_html,
    receivers_html,
    state_text,
)
from kittiwake_ground.server.hub import Hub
from tests.ground.server.foreign import DICTIONARY

FOREIGN = read_dictionary(DICTIONARY, "foreign")
TEMPERATURE = "Ref.heater.Temperature"
ALARM = Alarm(7, "ref", LIMIT, TEMPERATURE, "RED", "RED", "51; red above 50", 10**15, 10**15, 10**15)


def hub_with(*values: float) -> Hub:
    hub = Hub("ref", FOREIGN, 3)
    hub.take_samples([DecodedChannel(FOREIGN.channel(TEMPERATURE), 2 << 64, one, {}) for one in values], 0)
    return hub


@pytest.mark.parametrize(
    "changes,text",
    [
        ({}, "active"),
        ({"now": ""}, "has recovered, wants to be acknowledged"),
        ({"acknowledged_by": "ada"}, "active, acknowledged"),
        ({"kind": EVENT, "now": ""}, "event, wants to be acknowledged"),
        ({"kind": STALE}, "active (silent)"),
    ],
)
def test_how_an_alarm_stands_is_said(changes: dict[str, Any], text: str) -> None:
    assert state_text(replace(ALARM, **changes)) == text


def test_an_alarm_says_what_was_seen_and_what_is_now() -> None:
    shown = alarm_html(replace(ALARM, now="", count=3, comment="<b>look</b>", comment_by="bob"), hub_with(20))
    for text in (
        "51; red above 50 at 2001-09-09 01:46:40, raised 3 times",
        "now 20",
        "yellow above 30",
        "bob: &lt;b&gt;",
    ):
        assert text in shown
    assert "<b>look" not in shown


def test_the_header_and_the_tile_count_what_is_to_be_done() -> None:
    hub = hub_with(20)
    assert pill_html(hub.alarms.unseen(), "/d/ref/alarms") == ""
    assert alarm_fact(hub)[:3] == ("Alarms", "0", "good")
    hub = hub_with(20, 51, 31)
    assert "kw-limit-RED" in pill_html(hub.alarms.unseen(), "/d/ref/alarms")
    assert alarm_fact(hub) == ("Alarms", "1", "red", "gravest: red, 1 to acknowledge")
    hub.alarms.acknowledge_all("ada")
    assert pill_html(hub.alarms.unseen(), "/d/ref/alarms") == ""
    assert alarm_fact(hub) == ("Alarms", "1", "yellow", "gravest: yellow, all acknowledged")


def test_history_and_receivers_are_tables_and_say_when_they_are_empty() -> None:
    entry = Entry(10**15, 7, "commented", LIMIT, TEMPERATURE, "RED", "bob", "<i>")
    assert "commented by bob" in history_html([entry])
    assert "&lt;i&gt;" in history_html([entry])
    assert "Nothing of that kind" in history_html([])
    told = {"name": "duty", "kind": "webhook", "sent": 2, "waiting": 0, "failed": 1, "dropped": 0, "fault": "<gone>"}
    assert "2 sent, 0 waiting, 1 failed" in receivers_html([told])
    assert "&lt;gone&gt;" in receivers_html([told])
    assert "Nobody" in receivers_html([])
