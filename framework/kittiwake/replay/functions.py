"""Functions that are made within others: found again by the code that they share with all that are made there."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType


def place_of_code(function: FunctionType) -> tuple[str, str, int] | None:
    """Module, qualified name, and which of that name; `None` for one whose code stands in no module."""
    module, name = function.__module__, function.__code__.co_qualname
    if not isinstance(module, str):
        return None
    codes = _codes_of(module).get(name, ())
    return next(((module, name, place) for place, code in enumerate(codes) if code == function.__code__), None)


def code_at(module: str, name: str, place: int) -> CodeType:
    """The code again. Raises `LookupError`."""
    codes = _codes_of(module).get(name, ())
    if place >= len(codes):
        raise LookupError(f"there is no function {name} in {module}")
    return codes[place]


@cache
def _codes_of(module: str) -> dict[str, list[CodeType]]:
    try:
        spec: Any = import_module(module).__spec__
        code = spec.loader.get_code(module)
    except (ImportError, AttributeError):
        return {}
    found: dict[str, list[CodeType]] = {}
    for one in _below(code):
        found.setdefault(one.co_qualname, []).append(one)
    return found


def _below(code: CodeType | None) -> Iterator[CodeType]:
    if code is not None:
        for one in code.co_consts:
            if isinstance(one, CodeType):
                yield one
                yield from _below(one)
