"""The timeline's HTML: marks where their times are, and no text of a deployment as markup."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kittiwake_ground.dashboard.timeline_html import detail_html, timeline_html

START, END = 1_700_000_000_000_000, 1_700_003_600_000_000


def found(**more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "start_us": START, "end_us": END, "link": [], "modes": [], "boots": [], "events": [], "event_count": 0,
        "event_width_us": 60_000_000, "event_counts": [], "commands": [], "commands_cut": False,
    }  # fmt: skip
    return {**empty, **more}


def event(at_us: int, severity: str = "WARNING_HI", text: str = "x") -> dict[str, Any]:
    return {"at_us": at_us, "severity": severity, "name": "a.b.Said", "text": text}


def command(*steps: tuple[str, int], final: bool = True) -> dict[str, Any]:
    shown = [{"state": state, "time_us": START + at, "time": "t"} for state, at in steps]
    return {
        "name": "a.b.DO", "by": "ada", "state": steps[-1][0], "final": final, "response": "", "reason": "",
        "steps": shown, "arguments": {},
    }  # fmt: skip


def test_a_mark_lies_where_its_time_is_and_text_is_escaped() -> None:
    html = timeline_html(found(events=[event((START + END) // 2, text="<script>")], event_count=1))
    assert re.search(rf'data-at="{(START + END) // 2}"[^>]*left:50.000%', html)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_spans_fill_their_stretch_and_a_boot_is_marked() -> None:
    spans = [
        {"value": 1, "since_us": START - 5, "start_us": START, "end_us": START + 900_000_000},
        {"value": 2, "since_us": START + 900_000_000, "start_us": START + 900_000_000, "end_us": END},
    ]
    html = timeline_html(found(boots=spans))
    assert "left:0.000%;width:25.000%" in html
    assert "left:25.000%;width:75.000%" in html
    assert html.count("kw-boot-mark") == 1


def test_of_too_many_events_their_numbers_are_drawn_with_the_gravest_colour() -> None:
    counts = [
        {"start_us": START, "severity": "ACTIVITY_LO", "count": 9_000},
        {"start_us": START, "severity": "FATAL", "count": 1},
        {"start_us": START + 60_000_000, "severity": "ACTIVITY_LO", "count": 90},
    ]
    html = timeline_html(found(event_counts=counts, event_count=9_091))
    assert html.count("kw-count-mark") == 2
    assert f'kw-event-FATAL" data-at="{START}" data-until="{START + 60_000_000}"' in html
    assert "9000 ACTIVITY_LO, 1 FATAL" in html


def test_commands_at_one_time_lie_below_one_another_and_an_open_one_lasts() -> None:
    html = timeline_html(
        found(commands=[command(("queued", 0), ("completed", 5)), command(("queued", 1), ("sent", 2), final=False)])
    )
    assert "top:3px" in html
    assert "top:18px" in html
    assert "width:max(6px,100.000%)" in html


@pytest.mark.parametrize("kind, index", [("event", 0), ("command", 0), ("event", 99), ("", 0)])
def test_each_mark_has_its_details(kind: str, index: int) -> None:
    html = detail_html(found(events=[event(START)], commands=[command(("queued", 0))]), kind, index, START)
    assert "2023-11-14" in html
    assert ("Said" in html) is (kind == "event" and index == 0)
    assert ("ada" in html) is (kind == "command")
