"""Looks up what a topology file names: instances, ports and channels, in Python's spelling or in F´'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from kittiwake.faults import did_you_mean
from kittiwake.model.names import camel

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from kittiwake.model.channels import Channel
    from kittiwake.model.component import Declarations

D = TypeVar("D")


def qualified(name: str, namespace: str, instances: Container[str]) -> str | None:
    """The qualified name of the instance that `name` means in a file of that namespace, or `None`."""
    own = f"{namespace}.{name}"
    if own in instances:
        return own
    return name if name in instances else None


def unknown_instance(name: str, namespace: str, instances: Iterable[str]) -> tuple[str, str]:
    """Message and hint for a name that is no instance's."""
    own = f"{namespace}."
    spellings = [instance.removeprefix(own) for instance in instances]
    if hint := did_you_mean(name, spellings):
        return f"there is no instance {name}", hint
    tail = name.rpartition(".")[2]
    fitting = sorted(spelling for spelling in spellings if spelling.rpartition(".")[2] == tail)
    return f"there is no instance {name}", f"did you mean {fitting[0]}?" if fitting else ""


def declared_port(name: str, declarations: Mapping[str, D]) -> D | None:
    """The port of that Python name or of that camelCase name, or `None`."""
    found = declarations.get(name)
    if found is not None:
        return found
    return next((port for key, port in declarations.items() if camel(key) == name), None)


def labelled(name: str, declarations: Mapping[str, D]) -> D | None:
    """The channel or parameter of that Python name or of that name in the dictionary, or `None`."""
    found = declarations.get(name)
    if found is not None:
        return found
    labels: Iterable[Any] = declarations.values()
    return next((declared for declared in labels if declared.label == name), None)


def unknown_port(name: str, side: str, declarations: Declarations, owner: str) -> tuple[str, str]:
    """Message and hint for a name that is no port on that side ("output" or "input") of the component `owner`."""
    ports, others = declarations.outputs, declarations.inputs
    if side == "input":
        ports, others = declarations.inputs, declarations.outputs  # type: ignore[assignment]
    message = f"{owner} has no {side} port {name}"
    if declared_port(name, others) is not None:
        return message, f"{name} is an {'input' if side == 'output' else 'output'}; a connection goes output -> input"
    listed = ", ".join(ports) or "none"
    return message, did_you_mean(name, [*ports, *map(camel, ports)]) or f"{side}s: {listed}"


def unknown_channel(name: str, channels: Mapping[str, Channel[Any]], owner: str) -> tuple[str, str]:
    """Message and hint for a name that is no channel of the instance `owner`."""
    labels = [channel.label for channel in channels.values()]
    return f"{owner} has no channel {name}", did_you_mean(name, [*labels, *channels])
