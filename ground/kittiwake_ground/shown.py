"""Events and channels as lines, for people and as JSON."""

from __future__ import annotations

import time
from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.display import plain_value
from kittiwake.dictionary.lines import clock_text, one_line, time_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
    from kittiwake.dictionary.entries import Channel, Config


def channel_line(channel: DecodedChannel, config: Config) -> str:
    """Time, name, value and unit of a channel, and the limit that the value breaks."""
    unit = f" {channel.channel.unit}" if channel.channel.unit else ""
    alarm = alarm_of(channel)
    shown = f"{channel.text}{unit}" + (f"  [{alarm}]" if alarm else "")
    return one_line(f"{time_text(channel.tag, config)}  {channel.name} = {shown}")


def event_object_line(shown: Mapping[str, Any]) -> str:
    """As `kittiwake.dictionary.lines.event_line`, of the API's object of an event."""
    at = clock_text(shown["time_base"], shown["time_us"])
    return one_line(f"{at}  {shown['severity']:<11}  {shown['name']}: {shown['text']}")


def channel_object_line(shown: Mapping[str, Any]) -> str:
    """As `channel_line`, of the API's object of a channel's value."""
    unit = f" {shown['unit']}" if shown["unit"] else ""
    alarm = f"  [{shown['alarm']}]" if shown["alarm"] else ""
    return one_line(
        f"{clock_text(shown['time_base'], shown['time_us'])}  {shown['name']} = {shown['text']}{unit}{alarm}"
    )


def event_object(event: DecodedEvent, config: Config) -> dict[str, Any]:
    """An event as JSON has it."""
    formals = event.event.formals
    return {
        "time": time_text(event.tag, config),
        "name": event.name,
        "id": event.id,
        "severity": event.severity,
        "text": event.text,
        "arguments": {formal.name: json_value(value) for formal, value in zip(formals, event.args, strict=True)},
    }


def channel_object(channel: DecodedChannel, config: Config) -> dict[str, Any]:
    """A channel's value as JSON has it."""
    return {
        "time": time_text(channel.tag, config),
        "name": channel.name,
        "id": channel.id,
        "value": json_value(channel.value),
        "text": channel.text,
        "unit": channel.channel.unit,
        "alarm": alarm_of(channel),
    }


def alarm_of(channel: DecodedChannel) -> str:
    """The gravest limit that the value breaks: RED, ORANGE, YELLOW, or the empty string."""
    return value_alarm(channel.channel, channel.value)


def value_alarm(channel: Channel, value: Any) -> str:
    """The gravest limit of a channel that a value breaks, as `alarm_of` says it."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return ""
    low, high = channel.low, channel.high
    for colour in ("red", "orange", "yellow"):
        least, most = getattr(low, colour), getattr(high, colour)
        if (least is not None and value < least) or (most is not None and value > most):
            return colour.upper()
    return ""


def json_value(value: Any) -> Any:
    """A value for JSON, which has no infinite numbers: those are text."""
    plain = plain_value(value)
    if isinstance(plain, list):
        return [json_value(item) for item in plain]
    if isinstance(plain, dict):
        return {name: json_value(item) for name, item in plain.items()}
    return str(plain) if isinstance(plain, float) and not isfinite(plain) else plain


def age_text(since_us: int, now_us: int | None = None) -> str:
    """How long ago a moment was: `4 s`, `12 min`, `3 h 20 min`, `2 d 4 h`; `never` for 0."""
    if not since_us:
        return "never"
    seconds = max(0, ((time.time_ns() // 1000) if now_us is None else now_us) - since_us) // 1_000_000
    if seconds < 120:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 120:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{days} d {hours % 24} h"
