"""What happened in a stretch of time, side by side: the link, modes, boots, events and the lives of commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive import UnknownChannel
from kittiwake_ground.archive.buckets import width_for
from kittiwake_ground.archive.moments import cut_life
from kittiwake_ground.server.instances import channels_called
from kittiwake_ground.server.views import archived_command_object, archived_event_object
from kittiwake_ground.shown import json_value

if TYPE_CHECKING:
    from kittiwake_ground.archive import History
    from kittiwake_ground.server.source import Source

MODES = ("Mode", "SystemMode", "CurrentMode", "OperatingMode", "StartupState")
"""The ends of the names of channels that say in which mode a deployment is."""

BOOTS = "BootCount"
MAX_EVENTS = 1_000
"""Events that are told one by one; of more there are their numbers in `EVENT_BUCKETS` stretches of time."""

EVENT_BUCKETS = 240
MAX_COMMANDS = 1_000
MAX_SPANS = 500
MAX_SPAN_US = 400 * 86_400 * 1_000_000
"""The longest stretch of time that is looked at at once."""


async def read_timeline(archive: History, source: Source, start_us: int, end_us: int) -> dict[str, Any]:
    """The timeline of [start, end) as the API has it. Raises `ValueError` for a time that ends before it begins."""
    if not 0 <= start_us < end_us:
        raise ValueError("the time ends before it begins")
    if end_us - start_us > MAX_SPAN_US:
        raise ValueError(f"at most {MAX_SPAN_US // 86_400_000_000} days at once")
    return await asyncio.to_thread(_read, archive, source, start_us, end_us)


def _read(archive: History, source: Source, start_us: int, end_us: int) -> dict[str, Any]:
    name, dictionary = source.name, source.dictionary
    width_us = width_for(start_us, end_us, EVENT_BUCKETS)
    counts = archive.event_counts(name, start_us, end_us, width_us)
    total = sum(count for _, _, count in counts)
    events = archive.events(name, start_us=start_us, end_us=end_us, limit=MAX_EVENTS) if total <= MAX_EVENTS else []
    commands = archive.commands(name, start_us=start_us, end_us=end_us, limit=MAX_COMMANDS)
    links = archive.link_states(name, start_us, end_us, MAX_SPANS)
    modes = channels_called(dictionary, *MODES)
    return {
        "start_us": start_us,
        "end_us": end_us,
        "link": _spans([(one.at_us, {"state": one.state, "reason": one.reason}) for one in links], start_us, end_us),
        "modes": [
            {"channel": mode, "spans": spans}
            for mode in modes
            if (spans := _channel_spans(archive, name, mode, start_us, end_us))
        ],
        "boots": [
            boot
            for channel in channels_called(dictionary, BOOTS)[:1]
            for boot in _channel_spans(archive, name, channel, start_us, end_us)
        ],
        "event_count": total,
        "event_width_us": width_us,
        "event_counts": [
            {"start_us": start, "severity": severity, "count": count} for start, severity, count in counts
        ],
        "events": [{**archived_event_object(one, dictionary), "at_us": one.time_us} for one in reversed(events)],
        "commands": [archived_command_object(cut_life(one, end_us)) for one in reversed(commands)],
        "commands_cut": len(commands) == MAX_COMMANDS,
    }


def _channel_spans(archive: History, name: str, channel: str, start_us: int, end_us: int) -> list[dict[str, Any]]:
    try:
        found = archive.changes(name, channel, start_us, end_us, MAX_SPANS)
    except UnknownChannel:
        return []
    return _spans([(one.time_us, {"value": one.name or json_value(one.value)}) for one in found], start_us, end_us)


def _spans(changes: list[tuple[int, dict[str, Any]]], start_us: int, end_us: int) -> list[dict[str, Any]]:
    """What held from when to when, cut to [start, end); `since_us` is when it really began."""
    ends = [*[at_us for at_us, _ in changes[1:]], end_us][: len(changes)]
    return [
        {**what, "since_us": at_us, "start_us": max(at_us, start_us), "end_us": end}
        for (at_us, what), end in zip(changes, ends, strict=True)
        if end > start_us
    ]
