"""Commands in XTCE: a meta command each, on one that has the space packet's header and F´'s descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kittiwake.dictionary.xtce_document import described, xtce_name
from kittiwake.dictionary.xtce_types import TypeSet

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Command, Dictionary
    from kittiwake.dictionary.xtce_document import Document
    from kittiwake.model.types import Integer

BASE_COMMAND = "FPrimeCommand"

_TELECOMMAND = 1 << 12
_UNSEGMENTED = 0xC000


def add_commands(document: Document, dictionary: Dictionary) -> None:
    """Adds all commands. The ground system fills in sequence count and length of the header."""
    config = dictionary.config
    apid = config.descriptors["FW_PACKET_COMMAND"]
    entries = [
        _fixed("CCSDS_PacketId", 16, _TELECOMMAND | apid),
        _fixed("CCSDS_Sequence", 16, _UNSEGMENTED),
        _fixed("CCSDS_Length", 16, 0),
        _fixed("FPrime_Descriptor", config.descriptor.bits, apid),
    ]
    base = described("MetaCommand", BASE_COMMAND, "A command in a space packet.")
    base.set("abstract", "true")
    _container(base, BASE_COMMAND, entries)
    document.root.add("MetaCommandSet", base)
    types = TypeSet(document, "Argument")
    for command in dictionary.commands.values():
        system, name = document.place(command.name)
        made = _command(command, name, document.reference(document.root, BASE_COMMAND), config.opcode, types)
        system.add("MetaCommandSet", made)


def _command(command: Command, name: str, base: str, opcode: Integer, types: TypeSet) -> ET.Element:
    made = described("MetaCommand", name, command.annotation, {"commandKind": command.kind})
    ET.SubElement(made, "BaseMetaCommand", {"metaCommandRef": base})
    entries = [_fixed("opcode", opcode.bits, command.opcode)]
    if command.formals:
        arguments = ET.SubElement(made, "ArgumentList")
        for formal in command.formals:
            argument = described("Argument", xtce_name(formal.name), formal.annotation)
            argument.set("argumentTypeRef", types.reference(formal.type))
            arguments.append(argument)
            entries.append(ET.Element("ArgumentRefEntry", {"argumentRef": xtce_name(formal.name)}))
    _container(made, name, entries, base)
    if command.hazardous:
        ET.SubElement(
            made,
            "DefaultSignificance",
            {"consequenceLevel": "critical", "reasonForWarning": "The command is hazardous."},
        )
    return made


def _container(command: ET.Element, name: str, entries: list[ET.Element], base: str = "") -> None:
    container = ET.SubElement(command, "CommandContainer", {"name": name})
    ET.SubElement(container, "EntryList").extend(entries)
    if base:
        ET.SubElement(container, "BaseContainer", {"containerRef": base})


def _fixed(name: str, bits: int, value: int) -> ET.Element:
    binary = value.to_bytes(bits // 8, "big").hex().upper()
    return ET.Element("FixedValueEntry", {"name": name, "binaryValue": binary, "sizeInBits": str(bits)})
