"""Channels of the deployment that a component reads by name, from the telemetry store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple

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


def find_declared(what: str, name: str, instances: Mapping[str, Component]) -> tuple[Component, Any]:
    """A `channel` or `parameter` by its full name, `instance.Channel`, and the component that has it.

    Raises `LookupError` that says what there is instead.
    """
    from kittiwake.faults import did_you_mean

    owner, _, label = name.rpartition(".")
    component = instances.get(owner)
    if component is None:
        raise LookupError(f"there is no instance {owner!r} ({did_you_mean(owner, instances)})")
    declared: Mapping[str, Any] = getattr(type(component).__declarations__, f"{what}s")
    labels = {one.label: one for one in declared.values()}
    if label not in labels:
        raise LookupError(f"{owner} has no {what} {label!r} ({did_you_mean(label, labels)})")
    return component, labels[label]


def find_channel(name: str, instances: Mapping[str, Component]) -> Watched:
    """A channel by its full name, `instance.Channel`. Raises `LookupError` that says what there is instead."""
    component, found = find_declared("channel", name, instances)
    id = component._context.base_id + (found.number or 0)
    return Watched(id, found.type, found.unit, found.format, found.conversion)
