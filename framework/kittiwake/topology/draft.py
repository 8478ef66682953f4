"""A topology as it is written: its files read, imported and joined, every part with its place, nothing resolved yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, evolve, field

from kittiwake.faults import did_you_mean
from kittiwake.topology import grammar
from kittiwake.topology.grammar import BOOLEAN, IDENTIFIER, INTEGER, NUMBER, TABLE, TEXT, TEXTS, Key
from kittiwake.topology.model import SERVICES
from kittiwake.topology.source import Items, Node, Report, Scalar, Table, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_FILES = 64
MAX_INSTANCES = 2000
MAX_SHOWN = 80
"""The most characters of a value that a message shows."""
_PYTHON = {INTEGER: (int,), NUMBER: (int, float), BOOLEAN: (bool,)}


@define
class InstanceDraft:
    """One instance: the key under which it stands, the keys it has, and its fields that are of the right kind."""

    name: str
    namespace: str
    key: Scalar
    keys: set[str]
    fields: dict[str, Node]
    settings: dict[str, tuple[Scalar, Node]]
    parameters: dict[str, tuple[Scalar, Node]]


@define
class LineDraft:
    """A text that names instances, and the namespace of the file in which it stands."""

    namespace: str
    node: Scalar
    group: str = ""


@define
class PacketDraft:
    """One telemetry packet."""

    name: str
    key: Scalar
    fields: dict[str, Node]
    channels: list[LineDraft]


@define
class Draft:
    """All files of one topology, joined."""

    name: Scalar
    doc: str = ""
    instances: dict[str, InstanceDraft] = field(factory=dict)
    services: dict[str, LineDraft] = field(factory=dict)
    connections: list[LineDraft] = field(factory=list)
    packets: dict[str, PacketDraft] = field(factory=dict)
    omitted: list[LineDraft] = field(factory=list)
    namespaces: dict[str, Scalar] = field(factory=dict)


def read_draft(path: Path, report: Report) -> Draft | None:
    """Reads a main topology and what it imports. `None` if there is nothing to go on with."""
    return _Joiner(report).main(path)


class PackageMissing(ValueError):
    """An import names a Python package that is not there."""


def imported_path(importer: Path, text: str) -> Path:
    """The file that an import names: relative to the importing file, or as `PACKAGE:FILE` in a Python package.

    Raises `PackageMissing`.
    """
    package, colon, file = text.partition(":")
    if not colon:
        return importer.parent / text
    from importlib.util import find_spec
    from pathlib import Path

    found = find_spec(package) if IDENTIFIER.fullmatch(package) else None
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    if not folders:
        raise PackageMissing(f"there is no Python package {package!r}, in which to look for {file}")
    return Path(folders[0]) / file


def read_fields(node: Node, keys: Mapping[str, Key], what: str, owner: Scalar, report: Report) -> dict[str, Node]:
    """The values of a table that are of the right kind, by key; everything else is reported."""
    if not isinstance(node, Table):
        report.add(owner, f"{what} is a table of {', '.join(keys)}")
        return {}
    fields = {}
    for name, (key, value) in node.entries.items():
        declared = keys.get(name)
        if declared is None:
            report.add(key, f"{what} has no key {name!r}", did_you_mean(name, keys) or f"keys: {', '.join(keys)}")
        elif is_kind(value, declared.kind):
            fields[name] = value
        else:
            report.add(value, f"{name} is {declared.kind}, not {describe(value)}")
    for name, declared in keys.items():
        if declared.required and name not in node.entries:
            report.add(owner, f"{what} misses its key {name}", declared.doc)
    return fields


def is_kind(node: Node, kind: str) -> bool:
    """Whether a node is of one of the grammar's kinds."""
    if kind == TEXTS:
        return isinstance(node, Items) and all(is_kind(item, TEXT) for item in node.items)
    if kind == TABLE:
        return isinstance(node, Table)
    if not isinstance(node, Scalar):
        return False
    return type(node.value) in _PYTHON.get(kind, (str,))


def describe(node: Node) -> str:
    """A node as a message shows it."""
    if isinstance(node, Table):
        return "a table"
    if isinstance(node, Items):
        return "a list"
    if node.value is None:
        return "nothing"
    text = node.text if len(node.text) < MAX_SHOWN else node.text[:MAX_SHOWN] + "..."
    return repr(text) if isinstance(node.value, str) else text


class _Joiner:
    """Reads files, each once, depth first: what is imported comes before what imports it."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.draft: Draft | None = None
        self._loaded: set[Path] = set()
        self._stack: list[Path] = []

    def main(self, path: Path) -> Draft | None:
        root = read_file(path, str(path), self.report)
        if root is None:
            return None
        if not isinstance(root, Table):
            self.report.add(root, "a topology is a table of " + ", ".join(grammar.TOPOLOGY_KEYS))
            return None
        self._join(path, root, imported_by=None)
        return self.draft

    def _join(self, path: Path, root: Table, imported_by: Scalar | None) -> None:
        first = next((key for key, _ in root.entries.values()), Scalar(root.file, root.line, root.col, "", ""))
        fields = read_fields(root, grammar.TOPOLOGY_KEYS, "a topology", first, self.report)
        name = self._name(fields, root, first, imported_by)
        if name is None:
            return
        if self.draft is None:
            self.draft = Draft(name, _text(fields.get("doc")))
        self._stack.append(path.resolve())
        self._loaded.add(path.resolve())
        for item in _texts(fields.get("imports")):
            self._import(path, item)
        self._stack.pop()
        taken = self.draft.namespaces.setdefault(name.text, name)
        if taken is not name:
            self.report.add(name, f"the name {name.text} is already that of {taken.file}")
            return
        _Part(self.draft, name.text, self.report).take(fields, is_main=imported_by is None)

    def _name(self, fields: dict[str, Node], root: Table, first: Scalar, imported_by: Scalar | None) -> Scalar | None:
        wanted, other = ("topology", "subtopology") if imported_by is None else ("subtopology", "topology")
        found = fields.get(wanted)
        if isinstance(found, Scalar):
            if other in root.entries:
                self.report.add(root.entries[other][0], "a file is a topology or a subtopology, not both")
            if not IDENTIFIER.fullmatch(found.text):
                self.report.add(found, f"{found.text!r} is no name; names are letters, digits and _")
            return found
        if other not in root.entries:
            if wanted not in root.entries:
                self.report.add(first, f"the key {wanted}, with the name that qualifies the instances, is missing")
            return evolve(first, text="_")
        if imported_by is None:
            self.report.add(root.entries[other][0], "this is a subtopology; build the topology that imports it")
        else:
            self.report.add(imported_by, f"{imported_by.text} is a main topology; only subtopologies are imported")
        return None

    def _import(self, importer: Path, item: Scalar) -> None:
        try:
            path = imported_path(importer, item.text)
        except PackageMissing as fault:
            self.report.add(item, str(fault))
            return
        resolved = path.resolve()
        if resolved in self._stack:
            chain = [*self._stack[self._stack.index(resolved) :], resolved]
            self.report.add(item, "imports form a circle: " + " -> ".join(link.name for link in chain))
            return
        if resolved in self._loaded:
            return
        if len(self._loaded) >= MAX_FILES:
            self.report.add(item, f"a topology has at most {MAX_FILES} files")
            return
        if not path.is_file():
            near = [entry.name for entry in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
            self.report.add(item, f"there is no file {item.text}", did_you_mean(path.name, near))
            return
        self._loaded.add(resolved)
        root = read_file(path, str(path), self.report)
        if isinstance(root, Table):
            self._join(path, root, imported_by=item)
        elif root is not None:
            self.report.add(root, "a subtopology is a table of " + ", ".join(grammar.TOPOLOGY_KEYS))


class _Part:
    """What one file adds to the draft."""

    def __init__(self, draft: Draft, namespace: str, report: Report) -> None:
        self.draft = draft
        self.namespace = namespace
        self.report = report

    def take(self, fields: dict[str, Node], is_main: bool) -> None:
        for key, value in _entries(fields.get("instances")):
            self._instance(key, value)
        for key, value in _entries(fields.get("overrides")):
            if is_main:
                self._override(key, value)
            else:
                self.report.add(key, "only a main topology overrides what others declare")
        for key, value in _entries(fields.get("services")):
            self._service(key, value)
        for key, value in _entries(fields.get("connections")):
            self._connections(key, value)
        for key, value in _entries(fields.get("packets")):
            self._packet(key, value)
        self.draft.omitted += [LineDraft(self.namespace, item) for item in _texts(fields.get("omitted"))]

    def _named(self, key: Scalar, what: str) -> bool:
        if IDENTIFIER.fullmatch(key.text):
            return True
        self.report.add(key, f"{key.text!r} is no name of {what}; names are letters, digits and _")
        return False

    def _instance(self, key: Scalar, value: Node) -> None:
        if not self._named(key, "an instance"):
            return
        if len(self.draft.instances) >= MAX_INSTANCES:
            self.report.add(key, f"a topology has at most {MAX_INSTANCES} instances")
            return
        fields = read_fields(value, grammar.INSTANCE_KEYS, "an instance", key, self.report)
        name = f"{self.namespace}.{key.text}"
        self.draft.instances[name] = InstanceDraft(
            name, self.namespace, key, set(_table(value)), fields,
            dict(_table(fields.pop("settings", None))), dict(_table(fields.pop("parameters", None))),
        )  # fmt: skip

    def _override(self, key: Scalar, value: Node) -> None:
        fields = read_fields(value, grammar.OVERRIDE_KEYS, "an override", key, self.report)
        instance = self.draft.instances.get(key.text)
        if instance is None and f"{self.namespace}.{key.text}" not in self.draft.instances:
            imported = [name for name, found in self.draft.instances.items() if found.namespace != self.namespace]
            self.report.add(key, f"there is no imported instance {key.text}", did_you_mean(key.text, imported))
        elif instance is None or instance.namespace == self.namespace:
            self.report.add(key, f"{key.text} is an instance of this file; change it where it stands")
        else:
            instance.settings.update(_table(fields.pop("settings", None)))
            instance.parameters.update(_table(fields.pop("parameters", None)))
            instance.fields.update(fields)
            instance.keys.update(fields)

    def _service(self, key: Scalar, value: Node) -> None:
        if key.text not in SERVICES:
            hint = did_you_mean(key.text, SERVICES) or f"services: {', '.join(SERVICES)}"
            self.report.add(key, f"there is no service {key.text!r}", hint)
        elif not isinstance(value, Scalar) or not isinstance(value.value, str):
            self.report.add(value, f"a service is the name of an instance, not {describe(value)}")
        elif key.text in self.draft.services:
            first = self.draft.services[key.text].node
            self.report.add(key, f"the service {key.text} is already {first.text} ({first.file}:{first.line})")
        else:
            self.draft.services[key.text] = LineDraft(self.namespace, value)

    def _connections(self, key: Scalar, value: Node) -> None:
        self._named(key, "a group of connections")
        if not isinstance(value, Items):
            self.report.add(value, f"a group of connections is a list, not {describe(value)}")
            return
        for item in value.items:
            if isinstance(item, Scalar) and isinstance(item.value, str):
                self.draft.connections.append(LineDraft(self.namespace, item, key.text))
            else:
                self.report.add(item, f"a connection is a text 'a.output -> b.input', not {describe(item)}")

    def _packet(self, key: Scalar, value: Node) -> None:
        self._named(key, "a packet")
        fields = read_fields(value, grammar.PACKET_KEYS, "a packet", key, self.report)
        if key.text in self.draft.packets:
            first = self.draft.packets[key.text].key
            self.report.add(key, f"there is already a packet {key.text} ({first.file}:{first.line})")
            return
        channels = [LineDraft(self.namespace, item) for item in _texts(fields.get("channels"))]
        self.draft.packets[key.text] = PacketDraft(key.text, key, fields, channels)


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _texts(node: Node | None) -> list[Scalar]:
    return [item for item in node.items if isinstance(item, Scalar)] if isinstance(node, Items) else []


def _table(node: Node | None) -> dict[str, tuple[Scalar, Node]]:
    return node.entries if isinstance(node, Table) else {}


def _entries(node: Node | None) -> list[tuple[Scalar, Node]]:
    return list(_table(node).values())
