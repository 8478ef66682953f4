"""What a call of the platform raised, as a value, and raised again."""

from __future__ import annotations

from typing import Any

from kittiwake.replay.values import ValueRefused, packed

_KNOWN_PACKAGES = ("builtins", "kittiwake", "serial", "sqlite3", "socket")


def fault_value(fault: Exception) -> tuple[str, tuple[Any, ...], str | None]:
    """The class, what it was made from, and the file that an `OSError` names.

    A class of a package that a replay may not import counts as the nearest one that it is made from.
    """
    cls = next(one for one in type(fault).__mro__ if one.__module__.partition(".")[0] in _KNOWN_PACKAGES)
    arguments: tuple[Any, ...] = fault.args
    filename = getattr(fault, "filename", None)
    try:
        packed(arguments)
    except ValueRefused:
        arguments = (str(fault),)
    return f"{cls.__module__}:{cls.__qualname__}", arguments, filename if isinstance(filename, str) else None


def fault_of(value: tuple[str, tuple[Any, ...], str | None]) -> Exception:
    """The fault again. Raises `ValueError` if the value is none."""
    from importlib import import_module

    path, arguments, filename = value
    module, _, name = path.partition(":")
    if module.partition(".")[0] not in _KNOWN_PACKAGES:
        raise ValueError(f"a recording names {path} as a fault")
    cls = getattr(import_module(module), name)
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        raise ValueError(f"a recording names {path} as a fault")
    if filename is not None and len(arguments) == 2:
        arguments = (*arguments, filename)
    try:
        made: Exception = cls(*arguments)
    except TypeError:
        made = OSError(*arguments) if issubclass(cls, OSError) else RuntimeError(*arguments)
    return made
