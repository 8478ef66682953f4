"""Named tuples that are quickly made: a boot of the reference deployment makes sixty classes of them.

`typing.NamedTuple` compiles every annotation, and a constructor for every class: a ninth of the boot. Here annotations
stay the texts that they are, and classes with equally many fields share the constructor's code, each under the names of
its own fields. What is made is the same: a tuple with fields (`collections.namedtuple`), as mypy is told.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]  # what `namedtuple` reads fields by
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING

from kittiwake.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import CodeType
    from typing import Any, NamedTuple, Self

_GLOBALS: dict[str, Any] = {"_new": tuple.__new__, "__builtins__": {}, "__name__": "named_tuple"}

_getter = cache(_tuplegetter)


class _Fields(tuple[object, ...]):
    """What all named tuples have in common."""

    __slots__ = ()
    if TYPE_CHECKING:
        _fields: tuple[str, ...]

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Self:
        return cls(*values)

    def _replace(self, **changed: Any) -> Self:
        return type(self)(**{**self._asdict(), **changed})

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join([f'{name}={value!r}' for name, value in self._asdict().items()])})"


@cache
def _constructor(size: int) -> CodeType:
    names = "".join([f"_{number}, " for number in range(size)])
    made: FunctionType = eval(compiled(f"lambda _cls, {names}: _new(_cls, ({names}))", "<named tuple>"))
    return made.__code__


def named_tuple(name: str, fields: Iterable[str], body: Mapping[str, Any]) -> type[Any]:
    """A class of tuples with `fields`; `body` is what its class statement has, the fields' defaults among it.

    Raises `TypeError` for a name that no field can have, and for a field without a default after one that has one.
    """
    names = tuple(fields)
    defaults = {field: body[field] for field in names if field in body}
    for field in names[: len(names) - len(defaults)]:
        if field in defaults:
            raise TypeError(f"{name}: a field without a default stands behind {field}, which has one")
    for field in names:
        if field.startswith("_"):
            raise TypeError(f"{name}: no field may begin with an underscore, as {field} does")
    code = _constructor(len(names)).replace(co_name="__new__", co_varnames=("_cls", *names))
    new = FunctionType(code, _GLOBALS, "__new__", tuple(defaults.values()))
    new.__qualname__ = f"{name}.__new__"
    getters = {field: _getter(number, f"Alias for field number {number}") for number, field in enumerate(names)}
    own = {"__slots__": (), "__new__": new, "_fields": names, "_field_defaults": defaults, "__match_args__": names}
    return type(name, (_Fields,), {**body, **own, **getters})


if not TYPE_CHECKING:

    class _NamedTupleStatement(type):
        def __new__(meta, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return type.__new__(meta, name, bases, body)
            return named_tuple(name, body.get("__annotations__", ()), body)

    class NamedTuple(metaclass=_NamedTupleStatement):
        """`class Point(NamedTuple)`, as `typing.NamedTuple`."""


__all__ = ["NamedTuple", "named_tuple"]
