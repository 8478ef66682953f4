"""Events and channels as lines, for people and as JSON."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.display import plain_value
from kittiwake.sequence.times import US_PER_S, absolute_text, relative_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
    from kittiwake.dictionary.entries import Channel, Config

_MICROSECONDS_MASK = (1 << 64) - 1
_DATED = ("TB_WORKSTATION_TIME", "TB_SC_TIME")


def time_text(tag: int, config: Config) -> str:
    """A time tag: UTC with the day of the year for clocks that know the date, else the clock and its time."""
    base, microseconds = tag >> 64, tag & _MICROSECONDS_MASK
    name = next((name for name, value in config.time_bases.items() if value == base), f"base {base}")
    return clock_text(name, microseconds)


def clock_text(name: str, microseconds: int) -> str:
    """A time by the clock that is called so, as `time_text` gives it."""
    seconds, rest = divmod(microseconds, US_PER_S)
    whole = absolute_text(seconds, 0) if name in _DATED else relative_text(seconds, 0)
    return f"{whole}.{rest:06}" if name in _DATED else f"{name} {whole}.{rest:06}"


def event_line(event: DecodedEvent, config: Config) -> str:
    """Time, severity, name and text of an event."""
    return one_line(f"{time_text(event.tag, config)}  {event.severity:<11}  {event.name}: {event.text}")


def channel_line(channel: DecodedChannel, config: Config) -> str:
    """Time, name, value and unit of a channel, and the limit that the value breaks."""
    unit = f" {channel.channel.unit}" if channel.channel.unit else ""
    alarm = alarm_of(channel)
    shown = f"{channel.text}{unit}" + (f"  [{alarm}]" if alarm else "")
    return one_line(f"{time_text(channel.tag, config)}  {channel.name} = {shown}")


def event_object_line(shown: Mapping[str, Any]) -> str:
    """As `event_line`, of the API's object of an event."""
    at = clock_text(shown["time_base"], shown["time_us"])
    return one_line(f"{at}  {shown['severity']:<11}  {shown['name']}: {shown['text']}")


def channel_object_line(shown: Mapping[str, Any]) -> str:
    """As `channel_line`, of the API's object of a channel's value."""
    unit = f" {shown['unit']}" if shown["unit"] else ""
    alarm = f"  [{shown['alarm']}]" if shown["alarm"] else ""
    return one_line(
        f"{clock_text(shown['time_base'], shown['time_us'])}  {shown['name']} = {shown['text']}{unit}{alarm}"
    )


def one_line(text: str) -> str:
    """Text with everything escaped that could move a terminal's cursor or more."""
    return text if text.isprintable() else "".join([c if c.isprintable() else ascii(c)[1:-1] for c in text])


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
