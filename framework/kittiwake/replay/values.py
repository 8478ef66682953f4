"""Values in a recording: a tag, and what it needs. Nothing that is read makes code run.

    0x00 None | 0x01 False | 0x02 True
    0x03 an int, zigzag, base 128, lowest first | 0x04 a float, IEEE 754, big-endian
    0x05 bytes and 0x06 text (UTF-8), each behind its length
    0x07 tuple, 0x08 list and 0x09 dict, each behind its count
    0x80 to 0xFF the ints 0 to 127

Lengths and counts are in base 128, lowest first, as LEB128 (DWARF 5, 7.6).
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_FLOAT = Struct(">d")
_NONE, _FALSE, _TRUE, _INT, _FLOAT_TAG, _BYTES, _TEXT, _TUPLE, _LIST, _DICT = range(10)
_SMALL = 0x80
DEPTH_LIMIT = 100
INT_BITS_LIMIT = 4096


class ValueRefused(TypeError):
    """Something that is no value: it has a type that a recording does not know."""


class ValueDamaged(ValueError):
    """Bytes that are no value."""


def put_count(out: bytearray, count: int) -> None:
    """Appends a number of at least 0."""
    while count > 0x7F:
        out.append(count & 0x7F | 0x80)
        count >>= 7
    out.append(count)


def put_int(out: bytearray, number: int) -> None:
    """Appends a number of either sign: those near 0 are short."""
    put_count(out, number << 1 if number >= 0 else (-number << 1) - 1)


def get_count(data: bytes, at: int) -> tuple[int, int]:
    """A number of at least 0 and where it ends. Raises `ValueDamaged`."""
    count = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            count |= (byte & 0x7F) << shift
            if byte < 0x80:
                return count, at
            shift += 7
            if shift > INT_BITS_LIMIT:
                raise ValueDamaged(f"a number has no end before byte {at}")
    except IndexError:
        raise ValueDamaged(f"a number ends behind the last byte, {at}") from None


def get_int(data: bytes, at: int) -> tuple[int, int]:
    """A number of either sign and where it ends. Raises `ValueDamaged`."""
    count, at = get_count(data, at)
    return (count >> 1 if not count & 1 else -(count + 1 >> 1)), at


def packed(value: Any) -> bytes:
    """A value's bytes. Raises `ValueRefused`."""
    out = bytearray()
    put_value(out, value)
    return bytes(out)


def put_value(out: bytearray, value: Any, depth: int = 0) -> None:
    """Appends a value; sub-classes of a known type are taken as that. Raises `ValueRefused`."""
    if value is None or value is False or value is True:
        out.append(_TRUE if value else _NONE if value is None else _FALSE)
    elif isinstance(value, int):
        if 0 <= value < _SMALL:
            out.append(_SMALL | value)
        elif value.bit_length() >= INT_BITS_LIMIT - 8:
            raise ValueRefused(f"an int of {value.bit_length()} bits")
        else:
            out.append(_INT)
            put_int(out, value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        out.append(_BYTES)
        put_count(out, len(value))
        out += value
    elif isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        out.append(_TEXT)
        put_count(out, len(text))
        out += text
    elif isinstance(value, float):
        out.append(_FLOAT_TAG)
        out += _FLOAT.pack(value)
    else:
        _put_many(out, value, depth + 1)


def _put_many(out: bytearray, value: Any, depth: int) -> None:
    if depth > DEPTH_LIMIT:
        raise ValueRefused(f"values within more than {DEPTH_LIMIT} others")
    if isinstance(value, dict):
        out.append(_DICT)
        put_count(out, len(value))
        for key, one in value.items():
            put_value(out, key, depth)
            put_value(out, one, depth)
        return
    if not isinstance(value, (tuple, list)):
        raise ValueRefused(f"{type(value).__module__}.{type(value).__qualname__} is no value that a recording knows")
    out.append(_TUPLE if isinstance(value, tuple) else _LIST)
    put_count(out, len(value))
    for one in value:
        put_value(out, one, depth)


def unpacked(data: bytes) -> Any:
    """The one value in the bytes. Raises `ValueDamaged`."""
    value, end = get_value(data, 0)
    if end != len(data):
        raise ValueDamaged(f"{len(data) - end} bytes are left over")
    return value


def get_value(data: bytes, at: int, depth: int = 0) -> tuple[Any, int]:
    """The value at a place and where it ends. Raises `ValueDamaged`."""
    if at >= len(data):
        raise ValueDamaged(f"a value ends behind the last byte, {at}")
    tag = data[at]
    at += 1
    if tag >= _SMALL:
        return tag & 0x7F, at
    if tag <= _TRUE:
        return (None, False, True)[tag], at
    if tag == _INT:
        return get_int(data, at)
    if tag == _FLOAT_TAG:
        return _FLOAT.unpack(_slice(data, at, _FLOAT.size))[0], at + _FLOAT.size
    if tag > _DICT:
        raise ValueDamaged(f"there is no tag {tag:#04x}, as byte {at - 1} has it")
    count, at = get_count(data, at)
    if tag in (_BYTES, _TEXT):
        body = _slice(data, at, count)
        return body if tag == _BYTES else _text(body), at + count
    if depth >= DEPTH_LIMIT or count > len(data) - at:
        raise ValueDamaged(f"{count} values, {depth} deep, at byte {at}")
    return _many(data, at, tag, count, depth + 1)


def _many(data: bytes, at: int, tag: int, count: int, depth: int) -> tuple[Any, int]:
    found: list[Any] = []
    for _ in range(2 * count if tag == _DICT else count):
        value, at = get_value(data, at, depth)
        found.append(value)
    if tag != _DICT:
        return tuple(found) if tag == _TUPLE else found, at
    try:
        return dict(_pairs(found)), at
    except TypeError:
        raise ValueDamaged(f"a dict's key before byte {at} can be none") from None


def _pairs(flat: Sequence[Any]) -> list[tuple[Any, Any]]:
    return [(flat[place], flat[place + 1]) for place in range(0, len(flat), 2)]


def _slice(data: bytes, at: int, count: int) -> bytes:
    if at + count > len(data):
        raise ValueDamaged(f"{count} bytes at byte {at} end behind the last byte")
    return bytes(data[at : at + count])


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as fault:
        raise ValueDamaged(f"a text is none: {fault}") from None
