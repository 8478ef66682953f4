"""Words of FPP: names that may be reserved, literals, annotation_lines and nested modules (FPP Specification)."""

from __future__ import annotations

import textwrap
from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.export_types import NAMED
from kittiwake.model.types import Array, Boolean, Enumeration, Float, Octets, Ranged, Struct, Text, resolved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.model.types import WireType

_WIDTH = 110

INDENT = "  "

BUFFER = "Fw.Buffer"
"""The opaque type that stands in FPP for bytes on a port."""

RESERVED = frozenset([
    "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "action", "active", "activity", "always",
    "array", "assert", "async", "at", "base", "block", "bool", "change", "choice", "command", "component",
    "connections", "constant", "container", "cpu", "default", "deployment", "diagnostic", "dictionary", "do", "drop",
    "else", "enter", "entry", "enum", "event", "every", "exit", "external", "false", "fatal", "format", "get",
    "guard", "guarded", "health", "high", "hook", "id", "if", "implements", "import", "include", "initial", "input",
    "instance", "interface", "internal", "locate", "low", "machine", "match", "module", "omit", "on", "opcode",
    "orange", "output", "packet", "packets", "param", "passive", "phase", "port", "priority", "private", "product",
    "queue", "queued", "record", "recv", "red", "ref", "reg", "request", "resp", "save", "send", "serial", "set",
    "severity", "signal", "size", "stack", "state", "string", "struct", "sync", "system", "telemetry", "text",
    "throttle", "time", "topology", "true", "type", "unmatched", "update", "warning", "with", "yellow",
])  # fmt: skip
"""FPP's keywords, which stand as names behind a `$`."""


def word(name: str) -> str:
    """A bare name."""
    return f"${name}" if name in RESERVED else name


def qualified(name: str) -> str:
    """A name with its modules."""
    return ".".join([word(part) for part in name.split(".")])


def annotation_lines(doc: str) -> list[str]:
    """The lines that annotate what follows them."""
    return [f"@ {line}" for line in textwrap.wrap(" ".join(doc.split()), _WIDTH)]


def remarks(text: str) -> list[str]:
    """The lines of a comment: what FPP has no words for."""
    return [f"# {line}" for line in textwrap.wrap(" ".join(text.split()), _WIDTH)]


def indented(lines: Iterable[str]) -> list[str]:
    """Lines one step further in."""
    return [f"{INDENT}{line}" if line else "" for line in lines]


def string(text: str) -> str:
    """A string literal; FPP's is one line."""
    flat = " ".join(text.splitlines())
    return '"' + flat.replace("\\", "\\\\").replace('"', '\\"') + '"'


def type_name(form: WireType) -> str:
    """How FPP refers to a type; a range has no words in it."""
    while isinstance(form, Ranged):
        form = form.underlying
    if isinstance(form, Text):
        return f"string size {form.size}"
    if isinstance(form, Octets):
        return BUFFER
    return qualified(form.name) if isinstance(form, NAMED) else form.name


def literal(form: WireType, value: Any) -> str | None:
    """An expression of a value, or `None` for one that FPP cannot write: bytes, infinities, mixed inline arrays."""
    base = resolved(form)
    if isinstance(base, Boolean):
        return "true" if value else "false"
    if isinstance(base, Octets):
        return None
    if isinstance(base, Text):
        return string(value)
    if isinstance(base, Enumeration):
        return qualified(f"{base.name}.{value.name}")
    if isinstance(base, Float):
        return repr(float(value)) if isfinite(value) else None
    if isinstance(base, Array):
        return _array_literal(base, value)
    if isinstance(base, Struct):
        parts = []
        for (name, member), item in zip(base.members.items(), value, strict=True):
            part = literal(member, item)
            if part is None:
                return None
            parts.append(f"{word(name)} = {part}")
        return "{ " + ", ".join(parts) + " }"
    return str(value)


def _array_literal(form: Array, value: Any) -> str | None:
    parts = [literal(form.element, item) for item in value]
    shown = [part for part in parts if part is not None]
    if len(shown) < len(parts):
        return None
    if form.name:
        return "[" + ", ".join(shown) + "]"
    # FPP gives all elements of an inline array one value.
    return shown[0] if len(set(shown)) == 1 else None


class ModuleTree:
    """Definitions in nested modules; those of a module stand together, in the order in which they came."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._inner: dict[str, ModuleTree] = {}

    def add(self, name: str, lines: Iterable[str]) -> None:
        """Puts the lines of a definition into the modules of its qualified name."""
        module, _, rest = name.partition(".")
        if rest:
            self._inner.setdefault(module, ModuleTree()).add(rest, lines)
        else:
            self._lines += ["", *lines]

    def lines(self) -> list[str]:
        """All definitions, indented by their modules."""
        out = list(self._lines)
        for module, tree in self._inner.items():
            out += ["", f"module {word(module)} {{", *indented(tree.lines()), "", "}"]
        return out

    def text(self, title: str) -> str:
        """A whole file under a comment."""
        return "\n".join([*remarks(title), *self.lines()]) + "\n"
