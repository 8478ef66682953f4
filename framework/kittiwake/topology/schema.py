"""A JSON Schema (draft 7) of topology files, so that editors complete keys and mark faults while one writes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kittiwake.topology import grammar
from kittiwake.topology.constants import kind_text
from kittiwake.topology.instances import ComponentFault, import_component
from kittiwake.topology.model import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake.model.component import ComponentType
    from kittiwake.topology.grammar import Key

COMPONENTS_PACKAGE = "kittiwake_components"

_KINDS: dict[str, dict[str, Any]] = {
    grammar.TEXT: {"type": "string"},
    grammar.INTEGER: {"type": "integer"},
    grammar.TEXTS: {"type": "array", "items": {"type": "string"}},
    grammar.TABLE: {"type": "object"},
}
_PLAIN_KINDS: dict[Any, str] = {int: "integer", float: "number", str: "string", bool: "boolean"}
_CLASS = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"


def listed_components(package: str = COMPONENTS_PACKAGE) -> list[str]:
    """The dotted names of the components that a package lists (`dir`); none if it is not installed."""
    try:
        module = import_module(package)
    except ImportError:
        return []
    names = [f"{package}.{name}" for name in dir(module) if name[:1].isupper()]
    return [name for name in names if _component(name) is not None]


def topology_schema(components: Iterable[str] | None = None) -> dict[str, Any]:
    """The schema as JSON's plain values. `components` are dotted names, by default those of `listed_components`."""
    names = sorted(listed_components() if components is None else components)
    keys = _properties(grammar.TOPOLOGY_KEYS)
    keys["instances"] |= _table_of({"$ref": "#/definitions/instance"})
    keys["overrides"] |= {"additionalProperties": _closed(grammar.OVERRIDE_KEYS)}
    keys["services"] |= {
        "properties": {name: {"type": "string", "description": grammar.SERVICE_DOCS[name]} for name in SERVICES},
        "additionalProperties": False,
    }
    line = {"type": "string", "pattern": r"^[^>]*\S\s*->\s*\S[^>]*$"}
    keys["connections"] |= _table_of({"type": "array", "items": line})
    keys["packets"] |= _table_of(_closed(grammar.PACKET_KEYS))
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Kittiwake topology",
        "type": "object",
        "properties": keys,
        "additionalProperties": False,
        "oneOf": [{"required": ["topology"]}, {"required": ["subtopology"]}],
        "definitions": {"instance": _instance(names)},
    }


def _properties(keys: Mapping[str, Key]) -> dict[str, dict[str, Any]]:
    return {name: {**_KINDS[key.kind], "description": key.doc} for name, key in keys.items()}


def _closed(keys: Mapping[str, Key]) -> dict[str, Any]:
    required = [name for name, key in keys.items() if key.required]
    return {
        "type": "object",
        "properties": _properties(keys),
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _table_of(value: dict[str, Any]) -> dict[str, Any]:
    pattern = f"^{grammar.IDENTIFIER.pattern}$"
    return {"patternProperties": {pattern: value}, "additionalProperties": False}


def _instance(names: list[str]) -> dict[str, Any]:
    schema = _closed(grammar.INSTANCE_KEYS)
    schema["properties"]["id"] |= {"minimum": 0, "maximum": grammar.MAX_ID}
    if names:
        known = schema["properties"]["component"]
        known["anyOf"] = [{"enum": names}, {"pattern": _CLASS}]
    cases = [_case(name, component) for name in names if (component := _component(name)) is not None]
    if cases:
        schema["allOf"] = cases
    return schema


def _component(name: str) -> ComponentType | None:
    try:
        return import_component(name)[0]
    except ComponentFault:
        return None


def _case(name: str, component: ComponentType) -> dict[str, Any]:
    """What one component's instances may set."""
    declared = component.__declarations__
    settings = {
        setting.name: {
            **_plain_schema(setting.kind, setting.range),
            "description": setting.doc or kind_text(setting.kind),
        }
        for setting in declared.settings.values()
    }
    parameters = {
        label: {"description": parameter.doc or repr(parameter.type)}
        for parameter in declared.parameters.values()
        for label in dict.fromkeys((parameter.name, parameter.label))
    }
    fields: dict[str, Any] = {
        "settings": {"properties": settings, "additionalProperties": False},
        "parameters": {"properties": parameters, "additionalProperties": False},
    }
    return {
        "if": {"properties": {"component": {"const": name}}, "required": ["component"]},
        "then": {"properties": fields},
    }


def _plain_schema(kind: Any, bounds: tuple[float, float] | None = None) -> dict[str, Any]:
    """The schema of a setting's kind; `bounds` are those of its numbers."""
    origin = getattr(kind, "__origin__", kind)
    arguments: Any = getattr(kind, "__args__", ())
    if origin in (list, tuple):
        return {"type": "array", **({"items": _plain_schema(arguments[0], bounds)} if arguments else {})}
    if origin is dict:
        element = {"additionalProperties": _plain_schema(arguments[1], bounds)} if len(arguments) > 1 else {}
        return {"type": "object", **element}
    if kind not in _PLAIN_KINDS:
        return {}
    low_to_high = {} if bounds is None else {"minimum": bounds[0], "maximum": bounds[1]}
    return {"type": _PLAIN_KINDS[kind], **low_to_high}
