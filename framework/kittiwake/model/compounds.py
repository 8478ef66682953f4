"""Wire types made of others: enumerations, arrays, structs, aliases and ranges.

In F´'s wire form arrays and structs are their members back to back, enumerations their representation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model.scalars import Float, Integer, RangeError, Text, TypeFault, WireError, WireType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import IntEnum


def unpack_all(forms: Iterable[WireType], data: bytes, offset: int) -> tuple[list[Any], int]:
    """Values that follow one another, and the offset behind them.

    Raises `WireError`; `RangeError` only where all bytes are well formed, because a malformed rest is the graver fault.
    """
    values = []
    outside: RangeError | None = None
    for form in forms:
        try:
            value, offset = form.unpack(data, offset)
        except RangeError as fault:
            outside = outside or fault
            offset = fault.end
        else:
            values.append(value)
    if outside is not None:
        outside.end = offset
        raise outside
    return values, offset


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
        read, values, end = self.element.unpack, [], offset
        try:
            for _ in range(self.size):
                value, end = read(data, end)
                values.append(value)
        except RangeError:  # then the rest is looked at too
            values, end = unpack_all([self.element] * self.size, data, offset)
        return tuple(values), end

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
        self._readers = [member.unpack for member in members.values()]

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
        values, end = [], offset
        try:
            for read in self._readers:
                value, end = read(data, end)
                values.append(value)
        except RangeError:
            values, end = unpack_all(self.members.values(), data, offset)
        return self.python(*values), end

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
            raise RangeError(f"{value} is outside {self.low} to {self.high}", end)
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


def resolved(form: WireType) -> WireType:
    """The type beneath aliases and ranges."""
    while isinstance(form, (Alias, Ranged)):
        form = form.underlying
    return form


def holds_text(form: WireType) -> bool:
    """Whether there is a string in a type, so that its values differ in size."""
    base = resolved(form)
    if isinstance(base, Array):
        return holds_text(base.element)
    if isinstance(base, Struct):
        return any(holds_text(member) for member in base.members.values())
    return isinstance(base, Text)
