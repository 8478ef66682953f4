"""How a channel's value lies in the archive, and how a part of an array or struct is named.

A row holds the kind, a number and a text. Numbers, booleans and enum constants have a number, so that they can be
rolled up; constants keep their name as the text beside it. Everything else is JSON text. SQLite has no NaN and no
integers beyond 64 bits with a sign: NaN is a kind of its own, and a wider integer is its nearest float for charts and
its digits as text.
"""

from __future__ import annotations

import json
import re
from enum import IntEnum
from math import isfinite, nan
from typing import Any

from kittiwake.dictionary.display import plain_value

NUMBER, BOOLEAN, CONSTANT, JSON, WIDE, NOT_A_NUMBER = range(6)
"""The kinds of values."""

_INT64 = 1 << 63
_PATH_STEP = re.compile(r'\[(\d+)\]|\."(\w+)"')
_STEP = re.compile(r"\[(\d{1,9})\]|\.([A-Za-z_]\w{0,127})")

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

Encoded = tuple[int, "int | float | None", "str | None"]
"""Kind, number and text of a value."""


def encode(value: Any) -> Encoded:
    """Kind, number and text of a value as the decoder gives it, or of plain JSON. Raises `TypeError`."""
    kind = type(value)
    if kind is float:
        return (NUMBER, value, None) if value == value else (NOT_A_NUMBER, None, None)
    if kind is int:
        return (NUMBER, value, None) if -_INT64 <= value < _INT64 else (WIDE, float(value), str(value))
    if kind is bool:
        return BOOLEAN, int(value), None
    if isinstance(value, IntEnum):
        number = int(value)
        return CONSTANT, number if number < _INT64 else float(number), value.name
    return JSON, None, json_text(value)


def decode(kind: int, number: int | float | None, text: str | None) -> Any:
    """The plain value that was encoded; that of an enum constant is its number."""
    if kind == BOOLEAN:
        return bool(number)
    if kind == JSON:
        return json.loads(text or "null")
    if kind == WIDE:
        return int(text or 0)
    return nan if kind == NOT_A_NUMBER else number


def json_text(value: Any) -> str:
    """JSON of a value, with names for constants and text for numbers that are not finite. Raises `TypeError`."""
    plain = plain_value(value)
    try:
        return _COMPACT.encode(plain)
    except ValueError:  # a number that is not finite
        return _COMPACT.encode(_finite(plain))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _finite(item) for name, item in value.items()}
    return value


def split_member(address: str) -> list[tuple[str, str]]:
    """The ways to read `Channel.member[3]`: pairs of a channel's name and the JSON path inside its values.

    The longest name comes first; only the channels that exist can tell which of them is meant. The path is empty for
    the whole value.
    """
    found = [(address, "")]
    steps: list[str] = []
    rest = address
    while True:
        cut = max(rest.rfind("."), rest.rfind("["))
        step = _STEP.fullmatch(rest, cut) if cut > 0 else None
        if step is None:
            return found
        steps.insert(0, f"[{step[1]}]" if step[1] else f'."{step[2]}"')
        rest = rest[:cut]
        found.append((rest, "$" + "".join(steps)))


def member(value: Any, path: str) -> Any:
    """What stands in a plain value at a JSON path that `split_member` gave; `None` where there is no such part."""
    for step in _PATH_STEP.finditer(path):
        index, name = step.groups()
        if index is not None:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value
