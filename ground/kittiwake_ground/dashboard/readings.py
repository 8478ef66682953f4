"""Channels as the dashboard shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedChannel
from kittiwake.dictionary.display import show_value
from kittiwake_ground.server import instances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.samples import Sample

MAX_TEXT = 200
"""The most characters of a value that a table shows."""

MAX_PARTS = 60
"""The most members and elements of a value that are listed."""


def reading_text(sample: Sample, hub: Hub) -> str:
    """A value in its channel's format, cut where it is long."""
    text = DecodedChannel(sample.channel, sample.tag, sample.value, hub.dictionary.formats).text
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def reading_parts(sample: Sample, hub: Hub) -> list[tuple[str, str]]:
    """The members of a struct and the elements of an array, each by its place in the value and in its format.

    Arrays of plain values stay in one part; of a plain value the place is empty. There are at most `MAX_PARTS`.
    """
    shown = show_value(sample.channel.type, sample.value, hub.dictionary.formats)
    if not isinstance(shown, (dict, list)):
        return [("", with_unit(sample, hub))]
    parts = list(_parts(shown, ""))
    left_out = len(parts) - MAX_PARTS
    return [*parts[:MAX_PARTS], ("…", f"{left_out} more")] if left_out > 0 else parts


def _parts(shown: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(shown, dict):
        for name, item in shown.items():
            yield from _parts(item, f"{place}.{name}" if place else name)
    elif isinstance(shown, list) and any(isinstance(one, (dict, list)) for one in shown):
        for index, item in enumerate(shown):
            yield from _parts(item, f"{place}[{index}]")
    else:
        yield place, ", ".join([str(one) for one in shown]) if isinstance(shown, list) else str(shown)


def with_unit(sample: Sample, hub: Hub) -> str:
    """A value with its unit."""
    return f"{reading_text(sample, hub)} {sample.channel.unit}".rstrip()


def channels_called(hub: Hub, *endings: str) -> list[str]:
    """The channels whose name ends in a dot and one of these, in the order of the endings."""
    return instances.channels_called(hub.dictionary, *endings)


def first_sample(hub: Hub, *endings: str) -> Sample | None:
    """The latest value of the first such channel that has one."""
    return next((hub.latest[name] for name in channels_called(hub, *endings) if name in hub.latest), None)
