"""The arguments of a procedure as a command's are: of wire types, checked and filled in by the same forms."""

from __future__ import annotations

from enum import IntEnum
from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.entries import Command, Formal
from kittiwake.dictionary.values import value_of
from kittiwake.model.types import F64, I64, Bool, Enumeration, Ranged, Text, wire_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake.model.types import WireType


def form_of(shown: Mapping[str, Any]) -> WireType:
    """The wire type of a type as the API has it. Raises `ValueError` and `LookupError` for what is none."""
    kind = shown["kind"]
    if kind == "boolean":
        return wire_type(Bool)
    if kind == "text":
        return Text(shown["size"])
    if kind == "enum":
        constants = {str(one): number for number, one in enumerate(shown["constants"])}
        return Enumeration(shown["name"], IntEnum(shown["name"], constants), wire_type(I64))  # type: ignore[arg-type]
    form = wire_type(I64 if kind == "integer" else F64)
    return Ranged(form, shown["low"], shown["high"]) if "low" in shown else form


def command_of(name: str, doc: str, arguments: Sequence[Mapping[str, Any]]) -> Command:
    """A procedure in the shape of a command, for forms."""
    formals = [Formal(one["name"], form_of(one["type"]), one["annotation"]) for one in arguments]
    return Command(name, 0, tuple(formals), "procedure", doc)


def checked_arguments(name: str, arguments: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values that a procedure is called with, defaults included. Raises `ValueError` that says which."""
    known = [one["name"] for one in arguments]
    for one in given:
        if one not in known:
            raise ValueError(f"{name} has no argument {one!r}; it takes {', '.join(known) or 'none'}")
    found = {}
    for argument in arguments:
        label = argument["name"]
        if label not in given:
            if argument["required"]:
                raise ValueError(f"{name}: the argument {label!r} is missing")
            found[label] = argument["default"]
            continue
        form = form_of(argument["type"])
        try:
            value = form.to_plain(value_of(form, given[label]))
        except (ValueError, TypeError) as fault:
            raise ValueError(f"{label}: {fault}") from None
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{label}: {value} is no finite number")
        found[label] = value
    return found
