"""What comes from other threads as values, and made of values again.

What is plain stands for itself; all else is a tuple that begins with its kind:

    (TUPLE, [member...]) | (LIST, [member...]) | (DICT, [(key, value)...]) | (NAMED, class, [field...])
    (ENUM, class, name) | (FAULT, class, [argument...], file name, [(attribute, value)...])

Classes are named; a replay takes those of the deployment's packages alone, and of faults the builtin ones.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from kittiwake.replay.faults import fault_class, nearest_known
from kittiwake.replay.values import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

TUPLE, LIST, DICT, NAMED, ENUM, FAULT = range(6)
DEPTH_LIMIT = 20
_PLAIN = (int, float, str, bytes, bool, type(None))


def value_of(thing: Any, packages: frozenset[str], depth: int = 0) -> Any:
    """The thing as a value. Raises `ValueRefused`, naming its type, for what cannot be one."""
    kind = type(thing)
    if kind in _PLAIN:
        return thing
    if depth > DEPTH_LIMIT:
        raise ValueRefused(f"it is more than {DEPTH_LIMIT} deep")
    if kind in (tuple, list):
        return (TUPLE if kind is tuple else LIST, _values_of(thing, packages, depth))
    if kind is dict:
        pairs = _values_of([part for pair in thing.items() for part in pair], packages, depth)
        return (DICT, list(zip(pairs[::2], pairs[1::2], strict=True)))
    if isinstance(thing, BaseException):
        return _fault_value(thing, packages, depth)
    if kind.__module__.partition(".")[0] in packages and "<locals>" not in kind.__qualname__:
        if isinstance(thing, Enum):
            return (ENUM, _path(kind), thing.name)
        if isinstance(thing, tuple):
            return (NAMED, _path(kind), _values_of(thing, packages, depth))
    raise ValueRefused(f"{kind.__module__}.{kind.__qualname__}")


def _values_of(things: Iterable[Any], packages: frozenset[str], depth: int) -> list[Any]:
    return [value_of(one, packages, depth + 1) for one in things]


def _path(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _fault_value(fault: BaseException, packages: frozenset[str], depth: int) -> tuple[Any, ...]:
    cls = nearest_known(fault, packages)
    try:
        arguments = _values_of(fault.args, packages, depth)
    except ValueRefused:
        arguments = [str(fault)]
    attributes = [
        (name, one) for name, one in vars(fault).items() if type(one) in _PLAIN and not name.startswith("__")
    ] if cls is type(fault) else []  # fmt: skip
    filename = getattr(fault, "filename", None)
    return (FAULT, _path(cls), arguments, filename if isinstance(filename, str) else None, attributes)


def thing_of(value: Any, packages: frozenset[str]) -> Any:
    """The thing again. Raises `LookupError`, `TypeError` or `ValueError` for a value that is none."""
    if not isinstance(value, tuple):
        return value
    kind, *parts = value
    if kind in (TUPLE, LIST):
        members = [thing_of(one, packages) for one in parts[0]]
        return tuple(members) if kind == TUPLE else members
    if kind == DICT:
        return {thing_of(key, packages): thing_of(one, packages) for key, one in parts[0]}
    if kind == ENUM:
        return _class(parts[0], packages, Enum)[parts[1]]
    if kind == NAMED:
        return tuple.__new__(_class(parts[0], packages, tuple), [thing_of(one, packages) for one in parts[1]])
    if kind != FAULT:
        raise ValueError(f"there is no kind {kind!r} of things")
    path, arguments, filename, attributes = parts
    return _fault(path, arguments, filename, attributes, packages)


def _class(path: str, packages: frozenset[str], base: type) -> Any:
    from importlib import import_module

    module, _, name = path.partition(":")
    found: Any = None
    if module.partition(".")[0] in packages:
        try:
            found = import_module(module)
        except ImportError as fault:  # the module has moved since
            raise LookupError(f"{path}: {fault}") from None
        for part in name.split("."):
            found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise LookupError(f"{path} is no {base.__name__} of the deployment")
    return found


def _fault(
    path: str, arguments: list[Any], filename: str | None, attributes: list[Any], packages: frozenset[str]
) -> BaseException:
    cls = fault_class(path, packages)
    given = tuple([thing_of(one, packages) for one in arguments])
    if filename is not None and len(given) == 2:
        given = (*given, filename)
    # A constructor of its own may want something else than what stands in `args`.
    fault = cls.__new__(cls, *given)
    builtin: Any = next(one for one in cls.__mro__ if one.__module__ == "builtins")
    builtin.__init__(fault, *given)
    for name, one in attributes:
        setattr(fault, name, one)
    return fault
