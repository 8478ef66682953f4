"""A dictionary as forms and tables need it: every type spelt out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model.types import Alias, Array, Boolean, Enumeration, Float, Integer, Ranged, Struct, Text, resolved
from kittiwake_ground.server.views import parameter_object
from kittiwake_ground.shown import json_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.entries import Channel, Formal
    from kittiwake.model.types import WireType
    from kittiwake_ground.server.deployment import Deployment


def type_object(form: WireType) -> dict[str, Any]:
    """A type: its name, its kind, and what bounds its values. A range is the narrowest that aliases and ranges say."""
    base = resolved(form)
    found: dict[str, Any] = {"name": form.name, "default": json_value(form.default)}
    if isinstance(base, Integer):
        found |= {"kind": "integer", "low": base.low, "high": base.high}
    elif isinstance(base, Float):
        found["kind"] = "float"
    elif isinstance(base, Boolean):
        found["kind"] = "boolean"
    elif isinstance(base, Enumeration):
        found |= {"kind": "enum", "constants": list(base.enum.__members__)}
    elif isinstance(base, Array):
        found |= {"kind": "array", "size": base.size, "element": type_object(base.element)}
    elif isinstance(base, Struct):
        members = {name: type_object(member) for name, member in base.members.items()}
        found |= {"kind": "struct", "members": members}
    elif isinstance(base, Text):
        found |= {"kind": "text", "size": base.size}
    else:
        found |= {"kind": "text", "size": getattr(base, "size", 0)}
    while isinstance(form, (Alias, Ranged)):
        if isinstance(form, Ranged):
            found |= {"low": form.low, "high": form.high}
            break
        form = form.underlying
    return found


def _formals(formals: Iterable[Formal]) -> list[dict[str, Any]]:
    return [{"name": one.name, "annotation": one.annotation, "type": type_object(one.type)} for one in formals]


def _limits(channel: Channel) -> dict[str, Any]:
    return {
        side: {colour: limit for colour, limit in limits._asdict().items() if limit is not None}
        for side, limits in (("low", channel.low), ("high", channel.high))
    }


def dictionary_object(deployment: Deployment) -> dict[str, Any]:
    """A deployment's dictionary."""
    dictionary = deployment.dictionary
    return {
        "hash": dictionary.hash,
        "deployment": dictionary.deployment,
        "commands": [
            {
                "name": one.name, "opcode": one.opcode, "kind": one.kind, "annotation": one.annotation,
                "hazardous": one.name in deployment.hazardous, "arguments": _formals(one.formals),
            }
            for one in dictionary.commands.values()
        ],
        "events": [
            {
                "name": one.name, "id": one.id, "severity": one.severity, "format": one.format,
                "annotation": one.annotation, "arguments": _formals(one.formals),
            }
            for one in dictionary.events.values()
        ],
        "channels": [
            {
                "name": one.name, "id": one.id, "type": type_object(one.type), "unit": one.unit,
                "annotation": one.annotation, "limits": _limits(one),
            }
            for one in dictionary.channels.values()
        ],
        "parameters": [parameter_object(one) for one in deployment.parameters.records.values()],
    }  # fmt: skip
