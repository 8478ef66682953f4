"""The types that a JSON dictionary defines, as `WireType` objects."""

from __future__ import annotations

from collections import namedtuple
from enum import IntEnum
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, cast

from kittiwake.dictionary.values import value_of
from kittiwake.faults import did_you_mean
from kittiwake.model import types as wire
from kittiwake.model.types import (
    Alias,
    Array,
    Enumeration,
    Integer,
    Ranged,
    Struct,
    Text,
    TypeFault,
    WireError,
    WireType,
)

if TYPE_CHECKING:
    from kittiwake.dictionary.fields import FaultList, Fields

MAX_FOREIGN_STRING_SIZE = 65_535
"""The longest string, in bytes, of a dictionary that is not our own."""

_MAX_DEPTH = 32

_PRIMITIVES: dict[str, WireType] = {
    **{name: cast("WireType", getattr(wire, name)) for name in ("U8", "U16", "U32", "U64", "I8", "I16", "I32", "I64")},
    "F32": cast("WireType", wire.F32),
    "F64": cast("WireType", wire.F64),
    "bool": cast("WireType", wire.Bool),
}
_PLACEHOLDER = _PRIMITIVES["U8"]


class ForeignText(Text):
    """A string longer than our own may be, or with a length prefix (`FwSizeStoreType`) other than U16."""

    def __init__(self, size: int, prefix: Integer) -> None:
        if not 1 <= size <= min(MAX_FOREIGN_STRING_SIZE, prefix.high):
            raise TypeFault(f"a string's size is 1 to {min(MAX_FOREIGN_STRING_SIZE, prefix.high)} bytes, not {size}")
        self.size = size
        self.prefix = prefix
        self.max_size = prefix.max_size + size

    def pack(self, value: Any) -> bytes:
        self.check(value)
        data: bytes = value.encode()
        return self.prefix.pack(len(data)) + data

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        length, start = self.prefix.unpack(data, offset)
        if length > self.size:
            raise WireError(f"string of {length} bytes at {offset} is longer than the {self.size} allowed")
        if start + length > len(data):
            raise WireError(f"string of {length} bytes at {offset} ends behind the {len(data)} that are there")
        try:
            return bytes(data[start : start + length]).decode(), start + length
        except UnicodeDecodeError:
            raise WireError(f"string at {offset} is not UTF-8") from None


class TypeTable:
    """Makes each defined type once, on the first use of its name; `formats` holds the display formats.

    `formats` maps an array's qualified name, or a struct's followed by a dot and the member's name, to its format.
    """

    def __init__(self, definitions: list[Fields], faults: FaultList) -> None:
        self._faults = faults
        self._definitions: dict[str, Fields] = {}
        self._pending: list[str] = []
        self.types: dict[str, WireType] = {}
        self.formats: dict[str, str] = {}
        for fields in definitions:
            name = fields.get("qualifiedName", str)
            if name in self._definitions:
                fields.fault("qualifiedName", f"{name!r} is defined twice")
            self._definitions[name] = fields
        size_store = self.integer("FwSizeStoreType", "U16")
        self._prefix = size_store

    def make_all(self) -> dict[str, WireType]:
        """Every defined type by its qualified name, in the dictionary's order."""
        return {name: self.named(name) or _PLACEHOLDER for name in self._definitions}

    def integer(self, name: str, fallback: str) -> Integer:
        """The integer type that a framework alias stands for, or the fallback where it is not defined."""
        fields = self._definitions.get(name)
        if fields is None:
            return cast("Integer", _PRIMITIVES[fallback])
        form = wire.resolved(self.named(name) or _PLACEHOLDER)
        if isinstance(form, Enumeration):
            form = form.representation
        if not isinstance(form, Integer):
            fields.fault("", f"{name} should be an integer type, not {form!r}")
            return cast("Integer", _PRIMITIVES[fallback])
        return form

    def named(self, name: str) -> WireType | None:
        """The type of a qualified name, or `None` if there is no such definition."""
        made = self.types.get(name)
        if made is not None:
            return made
        fields = self._definitions.get(name)
        if fields is None:
            return None
        if name in self._pending or len(self._pending) >= _MAX_DEPTH:
            fields.fault("", f"{name} holds itself" if name in self._pending else "types nest too deeply")
            return _PLACEHOLDER
        self._pending.append(name)
        try:
            form = self._make(name, fields)
        except (TypeError, ValueError) as fault:
            fields.fault("", str(fault))
            form = _PLACEHOLDER
        self._pending.pop()
        self.types[name] = form
        return form

    def resolve(self, fields: Fields) -> WireType:
        """The type that a descriptor (`{"name": ..., "kind": ...}`) names; a fault is noted and gives a stand-in.

        Kittiwake's own dictionaries say the `range` of a number too, so that the ground refuses what a device would.
        """
        form = self._unbounded(fields)
        limits = fields.data.get("range")
        if not isinstance(limits, dict):
            return form
        try:
            return Ranged(form, limits["low"], limits["high"])
        except (TypeError, ValueError, KeyError) as fault:
            fields.fault("range", f"no range of {form!r}: {fault}")
            return form

    def _unbounded(self, fields: Fields) -> WireType:
        name = fields.get("name", str)
        primitive = _PRIMITIVES.get(name)
        if primitive is not None:
            return primitive
        if name == "string":
            return self._text(fields)
        form = self.named(name)
        if form is not None:
            return form
        if name:
            hint = did_you_mean(name, [*self._definitions, *_PRIMITIVES])
            fields.fault("name", f"no type {name!r}" + (f" ({hint})" if hint else ""))
        return _PLACEHOLDER

    def _text(self, fields: Fields) -> WireType:
        size = fields.get("size", int)
        try:
            if self._prefix.max_size == 2 and size <= wire.MAX_STRING_SIZE:
                return Text(size)
            return ForeignText(size, self._prefix)
        except TypeFault as fault:
            if "size" in fields.data:
                fields.fault("size", str(fault))
            return Text(1)

    def _make(self, name: str, fields: Fields) -> WireType:
        kind = fields.get("kind", str)
        if kind == "alias":
            key = "underlyingType" if fields.data.get("underlyingType") is not None else "type"
            return Alias(name, self.resolve(fields.child(key)))
        if kind == "enum":
            return self._enum(name, fields)
        if kind == "array":
            return self._array(name, fields)
        if kind == "struct":
            return self._struct(name, fields)
        if kind:
            fields.fault("kind", f"should be alias, array, enum or struct, not {kind!r}")
        return _PLACEHOLDER

    def _enum(self, name: str, fields: Fields) -> WireType:
        form = wire.resolved(self.resolve(fields.child("representationType")))
        if not isinstance(form, Integer):
            fields.fault("representationType", f"should be an integer type, not {form!r}")
            return _PLACEHOLDER
        constants: dict[str, int] = {}
        for constant in fields.children("enumeratedConstants"):
            word, value = constant.get("name", str), constant.get("value", int)
            if word in constants:
                constant.fault("name", f"{word!r} stands here twice")
            elif value in constants.values():
                constant.fault("value", f"{value} stands here twice")
            elif not form.low <= value <= form.high:
                constant.fault("value", f"{value} is outside {form.name}")
            else:
                constants[word] = value
        if not constants:
            fields.fault("enumeratedConstants", "holds no constant")
            return _PLACEHOLDER
        enum = IntEnum(name.rpartition(".")[2], constants)  # type: ignore[misc]
        default = None
        stated = fields.get("default", str, "")
        if stated:
            default = enum.__members__.get(stated.rpartition(".")[2])
            if default is None:
                fields.fault("default", f"{stated!r} is no constant of {name}")
        return Enumeration(name, enum, form, default)

    def _array(self, name: str, fields: Fields) -> WireType:
        element_fields = fields.child("elementType")
        element = self.resolve(element_fields)
        made = Array(name, element, fields.get("size", int))
        text = fields.get("format", str, None) or element_fields.get("format", str, None)
        if text:
            self.formats[name] = text
        default = self._default(fields, made)
        return made if default is None else Array(name, element, made.size, default)

    def _struct(self, name: str, fields: Fields) -> WireType:
        listed = fields.child("members")
        members = sorted(
            ((member, listed.child(member)) for member in listed.data), key=lambda item: item[1].get("index", int)
        )
        forms: dict[str, WireType] = {}
        indices = set()
        for member, entry in members:
            index = entry.data.get("index")
            if index in indices:
                entry.fault("index", f"{index} stands here twice")
            indices.add(index)
            form = self.resolve(entry.child("type"))
            size = entry.get("size", int, None)
            forms[member] = form if size is None else Array("", form, size)
            text = entry.get("format", str, None)
            if text:
                self.formats[f"{name}.{member}"] = text
        names = [_field_name(member) for member in forms]
        python = namedtuple(name.rpartition(".")[2], names)  # type: ignore[misc]
        made = Struct(name, python, forms)
        default = self._default(fields, made)
        if default is None:
            return made
        return Struct(name, namedtuple(python.__name__, names, defaults=default), forms)

    def _default(self, fields: Fields, form: WireType) -> Any:
        stated = fields.data.get("default")
        if stated is None:
            return None
        if isinstance(form, Struct) and isinstance(stated, dict):
            blank = {name: member.to_plain(member.default) for name, member in form.members.items()}
            stated = {**blank, **stated}
        try:
            return value_of(form, stated)
        except (TypeError, ValueError) as fault:
            fields.fault("default", str(fault))
            return None


def _field_name(member: str) -> str:
    """A named tuple's field for a struct member: Python reserves keywords and a leading underscore."""
    name = member.lstrip("_") or "member"
    return f"{name}_" if iskeyword(name) else name
