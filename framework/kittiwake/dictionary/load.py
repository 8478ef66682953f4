"""Loads an F´ JSON topology dictionary, ours or that of a C++ F´ deployment.

The format is that of F´'s fpp-to-dict (F´ User Manual, "JSON Dictionary"). Everything wrong with a file is reported at
once, each fault with its JSON path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from kittiwake.dictionary.entries import (
    Channel,
    Command,
    Config,
    Constant,
    Container,
    Dictionary,
    Event,
    Formal,
    Limits,
    Packet,
    PacketSet,
    Parameter,
    Record,
)
from kittiwake.dictionary.fields import DictionaryFault, FaultList, Fields
from kittiwake.dictionary.topology import TOPOLOGY_KEY, read_topology
from kittiwake.dictionary.typedefs import TypeTable
from kittiwake.dictionary.values import value_of
from kittiwake.faults import did_you_mean
from kittiwake.model.types import Enumeration, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kittiwake.dictionary.topology import DeployedTopology
    from kittiwake.model.types import WireType

MAX_DICTIONARY_SIZE = 64 * 1024 * 1024
"""The largest dictionary file, in bytes."""

SEVERITIES = ("FATAL", "WARNING_HI", "WARNING_LO", "COMMAND", "ACTIVITY_HI", "ACTIVITY_LO", "DIAGNOSTIC")
"""F´'s severities, the gravest first."""

_DESCRIPTORS = {
    "FW_PACKET_COMMAND": 0,
    "FW_PACKET_TELEM": 1,
    "FW_PACKET_LOG": 2,
    "FW_PACKET_FILE": 3,
    "FW_PACKET_PACKETIZED_TLM": 4,
    "FW_PACKET_DP": 5,
    "FW_PACKET_IDLE": 6,
    "FW_PACKET_HAND": 0xFE,
    "FW_PACKET_UNKNOWN": 0xFF,
}
_NEEDED_DESCRIPTORS = ("COMMAND", "TELEM", "LOG", "FILE", "PACKETIZED_TLM", "HAND")
_TIME_BASES = {
    "TB_NONE": 0,
    "TB_PROC_TIME": 1,
    "TB_WORKSTATION_TIME": 2,
    "TB_SC_TIME": 3,
    "TB_FPGA_TIME": 4,
    "TB_DONT_CARE": 0xFFFF,
}
_COMMAND_KINDS = ("async", "sync", "guarded", "set", "save")

Entry = TypeVar("Entry")


def load_dictionary(path: str) -> Dictionary:
    """The dictionary in a JSON file. Raises `OSError` if it cannot be read, `DictionaryFault` if it is none."""
    import json

    with open(path, "rb") as file:
        content = file.read(MAX_DICTIONARY_SIZE + 1)
    if len(content) > MAX_DICTIONARY_SIZE:
        raise DictionaryFault(path, [f"the file is larger than {MAX_DICTIONARY_SIZE} bytes"])
    try:
        data = json.loads(content)
    except RecursionError:
        raise DictionaryFault(path, ["the JSON nests too deeply"]) from None
    except UnicodeDecodeError as fault:
        raise DictionaryFault(path, [f"byte {fault.start} is not UTF-8"]) from None
    except ValueError as fault:
        raise DictionaryFault(path, [f"this is not JSON: {fault}"]) from None
    return read_dictionary(data, path)


def read_dictionary(data: dict[str, Any], where: str) -> Dictionary:
    """The dictionary in parsed JSON; `where` names its origin in faults. Raises `DictionaryFault` with all of them."""
    if not isinstance(data, dict):
        raise DictionaryFault(where, ["a dictionary is a JSON object"])
    faults = FaultList()
    dictionary = _Reading(Fields(data, "", faults)).dictionary()
    faults.raise_if_any(where)
    return dictionary


class _Reading:
    """One pass over a dictionary."""

    def __init__(self, top: Fields) -> None:
        self.top = top
        self.table = TypeTable(list(top.children("typeDefinitions")), top.faults)

    def dictionary(self) -> Dictionary:
        constants = self.section("constants", self.constant, "qualifiedName")
        types = self.table.make_all()
        config = self.config({constant.name: constant.value for constant in constants})
        channels = self.section("telemetryChannels", self.channel, id_type=config.channel_id)
        return Dictionary(
            metadata=self.top.get("metadata", dict, {}),
            config=config,
            types=types,
            formats=self.table.formats,
            constants=constants,
            commands=self.section("commands", self.command, id_key="opcode", id_type=config.opcode),
            events=self.section("events", self.event, id_type=config.event_id),
            channels=channels,
            packet_sets=self.packet_sets({channel.name: channel for channel in channels}),
            parameters=self.section("parameters", self.parameter, required=False),
            records=self.section("records", self.record, required=False),
            containers=self.section("containers", self.container, required=False),
            topology=self.topology(),
            source=self.top.data,
        )

    def topology(self) -> DeployedTopology | None:
        return read_topology(self.top.child(TOPOLOGY_KEY)) if TOPOLOGY_KEY in self.top.data else None

    def section(
        self,
        key: str,
        read: Callable[[Fields, str], Entry],
        name_key: str = "name",
        *,
        id_key: str = "id",
        id_type: WireType | None = None,
        required: bool = True,
    ) -> list[Entry]:
        """Reads every entry of a section; two of one name or one id are a fault."""
        entries = []
        names: set[str] = set()
        ids: dict[int, str] = {}
        for fields in self.top.children(key, required=required):
            name = fields.get(name_key, str)
            if name in names:
                fields.fault(name_key, f"{name!r} stands here twice")
            names.add(name)
            entries.append(read(fields, name))
            if name_key != "name":
                continue
            if name and not all(name.rpartition(".")[::2]):
                fields.fault("name", f"{name!r} should be the instance, a dot and the name")
            number = fields.data.get(id_key)
            if type(number) is int:
                self.check_id(fields, id_key, number, id_type)
                if ids.setdefault(number, name) != name:
                    fields.fault(id_key, f"{number} is already the {id_key} of {ids[number]}")
        return entries

    def check_id(self, fields: Fields, key: str, number: int, form: WireType | None) -> None:
        high = getattr(form, "high", 0xFFFF_FFFF)
        if not 0 <= number <= high:
            fields.fault(key, f"{number} is outside 0 to {high}")

    def constant(self, fields: Fields, name: str) -> Constant:
        form = self.table.resolve(fields.child("type")) if fields.data.get("type") is not None else None
        if "value" not in fields.data:
            fields.fault("value", "is missing")
        return Constant(name, fields.data.get("value"), form, self.annotation(fields))

    def annotation(self, fields: Fields) -> str:
        return cast("str", fields.get("annotation", str, ""))

    def formals(self, fields: Fields) -> tuple[Formal, ...]:
        made = []
        names = set()
        for formal in fields.children("formalParams", required=False):
            name = formal.get("name", str)
            if name in names:
                formal.fault("name", f"{name!r} stands here twice")
            names.add(name)
            made.append(Formal(name, self.table.resolve(formal.child("type")), self.annotation(formal)))
        return tuple(made)

    def command(self, fields: Fields, name: str) -> Command:
        kind = fields.get("commandKind", str, "async")
        if kind not in _COMMAND_KINDS:
            fields.fault("commandKind", f"should be one of {', '.join(_COMMAND_KINDS)}, not {kind!r}")
        hazardous = fields.data.get("hazardous") is True
        return Command(name, fields.get("opcode", int), self.formals(fields), kind, self.annotation(fields), hazardous)

    def event(self, fields: Fields, name: str) -> Event:
        severity = fields.get("severity", str)
        if severity and severity not in SEVERITIES:
            fields.fault("severity", f"should be one of {', '.join(SEVERITIES)}, not {severity!r}")
        throttle = fields.data.get("throttle")
        if isinstance(throttle, dict):
            throttle = throttle.get("count")
        if throttle is not None and type(throttle) is not int:
            fields.fault("throttle", f"should be a whole number, not {throttle!r}")
        text = fields.get("format", str, "")
        annotation = self.annotation(fields)
        return Event(name, fields.get("id", int), severity, text, self.formals(fields), throttle, annotation)

    def channel(self, fields: Fields, name: str) -> Channel:
        limits = Fields(fields.get("limits", dict, {}), f"{fields.path}.limits", fields.faults)
        return Channel(
            name,
            fields.get("id", int),
            self.table.resolve(fields.child("type")),
            fields.get("format", str, ""),
            fields.get("telemetryUpdate", str, "always"),
            self.limits(limits, "low"),
            self.limits(limits, "high"),
            fields.get("unit", str, ""),
            self.annotation(fields),
            self.conversion(fields),
        )

    def conversion(self, fields: Fields) -> tuple[float, float] | None:
        """Scale and offset of a channel whose raw count is sent, which only Kittiwake's own dictionaries give."""
        given = fields.data.get("conversion")
        if given is None:
            return None
        match given:
            case {"scale": int() | float() as scale, "offset": int() | float() as offset}:
                return float(scale), float(offset)
        fields.fault("conversion", f"should be a scale and an offset, not {given!r}")
        return None

    def limits(self, fields: Fields, side: str) -> Limits:
        given = fields.get(side, dict, {})
        values = []
        for colour in ("yellow", "orange", "red"):
            value = given.get(colour)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
                fields.fault(f"{side}.{colour}", f"should be a number, not {value!r}")
                value = None
            values.append(value)
        return Limits(*values)

    def packet_sets(self, channels: Mapping[str, Channel]) -> list[PacketSet]:
        sets = []
        for fields in self.top.children("telemetryPacketSets", required=False):
            packets: list[Packet] = []
            ids: set[int] = set()
            for packet in fields.children("members"):
                number = packet.get("id", int)
                if number in ids:
                    packet.fault("id", f"{number} stands in this set twice")
                ids.add(number)
                members = self.packet_members(packet, channels)
                packets.append(Packet(packet.get("name", str), number, packet.get("group", int, 0), members))
            omitted = tuple([str(name) for name in fields.get("omitted", list, [])])
            sets.append(PacketSet(fields.get("name", str), tuple(packets), omitted))
        return sets

    def packet_members(self, packet: Fields, channels: Mapping[str, Channel]) -> tuple[Channel, ...]:
        found = []
        for index, name in enumerate(packet.get("members", list)):
            channel = channels.get(name) if isinstance(name, str) else None
            if channel is None:
                hint = did_you_mean(str(name), channels)
                packet.fault(f"members[{index}]", f"no channel {name!r}" + (f" ({hint})" if hint else ""))
            else:
                found.append(channel)
        return tuple(found)

    def parameter(self, fields: Fields, name: str) -> Parameter:
        form = self.table.resolve(fields.child("type"))
        default = fields.data.get("default")
        if default is not None:
            try:
                default = value_of(form, default)
            except (TypeError, ValueError) as fault:
                fields.fault("default", str(fault))
        return Parameter(name, fields.get("id", int), form, default, self.annotation(fields))

    def record(self, fields: Fields, name: str) -> Record:
        form = self.table.resolve(fields.child("type"))
        return Record(name, fields.get("id", int), form, fields.get("array", bool, False), self.annotation(fields))

    def container(self, fields: Fields, name: str) -> Container:
        priority = fields.get("defaultPriority", int, None)
        return Container(name, fields.get("id", int), priority, self.annotation(fields))

    def config(self, constants: Mapping[str, Any]) -> Config:
        integer = self.table.integer
        descriptors = self.constants_of("ComCfg.Apid", _DESCRIPTORS)
        for word in _NEEDED_DESCRIPTORS:
            if f"FW_PACKET_{word}" not in descriptors:
                self.top.fault("typeDefinitions", f"ComCfg.Apid has no constant FW_PACKET_{word}")
        for name, expected in (("FW_SERIALIZE_TRUE_VALUE", 0xFF), ("FW_SERIALIZE_FALSE_VALUE", 0x00)):
            if constants.get(name, expected) != expected:
                self.top.fault("constants", f"{name} should be {expected:#04x}, not {constants[name]!r}")
        return Config(
            opcode=integer("FwOpcodeType", "U32"),
            event_id=integer("FwEventIdType", "U32"),
            channel_id=integer("FwChanIdType", "U32"),
            packet_id=integer("FwTlmPacketizeIdType", "U16"),
            descriptor=integer("FwPacketDescriptorType", "U16"),
            size_store=integer("FwSizeStoreType", "U16"),
            time_base=integer("TimeBase", "U16"),
            time_context=integer("FwTimeContextStoreType", "U8"),
            descriptors=descriptors,
            time_bases=self.constants_of("TimeBase", _TIME_BASES),
            spacecraft_id=self.number(constants, "ComCfg.SpacecraftId", 0x44) or 0x44,
            frame_size=self.number(constants, "ComCfg.TmFrameFixedSize", 1024),
        )

    def number(self, constants: Mapping[str, Any], name: str, fallback: int) -> int:
        value = constants.get(name, fallback)
        if type(value) is not int or value < 0:
            self.top.fault("constants", f"{name} should be a whole number, not {value!r}")
            return fallback
        return value

    def constants_of(self, name: str, fallback: Mapping[str, int]) -> Mapping[str, int]:
        form = self.table.named(name)
        if form is None:
            return fallback
        base = resolved(form)
        if not isinstance(base, Enumeration):
            self.top.fault("typeDefinitions", f"{name} should be an enum, not {base!r}")
            return fallback
        members: Iterable[tuple[str, Any]] = base.enum.__members__.items()
        return {word: int(value) for word, value in members}
