"""How a procedure is declared: one function of a file, whose typed arguments make its form."""

from __future__ import annotations

import enum
import inspect
import sys
import typing
from math import isfinite
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar, overload

from kittiwake.model.types import Range, Size
from kittiwake_ground.client.runlog import RunLog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Function = TypeVar("Function", bound=Callable[..., Any])

MARK = "__procedure__"
MAX_ARGUMENTS = 64
MAX_TEXT_SIZE = 1000
"""The longest text of an argument that does not say its size, in bytes."""

MAX_PATTERNS = 100
MAX_DOC = 4000


class ProcedureFault(ValueError):
    """A file that is no procedure; the message says why."""


class Mark(NamedTuple):
    """What the decorator leaves on a function."""

    hazardous: tuple[str, ...]


class Declared(NamedTuple):
    """A procedure: its function, the name of the argument that takes the run log, if any, and what a form needs.

    `arguments` are plain objects with name, annotation, type (as the API has types), required and default.
    """

    function: Callable[..., Any]
    log_argument: str
    doc: str
    arguments: list[dict[str, Any]]
    hazardous: tuple[str, ...]
    enums: dict[str, type[enum.Enum]]

    def described(self) -> dict[str, Any]:
        """What is told of it."""
        return {"doc": self.doc, "arguments": self.arguments, "hazardous": list(self.hazardous)}

    def values(self, plain: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call, from checked plain values."""
        return {name: self.enums[name][value] if name in self.enums else value for name, value in plain.items()}


@overload
def procedure(function: Function) -> Function: ...
@overload
def procedure(*, hazardous: Sequence[str] = ()) -> Callable[[Function], Function]: ...


def procedure(function: Any = None, *, hazardous: Sequence[str] = ()) -> Any:
    """Declares a function as the procedure of its file.

    Its first argument is the deployment, as the client's `Deployment`; one that is annotated `RunLog` takes the run's
    log; the others are bool, int, float, str, a `Literal` of texts or an `Enum`, with `Annotated[int, Range(1, 5)]`,
    `Annotated[str, Size(80)]` and a text in `Annotated` that says what it is. `hazardous` are the names or patterns of
    hazardous commands that it sends: whoever starts it confirms them, and others are refused.
    """

    def mark(found: Any) -> Any:
        setattr(found, MARK, Mark(tuple(hazardous)))
        return found

    return mark if function is None else mark(function)


def load_procedure(path: Path) -> Declared:
    """Runs a file as a module and gives its procedure. Raises `ProcedureFault`, and whatever the file raises.

    The file's folder is searched for the modules that it imports, after all others: a file there hides none of them.
    """
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    module = ModuleType(f"procedure_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    found = [one for one in vars(module).values() if inspect.isfunction(one) and hasattr(one, MARK)]
    found = [one for one in found if one.__module__ == module.__name__]
    if len(found) != 1:
        names = ", ".join([one.__name__ for one in found])
        raise ProcedureFault(
            f"it declares two procedures, {names}: one a file" if found else "no function of it is declared @procedure"
        )
    return read_function(found[0])


def read_function(function: Callable[..., Any]) -> Declared:
    """What a decorated function declares. Raises `ProcedureFault`."""
    mark: Mark = getattr(function, MARK)
    if inspect.iscoroutinefunction(function):
        raise ProcedureFault(f"{function.__name__} is async: a procedure uses the client without asyncio")
    if len(mark.hazardous) > MAX_PATTERNS or not all(isinstance(one, str) for one in mark.hazardous):
        raise ProcedureFault(f"hazardous is a list of up to {MAX_PATTERNS} names or patterns of commands")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as fault:
        raise ProcedureFault(f"{fault}: what the arguments' types name is imported outside TYPE_CHECKING") from None
    parameters = list(inspect.signature(function).parameters.values())
    first, rest = parameters[:1], parameters[1:]
    if not first or first[0].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        raise ProcedureFault(f"{function.__name__} takes no deployment: it is its first argument")
    if len(rest) > MAX_ARGUMENTS:
        raise ProcedureFault(f"at most {MAX_ARGUMENTS} arguments, not {len(rest)}")
    log_argument, arguments, enums = "", [], {}
    for one in rest:
        hint = hints.get(one.name, inspect.Parameter.empty)
        if hint is RunLog:
            log_argument = one.name
            continue
        argument, choices = _argument(one, hint)
        arguments.append(argument)
        if choices is not None:
            enums[one.name] = choices
    doc = inspect.getdoc(function) or ""
    return Declared(function, log_argument, doc[:MAX_DOC], arguments, mark.hazardous, enums)


def _argument(one: inspect.Parameter, hint: Any) -> tuple[dict[str, Any], type[enum.Enum] | None]:
    """An argument as a form needs it, and its enumeration, if it has one."""
    if one.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
        raise ProcedureFault(f"argument {one.name}: each argument has a name")
    if hint is inspect.Parameter.empty:
        raise ProcedureFault(f"argument {one.name} has no type")
    extras: tuple[Any, ...] = ()
    if typing.get_origin(hint) is Annotated:
        hint, *rest = typing.get_args(hint)
        extras = tuple(rest)
    shown: dict[str, Any] = {"name": one.name, "annotation": "", "type": _type(one.name, hint)}
    for extra in extras:
        _add_extra(shown, extra)
    choices = hint if isinstance(hint, type) and issubclass(hint, enum.Enum) else None
    shown["required"] = one.default is inspect.Parameter.empty
    if not shown["required"]:
        shown["default"] = _default(one, shown["type"], choices)
    return shown, choices


def _type(name: str, hint: Any) -> dict[str, Any]:
    """The API's object of a type."""
    if hint is bool:
        return {"name": "bool", "kind": "boolean"}
    if hint is int:
        return {"name": "I64", "kind": "integer"}
    if hint is float:
        return {"name": "F64", "kind": "float"}
    if hint is str:
        return {"name": "string", "kind": "text", "size": MAX_TEXT_SIZE}
    if typing.get_origin(hint) is Literal:
        constants = list(typing.get_args(hint))
        if all(isinstance(one, str) and one for one in constants):
            return {"name": name, "kind": "enum", "constants": constants}
    elif isinstance(hint, type) and issubclass(hint, enum.Enum) and len(hint):
        return {"name": hint.__name__, "kind": "enum", "constants": list(hint.__members__)}
    raise ProcedureFault(
        f"argument {name}: {getattr(hint, '__name__', hint)} makes no form; bool, int, float, str, a Literal of texts "
        "and an Enum do"
    )


def _add_extra(shown: dict[str, Any], extra: Any) -> None:
    """Takes a range, a size or words from `Annotated`."""
    form = shown["type"]
    if isinstance(extra, str):
        shown["annotation"] = extra[:MAX_DOC]
    elif isinstance(extra, Range):
        if form["kind"] not in ("integer", "float") or not isfinite(extra.low) or not extra.low <= extra.high < 1e300:
            raise ProcedureFault(f"argument {shown['name']}: a Range is of numbers, and ascends")
        whole = form["kind"] == "integer"
        form |= {"low": int(extra.low) if whole else extra.low, "high": int(extra.high) if whole else extra.high}
    elif isinstance(extra, Size):
        if form["kind"] != "text" or not 1 <= extra.size <= MAX_TEXT_SIZE:
            raise ProcedureFault(f"argument {shown['name']}: a Size is of a text, from 1 to {MAX_TEXT_SIZE} bytes")
        form["size"] = extra.size


def _default(one: inspect.Parameter, form: dict[str, Any], choices: type[enum.Enum] | None) -> Any:
    """The default as a plain value."""
    if choices is not None and isinstance(one.default, choices):
        return one.default.name
    wanted = {"boolean": bool, "integer": int, "float": (int, float)}.get(form["kind"], str)
    fits = isinstance(one.default, wanted) and isinstance(one.default, bool) == (form["kind"] == "boolean")  # type: ignore[arg-type]
    if not fits or (form["kind"] == "float" and not isfinite(one.default)):
        raise ProcedureFault(f"argument {one.name}: {one.default!r} is no {form['name']}")
    if form["kind"] == "enum" and one.default not in form["constants"]:
        raise ProcedureFault(f"argument {one.name}: {one.default!r} is none of {', '.join(form['constants'])}")
    return one.default
