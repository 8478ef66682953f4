"""How agents and bridges reach points: values as they come, and calls of the actuator or the driver, each answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.awaited_answers import AwaitedAnswers
from kittiwake_components.platform_driver.values import packed, unpacked
from kittiwake_components.ports.platform_driver import Quality

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = bool | int | float | str | None

LOCK_ERROR = "LockError"
CALL_LIMIT_S = 60.0
"""How long an answer may take; the driver and the actuator have deadlines of their own that are shorter."""

_ON = ("active", "on", "true", "enabled", "1")
_OFF = ("inactive", "off", "false", "disabled", "0")


class NoValue(LookupError):
    """A point has no value that can be used."""


class WriteFault(Exception):
    """A point was not written, or nobody knows; `kind` is the fault's type, as LockError or TimeoutError."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


def switch_of(value: Any) -> bool | None:
    """Whether a binary value is on (BACnet's active) or off (inactive); `None` for what is neither.

    A text counts by what it says: "inactive" is off, though it is not empty.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return bool(value) if value in (0, 1) else None
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _ON else False if word in _OFF else None
    return None


class Reading(NamedTuple):
    """The last of a point."""

    value: Value
    quality: Quality


class Values:
    """The latest values of the points that somebody looks at; all others are passed over."""

    def __init__(self, paths: set[str]) -> None:
        self._readings: dict[str, Reading | None] = dict.fromkeys(paths)

    def take(self, path: str, value_json: str, quality: Quality) -> bool:
        """Keeps a reading; whether the point is one of those looked at."""
        if path not in self._readings:
            return False
        try:
            self._readings[path] = Reading(unpacked(value_json), quality)
        except ValueError:
            self._readings[path] = None
        return True

    def latest(self, path: str) -> Value:
        """The last good value of a point, unless it is stale or there is none: `NoValue` is raised then."""
        if path not in self._readings:
            raise NoValue(f"{path} is not among the points of the settings")
        reading = self._readings[path]
        if reading is None or reading.quality in (Quality.NEVER, Quality.STALE) or reading.value is None:
            raise NoValue(f"{path} {'is stale' if reading and reading.quality is Quality.STALE else 'has no value'}")
        return reading.value


class Calls(AwaitedAnswers):
    """Calls of the driver or the actuator that wait for their answers."""

    async def ask(self, send: Callable[[int], object]) -> Any:
        """Sends a call with its token and waits for the answer. Raises `WriteFault` if none comes."""
        answer = await self.to(send, CALL_LIMIT_S)
        if answer is None:
            raise WriteFault("TimeoutError", f"no answer within {CALL_LIMIT_S:g} s")
        return answer


def result_of_rpc(reply: bytes) -> Any:
    """The result in an answer of the actuator. Raises `WriteFault`."""
    answer = unpacked(reply)
    if "error" in answer:
        raise WriteFault(str(answer["error"]["type"]), str(answer["error"]["value"]))
    return answer["result"]


def value_of_reply(status: int, body: bytes) -> Any:
    """The value that a device took, in a reply of the driver. Raises `WriteFault`."""
    answer = unpacked(body)
    if status != 200:
        raise WriteFault(str(answer.get("fault", f"status {status}")), str(answer.get("detail", "")))
    return answer["value"]


def packed_call(arguments: Any) -> bytes:
    """The arguments of a call."""
    return packed(arguments).encode()
