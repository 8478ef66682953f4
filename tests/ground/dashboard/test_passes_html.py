"""Passes as HTML."""

from __future__ import annotations

import re
from typing import Any

from kittiwake_ground.dashboard.passes_html import outcomes_html, plan_html, rooms_html, timeline_html, waiting_html

S = 1_000_000
T0 = 1_764_230_400 * S
PASS: dict[str, Any] = {
    "contact": 1, "name": "<north>", "link": "lora", "origin": "hand", "start_us": T0 + 100 * S, "end_us": T0 + 700 * S,
    "duration_s": 600.0, "down_bps": 9600.0, "up_bps": 0.0, "down_measured": True, "up_measured": True,
}  # fmt: skip
OUTCOME: dict[str, Any] = {
    "start_us": T0 - 700 * S, "end_us": T0 - 100 * S, "name": "<past>", "link": "", "bytes_down": 2048, "bytes_up": 10,
    "commands": 3, "first_frame_us": T0 - 690 * S, "last_frame_us": T0 - 110 * S, "peak_down_bps": 1200.0,
    "is_over": True,
}  # fmt: skip
PLAN: dict[str, Any] = {
    "id": 7, "kind": "command", "subject": "a.<b>", "arguments": {"x": "<1>"}, "when": "pass", "delay_s": 30.0,
    "due_us": None, "until_us": T0, "by": "<ada>", "state": "planned", "final": False, "reason": "", "released_us": 0,
    "ended_us": 0,
}  # fmt: skip
BUDGET: dict[str, Any] = {
    "now_us": T0,
    "passes": [
        {
            **PASS,
            "down": {"capacity_bytes": 1000, "background_bytes": 250, "used_bytes": 500},
            "up": {"capacity_bytes": 0, "background_bytes": 0, "used_bytes": 0},
        }
    ],
    "up": [],
    "down": [
        {"name": "/a<b", "kind": "file", "note": "n", "bytes": 500, "verdict": "fits", "shares": [], "left_bytes": 0,
         "done_start_us": T0 + 100 * S},
        {"name": "b", "kind": "file", "note": "n", "bytes": 900, "verdict": "waits", "shares": [1], "left_bytes": 400,
         "done_start_us": None},
        {"name": "c", "kind": "file", "note": "n", "bytes": None, "verdict": "unknown", "shares": [],
         "left_bytes": None, "done_start_us": None},
    ],
}  # fmt: skip


def test_passes_stand_at_their_time_and_nothing_of_their_names_is_markup() -> None:
    html = timeline_html([PASS], [OUTCOME], [PLAN, {**PLAN, "due_us": T0 + 500 * S}], T0 - 1000 * S, T0 + 1000 * S, T0)
    assert re.findall(r'data-pass="(\d+)".*?left:([\d.]+)%;width:([\d.]+)%', html) == [
        (str(T0 - 700 * S), "15.000", "30.000"), (str(T0 + 100 * S), "55.000", "30.000")
    ]  # fmt: skip
    assert html.count("kw-plan-mark") == 1, "a plan whose time is not known has no place"
    assert "kw-pass-done" in html
    assert "<north>" not in html
    assert "&lt;north&gt;" in html


def test_a_bar_shows_what_telemetry_takes_and_what_of_all_that_waits() -> None:
    html = rooms_html(BUDGET)
    assert re.findall(r'kw-room-(\w+)" style="width:([\d.]+)%', html) == [("flow", "25.0"), ("used", "50.0")]
    assert "in 1 min 40 s" in html
    assert "9.6 kbit/s as measured" in html
    assert "no rate is known yet" in html
    assert "Add one below" in rooms_html({**BUDGET, "passes": []})


def test_what_waits_says_what_becomes_of_it() -> None:
    html = waiting_html(BUDGET)
    assert re.findall(r'kw-chip-(\w+)">([^<]*)<', html) == [
        ("good", "next pass"), ("warning", "400 B left"), ("idle", "size unknown")
    ]  # fmt: skip
    assert "/a&lt;b" in html
    assert "Nothing waits" in waiting_html({**BUDGET, "down": []})


def test_a_plan_says_when_it_goes_and_what_became_of_it() -> None:
    assert "in the next pass + 30 s, which is not known yet" in plan_html(PLAN)
    assert "next pass + 30 s, 27 Nov 08:00:05" in plan_html({**PLAN, "due_us": T0 + 5 * S})
    html = plan_html({**PLAN, "state": "uncertain", "final": True, "ended_us": T0, "reason": "<why>"})
    assert "ended 27 Nov 08:00:00" in html
    assert "<why>" not in html + plan_html(PLAN)
    assert "<ada>" not in html


def test_outcomes_stand_in_a_table() -> None:
    html = outcomes_html([OUTCOME, {**OUTCOME, "last_frame_us": 0, "peak_down_bps": 0.0}])
    assert "2.0 KiB" in html
    assert ">none</span>" in html
    assert "No pass was watched" in outcomes_html([])
