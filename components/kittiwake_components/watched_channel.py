"""Channels of the deployment that a component reads by name, from the telemetry store."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.model.channels import Conversion
    from kittiwake.model.component import Component
    from kittiwake.model.types import WireType


class Watched(NamedTuple):
    """A channel whose value is read: its id on the wire, its type, its unit and its format."""

    id: int
    form: WireType
    unit: str
    format: str = ""
    conversion: Conversion | None = None


def find_channel(name: str, instances: Mapping[str, Component]) -> Watched:
    """A channel by its full name, `instance.Channel`. Raises `LookupError` that says what there is instead."""
    from kittiwake.faults import did_you_mean

    owner, _, label = name.rpartition(".")
    component = instances.get(owner)
    if component is None:
        raise LookupError(f"there is no instance {owner!r} ({did_you_mean(owner, instances)})")
    labels = {one.label: one for one in type(component).__declarations__.channels.values()}
    if label not in labels:
        raise LookupError(f"{owner} has no channel {label!r} ({did_you_mean(label, labels)})")
    found = labels[label]
    return Watched(
        component._context.base_id + (found.number or 0), found.type, found.unit, found.format, found.conversion
    )
