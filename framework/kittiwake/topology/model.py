"""A checked topology: what the image, the dictionary, the FPP export and the graphs are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    from kittiwake.model.component import ComponentType, Declarations

SERVICES = ("command", "event", "telemetry", "time", "parameter", "health")
"""The services of a deployment, F´'s pattern graphs, in the order in which they are started."""


@frozen
class Instance:
    """One instance. `name` is qualified ("CdhCore.cmdDisp"), `path` is "module:Class" as the image has it."""

    name: str
    component: ComponentType
    path: str
    base_id: int
    queue: int = 0
    priority: int = 0
    thread: str = ""
    settings: dict[str, Any] = field(factory=dict)
    parameters: dict[str, Any] = field(factory=dict)
    doc: str = ""

    @property
    def declarations(self) -> Declarations:
        """What the component declares."""
        return self.component.__declarations__


@frozen
class Connection:
    """One connection of `group`: an output, with its index, to an input, with its index (0 where it is no array)."""

    group: str
    source: str
    output: str
    output_index: int
    target: str
    input: str
    input_index: int


@frozen
class Packet:
    """One telemetry packet: (instance name, Python name of the channel) in their order; `group` is its level."""

    name: str
    id: int
    group: int
    channels: tuple[tuple[str, str], ...]


@frozen
class Topology:
    """A whole topology that has passed its checks."""

    name: str
    instances: tuple[Instance, ...]
    connections: tuple[Connection, ...]
    services: dict[str, str]
    packets: tuple[Packet, ...] = ()
    doc: str = ""

    def instance(self, name: str) -> Instance:
        """The instance of that qualified name. Raises `KeyError`."""
        for instance in self.instances:
            if instance.name == name:
                return instance
        raise KeyError(name)
