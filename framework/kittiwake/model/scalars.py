"""Wire types of single values: integers, floats, booleans, strings and bytes, and what all wire types share.

Wire forms are F´'s: integers and floats big-endian, booleans 0xFF and 0x00, strings as a U16 byte count and UTF-8
(F´ User Manual, "Serialization").
"""

from __future__ import annotations

import struct as _struct
from typing import Any

MAX_STRING_SIZE = 1024
"""The longest string that any declaration may allow, in bytes."""

_LENGTH = _struct.Struct(">H")


class WireError(ValueError):
    """Bytes that are no value of the type they should be, or that end too early."""


class RangeError(WireError):
    """Well-formed bytes of a value outside its declared range: VALIDATION_ERROR where others are FORMAT_ERROR.

    `end` is the offset behind the value.
    """

    def __init__(self, message: str, end: int) -> None:
        super().__init__(message)
        self.end = end


class TypeFault(TypeError):
    """A declaration that names no usable type."""


class WireType:
    """A type with its wire form.

    `name` is the type's name in the dictionary, `max_size` the most bytes a value takes. `code` is the `struct`
    format letter of a scalar; it is empty for every type that needs more than one `struct` field.
    """

    name: str
    max_size: int
    code: str = ""
    python: type = object

    def check(self, value: Any) -> None:
        """Raises `TypeError` or `ValueError` unless `value` is one that `pack` can write."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def pack(self, value: Any) -> bytes:
        """The wire form. Raises `ValueError` or `TypeError` for a value that is not of the type."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        """The value at `offset` and the offset behind it. Raises `WireError`."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    @property
    def default(self) -> Any:
        """The value that stands where none was given: zero, false, empty, or the first constant."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def to_plain(self, value: Any) -> Any:
        """The value in JSON's terms; an enum is its constant's name."""
        return value

    def from_plain(self, plain: Any) -> Any:
        """The value that `to_plain` gave, checked. Raises `TypeError` or `ValueError`."""
        self.check(plain)
        return plain

    def __repr__(self) -> str:
        return self.name


class _Number(WireType):
    """What integers and floats share: one `struct` field; `_kind` says in a message what the type wants."""

    _struct: _struct.Struct
    _kind: str

    def pack(self, value: Any) -> bytes:
        try:
            return self._struct.pack(value)
        except (OverflowError, _struct.error):
            self.check(value)
            raise TypeError(f"{self.name} wants {self._kind}, not {value!r}") from None

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        try:
            return self._struct.unpack_from(data, offset)[0], offset + self.max_size
        except _struct.error:
            raise WireError(f"{self.name} needs {self.max_size} bytes at {offset}, {len(data)} are there") from None


class Integer(_Number):
    """A two's complement integer of 8, 16, 32 or 64 bits; `low` and `high` bound its values."""

    python = int
    _kind = "an integer"

    def __init__(self, bits: int, signed: bool) -> None:
        self.name = f"{'I' if signed else 'U'}{bits}"
        self.bits = bits
        self.signed = signed
        self.max_size = bits // 8
        code = {8: "b", 16: "h", 32: "i", 64: "q"}[bits]
        self.code = code if signed else code.upper()
        self.low = -(1 << (bits - 1)) if signed else 0
        self.high = (1 << (bits - 1 if signed else bits)) - 1
        self._struct = _struct.Struct(">" + self.code)

    def check(self, value: Any) -> None:
        if type(value) is not int and not (isinstance(value, int) and not isinstance(value, bool)):
            raise TypeError(f"{self.name} wants an integer, not {value!r}")
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} is outside {self.name} ({self.low} to {self.high})")

    @property
    def default(self) -> int:
        return 0

    def from_plain(self, plain: Any) -> int:
        if isinstance(plain, str):
            try:
                plain = int(plain, 0)
            except ValueError:
                raise ValueError(f"{plain!r} is not a whole number") from None
        self.check(plain)
        return int(plain)


class Float(_Number):
    """An IEEE 754 float of 32 or 64 bits."""

    python = float
    _kind = "a number"

    def __init__(self, bits: int) -> None:
        self.name = f"F{bits}"
        self.bits = bits
        self.max_size = bits // 8
        self.code = "f" if bits == 32 else "d"
        self._struct = _struct.Struct(">" + self.code)

    def check(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"{self.name} wants a number, not {value!r}")
        try:
            self._struct.pack(value)
        except (OverflowError, _struct.error):
            raise ValueError(f"{value!r} is outside {self.name}") from None

    @property
    def default(self) -> float:
        return 0.0

    def from_plain(self, plain: Any) -> float:
        if isinstance(plain, str):
            try:
                plain = float(plain)
            except ValueError:
                raise ValueError(f"{plain!r} is not a number") from None
        self.check(plain)
        return float(plain)


class Boolean(WireType):
    """True as 0xFF, false as 0x00; every other byte is refused, as F´ does."""

    name = "bool"
    max_size = 1
    code = "B"
    python = bool

    def check(self, value: Any) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"bool wants true or false, not {value!r}")

    def pack(self, value: Any) -> bytes:
        self.check(value)
        return b"\xff" if value else b"\x00"

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        if not 0 <= offset < len(data):
            raise WireError(f"bool needs 1 byte at {offset}, {len(data)} are there")
        byte = data[offset]
        if byte not in (0x00, 0xFF):
            raise WireError(f"0x{byte:02x} at {offset} is no bool (0x00 or 0xff)")
        return byte == 0xFF, offset + 1

    @property
    def default(self) -> bool:
        return False

    def from_plain(self, plain: Any) -> bool:
        if isinstance(plain, str):
            word = plain.lower()
            if word in ("true", "yes", "1"):
                return True
            if word in ("false", "no", "0"):
                return False
            raise ValueError(f"{plain!r} is neither true nor false")
        self.check(plain)
        return bool(plain)


class Text(WireType):
    """A string of at most `size` bytes of UTF-8."""

    name = "string"
    python = str

    def __init__(self, size: int) -> None:
        if not 1 <= size <= MAX_STRING_SIZE:
            raise TypeFault(f"a string's size is 1 to {MAX_STRING_SIZE} bytes, not {size}")
        self.size = size
        self.max_size = 2 + size

    def check(self, value: Any) -> None:
        if not isinstance(value, str):
            raise TypeError(f"string wants text, not {value!r}")
        length = len(value.encode("utf-8", "surrogatepass"))
        if length > self.size:
            raise ValueError(f"text of {length} bytes is longer than the {self.size} allowed")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("text holds a lone surrogate, which UTF-8 cannot carry") from None

    def pack(self, value: Any) -> bytes:
        self.check(value)
        data: bytes = value.encode()
        return _LENGTH.pack(len(data)) + data

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        start = offset + 2
        if offset < 0 or start > len(data):
            raise WireError(f"string needs a length at {offset}, {len(data)} bytes are there")
        length = _LENGTH.unpack_from(data, offset)[0]
        if length > self.size:
            raise WireError(f"string of {length} bytes at {offset} is longer than the {self.size} allowed")
        if not length:
            return "", start
        end = start + length
        if end > len(data):
            raise WireError(f"string of {length} bytes at {offset} ends behind the {len(data)} that are there")
        try:
            return bytes(data[start:end]).decode(), end
        except UnicodeDecodeError:
            raise WireError(f"string at {offset} is not UTF-8") from None

    @property
    def default(self) -> str:
        return ""

    def __repr__(self) -> str:
        return f"string size {self.size}"


class Octets(WireType):
    """At most `size` bytes as they are: packets and file data on ports between components (F´ Fw.Buffer)."""

    name = "Fw.Buffer"
    python = bytes

    def __init__(self, size: int) -> None:
        self.size = size
        self.max_size = 2 + size

    def check(self, value: Any) -> None:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"bytes are wanted, not {value!r}")
        if len(value) > self.size:
            raise ValueError(f"{len(value)} bytes are more than the {self.size} allowed")

    def pack(self, value: Any) -> bytes:
        self.check(value)
        return _LENGTH.pack(len(value)) + bytes(value)

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        start = offset + 2
        if offset < 0 or start > len(data):
            raise WireError(f"bytes need a length at {offset}, {len(data)} bytes are there")
        length = _LENGTH.unpack_from(data, offset)[0]
        end = start + length
        if length > self.size or end > len(data):
            there = len(data) - start
            raise WireError(f"{length} bytes at {offset}: at most {self.size} are allowed, {there} are there")
        return bytes(data[start:end]), end

    @property
    def default(self) -> bytes:
        return b""

    def to_plain(self, value: Any) -> str:
        return bytes(value).hex()

    def from_plain(self, plain: Any) -> bytes:
        value = bytes.fromhex(plain) if isinstance(plain, str) else plain
        self.check(value)
        return bytes(value)

    def __repr__(self) -> str:
        return f"bytes size {self.size}"
