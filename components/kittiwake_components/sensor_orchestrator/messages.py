"""What a sensor's process says, checked: it is another program, and may have lost its mind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.ports.hive import SENSOR_SIZE

if TYPE_CHECKING:
    from typing import TypeAlias

    Message: TypeAlias = "Ready | Refused | Begun | Read | Done | Discarded | Failed"

MAX_READINGS = 8
MAX_EXTENSION = 8
_NAN = float("nan")


class MessageFault(ValueError):
    """A message that makes no sense."""


class Ready(NamedTuple):
    """The process is ready: what its files end with, whether it may be killed, and what it reads in which unit."""

    extension: str
    safe_to_kill: bool
    readings: tuple[str, ...]
    units: tuple[str, ...]


class Refused(NamedTuple):
    """It does not take its configuration."""

    why: str


class Begun(NamedTuple):
    """It records."""

    capture: int


class Read(NamedTuple):
    """Values in the order of the readings, NaN for one that failed."""

    capture: int
    values: tuple[float, ...]


class Done(NamedTuple):
    """A recording is published; capture 0 is one, with its path, that the process before it had not quite published."""

    capture: int
    size: int
    truncated: bool
    path: str = ""


class Discarded(NamedTuple):
    """A recording was thrown away; capture 0 is one that was left over by a process that was killed."""

    capture: int
    path: str


class Failed(NamedTuple):
    """There is no recording."""

    capture: int
    why: str


def parse(message: dict[str, Any]) -> Message:
    """The message in a line's object; what it has beyond is passed over. Raises `MessageFault`."""
    match message:
        case {"is": "ready", "extension": str(extension), "safe_to_kill": bool(safe)} if _is_extension(extension):
            readings = _texts(message.get("channels", []))
            units = _texts(message.get("units", []))
            return Ready(extension, safe, readings, (*units, *[""] * len(readings))[: len(readings)])
        case {"is": "refused", "why": str(why)}:
            return Refused(why)
        case {"is": "recording", "capture": int(capture)}:
            return Begun(capture)
        case {"is": "reading", "capture": int(capture), "values": [*values]} if len(values) <= MAX_READINGS:
            return Read(capture, tuple([_number(value) for value in values]))
        case {"is": "done", "capture": int(capture), "bytes": int(size), "truncated": bool(truncated)} if size >= 0:
            return Done(capture, size, truncated, _path(message))
        case {"is": "discarded", "capture": int(capture)}:
            return Discarded(capture, _path(message))
        case {"is": "failed", "capture": int(capture), "why": str(why)}:
            return Failed(capture, why)
    raise MessageFault(str(message)[:80])


def _path(message: dict[str, Any]) -> str:
    path = message.get("path", "")
    return path if isinstance(path, str) else ""


def _is_extension(text: str) -> bool:
    """Whether a file's name may end with it."""
    return text.isascii() and text.isalnum() and len(text) <= MAX_EXTENSION


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) > MAX_READINGS:
        raise MessageFault(f"at most {MAX_READINGS} names are wanted")
    if any(not isinstance(value, str) or len(value.encode("utf-8", "replace")) > SENSOR_SIZE for value in values):
        raise MessageFault(f"names are texts of at most {SENSOR_SIZE} bytes")
    return tuple(values)


def _number(value: object) -> float:
    if value is None:
        return _NAN
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return _NAN
    raise MessageFault("a value is a number or null")
