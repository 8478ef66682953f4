"""Parameters as HTML: what is not known is never shown as a value, and texts of a deployment stay texts."""

from __future__ import annotations

from typing import Any

from kittiwake_ground.dashboard.parameter_html import comparison_html, facts_html, rows_html

UNTOLD = {"known": "unknown", "value": 7, "origin": "", "known_us": 0, "stale": False, "partial": False}
DEFAULT = {**UNTOLD, "known": "default", "value": 1}


def told(value: Any, **more: Any) -> dict[str, Any]:
    return {**UNTOLD, "known": "dump", "value": value, "origin": "SAVED", "known_us": 1_700_000_000_000_000, **more}


def row(name: str, verdict: str, first: Any, second: Any = DEFAULT) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "first": first, "second": second}


ROWS = [
    row("A.b.ONE", "different", told("<i>")), row("A.b.TWO", "unknown", UNTOLD), row("A.c.ONE", "same", told(1)),
]  # fmt: skip


def test_the_list_is_narrowed_down_by_kind_and_by_words_of_names_and_values() -> None:
    shown = rows_html(ROWS, "all", "", "A.b.TWO")
    assert shown.count("data-parameter=") == 3
    assert shown.count("kw-instance-head") == 2
    assert shown.count('aria-current="true"') == 1
    assert "<i>" not in shown
    assert rows_html(ROWS, "different", "", "").count("data-parameter=") == 1
    assert rows_html(ROWS, "all", "one a.c", "").count("data-parameter=") == 1
    assert "No parameter is such" in rows_html(ROWS, "same", "two", "")


def test_what_is_not_known_is_a_question_mark_and_doubt_is_said() -> None:
    assert ">?</b>" in rows_html(ROWS[1:2], "all", "", "")
    about = {"name": "A.b.ONE", "annotation": "<b>", "default": 1}
    assert "not told yet" in facts_html({**about, **UNTOLD}, "unknown")
    shown = facts_html({**about, **told(2, stale=True)}, "different")
    assert "may be another by now" in shown
    assert "2023-11-14 22:13:20" in shown
    assert "<b>" not in shown.replace("<b class", "").replace("<b>ONE</b>", "")


def test_a_comparison_shows_what_was_asked_for_and_counts_all() -> None:
    counts = {"different": 1, "absent": 1, "unknown": 1, "same": 1}
    sides = {
        "first": {"deployment": "one", "at": "", "defaults": False},
        "second": {"deployment": "two", "at": "2026-11-27T18:00:00Z", "defaults": False},
    }
    found = {**sides, "counts": counts, "parameters": [*ROWS, row("A.d", "absent", None, told(1))]}
    shown = comparison_html(found, "differences")
    assert shown.count("data-compared=") == 2
    assert "two, 2026-11-27 18:00:00" in shown
    assert "one, now" in shown
    assert "has none" in shown
    assert "1 unknown" in shown
    assert comparison_html(found, "all").count("data-compared=") == 4
    assert "None of these" in comparison_html({**found, "parameters": []}, "all")
