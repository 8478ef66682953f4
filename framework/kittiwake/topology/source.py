"""YAML files with positions: every key and value knows its line and column, so that a fault can point at it.

Only the plain part of YAML is read: mappings with text keys, sequences and scalars in one document. Anchors, aliases
and tags are refused, duplicate keys too; size, depth and count are bounded. Words are what they look like: `on` and
`yes` are texts, `true` and `false` are booleans, `0x10` is a number (YAML 1.2's core schema).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import yaml
from attrs import define, field, frozen

from kittiwake.faults import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE_BYTES = 1024 * 1024
MAX_DEPTH = 12
MAX_NODES = 100_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None,
}  # fmt: skip


@frozen
class Scalar:
    """One value. `text` is how it is written; `value` is the text, number, boolean or `None` that it stands for."""

    file: str
    line: int
    col: int
    text: str
    value: str | int | float | bool | None
    quotes: int = 0
    """Characters between `col` and the first of `text`, or -1 where the two do not run in parallel."""


@frozen
class Items:
    """A sequence."""

    file: str
    line: int
    col: int
    items: tuple[Node, ...]


@frozen
class Table:
    """A mapping: text -> the key, with its place, and the value."""

    file: str
    line: int
    col: int
    entries: dict[str, tuple[Scalar, Node]]


Node = Scalar | Items | Table


@define
class Report:
    """The faults found so far, in all files of one topology, and the files' texts."""

    faults: list[Fault] = field(factory=list)
    sources: dict[str, str] = field(factory=dict)

    def add(self, node: Node, message: str, hint: str = "", offset: int = 0) -> None:
        """Reports a fault at a node, or `offset` characters into its text."""
        inside = node.quotes + offset if isinstance(node, Scalar) and node.quotes >= 0 and offset else 0
        self.faults.append(Fault(node.file, node.line, node.col + inside, message, hint))

    def finish(self) -> None:
        """Raises `Faults` if there are any."""
        if self.faults:
            raise Faults(self.faults, self.sources)


class _Unreadable(Exception):
    """Ends the reading of one file, whose fault has been reported."""


def read_file(path: Path, name: str, report: Report) -> Node | None:
    """The content of a file, or `None` with its faults in `report`, where it is called `name`."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as fault:
        report.faults.append(Fault(name, 1, 1, f"cannot be read: {fault.strerror or fault}"))
        return None
    if len(data) > MAX_FILE_BYTES:
        report.faults.append(Fault(name, 1, 1, f"has more than the {MAX_FILE_BYTES} bytes allowed"))
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line, col = _place(data, fault.start)
        report.faults.append(Fault(name, line, col, "is not UTF-8 from here on"))
        return None
    report.sources[name] = text
    return read_text(text, name, report)


def read_text(text: str, name: str, report: Report) -> Node | None:
    """The content of one YAML document, or `None` with its faults in `report`."""
    report.sources.setdefault(name, text)
    try:
        return _Composer(text, name, report).document()
    except _Unreadable:
        return None
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line, col = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        context = f" {fault.context}" if fault.context else ""
        report.faults.append(Fault(name, line, col, f"is not YAML: {fault.problem or 'malformed'}{context}"))
    except yaml.YAMLError as fault:
        line, col = _place(text.encode(), getattr(fault, "position", 0) or 0)
        reason = getattr(fault, "reason", str(fault))
        report.faults.append(Fault(name, line, col, f"is not YAML: {reason}"))
    return None


def _place(data: bytes, position: int) -> tuple[int, int]:
    before = data[:position]
    last = before.rpartition(b"\n")[2]
    return before.count(b"\n") + 1, len(last.decode("utf-8-sig", "replace")) + 1


class _Composer:
    """Makes nodes of the parser's events."""

    def __init__(self, text: str, name: str, report: Report) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._name = name
        self._report = report
        self._nodes = 0

    def _next(self) -> Any:
        return next(self._events)

    def document(self) -> Node | None:
        self._next()
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            self._report.faults.append(Fault(self._name, 1, 1, "is empty"))
            return None
        node = self._node(self._next(), 1)
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            self._refuse(event, "a second document begins here; a file holds one")
        return node

    def _refuse(self, event: Any, message: str) -> NoReturn:
        mark = event.start_mark
        self._report.faults.append(Fault(self._name, mark.line + 1, mark.column + 1, message))
        raise _Unreadable

    def _node(self, event: Any, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse(event, f"has more than the {MAX_NODES} values allowed")
        if depth > MAX_DEPTH:
            self._refuse(event, f"is nested deeper than the {MAX_DEPTH} levels allowed")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._refuse(event, "anchors and aliases are not for topologies; write the value out")
        if event.tag not in (None, "!"):
            self._refuse(event, f"tags such as {event.tag} are not for topologies")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, depth)
        return self._mapping(event, depth)

    def _scalar(self, event: Any) -> Scalar:
        mark, text, style = event.start_mark, event.value, event.style
        one_line = event.end_mark.line == mark.line
        if not style:
            return Scalar(self._name, mark.line + 1, mark.column + 1, text, _resolved(text), 0 if one_line else -1)
        width = event.end_mark.column - mark.column
        quotes = 1 if one_line and style in "'\"" and width == len(text) + 2 else -1
        return Scalar(self._name, mark.line + 1, mark.column + 1, text, text, quotes)

    def _sequence(self, start: Any, depth: int) -> Items:
        items = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Items(self._name, start.start_mark.line + 1, start.start_mark.column + 1, tuple(items))

    def _mapping(self, start: Any, depth: int) -> Table:
        entries: dict[str, tuple[Scalar, Node]] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(self._next(), depth + 1)
            if not isinstance(key, Scalar) or key.value is None:
                self._report.add(key, "a key is a word, not a list, a table or nothing")
            elif key.text in entries:
                first = entries[key.text][0]
                self._report.add(key, f"{key.text} is here a second time; it is already in line {first.line}")
            else:
                entries[key.text] = (key, value)
        return Table(self._name, start.start_mark.line + 1, start.start_mark.column + 1, entries)


def _resolved(text: str) -> str | int | float | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    try:
        if _INTEGER.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
    except ValueError:
        return text
    return text


def plain(node: Node) -> Any:
    """The node as plain Python: dictionaries, lists, texts, numbers, booleans and `None`."""
    if isinstance(node, Table):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.value
