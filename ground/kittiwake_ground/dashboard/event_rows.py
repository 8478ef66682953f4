"""Events as rows of a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from kittiwake_ground.server.views import event_object

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.server.samples import EventRecord

SEVERITIES = ("DIAGNOSTIC", "COMMAND", "ACTIVITY_LO", "ACTIVITY_HI", "WARNING_LO", "WARNING_HI", "FATAL")
"""The least grave first."""


def event_row(shown: dict[str, Any]) -> dict[str, str]:
    """The row of an event as the API shows it; `t` is its time without the date, or of a clock without a date."""
    time = shown["time"]
    return {
        "d": time[:10],
        "t": time[11:23] if time else f"{shown['time_base']} {shown['time_us'] / 1e6:.3f}",
        "s": shown["severity"],
        "n": shown["name"],
        "x": shown["text"],
    }


def record_row(record: EventRecord, dictionary: Dictionary) -> dict[str, str]:
    """The row of an event that just came."""
    return event_row(event_object(record, dictionary))


def row_html(row: dict[str, str]) -> str:
    """A row for a short list."""
    return (
        f'<li><time>{escape(row["t"][:8])}</time><span class="kw-severity kw-{row["s"]}">{escape(row["s"])}</span>'
        f'<span class="kw-event"><b>{escape(row["n"].split(".")[-1])}</b> {escape(row["x"])}</span></li>'
    )
