"""Exports to CSV (RFC 4180), piece by piece, so that a year needs no more memory than an hour."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

from kittiwake.sequence.times import US_PER_S, absolute_text
from kittiwake_ground.archive.tags import BASE_NAMES, BASE_SHIFT, MASK
from kittiwake_ground.archive.values import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kittiwake_ground.archive.history import History
    from kittiwake_ground.archive.records import ArchivedEvent, Sample

SAMPLE_COLUMNS = ("time", "time_us", "channel", "value", "name", "base", "device_us", "received_us")
EVENT_COLUMNS = (
    "time", "time_us", "severity", "name", "text", "arguments", "base", "device_us", "received_us",
)  # fmt: skip

_PAGE_EVENTS = 5_000


def samples_csv(
    history: History, deployment: str, channels: Sequence[str], start_us: int, end_us: int
) -> Iterator[str]:
    """The samples of [start, end), channel after channel, oldest first; pieces of text that begin with the header.

    Raises `UnknownChannel`.
    """
    yield _lines([SAMPLE_COLUMNS])
    for channel in channels:
        for page in history.pages(deployment, channel, start_us, end_us):
            yield _lines(_sample_row(channel, sample) for sample in page)


def events_csv(history: History, deployment: str, start_us: int, end_us: int) -> Iterator[str]:
    """The events of [start, end), newest first; pieces of text that begin with the header."""
    yield _lines([EVENT_COLUMNS])
    before: tuple[int, int] | None = None
    while page := history.events(deployment, start_us=start_us, end_us=end_us, limit=_PAGE_EVENTS, before=before):
        yield _lines(_event_row(event) for event in page)
        before = (page[-1].time_us, page[-1].id)


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _sample_row(channel: str, sample: Sample) -> Sequence[Any]:
    value = sample.value
    if isinstance(value, bool) or (value is not None and not isinstance(value, (int, float, str))):
        value = json_text(value)
    clock = _clock(sample.tag)
    return (_time(sample.time_us), sample.time_us, channel, value, sample.name, *clock, sample.received_us)


def _event_row(event: ArchivedEvent) -> Sequence[Any]:
    said = (event.severity, event.name, event.text, json_text(event.arguments))
    return (_time(event.time_us), event.time_us, *said, *_clock(event.tag), event.received_us)


def _time(time_us: int) -> str:
    """UTC as ISO 8601 has it, with the day of the year as F´ writes it left to others."""
    from datetime import UTC, datetime, timedelta

    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).isoformat(timespec="microseconds")
    except OverflowError:
        return absolute_text(time_us // US_PER_S, time_us % US_PER_S)


def _clock(tag: int) -> tuple[str, int]:
    base = tag >> BASE_SHIFT
    return BASE_NAMES.get(base, str(base)), tag & MASK
