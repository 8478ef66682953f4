"""Modbus's tables, the values that their registers hold, and which of them are read together.

Addresses are those of the protocol, from 0: what many manuals call register 40001 is `holding-register,0`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import isfinite

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.drivers.interface import BadType, BadValue, PointAddress, Scalar, Value
from kittiwake_components.platform_driver.drivers.single_precision import shortest

BIT_TABLES = ("coil", "discrete-input")
REGISTER_TABLES = ("holding-register", "input-register")
WRITABLE = ("coil", "holding-register")
TABLES = (*BIT_TABLES, *REGISTER_TABLES)

FORMATS = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
"""The types of register values, as `struct` has them with the most significant word first."""

LAST_ADDRESS = 65_535
BITS_LIMIT = 2000
REGISTERS_LIMIT = 125
"""The most that one request may read (Modbus Application Protocol 1.1b3, 6.1 to 6.4)."""


class Place(NamedTuple):
    """Where a point stands in its unit, and how to understand it."""

    table: str
    address: int
    size: int
    format: str
    little_words: bool
    scale: float
    offset: float


class Span(NamedTuple):
    """Neighbouring places of one table that are read by one request; `members` are positions of points."""

    table: str
    address: int
    size: int
    members: tuple[int, ...]


def place_of(point: PointAddress, word_order: str) -> Place:
    """The place that a point names, `word_order` being its unit's. Raises `ValueError` for what is none."""
    table, _, number = point.object_identifier.partition(",")
    if table not in TABLES or not number.isdigit():
        known = ", ".join(TABLES)
        raise ValueError(f"{point.object_identifier!r} is no place in a unit: {known}, each with a number")
    settings = point.settings
    wanted = str(settings.get("type") or "")
    scale, offset = _float(settings.get("scale", 1.0)), _float(settings.get("offset", 0.0))
    if table in BIT_TABLES:
        if wanted or scale != 1.0 or offset:
            raise ValueError(f"a {table} is a bit: it has no type, scale or offset")
        form, count = "", 1
    else:
        form = FORMATS[wanted or "uint16"]
        count = struct.calcsize(form) // 2
    if not scale:
        raise ValueError("the scale is not 0")
    if int(number) + count - 1 > LAST_ADDRESS:
        raise ValueError(f"{point.object_identifier} ends after {LAST_ADDRESS}, the last address there is")
    order = str(settings.get("word_order") or word_order)
    return Place(table, int(number), count, form, order == "little", scale, offset)


def _float(value: Scalar) -> float:
    assert isinstance(value, (int, float))
    return float(value)


def spans(places: Sequence[Place], max_gap: int, max_registers: int) -> list[Span]:
    """The requests that read all places: neighbours together, over at most `max_gap` unused addresses between them."""
    found: list[Span] = []
    order = sorted(range(len(places)), key=lambda position: places[position][:2])
    for position in order:
        place = places[position]
        limit = BITS_LIMIT if place.table in BIT_TABLES else min(max_registers, REGISTERS_LIMIT)
        end = place.address + place.size
        if found:
            last = found[-1]
            whole = max(end, last.address + last.size) - last.address
            is_near = place.address <= last.address + last.size + max_gap
            if last.table == place.table and is_near and whole <= limit:
                found[-1] = last._replace(size=whole, members=(*last.members, position))
                continue
        found.append(Span(place.table, place.address, place.size, (position,)))
    return found


def decoded(place: Place, cells: Sequence[int]) -> Value:
    """The value of a place's registers or bit. Raises `BadValue` if it is no number."""
    if not place.format:
        return bool(cells[0])
    words = reversed(cells) if place.little_words else cells
    (raw,) = struct.unpack(place.format, b"".join([word.to_bytes(2, "big") for word in words]))
    if not isfinite(raw):
        raise BadValue(f"the registers hold {raw}")
    if place.format == ">f":
        raw = shortest(raw)
    if place.scale == 1.0 and not place.offset:
        number: int | float = raw
        return number
    return float(f"{raw * place.scale + place.offset:.12g}")


def encoded(place: Place, value: Value) -> list[int]:
    """The registers or the bit for a value. Raises `BadType` or `BadValue`."""
    if value is None:
        raise BadValue("Modbus has no priorities, so there is nothing to release")
    if not place.format:
        if isinstance(value, (bool, int, float)) and value in (0, 1):
            return [int(value)]
        raise BadValue(f"{value!r} is neither true nor false")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadType(f"a number is wanted, not {value!r}")
    if not isfinite(value):
        raise BadValue(f"a finite number is wanted, not {value!r}")
    raw = value if place.scale == 1.0 and not place.offset else (value - place.offset) / place.scale
    try:
        packed = struct.pack(place.format, raw if place.format in (">f", ">d") else round(raw))
    except (OverflowError, struct.error):
        raise BadValue(f"{value!r} does not fit into the register's type") from None
    words = [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]
    return words[::-1] if place.little_words else words
