"""What came from a deployment, with the moment at which it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Channel


class Sample(NamedTuple):
    """A channel's value. `tag` is `time base << 64 | microseconds`; `received_us` is the ground's clock since 1970."""

    channel: Channel
    tag: int
    value: Any
    received_us: int


class EventRecord(NamedTuple):
    """An event. `number` counts the events of a deployment since the server started, from 1."""

    number: int
    decoded: DecodedEvent
    received_us: int


def moment_s(sample: Sample | None) -> float:
    """A time tag that is a channel's value, in seconds since 1970; 0 without one."""
    value = None if sample is None else sample.value
    if isinstance(value, dict):
        return float(value.get("seconds", 0)) + float(value.get("useconds", 0)) / 1e6
    return float(getattr(value, "seconds", 0)) + float(getattr(value, "useconds", 0)) / 1e6
