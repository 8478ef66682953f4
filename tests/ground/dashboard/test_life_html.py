"""Records as they stand on the page: nothing is said that the record does not say, and nothing is taken for markup."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake_ground.dashboard.life_html import command_html, span_text, transfer_html, value_text

START_US = 1_700_000_000_000_000


def command(state: str, **more: Any) -> dict[str, Any]:
    steps = [("queued", START_US), ("sent", START_US + 2_000), (state, START_US + 1_502_000)]
    return {
        "name": "core.AIM", "arguments": {"at": "<b>"}, "by": "ada & co", "final": True, "response": "OK", "reason": "",
        "steps": [{"state": name, "time": "2023-11-14T22:13:20.000000Z", "time_us": us} for name, us in steps], **more,
    }  # fmt: skip


def transfer(state: str, done: int, size: int, **more: Any) -> dict[str, Any]:
    return {
        "direction": "up", "remote": "/x<y>", "by": "ada", "state": state, "done_bytes": done, "size": size,
        "asked_us": START_US, "ended_us": 0, "reason": "", "way": "packets", "sha256": "", **more,
    }  # fmt: skip


def test_a_life_has_every_state_with_the_time_that_it_took() -> None:
    shown = command_html(command("completed"))
    for part in ("queued", "22:13:20.000", "sent", "+2 ms", "completed", "+1.50 s"):
        assert part in shown
    assert "waiting..." not in shown
    assert "kw-bad" not in shown


def test_a_command_on_its_way_does_not_look_finished() -> None:
    shown = command_html(command("dispatched", final=False))
    assert "waiting..." in shown
    assert "kw-chip-good" not in shown


def test_a_failure_has_its_response_and_reason_once() -> None:
    shown = command_html(command("failed", response="BUSY", reason="failed: BUSY"))
    assert shown.count("BUSY") == 1
    assert "BUSY - gone" in command_html(command("failed", response="BUSY", reason="gone"))


def test_arguments_and_names_are_never_markup() -> None:
    shown = command_html(command("completed"))
    assert "<b>&quot;" not in shown
    assert "&lt;b&gt;" in shown
    assert "ada &amp; co" in shown
    assert "/x&lt;y&gt;" in transfer_html(transfer("running", 1, 2))


def test_a_transfer_is_full_only_when_it_completed() -> None:
    assert 'aria-valuenow="50"' in transfer_html(transfer("running", 512, 1024))
    assert "50%" in transfer_html(transfer("running", 512, 1024))
    assert 'aria-valuenow="0"' in transfer_html(transfer("queued", 0, 0))
    assert 'aria-valuenow="100"' in transfer_html(transfer("completed", 0, 0, ended_us=START_US + 1))
    failed = transfer_html(transfer("failed", 512, 1024, reason="the link broke", ended_us=START_US + 1))
    assert 'aria-valuenow="50"' in failed
    assert "the link broke" in failed


def test_a_transfer_by_cfdp_says_so_and_has_its_digest() -> None:
    assert "CFDP" not in transfer_html(transfer("running", 1, 2))
    shown = transfer_html(transfer("completed", 2, 2, way="cfdp", sha256="0af1", ended_us=START_US + 1))
    assert "by CFDP" in shown
    assert "SHA-256 0af1" in shown


@pytest.mark.parametrize(
    "value, text",
    [
        ("SAFE", "SAFE"), ("two words", '"two words"'), ("", '""'), (True, "true"), (1.5, "1.5"),
        ({"low": 1, "on": False}, "{low: 1, on: false}"), ([1, "A"], "[1, A]"), ("x" * 300, "x" * 197 + "..."),
    ],
)  # fmt: skip
def test_values_are_short_and_plain(value: Any, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    "span_us, text",
    [(0, "+0 ms"), (-5, "+0 ms"), (38_900, "+38 ms"), (2_410_000, "+2.41 s"), (185_000_000, "+3 min 5 s")],
)
def test_spans_are_read_at_a_glance(span_us: int, text: str) -> None:
    assert span_text(span_us) == text
