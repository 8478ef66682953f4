"""Writes a dictionary as XTCE 1.2, the OMG's XML for telemetry and commands, which Yamcs and others read.

Packets are CCSDS space packets whose APID is F´'s packet descriptor. Containers inherit from one another by APID and
by packet, channel or event id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kittiwake.dictionary.xtce_commands import add_commands
from kittiwake.dictionary.xtce_document import Document, described, xtce_name
from kittiwake.dictionary.xtce_types import TypeSet
from kittiwake.model.types import Array, Integer, Struct, Text, holds_text, resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake.dictionary.entries import Channel, Dictionary
    from kittiwake.dictionary.xtce_document import System
    from kittiwake.model.types import WireType

ROOT_CONTAINER = "CCSDSPacket"

_HEADER = (
    ("CCSDS_Version", 3),
    ("CCSDS_Type", 1),
    ("CCSDS_SecondaryHeader", 1),
    ("CCSDS_APID", 11),
    ("CCSDS_SequenceFlags", 2),
    ("CCSDS_SequenceCount", 14),
    ("CCSDS_Length", 16),
)
"""The primary header of a space packet (CCSDS 133.0-B-2, 4.1.3)."""


def xtce_text(dictionary: Dictionary, *, flat: bool = False) -> str:
    """The XTCE document of a dictionary.

    With `flat` there is one space system, and arrays and structs are taken apart into their members: for readers that
    know neither nested systems nor compound types. Raises `ValueError` for names that collide in XTCE.
    """
    version = str(dictionary.metadata.get("projectVersion") or "unknown")
    writing = _Writing(Document(dictionary.deployment, version, flat=flat), dictionary)
    writing.add_headers()
    writing.add_packets()
    writing.add_channels()
    writing.add_events()
    add_commands(writing.document, dictionary)
    return writing.document.text()


class _Writing:
    """One pass over a dictionary."""

    def __init__(self, document: Document, dictionary: Dictionary) -> None:
        self.document = document
        self.dictionary = dictionary
        self.types = TypeSet(document, "Parameter")
        self.packed: dict[str, list[str]] = {}

    # Headers

    def add_headers(self) -> None:
        """The containers that all others inherit from."""
        config = self.dictionary.config
        self._container(ROOT_CONTAINER, [self._bits(name, bits) for name, bits in _HEADER], abstract=True)
        descriptor = self._whole("FPrime_Descriptor", config.descriptor)
        time = [
            self._whole("FPrime_TimeBase", config.time_base, self.dictionary.types.get("TimeBase")),
            self._whole("FPrime_TimeContext", config.time_context),
            self._whole("FPrime_Seconds", Integer(32, False)),
            self._whole("FPrime_Microseconds", Integer(32, False)),
        ]
        for kind, code, id_name, id_form in (
            ("FPrimeTelemetryPacket", "FW_PACKET_PACKETIZED_TLM", "FPrime_PacketId", config.packet_id),
            ("FPrimeChannel", "FW_PACKET_TELEM", "FPrime_ChannelId", config.channel_id),
            ("FPrimeEvent", "FW_PACKET_LOG", "FPrime_EventId", config.event_id),
        ):
            where = {"CCSDS_Type": 0, "CCSDS_APID": config.descriptors[code]}
            entries = [descriptor, self._whole(id_name, id_form), *time]
            self._container(kind, entries, base=ROOT_CONTAINER, where=where, abstract=True)

    def _bits(self, name: str, bits: int) -> str:
        root = self.document.root
        type_name = f"bits_{bits}"
        if not root.has("ParameterTypeSet", type_name):
            made = ET.Element("IntegerParameterType", {"name": type_name, "sizeInBits": "32", "signed": "false"})
            ET.SubElement(made, "IntegerDataEncoding", {"sizeInBits": str(bits), "encoding": "unsigned"})
            root.add("ParameterTypeSet", made)
        return self._parameter(root, name, self.document.reference(root, type_name))

    def _whole(self, name: str, form: WireType, named: WireType | None = None) -> str:
        return self._parameter(self.document.root, name, self.types.reference(named or form))

    # What a deployment sends

    def add_packets(self) -> None:
        """The telemetry packets, whose values take their greatest size."""
        several = len(self.dictionary.packet_sets) > 1
        for packet_set in self.dictionary.packet_sets:
            for packet in packet_set.packets:
                entries = []
                for channel in packet.channels:
                    if channel.name not in self.packed:
                        self.packed[channel.name] = self._channel(channel, boxed=True)
                    entries += self.packed[channel.name]
                name = f"{packet_set.name}_{packet.name}" if several else packet.name
                self._container(
                    xtce_name(name), entries, base="FPrimeTelemetryPacket", where={"FPrime_PacketId": packet.id},
                    notes={"group": str(packet.group)},
                )  # fmt: skip

    def add_channels(self) -> None:
        """Each channel by itself, as a packet with one sample."""
        for channel in self.dictionary.channels.values():
            entries = self.packed.get(channel.name)
            if entries is None:
                entries = self._channel(channel, boxed=False)
            elif holds_text(channel.type):
                entries = self._channel(channel, boxed=False, suffix="_single")
            self._add_inheriting(f"{channel.name}_channel", entries, "FPrimeChannel", {"FPrime_ChannelId": channel.id})

    def add_events(self) -> None:
        """Each event, with its arguments as parameters."""
        for event in self.dictionary.events.values():
            entries = []
            for formal in event.formals:
                entries += self._value(f"{event.name}_{formal.name}", formal.type, formal.annotation, boxed=False)
            notes = {"severity": event.severity, **({"format": event.format} if event.format else {})}
            where = {"FPrime_EventId": event.id}
            self._add_inheriting(f"{event.name}_event", entries, "FPrimeEvent", where, notes, event.annotation)

    def _add_inheriting(
        self, full_name: str, entries: list[str], base: str, where: Mapping[str, int],
        notes: Mapping[str, str] | None = None, summary: str = "",
    ) -> None:  # fmt: skip
        system, name = self.document.place(full_name)
        self._container(name, entries, base=base, where=where, notes=notes, summary=summary, system=system)

    # Parameters

    def _channel(self, channel: Channel, *, boxed: bool, suffix: str = "") -> list[str]:
        """The parameters of a channel, by their references."""
        system, name = self.document.place(channel.name)
        own = self.types.of_channel(channel, f"{name}_type")
        if own is None:
            return self._value(f"{channel.name}{suffix}", channel.type, channel.annotation, boxed=boxed)
        if not system.has("ParameterTypeSet", f"{name}_type"):
            system.add("ParameterTypeSet", own)
        reference = self.document.reference(system, f"{name}_type")
        return [self._parameter(system, f"{name}{suffix}", reference, channel.annotation)]

    def _value(self, full_name: str, form: WireType, summary: str, *, boxed: bool) -> list[str]:
        """The parameters of a value: one, or in a flat document one for each of its parts."""
        base = resolved(form)
        system, name = self.document.place(full_name)
        compound = isinstance(base, (Array, Struct))
        if compound and boxed and holds_text(base):
            # The strings in it are packed and the rest is filled: no type of XTCE says that.
            return [self._parameter(system, name, self.types.opaque(form.max_size), summary)]
        if not self.document.flat:
            return [self._parameter(system, name, self.types.reference(form, boxed=boxed), summary)]
        if compound:
            parts = [(f"{full_name}_{part}", member) for part, member in _parts(base)]
            return [one for part, member in parts for one in self._value(part, member, "", boxed=False)]
        if isinstance(base, Text):
            return self._sized_text(system, name, base, summary, boxed=boxed)
        return [self._parameter(system, name, self.types.reference(form, boxed=boxed), summary)]

    def _sized_text(self, system: System, name: str, base: Text, summary: str, *, boxed: bool) -> list[str]:
        """A string taken apart: its length, its text, and what fills it where it takes its greatest size."""
        prefix = Integer(8 * (base.max_size - base.size), False)
        length = self._parameter(system, f"{name}_length", self.types.reference(prefix))
        parts = [(name, self.types.sized_text(base, length, f"{name}_text"), summary)]
        if boxed:
            parts.append((f"{name}_filling", self.types.filling(base, length, f"{name}_filling"), ""))
        references = [length]
        for part, made, doc in parts:
            system.add("ParameterTypeSet", made)
            reference = self.document.reference(system, made.get("name", ""))
            references.append(self._parameter(system, part, reference, doc))
        return references

    def _parameter(self, system: System, name: str, type_reference: str, summary: str = "") -> str:
        made = described("Parameter", name, summary)
        made.set("parameterTypeRef", type_reference)
        system.add("ParameterSet", made)
        return self.document.reference(system, name)

    # Containers

    def _container(
        self, name: str, entries: Iterable[str], *, base: str = "", where: Mapping[str, int] | None = None,
        abstract: bool = False, notes: Mapping[str, str] | None = None, summary: str = "", system: System | None = None,
    ) -> None:  # fmt: skip
        root = self.document.root
        made = described("SequenceContainer", name, summary, notes)
        if abstract:
            made.set("abstract", "true")
        listed = ET.SubElement(made, "EntryList")
        for reference in entries:
            ET.SubElement(listed, "ParameterRefEntry", {"parameterRef": reference})
        if base:
            parent = ET.SubElement(made, "BaseContainer", {"containerRef": self.document.reference(root, base)})
            criteria = ET.SubElement(ET.SubElement(parent, "RestrictionCriteria"), "ComparisonList")
            for parameter, value in (where or {}).items():
                reference = self.document.reference(root, parameter)
                ET.SubElement(criteria, "Comparison", {"parameterRef": reference, "value": str(value)})
        (system or root).add("ContainerSet", made)


def _parts(base: WireType) -> list[tuple[str, WireType]]:
    """The members of a struct or the elements of an array, by name or number."""
    if isinstance(base, Struct):
        return list(base.members.items())
    assert isinstance(base, Array), "the caller asks for compounds only"
    return [(str(index), base.element) for index in range(base.size)]
