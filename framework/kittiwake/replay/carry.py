"""Carries the state of components over a change of their source: what is plain, by name, where it still fits.

A whole frozen state (`kittiwake.replay.freeze`) fits the code that froze it. While a component is being written its
code changes with each start. So only what can be understood without that code is carried: numbers, texts, constants of
enums by name, and lists and tables of them, in attributes of the same name and type; channels and parameters whose
types still take the value. Whatever else a new start has made is left as it is: open files, timers, tasks.

Of the standard components the parameters are carried, also those that the ground has set and not saved. What else they
hold begins anew: it is of connections, files and transfers that have ended with the process, and what is to outlast a
start is in their files.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from kittiwake.replay.freeze import own_attributes
from kittiwake.replay.values import ValueDamaged, packed, unpacked

if TYPE_CHECKING:
    from kittiwake.model.component import Component
    from kittiwake.runtime.deployment import Deployment

FORM = 1
STANDARD = "kittiwake_components"
MAX_DEPTH = 8

_NOTHING = object()
_ENUM = "\0enum"


def frozen_state(deployment: Deployment) -> bytes:
    """The state of the author's components, and the parameters of all, by instance."""
    return packed((FORM, {name: _state(one) for name, one in deployment.instances.items()}))


def thaw_state(deployment: Deployment, data: bytes) -> tuple[int, list[str]]:
    """Gives a deployment that is not started yet what fits of a frozen state.

    Returns how many values were taken that the start had not found by itself, and the names of those that were left,
    with their instances. A state that is damaged, or of another form, gives nothing.
    """
    try:
        state = unpacked(data)
    except ValueDamaged:
        return 0, []
    if not isinstance(state, tuple) or len(state) != 2 or state[0] != FORM or not isinstance(state[1], dict):
        return 0, []
    taken, left = 0, []
    for component in deployment.instances.values():
        own = state[1].get(component.name)
        for kind, table in own.items() if isinstance(own, dict) else ():
            if kind == "parameters":
                there = _parameters(component)
                table = {label: value for label, value in table.items() if there.get(label) != value}
            rest = _take_all(component, kind, table)
            taken += len(table) - len(rest)
            left += [f"{component.name}.{name}" for name in rest]
    return taken, left


def _take_all(component: Component, kind: str, table: dict[str, Any]) -> list[str]:
    """Gives a component what it takes; the names of the rest."""
    rest = list(table)
    while rest:
        refused = [name for name in rest if not _TAKERS[kind](component, name, table[name])]
        if len(refused) == len(rest):
            break
        rest = refused  # a parameter's range may hang on another one, which it has by now
    return rest


def _parameters(component: Component) -> dict[str, bytes]:
    declared = type(component).__declarations__
    return {one.label: one.type.pack(getattr(component, one.name)) for one in declared.parameters.values()}


def _state(component: Component) -> dict[str, dict[str, Any]]:
    if type(component).__module__.partition(".")[0] == STANDARD:
        return {"parameters": _parameters(component)}
    declared = type(component).__declarations__
    skipped = {"_cells", "_unsent", *declared.parameters, *declared.settings, *declared.machines}
    attributes = {}
    for name in own_attributes(component):
        value = _NOTHING if name in skipped else _plain(getattr(component, name))
        if value is not _NOTHING:
            attributes[name] = value
    channels = {cell.channel.label: cell.channel.type.pack(cell.value) for cell in component._cells if cell.tag}
    return {"attributes": attributes, "channels": channels, "parameters": _parameters(component)}


def _plain(value: Any, depth: int = 0) -> Any:
    """The value as it can be carried, or `_NOTHING`."""
    if isinstance(value, Enum):
        return (_ENUM, value.name)
    if type(value) in (int, float, str, bytes, bool, type(None)):
        return value
    if depth < MAX_DEPTH and type(value) in (list, tuple):
        items = [_plain(one, depth + 1) for one in value]
        return _NOTHING if any(one is _NOTHING for one in items) else type(value)(items)
    if depth < MAX_DEPTH and type(value) is dict:
        table = {key: _plain(one, depth + 1) for key, one in value.items() if type(key) in (int, str, bool)}
        return _NOTHING if len(table) < len(value) or any(one is _NOTHING for one in table.values()) else table
    return _NOTHING


def _take_attribute(component: Component, name: str, value: Any) -> bool:
    now = getattr(component, name, _NOTHING)
    if isinstance(value, tuple) and len(value) == 2 and value[0] == _ENUM:
        if not isinstance(now, Enum) or value[1] not in type(now).__members__:
            return False
        setattr(component, name, type(now)[value[1]])
        return True
    # What is not there any more, or is of another type now, means something else.
    if type(now) is not type(value) or _plain(value) is _NOTHING or _has_enum(value):
        return False
    setattr(component, name, value)
    return True


def _has_enum(value: Any) -> bool:
    """Whether constants are within: which class they are of now is not known."""
    if isinstance(value, (list, tuple)):
        return (len(value) == 2 and value[0] == _ENUM) or any(_has_enum(one) for one in value)
    return isinstance(value, dict) and any(_has_enum(one) for one in value.values())


def _take_channel(component: Component, label: str, value: bytes) -> bool:
    for cell in component._cells:
        if cell.channel.label == label:
            try:
                setattr(component, cell.channel.name, _unpacked(cell.channel.type, value))
            except ValueError:
                return False
            return True
    return False


def _take_parameter(component: Component, label: str, value: bytes) -> bool:
    from kittiwake.runtime.parameters import apply_parameter

    for parameter in type(component).__declarations__.parameters.values():
        if parameter.label == label:
            try:
                apply_parameter(component, parameter.name, _unpacked(parameter.type, value))
            except Exception:  # noqa: BLE001 - `parameter_updated` is the author's, and being written
                return False
            return True
    return False


def _unpacked(form: Any, data: bytes) -> Any:
    """A value that takes all of the bytes. Raises `ValueError`."""
    value, end = form.unpack(data)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes are left")
    return value


_TAKERS = {"attributes": _take_attribute, "channels": _take_channel, "parameters": _take_parameter}
