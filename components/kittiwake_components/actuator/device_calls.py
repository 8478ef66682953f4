"""Requests to the driver that wait for their answers, each with a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.ports.building import BODY_SIZE, DeviceAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock

MAX_WAITING = 256
"""The most requests that wait; more are refused, so that a device that hangs does not take all memory."""

TOKENS = 1 << 32

STOPPED = "ActuatorStopped"
"""The type of the error that whoever waits gets when the component stops."""


class Fault(NamedTuple):
    """Why something was not done: the type of an error, by the original's name, and its text."""

    type: str
    value: str


class Answer(NamedTuple):
    """A result, or a fault."""

    result: Any = None
    fault: Fault | None = None


if TYPE_CHECKING:
    Then = Callable[[Answer], None]
    """What is to be done with an answer; it is called once."""


def refused(type: str, value: object) -> Answer:
    """The answer that something was not done."""
    return Answer(None, Fault(type, str(value)))


class DeviceCalls:
    """The requests under way. `send` passes one on to the driver; it says no where none is connected."""

    def __init__(self, send: Callable[[int, DeviceAction, bytes], bool], clock: TaskClock, first_token: int) -> None:
        self._send = send
        self._clock = clock
        self._token = first_token % TOKENS
        self._waiting: dict[int, tuple[Then, Timer]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, action: DeviceAction, members: dict[str, Any], timeout_s: float, then: Then) -> None:
        """Sends a request; `then` gets its answer, or a TimeoutError."""
        if len(self._waiting) >= MAX_WAITING:
            then(refused("RuntimeError", f"{MAX_WAITING} requests wait for their devices already"))
            return
        try:
            body = packed(members)
            if len(body) > BODY_SIZE:
                raise ValueError(f"the request takes {len(body)} bytes, more than {BODY_SIZE}")
        except ValueError as fault:
            then(refused("ValueError", fault))
            return
        self._token = (self._token + 1) % TOKENS
        token = self._token
        timer = self._clock.call_after(timeout_s, self._late, token, timeout_s)
        self._waiting[token] = then, timer
        if not self._send(token, action, body):
            del self._waiting[token]
            timer.cancel()
            then(refused("RuntimeError", "no driver is connected"))

    def answered(self, token: int, reply: bytes) -> None:
        """Hands an answer on; one that nobody waits for any more is ignored."""
        waiting = self._waiting.pop(token, None)
        if waiting is not None:
            waiting[1].cancel()
            waiting[0](_read_reply(reply))

    def _late(self, token: int, timeout_s: float) -> None:
        waiting = self._waiting.pop(token, None)
        if waiting is not None:
            waiting[0](refused("TimeoutError", f"the device has not answered within {timeout_s:g} s"))

    def close(self) -> None:
        """Answers all that wait: nobody will."""
        while self._waiting:
            _, (then, timer) = self._waiting.popitem()
            timer.cancel()
            then(refused(STOPPED, "the actuator has stopped"))


def packed(value: Any) -> bytes:
    """A value as JSON, as short as it can be. Raises `ValueError` for what JSON has no form of."""
    import json

    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a text is not valid Unicode") from None


def unpacked(body: bytes) -> Any:
    """The value in JSON. Raises `ValueError`."""
    import json

    try:
        return json.loads(body, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deep") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _read_reply(reply: bytes) -> Answer:
    try:
        found = unpacked(reply)
    except ValueError:
        found = None
    match found:
        case {"result": result}:
            return Answer(result)
        case {"error": {"type": str(type), "value": str(value)}}:
            return Answer(None, Fault(type, value))
    return refused("RuntimeError", "the driver gave no proper answer")
