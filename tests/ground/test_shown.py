"""Events and channels as lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
from kittiwake.dictionary.entries import Channel, Event, Formal, Limits
from kittiwake.dictionary.lines import event_line
from kittiwake.model.types import F32, String, wire_type
from kittiwake_ground.shown import alarm_of, channel_line, channel_object, event_object

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Dictionary

NOON = 1_767_268_800_000_001
NAMED = Event("a.B", 1, "WARNING_HI", "said {}", (Formal("text", wire_type(String(40))),))
WARM = Channel("a.T", 2, wire_type(F32), "{.1f}", low=Limits(yellow=0.0), high=Limits(yellow=30.0, red=50.0), unit="C")


def test_a_clock_that_knows_the_date_gives_utc(dictionary: Dictionary) -> None:
    line = event_line(DecodedEvent(NAMED, 2 << 64 | NOON, ("hello",)), dictionary.config)
    assert line == "2026-001T12:00:00.000001  WARNING_HI   a.B: said hello"


def test_another_clock_gives_its_name_and_its_time(dictionary: Dictionary) -> None:
    line = event_line(DecodedEvent(NAMED, 1 << 64 | 3_723_000_004, ("hello",)), dictionary.config)
    assert line == "TB_PROC_TIME 01:02:03.000004  WARNING_HI   a.B: said hello"
    assert event_line(DecodedEvent(NAMED, 9 << 64, ("x",)), dictionary.config).startswith("base 9 00:00:00.000000")


def test_no_text_from_the_link_moves_the_cursor(dictionary: Dictionary) -> None:
    line = event_line(DecodedEvent(NAMED, 0, ("\x1b[2Jgone\n\x9b",)), dictionary.config)
    assert line.endswith(r"said \x1b[2Jgone\n\x9b")
    assert line.isprintable()


@pytest.mark.parametrize("value, alarm", [(20.0, ""), (-1.0, "YELLOW"), (31.0, "YELLOW"), (51.0, "RED")])
def test_a_channel_shows_the_gravest_limit_that_it_breaks(value: float, alarm: str, dictionary: Dictionary) -> None:
    channel = DecodedChannel(WARM, 2 << 64 | NOON, value, {})
    assert alarm_of(channel) == alarm
    marked = f"  [{alarm}]" if alarm else ""
    assert channel_line(channel, dictionary.config) == f"2026-001T12:00:00.000001  a.T = {value:.1f} C{marked}"


def test_json_holds_every_number_there_is(dictionary: Dictionary) -> None:
    for value, plain in ((1.5, 1.5), (float("nan"), "nan"), (float("inf"), "inf")):
        shown = channel_object(DecodedChannel(WARM, 0, value, {}), dictionary.config)
        assert json.loads(json.dumps(shown, allow_nan=False))["value"] == plain
    event = event_object(DecodedEvent(NAMED, 0, ("x",)), dictionary.config)
    assert (event["arguments"], event["severity"]) == ({"text": "x"}, "WARNING_HI")
