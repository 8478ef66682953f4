"""The status report: values of channels and answers of services, as typed JSON."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake.model.fw import TimeBase
from kittiwake.wire.time_tag import TAG_SIZE, unpack_tag
from kittiwake_components.daily_window import iso_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake_components.watched_channel import Watched

FORMAT = 1
MAX_VALUES = 64
LINED_LEVELS = 2
MAX_REPORT = 65_536
"""The longest report in bytes."""

_BASE_SHIFT = 64
_US_MASK = (1 << _BASE_SHIFT) - 1


def value_of(watched: Watched, packed: bytes) -> dict[str, Any]:
    """What the telemetry store holds of a channel: `value`, `unit` and `time`, each null where there is none."""
    found: dict[str, Any] = {"value": None, "unit": watched.unit or None, "time": None}
    if len(packed) <= TAG_SIZE or not any(packed[:TAG_SIZE]):
        return found
    from kittiwake.dictionary.display import plain_value

    found["value"] = _finite(plain_value(watched.form.unpack(packed, TAG_SIZE)[0]))
    tag = unpack_tag(packed)
    if tag >> _BASE_SHIFT != TimeBase.TB_PROC_TIME:
        found["time"] = iso_time(tag & _US_MASK)
    return found


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value


def pack_report(head: Mapping[str, Any], values: Mapping[str, Any], services: Mapping[str, Callable[[], Any]]) -> bytes:
    """The report. A service that fails stands in it with its error; raises `ValueError` if it grows too long."""
    answers: dict[str, Any] = {}
    for name, ask in services.items():
        try:
            answers[name] = ask()
        except (ValueError, OSError, LookupError) as fault:
            answers[name] = {"error": str(fault)[:200]}
    packed = pack_json({"format": FORMAT, **head, "values": values, "services": answers})
    if len(packed) > MAX_REPORT:
        raise ValueError(f"the report takes {len(packed)} bytes, more than {MAX_REPORT}")
    return packed


def pack_json(content: Any) -> bytes:
    """JSON for people and programs: what stands in its first two levels has a line each. ASCII, with a line's end.

    All of it indented would take a fifth more bytes, and Python's slow encoder.
    """
    from json import JSONEncoder

    encode = JSONEncoder(allow_nan=False, separators=(",", ":")).encode
    return (_in_lines(content, encode, LINED_LEVELS) + "\n").encode()


def _in_lines(content: Any, encode: Callable[[Any], str], levels: int) -> str:
    if not levels or not content or not isinstance(content, dict):
        return encode(content)
    margin = " " * (LINED_LEVELS - levels)
    members = [f"{margin} {encode(name)}:{_in_lines(value, encode, levels - 1)}" for name, value in content.items()]
    return "{\n" + ",\n".join(members) + f"\n{margin}}}"
