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


def moment_us(sample: Sample | None) -> int:
    """A time tag that is a channel's value, in microseconds since 1970; 0 without one."""
    value = None if sample is None else sample.value
    if isinstance(value, dict):
        return int(value.get("seconds", 0)) * 1_000_000 + int(value.get("useconds", 0))
    return int(getattr(value, "seconds", 0)) * 1_000_000 + int(getattr(value, "useconds", 0))


def moment_s(sample: Sample | None) -> float:
    """The same in seconds."""
    return moment_us(sample) / 1e6
