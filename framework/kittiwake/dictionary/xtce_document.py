"""An XTCE document in the making: space systems with their types, parameters, containers and commands (OMG XTCE 1.2).

The nested form has a space system for each instance, so that `CdhCore.cmdDisp.CommandErrors` becomes
`/Deployment/CdhCore/cmdDisp/CommandErrors`. The flat form has one system, whose names are joined by underscores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "http://www.omg.org/spec/XTCE/20180204"

_TELEMETRY_SETS = ("ParameterTypeSet", "ParameterSet", "ContainerSet")
_COMMAND_SETS = ("ArgumentTypeSet", "MetaCommandSet")


class System:
    """One space system; `path` is its place below the root."""

    def __init__(self, name: str, path: tuple[str, ...]) -> None:
        self.name = name
        self.path = path
        self.children: dict[str, System] = {}
        self._sets: dict[str, dict[str, ET.Element]] = {}

    def add(self, set_name: str, element: ET.Element) -> None:
        """Puts an element into one of the sets. Raises `ValueError` for a name that stands there already."""
        members = self._sets.setdefault(set_name, {})
        name = element.get("name", "")
        if name in members:
            raise ValueError(f"XTCE cannot hold two entries {'.'.join([*self.path, name])}: rename one")
        members[name] = element

    def has(self, set_name: str, name: str) -> bool:
        """Whether a set has an element of that name."""
        return name in self._sets.get(set_name, {})

    def element(self, attributes: Mapping[str, str], header: ET.Element | None) -> ET.Element:
        """The system and those below it, in the order of the schema."""
        made = ET.Element("SpaceSystem", {**attributes, "name": self.name})
        if header is not None:
            made.append(header)
        for group, sets in (("TelemetryMetaData", _TELEMETRY_SETS), ("CommandMetaData", _COMMAND_SETS)):
            present = [name for name in sets if name in self._sets]
            if present:
                parent = ET.SubElement(made, group)
                for name in present:
                    ET.SubElement(parent, name).extend(self._sets[name].values())
        made.extend([child.element({}, None) for child in self.children.values()])
        return made


class Document:
    """All systems of a deployment."""

    def __init__(self, name: str, version: str, *, flat: bool) -> None:
        self.flat = flat
        self.root = System(xtce_name(name or "Deployment"), ())
        self._version = version

    def place(self, full_name: str) -> tuple[System, str]:
        """The system in which something of a full name stands, and its name there."""
        if self.flat:
            return self.root, xtce_name(full_name)
        *path, name = full_name.split(".")
        system = self.root
        for part in path:
            system = system.children.setdefault(part, System(xtce_name(part), (*system.path, part)))
        return system, xtce_name(name)

    def reference(self, system: System, name: str) -> str:
        """How anything in the document refers to what has a name in a system."""
        return name if self.flat else "/".join(["", self.root.name, *[xtce_name(one) for one in system.path], name])

    def text(self) -> str:
        """The document."""
        header = ET.Element("Header", {"validationStatus": "Unknown", "version": self._version})
        made = self.root.element({"xmlns": NAMESPACE}, header)
        ET.indent(made)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(made, encoding="unicode")}\n'


def xtce_name(name: str) -> str:
    """A name without the characters that separate names in XTCE."""
    return "".join(["_" if character in "./:[] " else character for character in name])


def described(tag: str, name: str, summary: str = "", notes: Mapping[str, str] | None = None) -> ET.Element:
    """An element with a name, a line that says what it is, and what XTCE has no words for."""
    made = ET.Element(tag, {"name": name})
    if summary:
        made.set("shortDescription", " ".join(summary.split()))
    if notes:
        holder = ET.SubElement(made, "AncillaryDataSet")
        for key, value in notes.items():
            ET.SubElement(holder, "AncillaryData", {"name": key}).text = value
    return made
