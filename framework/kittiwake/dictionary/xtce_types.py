"""The dictionary's types as XTCE parameter types and argument types.

What differs between the two: an argument has its range in a set, and a boolean argument is an enumeration, because F´
writes true as 0xFF and XTCE would write 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kittiwake.dictionary.xtce_document import xtce_name
from kittiwake.model.types import Array, Boolean, Enumeration, Float, Integer, Ranged, Struct, Text, resolved

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.dictionary.entries import Channel
    from kittiwake.dictionary.xtce_document import Document
    from kittiwake.model.types import WireType

BITS = 8

YAMCS_NO_PARAMETER = "_yamcs_ignore"
"""The schema wants a parameter that says how long a string is; by this name Yamcs knows that its own prefix does."""


class TypeSet:
    """The types of a document for one use, each made once; `kind` is "Parameter" or "Argument"."""

    def __init__(self, document: Document, kind: str) -> None:
        self.kind = kind
        self._document = document
        self._set = f"{kind}TypeSet"
        self._known: dict[str, WireType] = {}

    def reference(self, form: WireType, *, boxed: bool = False) -> str:
        """The reference to a type, which is made if there is none yet.

        Where `boxed`, strings take their greatest size on the wire, as in a telemetry packet.
        """
        name = self._free_name(form, _type_name(form, boxed=boxed))
        if name not in self._known:
            self._known[name] = form
            self._document.root.add(self._set, self._element(form, name, boxed=boxed))
        return self._document.reference(self._document.root, name)

    def sized_text(self, form: Text, length: str, name: str) -> ET.Element:
        """The type of a string whose length in bytes stands in a parameter of its own."""
        made = ET.Element(f"String{self.kind}Type", {"name": name})
        variable = _variable(form, length)
        ET.SubElement(variable[0], "LinearAdjustment", {"slope": str(BITS)})
        ET.SubElement(made, "StringDataEncoding", {"encoding": "UTF-8"}).append(variable)
        return made

    def filling(self, form: Text, length: str, name: str) -> ET.Element:
        """The type of what follows a string of that length up to its greatest size."""
        made = ET.Element(f"Binary{self.kind}Type", {"name": name})
        value = ET.SubElement(ET.SubElement(ET.SubElement(made, "BinaryDataEncoding"), "SizeInBits"), "DynamicValue")
        ET.SubElement(value, "ParameterInstanceRef", {"parameterRef": length})
        ET.SubElement(value, "LinearAdjustment", {"slope": str(-BITS), "intercept": str(BITS * form.size)})
        return made

    def opaque(self, size: int) -> str:
        """The reference to a type of so many bytes without a meaning."""
        name = f"bytes_{size}"
        if name not in self._known:
            self._known[name] = Integer(BITS, False)
            made = ET.Element(f"Binary{self.kind}Type", {"name": name})
            size_in_bits = ET.SubElement(ET.SubElement(made, "BinaryDataEncoding"), "SizeInBits")
            ET.SubElement(size_in_bits, "FixedValue").text = str(BITS * size)
            self._document.root.add(self._set, made)
        return self._document.reference(self._document.root, name)

    def of_channel(self, channel: Channel, name: str) -> ET.Element | None:
        """A type of a channel's own: with its unit, conversion and limits; `None` if it has none of them."""
        base = resolved(channel.type)
        limited = any(limit is not None for limit in (*channel.low, *channel.high))
        if not isinstance(base, (Integer, Float)) or not (channel.unit or channel.conversion or limited):
            return None
        made = self._number(base, name, channel.conversion, channel.unit)
        if limited:
            made.append(_alarm(channel))
        return made

    def _free_name(self, form: WireType, name: str) -> str:
        """The name, or one like it where another type has it already."""
        known = self._known.get(name)
        number = 2
        tried = name
        while known is not None and known is not form and repr(known) != repr(form):
            tried = f"{name}_{number}"
            known = self._known.get(tried)
            number += 1
        return tried

    def _element(self, form: WireType, name: str, *, boxed: bool) -> ET.Element:
        base = resolved(form)
        makers: dict[type, Callable[[], ET.Element]] = {
            Integer: lambda: self._ranged(form, name),
            Float: lambda: self._ranged(form, name),
            Boolean: lambda: self._boolean(name),
            Enumeration: lambda: self._enumeration(base, name),  # type: ignore[arg-type]
            Text: lambda: self._text(base, name, boxed=boxed),  # type: ignore[arg-type]
            Array: lambda: self._array(base, name),  # type: ignore[arg-type]
            Struct: lambda: self._struct(base, name),  # type: ignore[arg-type]
        }
        return next(make for kind, make in makers.items() if isinstance(base, kind))()

    def _number(
        self, base: Integer | Float, name: str, conversion: tuple[float, float] | None = None, unit: str = ""
    ) -> ET.Element:
        whole = isinstance(base, Integer) and conversion is None
        made = ET.Element(f"{'Integer' if whole else 'Float'}{self.kind}Type", {"name": name})
        if isinstance(base, Integer):
            if whole:
                made.attrib |= {"sizeInBits": str(base.bits), "signed": str(base.signed).lower()}
            else:
                made.set("sizeInBits", "64")
            encoding = _integer_encoding(base)
        else:
            made.set("sizeInBits", str(base.bits))
            encoding = ET.Element("FloatDataEncoding", {"sizeInBits": str(base.bits), "encoding": "IEEE754_1985"})
        if unit:
            ET.SubElement(ET.SubElement(made, "UnitSet"), "Unit").text = unit
        if conversion is not None:
            polynomial = ET.SubElement(ET.SubElement(encoding, "DefaultCalibrator"), "PolynomialCalibrator")
            for exponent, coefficient in enumerate(reversed(conversion)):
                ET.SubElement(polynomial, "Term", {"coefficient": repr(coefficient), "exponent": str(exponent)})
        made.append(encoding)
        return made

    def _ranged(self, form: WireType, name: str) -> ET.Element:
        made = self._number(resolved(form), name)  # type: ignore[arg-type]
        limits = _range(form)
        if limits is not None:
            holder = ET.SubElement(made, "ValidRangeSet") if self.kind == "Argument" else made
            ET.SubElement(
                holder, "ValidRange", {"minInclusive": _numeral(limits[0]), "maxInclusive": _numeral(limits[1])}
            )
        return made

    def _boolean(self, name: str) -> ET.Element:
        if self.kind == "Argument":
            return self._labelled(name, Integer(BITS, False), {"true": 0xFF, "false": 0})
        made = ET.Element("BooleanParameterType", {"name": name})
        made.append(_integer_encoding(Integer(BITS, False)))
        return made

    def _enumeration(self, base: Enumeration, name: str) -> ET.Element:
        return self._labelled(name, base.representation, {one.name: int(one) for one in base.enum})

    def _labelled(self, name: str, form: Integer, labels: dict[str, int]) -> ET.Element:
        made = ET.Element(f"Enumerated{self.kind}Type", {"name": name})
        made.append(_integer_encoding(form))
        listed = ET.SubElement(made, "EnumerationList")
        for label, value in labels.items():
            ET.SubElement(listed, "Enumeration", {"value": str(value), "label": label})
        return made

    def _text(self, base: Text, name: str, *, boxed: bool) -> ET.Element:
        made = ET.Element(f"String{self.kind}Type", {"name": name})
        encoding = ET.SubElement(made, "StringDataEncoding", {"encoding": "UTF-8"})
        if boxed:
            holder = ET.SubElement(encoding, "SizeInBits")
            ET.SubElement(ET.SubElement(holder, "Fixed"), "FixedValue").text = str(BITS * base.max_size)
        else:
            holder = _variable(base, YAMCS_NO_PARAMETER)
            encoding.append(holder)
        ET.SubElement(holder, "LeadingSize", {"sizeInBitsOfSizeTag": str(BITS * (base.max_size - base.size))})
        return made

    def _array(self, base: Array, name: str) -> ET.Element:
        made = ET.Element(f"Array{self.kind}Type", {"name": name, "arrayTypeRef": self.reference(base.element)})
        dimension = ET.SubElement(ET.SubElement(made, "DimensionList"), "Dimension")
        for tag, index in (("StartingIndex", 0), ("EndingIndex", base.size - 1)):
            ET.SubElement(ET.SubElement(dimension, tag), "FixedValue").text = str(index)
        return made

    def _struct(self, base: Struct, name: str) -> ET.Element:
        made = ET.Element(f"Aggregate{self.kind}Type", {"name": name})
        members = ET.SubElement(made, "MemberList")
        for member, form in base.members.items():
            ET.SubElement(members, "Member", {"name": xtce_name(member), "typeRef": self.reference(form)})
        return made


def _variable(form: Text, size_parameter: str) -> ET.Element:
    made = ET.Element("Variable", {"maxSizeInBits": str(BITS * form.max_size)})
    value = ET.SubElement(made, "DynamicValue")
    ET.SubElement(value, "ParameterInstanceRef", {"parameterRef": size_parameter})
    return made


def _integer_encoding(form: Integer) -> ET.Element:
    encoding = "twosComplement" if form.signed else "unsigned"
    return ET.Element("IntegerDataEncoding", {"sizeInBits": str(form.bits), "encoding": encoding})


def _type_name(form: WireType, *, boxed: bool) -> str:
    base = resolved(form)
    limits = _range(form)
    if limits is not None:
        return xtce_name(f"{base.name}_{_numeral(limits[0])}_to_{_numeral(limits[1])}")
    if isinstance(base, Text):
        return f"string_{base.size}{'_boxed' if boxed else ''}"
    if isinstance(base, Array) and not base.name:
        return f"{_type_name(base.element, boxed=False)}_x{base.size}"
    return xtce_name(base.name)


def _range(form: WireType) -> tuple[float, float] | None:
    while not isinstance(form, Ranged):
        below = getattr(form, "underlying", None)
        if below is None:
            return None
        form = below
    return form.low, form.high


def _numeral(value: float) -> str:
    return repr(value)


def _alarm(channel: Channel) -> ET.Element:
    """F´'s yellow, orange and red as XTCE's warning, distress and critical: alarmed outside of each range."""
    alarm = ET.Element("DefaultAlarm")
    ranges = ET.SubElement(alarm, "StaticAlarmRanges")
    scale, offset = channel.conversion or (1.0, 0.0)
    for tag, raw_low, raw_high in zip(
        ("WarningRange", "DistressRange", "CriticalRange"), channel.low, channel.high, strict=True
    ):
        low, high = [None if limit is None else limit * scale + offset for limit in (raw_low, raw_high)]
        if scale < 0:
            low, high = high, low
        given = {"minInclusive": low, "maxInclusive": high}
        bounds = {key: repr(float(value)) for key, value in given.items() if value is not None}
        if bounds:
            ET.SubElement(ranges, tag, bounds)
    return alarm
