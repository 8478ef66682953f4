"""Which channel of a telemetry packet it is that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model.types import WireError
from kittiwake.wire.packets import parse_telemetry

if TYPE_CHECKING:
    from kittiwake.model.channels import Channel
    from kittiwake.runtime.deployment import Deployment


def channel_that_differs(deployment: Deployment, expected: Any, found: Any) -> str:
    """The full name of the first channel of which two packets have other bytes; empty if they are none of a kind."""
    try:
        packet, _, values = parse_telemetry(expected)
        other, _, others = parse_telemetry(found)
    except (WireError, TypeError):
        return ""
    ids = next((ids for _, number, _, ids in deployment.image["packets"] if number == packet == other), ())
    channels = _channels(deployment)
    at = 0
    for id in ids:
        if id not in channels:
            return ""
        name, channel = channels[id]
        size = channel.type.max_size
        if values[at : at + size] != others[at : at + size]:
            return name
        at += size
    return ""


def _channels(deployment: Deployment) -> dict[int, tuple[str, Channel[Any]]]:
    return {
        component._context.base_id + (channel.number or 0): (f"{name}.{channel.label}", channel)
        for name, component in deployment.instances.items()
        for channel in type(component).__declarations__.channels.values()
    }
