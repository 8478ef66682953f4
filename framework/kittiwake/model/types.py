"""The types of values that cross ports, links and files, and their wire forms.

A type is one object: it checks a value, packs it, unpacks it, and turns it to and from the plain values of JSON and
of the command line. To mypy the scalar types are the Python types that carry their values (`U32` is `int`), so that
they serve as annotations; at run time they are `WireType` objects.

Wire forms are F´'s: integers and floats big-endian, booleans 0xFF and 0x00, strings as a U16 byte count and UTF-8,
arrays and structs as their members back to back (F´ User Manual, "Serialization").
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, dataclass_transform

from kittiwake.compiled import compiled
from kittiwake.model.compounds import Alias, Array, Enumeration, Ranged, Struct, holds_text, resolved
from kittiwake.model.scalars import (
    MAX_STRING_SIZE,
    Boolean,
    Float,
    Integer,
    Octets,
    RangeError,
    Text,
    TypeFault,
    WireError,
    WireType,
)  # fmt: skip
from kittiwake.named_tuple import named_tuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias


class Size:
    """`Annotated[str, Size(80)]`: a string of at most 80 bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __repr__(self) -> str:
        return f"Size({self.size})"


class Range:
    """`Annotated[U8, Range(1, 5)]`: a number from 1 to 5."""

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def __repr__(self) -> str:
        return f"Range({self.low}, {self.high})"


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
        if not len(enum):
            raise TypeFault(f"enum {enum.__name__} has no constants")
        enum.__wire_type__ = Enumeration(name or enum.__name__, enum, form)  # type: ignore[attr-defined]
        return enum

    return decorate


def evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    """What an annotation stands for among a module's `names`. Raises `NameError`."""
    if not isinstance(annotation, str):
        return annotation
    found = names.get(annotation)  # most are one name
    return eval(compiled(annotation, "<annotation>"), names) if found is None else found


def _members(cls: type) -> dict[str, WireType]:
    import sys

    names = dict(vars(sys.modules[cls.__module__]))
    members = {}
    for member, annotation in cls.__dict__.get("__annotations__", {}).items():
        members[member] = wire_type(evaluated(annotation, names))
    return members


@dataclass_transform(frozen_default=True)
def wire_struct(*, name: str = "") -> Callable[[type[C_]], type[C_]]:
    """Makes a class of annotated members an immutable struct with a wire form.

    Instances are named tuples: cheap to make, safe to queue. Defaults are written as in a dataclass.
    """

    def decorate(cls: type[C_]) -> type[C_]:
        members = _members(cls)
        body = {key: value for key, value in vars(cls).items() if key not in ("__dict__", "__weakref__")}
        made = named_tuple(cls.__name__, members, body)
        made.__wire_type__ = Struct(name or cls.__name__, made, members)
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
            found.append((parameter, wire_type(evaluated(annotation, function.__globals__))))
        except (TypeFault, NameError) as fault:
            raise TypeFault(f"{function.__qualname__}: {parameter}: {fault}") from None
    return found


__all__ = [
    "Alias", "Annotated", "Array", "Bool", "Boolean", "Enumeration", "F32", "F64", "Float", "I8", "I16", "I32", "I64",
    "Integer", "MAX_STRING_SIZE", "Octets", "Range", "RangeError", "Ranged", "Size", "String", "Struct", "Text",
    "TypeFault", "U8", "U16", "U32", "U64", "WireError", "WireType", "annotations_of", "evaluated", "holds_text",
    "resolved", "wire_alias", "wire_array", "wire_enum", "wire_struct", "wire_type",
]  # fmt: skip
