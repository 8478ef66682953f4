"""Values of points as JSON, and what of them is taken."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake_components.ports.platform_driver import VALUE_SIZE

if TYPE_CHECKING:
    from kittiwake_components.platform_driver.drivers.interface import Value

MAX_INTEGER = (1 << 63) - 1


def packed(value: Any) -> str:
    """A value as JSON. Raises `ValueError` for what JSON has no form of."""
    import json

    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, RecursionError) as fault:
        raise ValueError(f"it has no form in JSON: {fault}") from None


def unpacked(text: str | bytes) -> Any:
    """The value in JSON, without NaN and infinities. Raises `ValueError`."""
    import json

    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def fault_of_value(value: Value) -> str | None:
    """What is wrong with a value that a driver or a requester gave; `None` if it can be a point's."""
    if isinstance(value, dict):
        for name, inner in value.items():
            fault = "its members' names are texts" if type(name) is not str else _fault_of_scalar(inner)
            if fault is not None:
                return fault
    else:
        fault = _fault_of_scalar(value)
        if fault is not None:
            return fault
    try:
        size = len(packed(value).encode())
    except (ValueError, UnicodeEncodeError):
        return "it has no form in JSON"
    return f"it takes {size} bytes, more than {VALUE_SIZE}" if size > VALUE_SIZE else None


def _fault_of_scalar(value: object) -> str | None:
    if value is None or type(value) in (bool, str):
        return None
    if type(value) is int:
        return None if -MAX_INTEGER <= value <= MAX_INTEGER else "a whole number has 64 bits"
    if type(value) is float:
        return None if isfinite(value) else f"{value} is no finite number"
    return f"a {type(value).__name__} is no value of a point"
