"""What a dictionary holds: commands, events, channels and the rest, typed and found by name or id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from kittiwake.dictionary.digest import dictionary_hash
from kittiwake.faults import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake.dictionary.topology import DeployedTopology
    from kittiwake.model.types import Integer, WireType


class UnknownName(LookupError, ValueError):
    """A name or id that the dictionary does not have; `hint` suggests a name, or is empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(f"{message} ({hint})" if hint else message)


class Formal(NamedTuple):
    """One parameter of a command or event."""

    name: str
    type: WireType
    annotation: str = ""


class Command(NamedTuple):
    """A command; `kind` is async, sync, guarded, set or save, `hazardous` one to ask about before it is sent."""

    name: str
    opcode: int
    formals: tuple[Formal, ...]
    kind: str = "async"
    annotation: str = ""
    hazardous: bool = False


class Event(NamedTuple):
    """An event; `severity` is F´'s word (ACTIVITY_HI), `format` its F´ format string, or empty."""

    name: str
    id: int
    severity: str
    format: str
    formals: tuple[Formal, ...]
    throttle: int | None = None
    annotation: str = ""


class Limits(NamedTuple):
    """Three limits on one side of a channel's value, each `None` where not given."""

    yellow: float | None = None
    orange: float | None = None
    red: float | None = None


class Channel(NamedTuple):
    """A telemetry channel; `update` is "always" or "on change"; `unit` is empty where the dictionary has none.

    `conversion` is (scale, offset): the engineering value is scale x raw value + offset. Limits are of the raw value.
    """

    name: str
    id: int
    type: WireType
    format: str = ""
    update: str = "always"
    low: Limits = Limits()
    high: Limits = Limits()
    unit: str = ""
    annotation: str = ""
    conversion: tuple[float, float] | None = None


class Packet(NamedTuple):
    """A telemetry packet: its channels in the order of the wire."""

    name: str
    id: int
    group: int
    channels: tuple[Channel, ...]


class PacketSet(NamedTuple):
    """A set of telemetry packets, and the names of the channels that none of them carries."""

    name: str
    packets: tuple[Packet, ...]
    omitted: tuple[str, ...] = ()


class Parameter(NamedTuple):
    """A parameter; `default` is a value of its type, or `None`."""

    name: str
    id: int
    type: WireType
    default: Any = None
    annotation: str = ""


class Record(NamedTuple):
    """A data product's record; an `array` record is a count and that many values."""

    name: str
    id: int
    type: WireType
    array: bool = False
    annotation: str = ""


class Container(NamedTuple):
    """A data product's container."""

    name: str
    id: int
    default_priority: int | None = None
    annotation: str = ""


class Constant(NamedTuple):
    """A constant; `value` is plain JSON, `type` is `None` where the dictionary does not give one."""

    name: str
    value: Any
    type: WireType | None = None
    annotation: str = ""


class Config(NamedTuple):
    """The widths and numbers that F´ lets a deployment choose; a dictionary that is silent has F´'s defaults."""

    opcode: Integer
    event_id: Integer
    channel_id: Integer
    packet_id: Integer
    descriptor: Integer
    size_store: Integer
    time_base: Integer
    time_context: Integer
    descriptors: Mapping[str, int]
    """Packet descriptors by name: FW_PACKET_COMMAND, FW_PACKET_TELEM, ..."""
    time_bases: Mapping[str, int]
    """Time bases by name: TB_NONE, TB_WORKSTATION_TIME, ..."""
    spacecraft_id: int
    frame_size: int
    """Bytes in a TM transfer frame."""


Item = TypeVar("Item")

_ID_SECTIONS = {
    "FwOpcodeType": "commands",
    "FwEventIdType": "events",
    "FwChanIdType": "channels",
    "FwPrmIdType": "parameters",
}


class Dictionary:
    """A loaded dictionary. Every section is a mapping from full names, in the order of the file.

    `topology` says what is connected with what, where the dictionary has it: F´'s have not.
    """

    def __init__(
        self,
        *,
        metadata: Mapping[str, Any],
        config: Config,
        types: Mapping[str, WireType],
        formats: Mapping[str, str],
        constants: Iterable[Constant],
        commands: Iterable[Command],
        events: Iterable[Event],
        channels: Iterable[Channel],
        packet_sets: Iterable[PacketSet],
        parameters: Iterable[Parameter],
        records: Iterable[Record],
        containers: Iterable[Container],
        source: Mapping[str, Any],
        topology: DeployedTopology | None = None,
    ) -> None:
        self.metadata = dict(metadata)
        self.config = config
        self.types = dict(types)
        self.formats = dict(formats)
        self.constants = {constant.name: constant for constant in constants}
        self.commands = {command.name: command for command in commands}
        self.events = {event.name: event for event in events}
        self.channels = {channel.name: channel for channel in channels}
        self.packet_sets = tuple(packet_sets)
        self.parameters = {parameter.name: parameter for parameter in parameters}
        self.records = {record.name: record for record in records}
        self.containers = {container.name: container for container in containers}
        self.topology = topology
        self._source = source
        self._hash = ""
        self.commands_by_opcode = {command.opcode: command for command in self.commands.values()}
        self.events_by_id = {event.id: event for event in self.events.values()}
        self.channels_by_id = {channel.id: channel for channel in self.channels.values()}
        self._ids_by_section: dict[str, dict[str, int]] = {}
        self.parameters_by_id = {parameter.id: parameter for parameter in self.parameters.values()}

    @property
    def hash(self) -> str:
        """The SHA-256 of the content, as `dictionary_hash` gives it."""
        if not self._hash:
            self._hash = dictionary_hash(self._source)
        return self._hash

    @property
    def deployment(self) -> str:
        """The deployment's name, or the empty string."""
        return str(self.metadata.get("deploymentName") or "")

    def command(self, key: str | int) -> Command:
        """The command of a full name or an opcode. Raises `UnknownName`."""
        return _find("command", key, self.commands, self.commands_by_opcode)

    def event(self, key: str | int) -> Event:
        """The event of a full name or an id. Raises `UnknownName`."""
        return _find("event", key, self.events, self.events_by_id)

    def channel(self, key: str | int) -> Channel:
        """The channel of a full name or an id. Raises `UnknownName`."""
        return _find("channel", key, self.channels, self.channels_by_id)

    def parameter(self, key: str | int) -> Parameter:
        """The parameter of a full name or an id. Raises `UnknownName`."""
        return _find("parameter", key, self.parameters, self.parameters_by_id)

    def find_id(self, name: str, type_name: str = "") -> int | None:
        """The id of a full name where an integer of type `type_name` is wanted, or `None` for text that is no name.

        `FwEventIdType` wants an event, `FwChanIdType` a channel, `FwOpcodeType` a command, `FwPrmIdType` a parameter;
        any other type takes all four. Raises `UnknownName` for a dotted name that nothing has, and `ValueError` for
        one that stands for several ids.
        """
        section = _ID_SECTIONS.get(type_name)
        found = {}
        for kind, ids in self._ids().items():
            if (section is None or section == kind) and name in ids:
                found[kind] = ids[name]
        if len(set(found.values())) > 1:
            raise ValueError(f"{name} names {' and '.join(found)} with different ids; write the number")
        if found:
            return next(iter(found.values()))
        if "." not in name or not name.replace(".", "").isidentifier():
            return None
        names = [known for kind, ids in self._ids().items() if section in (None, kind) for known in ids]
        raise UnknownName(f"no {section or 'command, event, channel or parameter'} {name!r}", did_you_mean(name, names))

    def _ids(self) -> dict[str, dict[str, int]]:
        if not self._ids_by_section:
            self._ids_by_section = {
                "commands": {name: command.opcode for name, command in self.commands.items()},
                "events": {name: event.id for name, event in self.events.items()},
                "channels": {name: channel.id for name, channel in self.channels.items()},
                "parameters": {name: parameter.id for name, parameter in self.parameters.items()},
            }
        return self._ids_by_section


def _find(noun: str, key: str | int, by_name: Mapping[str, Item], by_id: Mapping[int, Item]) -> Item:
    if isinstance(key, int):
        found = by_id.get(key)
        if found is None:
            raise UnknownName(f"no {noun} has the id {key} (0x{key:x})")
        return found
    found = by_name.get(key)
    if found is None:
        raise UnknownName(f"no {noun} {key!r}", did_you_mean(key, by_name))
    return found
