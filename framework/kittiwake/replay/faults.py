"""What a call of the platform raised, as a value, and raised again."""

from __future__ import annotations

from typing import Any

from kittiwake.replay.values import ValueRefused, packed

_KNOWN_PACKAGES = ("builtins", "kittiwake", "serial", "sqlite3", "socket", "ssl")


def nearest_known(fault: BaseException, packages: frozenset[str] = frozenset()) -> type[BaseException]:
    """Its class; one of a package that a replay may not import counts as the nearest one that it is made from."""
    known = (*_KNOWN_PACKAGES, *packages)
    return next(
        one
        for one in type(fault).__mro__
        if one.__module__.partition(".")[0] in known and "<locals>" not in one.__qualname__
    )


def fault_value(fault: Exception) -> tuple[str, tuple[Any, ...], str | None]:
    """The class, what it was made from, and the file that an `OSError` names."""
    cls = nearest_known(fault)
    arguments: tuple[Any, ...] = fault.args
    filename = getattr(fault, "filename", None)
    try:
        packed(arguments)
    except ValueRefused:
        arguments = (str(fault),)
    return f"{cls.__module__}:{cls.__qualname__}", arguments, filename if isinstance(filename, str) else None


def fault_class(path: str, packages: frozenset[str] = frozenset()) -> type[BaseException]:
    """The class of a fault by its path. Raises `ValueError` if it is none that a recording may name."""
    from importlib import import_module

    module, _, name = path.partition(":")
    if module.partition(".")[0] not in (*_KNOWN_PACKAGES, *packages):
        raise ValueError(f"a recording names {path} as a fault")
    try:
        cls: Any = import_module(module)
    except ImportError as fault:  # the module has moved since
        raise ValueError(f"a recording names {path} as a fault: {fault}") from None
    for part in name.split("."):
        cls = getattr(cls, part, None)
    if not (isinstance(cls, type) and issubclass(cls, BaseException)):
        raise ValueError(f"a recording names {path} as a fault")
    return cls


def fault_of(value: tuple[str, tuple[Any, ...], str | None]) -> Exception:
    """The fault again. Raises `ValueError` if the value is none."""
    path, arguments, filename = value
    cls = fault_class(path)
    if not issubclass(cls, Exception):
        raise ValueError(f"a recording names {path} as a fault")
    if filename is not None and len(arguments) == 2:
        arguments = (*arguments, filename)
    try:
        made: Exception = cls(*arguments)
    except TypeError:
        made = OSError(*arguments) if issubclass(cls, OSError) else RuntimeError(*arguments)
    return made
