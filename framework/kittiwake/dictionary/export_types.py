"""Types as a JSON dictionary describes and defines them (F´ User Manual, "JSON Dictionary")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kittiwake.model.types import (
    Alias,
    Array,
    Boolean,
    Enumeration,
    Float,
    Integer,
    Octets,
    Ranged,
    Struct,
    Text,
    resolved,
)

if TYPE_CHECKING:
    from kittiwake.dictionary.fields import FaultList
    from kittiwake.model.types import WireType

_QUALIFIED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)

_TAKEN = frozenset(["bool", "string", "U8", "U16", "U32", "U64", "I8", "I16", "I32", "I64", "F32", "F64"])

NAMED = (Alias, Array, Enumeration, Struct)
"""The types that stand in a dictionary under a name of their own."""


def annotation(doc: str | None) -> dict[str, str]:
    """The `annotation` key of an entry, in one line; none for an empty text."""
    text = " ".join((doc or "").split())
    return {"annotation": text} if text else {}


def is_identifier(name: str) -> bool:
    """Whether F´ takes a text as a bare name."""
    return _IDENTIFIER.fullmatch(name) is not None


def is_qualified_name(name: str) -> bool:
    """Whether F´ takes a text as a name with or without modules."""
    return _QUALIFIED.fullmatch(name) is not None


def descriptor(form: WireType) -> dict[str, Any]:
    """How an entry refers to a type. A range, which F´ does not know, stands in the additional key `range`."""
    if isinstance(form, Ranged):
        return {**descriptor(form.underlying), "range": {"low": form.low, "high": form.high}}
    if isinstance(form, Integer):
        return {"name": form.name, "kind": "integer", "size": form.bits, "signed": form.signed}
    if isinstance(form, Float):
        return {"name": form.name, "kind": "float", "size": form.bits}
    if isinstance(form, Boolean):
        return {"name": "bool", "kind": "bool", "size": 8}
    if isinstance(form, Text):
        return {"name": "string", "kind": "string", "size": form.size}
    return {"name": form.name, "kind": "qualifiedIdentifier"}


def plain_value(form: WireType, value: Any) -> Any:
    """A value as the dictionary writes it: as JSON, enum constants under their qualified names."""
    base = resolved(form)
    if isinstance(base, Enumeration):
        return f"{base.name}.{value.name}"
    if isinstance(base, Array):
        return [plain_value(base.element, item) for item in value]
    if isinstance(base, Struct):
        return {
            name: plain_value(member, item) for (name, member), item in zip(base.members.items(), value, strict=True)
        }
    return base.to_plain(value)


def definition(form: WireType) -> dict[str, Any]:
    """The entry that defines a named type."""
    if isinstance(form, Alias):
        return {
            "kind": "alias",
            "qualifiedName": form.name,
            "type": descriptor(form.underlying),
            "underlyingType": descriptor(resolved(form)),
        }
    entry: dict[str, Any] = {"kind": "", "qualifiedName": form.name}
    if isinstance(form, Enumeration):
        constants = [{"name": member.name, "value": int(member)} for member in form.enum]
        entry |= {"kind": "enum", "representationType": descriptor(form.representation)}
        entry |= {"enumeratedConstants": constants}
    elif isinstance(form, Array):
        entry |= {"kind": "array", "size": form.size, "elementType": descriptor(form.element)}
    elif isinstance(form, Struct):
        members = {name: _member(index, member) for index, (name, member) in enumerate(form.members.items())}
        entry |= {"kind": "struct", "members": members}
    return {**entry, "default": plain_value(form, form.default), **annotation(type_doc(form))}


def _member(index: int, form: WireType) -> dict[str, Any]:
    if is_inline(form):
        assert isinstance(form, Array), "only arrays are inline"
        return {"type": descriptor(form.element), "index": index, "size": form.size}
    return {"type": descriptor(form), "index": index}


def is_inline(form: WireType) -> bool:
    """Whether a type is an array without a name, which only members of a struct may be."""
    return isinstance(form, Array) and not form.name


def type_doc(form: WireType) -> str:
    """The documentation of the Python class behind an enum or a struct, or the empty text."""
    return str(vars(form.python).get("__doc__") or "") if isinstance(form, (Enumeration, Struct)) else ""


class TypeCatalogue:
    """The named types that a deployment uses, each once; what no dictionary can define is noted as a fault."""

    def __init__(self, faults: FaultList, *, octets: bool = False) -> None:
        self.forms: dict[str, WireType] = {}
        self._faults = faults
        self._octets = octets
        self._where: dict[str, str] = {}

    def add(self, form: WireType, where: str) -> None:
        """Takes a type and those it is made of; `where` says in faults who uses it."""
        if is_inline(form):
            self._faults.add(where, "an array without a name can only be a member of a struct")
        if isinstance(form, Octets) and not self._octets:
            self._faults.add(where, "bytes can only go through ports: the dictionary has no type for them")
        if not isinstance(form, NAMED):
            if isinstance(form, Ranged):
                self.add(form.underlying, where)
            return
        if self.forms.get(form.name) is form:
            return
        if form.name and self._is_new(form, where):
            self.forms[form.name] = form
            self._where[form.name] = where
        if isinstance(form, Alias):
            self.add(form.underlying, f"{form.name} (in {where})")
        elif isinstance(form, Array):
            self.add(form.element, f"{form.name or 'array'} (in {where})")
        elif isinstance(form, Struct):
            for name, member in form.members.items():
                self._check_name(name, f"{form.name}.{name}")
                part = member.element if isinstance(member, Array) and is_inline(member) else member
                self.add(part, f"{form.name}.{name} (in {where})")

    def _is_new(self, form: WireType, where: str) -> bool:
        known = self.forms.get(form.name)
        if known is None:
            if form.name in _TAKEN or not is_qualified_name(form.name):
                self._faults.add(where, f"{form.name!r} cannot be the name of a type")
            if isinstance(form, Enumeration):
                for constant in form.enum.__members__:
                    self._check_name(constant, f"{form.name}.{constant}")
            return True
        if known is not form and _bare(known) != _bare(form):
            self._faults.add(where, f"{form.name} is another type here than in {self._where[form.name]}")
        return False

    def _check_name(self, name: str, where: str) -> None:
        if not is_identifier(name):
            self._faults.add(where, f"{name!r} should be letters, digits and underscores")


def _bare(form: WireType) -> dict[str, Any]:
    """What a definition says to the wire: all but its documentation."""
    return {key: value for key, value in definition(form).items() if key != "annotation"}
