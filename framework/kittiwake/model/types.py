"""The types of values that cross ports, links and files, and their wire forms.

A type is one object: it checks a value, packs it, unpacks it, and turns it to and from the plain values of JSON and
of the command line. To mypy the scalar types are the Python types that carry their values (`U32` is `int`), so that
they serve as annotations; at run time they are `WireType` objects.

Wire forms are F´'s: integers and floats big-endian, booleans 0xFF and 0x00, strings as a U16 byte count and UTF-8,
arrays and structs as their members back to back (F´ User Manual, "Serialization").
"""

from __future__ import annotations

import struct as _struct
from collections import namedtuple
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

MAX_STRING_SIZE = 1024
"""The longest string that any declaration may allow, in bytes."""

_LENGTH = _struct.Struct(">H")


class WireError(ValueError):
    """Bytes that are no value of the type they should be, or that end too early."""


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


class Integer(WireType):
    """A two's complement integer of 8, 16, 32 or 64 bits; `low` and `high` bound its values."""

    python = int

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

    def pack(self, value: Any) -> bytes:
        try:
            return self._struct.pack(value)
        except _struct.error:
            self.check(value)
            raise TypeError(f"{self.name} wants an integer, not {value!r}") from None

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        try:
            return self._struct.unpack_from(data, offset)[0], offset + self.max_size
        except _struct.error:
            raise WireError(f"{self.name} needs {self.max_size} bytes at {offset}, {len(data)} are there") from None

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


class Float(WireType):
    """An IEEE 754 float of 32 or 64 bits."""

    python = float

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

    def pack(self, value: Any) -> bytes:
        try:
            return self._struct.pack(value)
        except (OverflowError, _struct.error):
            self.check(value)
            raise TypeError(f"{self.name} wants a number, not {value!r}") from None

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        try:
            return self._struct.unpack_from(data, offset)[0], offset + self.max_size
        except _struct.error:
            raise WireError(f"{self.name} needs {self.max_size} bytes at {offset}, {len(data)} are there") from None

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


class Enumeration(WireType):
    """An `IntEnum` written as an integer of type `representation`."""

    def __init__(self, name: str, enum: type[IntEnum], representation: Integer, default: IntEnum | None = None) -> None:
        self.name = name
        self.python = enum
        self.enum = enum
        self.representation = representation
        self.max_size = representation.max_size
        self.code = representation.code
        self.by_value: dict[int, IntEnum] = {int(member): member for member in enum}
        self._default = next(iter(enum)) if default is None else default
        for member in enum:
            representation.check(int(member))

    def check(self, value: Any) -> None:
        if not isinstance(value, self.enum):
            raise TypeError(f"{self.name} wants one of {', '.join(self.enum.__members__)}, not {value!r}")

    def pack(self, value: Any) -> bytes:
        self.check(value)
        return self.representation.pack(int(value))

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        number, end = self.representation.unpack(data, offset)
        member = self.by_value.get(number)
        if member is None:
            raise WireError(f"{number} at {offset} is no constant of {self.name}")
        return member, end

    @property
    def default(self) -> IntEnum:
        return self._default

    def to_plain(self, value: Any) -> str:
        return str(value.name)

    def from_plain(self, plain: Any) -> IntEnum:
        if isinstance(plain, self.enum):
            return plain
        member = self.enum.__members__.get(plain) if isinstance(plain, str) else None
        if member is None:
            raise ValueError(f"{plain!r} is no constant of {self.name} ({', '.join(self.enum.__members__)})")
        return member


class Array(WireType):
    """Exactly `size` values of one type, a tuple in Python. Without a name it is an inline member array of a struct."""

    python = tuple

    def __init__(self, name: str, element: WireType, size: int, default: tuple[Any, ...] | None = None) -> None:
        if not 1 <= size <= 4096:
            raise TypeFault(f"an array holds 1 to 4096 elements, not {size}")
        self.name = name
        self.element = element
        self.size = size
        self.max_size = element.max_size * size
        self._default = default

    def check(self, value: Any) -> None:
        if not isinstance(value, (tuple, list)):
            raise TypeError(f"{self.name} wants {self.size} values, not {value!r}")
        if len(value) != self.size:
            raise ValueError(f"{self.name} has {self.size} values, not {len(value)}")
        for element in value:
            self.element.check(element)

    def pack(self, value: Any) -> bytes:
        if not isinstance(value, (tuple, list)) or len(value) != self.size:
            self.check(value)
        return b"".join([self.element.pack(element) for element in value])

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        values = []
        for _ in range(self.size):
            value, offset = self.element.unpack(data, offset)
            values.append(value)
        return tuple(values), offset

    @property
    def default(self) -> tuple[Any, ...]:
        return (self.element.default,) * self.size if self._default is None else self._default

    def to_plain(self, value: Any) -> list[Any]:
        return [self.element.to_plain(element) for element in value]

    def from_plain(self, plain: Any) -> tuple[Any, ...]:
        if not isinstance(plain, (tuple, list)):
            raise TypeError(f"{self.name} wants a list of {self.size} values, not {plain!r}")
        if len(plain) != self.size:
            raise ValueError(f"{self.name} has {self.size} values, not {len(plain)}")
        return tuple([self.element.from_plain(element) for element in plain])


class Struct(WireType):
    """Named members in their order; in Python a named tuple."""

    def __init__(self, name: str, python: type, members: Mapping[str, WireType]) -> None:
        if not members:
            raise TypeFault(f"struct {name} has no members")
        self.name = name
        self.python = python
        self.members = dict(members)
        self.max_size = sum(member.max_size for member in members.values())

    def check(self, value: Any) -> None:
        if not isinstance(value, self.python):
            raise TypeError(f"{self.name} wants a {self.python.__name__}, not {value!r}")
        for (name, member), item in zip(self.members.items(), value, strict=True):  # type: ignore[call-overload]
            try:
                member.check(item)
            except (TypeError, ValueError) as fault:
                raise type(fault)(f"{name}: {fault}") from None

    def pack(self, value: Any) -> bytes:
        if not isinstance(value, self.python):
            self.check(value)
        return b"".join([member.pack(item) for member, item in zip(self.members.values(), value, strict=True)])

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        values = []
        for member in self.members.values():
            value, offset = member.unpack(data, offset)
            values.append(value)
        return self.python(*values), offset

    @property
    def default(self) -> Any:
        defaults = getattr(self.python, "_field_defaults", {})
        return self.python(*[defaults.get(name, member.default) for name, member in self.members.items()])

    def to_plain(self, value: Any) -> dict[str, Any]:
        return {name: member.to_plain(item) for (name, member), item in zip(self.members.items(), value, strict=True)}

    def from_plain(self, plain: Any) -> Any:
        if isinstance(plain, self.python):
            self.check(plain)
            return plain
        if not isinstance(plain, dict):
            raise TypeError(f"{self.name} wants its members {{{', '.join(self.members)}}}, not {plain!r}")
        for name in plain:
            if name not in self.members:
                raise ValueError(f"{self.name} has no member {name!r}")
        values = []
        for name, member in self.members.items():
            if name not in plain:
                raise ValueError(f"{self.name} misses its member {name!r}")
            try:
                values.append(member.from_plain(plain[name]))
            except (TypeError, ValueError) as fault:
                raise type(fault)(f"{name}: {fault}") from None
        return self.python(*values)


class Alias(WireType):
    """Another name for a type; the dictionary keeps both."""

    def __init__(self, name: str, underlying: WireType) -> None:
        self.name = name
        self.underlying = underlying
        self.max_size = underlying.max_size
        self.code = underlying.code
        self.python = underlying.python
        self.check = underlying.check  # type: ignore[method-assign]
        self.pack = underlying.pack  # type: ignore[method-assign]
        self.unpack = underlying.unpack  # type: ignore[method-assign]
        self.to_plain = underlying.to_plain  # type: ignore[method-assign]
        self.from_plain = underlying.from_plain  # type: ignore[method-assign]

    @property
    def default(self) -> Any:
        return self.underlying.default


class Ranged(WireType):
    """A number that must lie between `low` and `high`, both allowed; on the wire it is its underlying type."""

    def __init__(self, underlying: WireType, low: float, high: float) -> None:
        scalar = resolved(underlying)
        if not isinstance(scalar, (Integer, Float)):
            raise TypeFault(f"a range is for numbers, not {underlying!r}")
        if not low <= high:
            raise TypeFault(f"a range ascends, {low} to {high} does not")
        self.name = underlying.name
        self.underlying = underlying
        self.low = low
        self.high = high
        self._least, self._most = low, high
        if isinstance(scalar, Float):
            # A bound such as 0.3 is another number in 32 bits; what was sent at the bound is still within it.
            self._least = min(low, scalar.unpack(scalar.pack(low))[0])
            self._most = max(high, scalar.unpack(scalar.pack(high))[0])
        self.max_size = underlying.max_size
        self.code = underlying.code
        self.python = underlying.python

    def check(self, value: Any) -> None:
        self.underlying.check(value)
        if not self._least <= value <= self._most:
            raise ValueError(f"{value} is outside {self.low} to {self.high}")

    def pack(self, value: Any) -> bytes:
        self.check(value)
        return self.underlying.pack(value)

    def unpack(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        value, end = self.underlying.unpack(data, offset)
        if not self._least <= value <= self._most:
            raise RangeError(f"{value} is outside {self.low} to {self.high}")
        return value, end

    @property
    def default(self) -> Any:
        low_or_zero = max(self.low, min(self.high, 0))
        return self.underlying.python(low_or_zero)

    def from_plain(self, plain: Any) -> Any:
        value = self.underlying.from_plain(plain)
        self.check(value)
        return value

    def __repr__(self) -> str:
        return f"{self.underlying!r} from {self.low} to {self.high}"


class RangeError(WireError):
    """Well-formed bytes of a value outside its declared range: VALIDATION_ERROR where others are FORMAT_ERROR."""


class Size:
    """`Annotated[str, Size(80)]`: a string of at most 80 bytes."""

    def __init__(self, size: int) -> None:
        self.size = size


class Range:
    """`Annotated[U8, Range(1, 5)]`: a number from 1 to 5."""

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high


if TYPE_CHECKING:
    U8: TypeAlias = int
    U16: TypeAlias = int
    U32: TypeAlias = int
    U64: TypeAlias = int
    I8: TypeAlias = int
    I16: TypeAlias = int
    I32: TypeAlias = int
    I64: TypeAlias = int
    F32: TypeAlias = float
    F64: TypeAlias = float
    Bool: TypeAlias = bool

    def String(size: int) -> type[str]:
        """The type of strings of at most `size` bytes, where a type is an argument: `Channel(String(80))`."""
else:
    U8, U16, U32, U64 = Integer(8, False), Integer(16, False), Integer(32, False), Integer(64, False)
    I8, I16, I32, I64 = Integer(8, True), Integer(16, True), Integer(32, True), Integer(64, True)
    F32, F64 = Float(32), Float(64)
    Bool = Boolean()
    String = Text


def wire_type(declared: Any) -> WireType:
    """The `WireType` that an annotation or a declaration's argument stands for. Raises `TypeFault`."""
    if isinstance(declared, WireType):
        return declared
    found = getattr(declared, "__wire_type__", None)
    if isinstance(found, WireType):
        return found
    if declared is bool:
        return Bool  # type: ignore[return-value]
    extras = getattr(declared, "__metadata__", None)
    if extras is not None:
        return _annotated(declared.__origin__, extras)
    hint = {int: "U32 or another sized integer", float: "F32 or F64", str: "Annotated[str, Size(n)]"}.get(declared)
    if hint is not None:
        raise TypeFault(f"{declared.__name__} has no size; write {hint}")
    raise TypeFault(f"{declared!r} has no wire form")


def _annotated(origin: Any, extras: Iterable[Any]) -> WireType:
    found: WireType | None = None if origin in (str, bytes, tuple) else wire_type(origin)
    for extra in extras:
        if isinstance(extra, WireType):
            found = extra
        elif isinstance(extra, Size):
            if origin not in (str, bytes):
                raise TypeFault(f"Size is for str and bytes, not {origin!r}")
            found = Text(extra.size) if origin is str else Octets(extra.size)
        elif isinstance(extra, Range):
            if found is None:
                raise TypeFault("Range is for numbers, not strings")
            found = Ranged(found, extra.low, extra.high)
    if found is None:
        raise TypeFault(f"{origin.__name__} needs its size: Annotated[{origin.__name__}, Size(n)]")
    return found


E_ = TypeVar("E_", bound=IntEnum)
C_ = TypeVar("C_")


def wire_enum(representation: type[int], *, name: str = "") -> Callable[[type[E_]], type[E_]]:
    """Gives an `IntEnum` its wire form; `name` is its qualified name in the dictionary (default: the class's)."""

    def decorate(enum: type[E_]) -> type[E_]:
        form = wire_type(representation)
        if not isinstance(form, Integer):
            raise TypeFault(f"an enum is represented by a plain integer type, not {form!r}")
        enum.__wire_type__ = Enumeration(name or enum.__name__, enum, form)  # type: ignore[attr-defined]
        return enum

    return decorate


def _members(cls: type) -> dict[str, WireType]:
    import sys

    names = dict(vars(sys.modules[cls.__module__]))
    members = {}
    for member, annotation in cls.__dict__.get("__annotations__", {}).items():
        declared = eval(annotation, names) if isinstance(annotation, str) else annotation
        members[member] = wire_type(declared)
    return members


@dataclass_transform(frozen_default=True)
def wire_struct(*, name: str = "") -> Callable[[type[C_]], type[C_]]:
    """Makes a class of annotated members an immutable struct with a wire form.

    Instances are named tuples: cheap to make, safe to queue. Defaults are written as in a dataclass.
    """

    def decorate(cls: type[C_]) -> type[C_]:
        members = _members(cls)
        body = {key: value for key, value in vars(cls).items() if key not in ("__dict__", "__weakref__", *members)}
        defaults = [getattr(cls, member) for member in members if hasattr(cls, member)]
        base = namedtuple(cls.__name__, list(members), defaults=defaults, module=cls.__module__)  # type: ignore[misc]
        made = type(cls.__name__, (base,), {**body, "__slots__": ()})
        made.__wire_type__ = Struct(name or cls.__name__, made, members)  # type: ignore[attr-defined]
        return made

    return decorate


def wire_array(name: str, element: Any, size: int) -> Any:
    """A type of `size` elements, tuples in Python.

    `Rates = wire_array("Rates", F32, 3)`
    """
    return Array(name, wire_type(element), size)


def wire_alias(name: str, underlying: Any) -> Any:
    """Another name for a type in the dictionary."""
    return Alias(name, wire_type(underlying))


def resolved(form: WireType) -> WireType:
    """The type beneath aliases and ranges."""
    while isinstance(form, (Alias, Ranged)):
        form = form.underlying
    return form


def annotations_of(function: Any) -> list[tuple[str, WireType]]:
    """A function's parameters after `self`, with their types, from its annotations. Raises `TypeFault`."""
    code = function.__code__
    names: Sequence[str] = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    found = []
    for parameter in names:
        annotation = function.__annotations__.get(parameter)
        if annotation is None:
            raise TypeFault(f"{function.__qualname__}: parameter {parameter!r} has no type")
        try:
            declared = eval(annotation, function.__globals__) if isinstance(annotation, str) else annotation
            found.append((parameter, wire_type(declared)))
        except (TypeFault, NameError) as fault:
            raise TypeFault(f"{function.__qualname__}: {parameter}: {fault}") from None
    return found


__all__ = [
    "Alias", "Annotated", "Array", "Bool", "Boolean", "Enumeration", "F32", "F64", "Float", "I8", "I16", "I32",
    "I64", "Integer", "Octets", "Range", "RangeError", "Ranged", "Size", "String", "Struct", "Text", "TypeFault", "U8",
    "U16", "U32", "U64", "WireError", "WireType", "annotations_of", "resolved", "wire_alias", "wire_array", "wire_enum",
    "wire_struct", "wire_type",
]  # fmt: skip
