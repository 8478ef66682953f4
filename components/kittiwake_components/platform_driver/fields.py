"""The one schema for creating and patching: what a member may be, and every problem of an object at once.

The problems have the form of FastAPI's answers with status 422 (`type`, `loc`, `msg`), which upstream's clients read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.refusals import Refusal

TEXT_SIZE = 200
MAX_INTEGER = (1 << 63) - 1


class Required:
    """The default of a member that must be given."""


class Field(NamedTuple):
    """One member of an object: its type (`str`, `int`, `float`, `bool`, `dict`), its default, and what bounds it.

    The type `object` takes any of the first four, and null.

    `low` and `high` bound numbers, `size` the bytes of a text, `choices` are all the values there are, `nullable` ones
    may be `None`.
    """

    name: str
    type: type
    default: Any = Required
    low: float | None = None
    high: float | None = None
    size: int = TEXT_SIZE
    choices: tuple[Any, ...] = ()
    nullable: bool = False
    doc: str = ""


class Problem(NamedTuple):
    """One thing that is wrong with an object: where, what kind of fault, and in words."""

    loc: tuple[str, ...]
    type: str
    msg: str


class InvalidObject(Refusal, ValueError):
    """An object that the schema refuses, with every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join([f"{'.'.join(problem.loc)}: {problem.msg}" for problem in problems]))
        self.problems = tuple(problems)


def checked(
    fields: Sequence[Field], given: Any, *, partial: bool = False, within: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The members of `given` as the fields want them; those left out with their defaults unless it is `partial`.

    Raises `InvalidObject` with all that is wrong.
    """
    if not isinstance(given, Mapping):
        raise InvalidObject([Problem(within or ("body",), "model_type", "an object is wanted")])
    problems = []
    found = {}
    for field in fields:
        if field.name not in given:
            if field.default is Required and not partial:
                problems.append(Problem((*within, field.name), "missing", "it is required"))
            elif not partial:
                found[field.name] = field.default
            continue
        value = given[field.name]
        fault = _fault(field, value)
        if fault is not None:
            problems.append(Problem((*within, field.name), *fault))
        else:
            found[field.name] = float(value) if field.type is float and value is not None else value
    known = {field.name for field in fields}
    problems += [
        Problem(
            (*within, str(name)), "extra_forbidden", f"there is no such member; there are {', '.join(sorted(known))}"
        )
        for name in given
        if name not in known
    ]
    if problems:
        raise InvalidObject(problems)
    return found


_TYPE_FAULTS = {
    str: ("string_type", "a text is wanted"),
    int: ("int_type", "a whole number is wanted"),
    float: ("float_type", "a number is wanted"),
    bool: ("bool_type", "true or false is wanted"),
    dict: ("dict_type", "an object is wanted"),
    object: ("scalar_type", "a number, a text, true, false or null is wanted"),
}
_PYTHON_TYPES: dict[type, tuple[type, ...]] = {
    float: (int, float),
    object: (int, float, str, bool, type(None)),
}


def _fault(field: Field, value: Any) -> tuple[str, str] | None:
    if value is None and field.nullable:
        return None
    if type(value) not in _PYTHON_TYPES.get(field.type, (field.type,)):
        return _TYPE_FAULTS[field.type]
    if field.choices and value not in field.choices:
        return "literal_error", f"it is one of {', '.join([str(choice) for choice in field.choices])}"
    if type(value) is str:
        return _text_fault(field, value)
    if type(value) in (int, float):
        return _number_fault(field, value)
    return None


def _text_fault(field: Field, text: str) -> tuple[str, str] | None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "string_unicode", "it is no proper text"
    if size > field.size:
        return "string_too_long", f"at most {field.size} bytes are taken, not {size}"
    if field.low is not None and size < field.low:
        return "string_too_short", "it is empty" if not size else f"at least {field.low:g} bytes are wanted"
    if any(ord(character) < 32 for character in text):
        return "string_pattern_mismatch", "it has control characters"
    return None


def _number_fault(field: Field, number: float) -> tuple[str, str] | None:
    if not -MAX_INTEGER <= number <= MAX_INTEGER or not isfinite(number):
        return "finite_number", "a finite number is wanted"
    if field.low is not None and number < field.low:
        return "greater_than_equal", f"it is at least {field.low:g}"
    if field.high is not None and number > field.high:
        return "less_than_equal", f"it is at most {field.high:g}"
    return None
