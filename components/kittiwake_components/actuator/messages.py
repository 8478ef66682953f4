"""VOLTTRON's messages of the actuator: topics, headers and bodies, and how one that comes in is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.actuator.device_calls import Fault, packed, unpacked
from kittiwake_components.actuator.requests import size_of
from kittiwake_components.daily_window import US_PER_S
from kittiwake_components.ports.actuator import BODY_SIZE, HEADERS_SIZE, TOPIC_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.actuator.schedule_book import Holder

PREFIX = "devices/actuators/"
SCHEDULE_REQUEST = PREFIX + "schedule/request"
SCHEDULE_RESULT = PREFIX + "schedule/result"
ANNOUNCE = PREFIX + "schedule/announce/"
GET = PREFIX + "get/"
SET = PREFIX + "set/"
VALUE = PREFIX + "value/"
WRITE = PREFIX + "write/"
ERROR = PREFIX + "error/"
REVERT_POINT = PREFIX + "revert/point/"
REVERT_DEVICE = PREFIX + "revert/device/"
REVERTED_POINT = PREFIX + "reverted/point/"
REVERTED_DEVICE = PREFIX + "reverted/device/"

NEW_SCHEDULE = "NEW_SCHEDULE"
CANCEL_SCHEDULE = "CANCEL_SCHEDULE"

_NO_BODY = object()


class Outgoing:
    """Publishes by `send`, which takes topic, headers and body.

    `dropped` hears of the topics of messages that are too long, or have no form in JSON.
    """

    def __init__(
        self, send: Callable[[str, bytes, bytes], None], now_us: Callable[[], int], dropped: Callable[[str], Any]
    ) -> None:  # fmt: skip
        self._send = send
        self._now_us = now_us
        self._dropped = dropped

    def schedule_result(self, kind: Any, requester: str, task: Any, body: dict[str, Any]) -> None:
        """The answer to a request of the bus, or the notice to whose task was preempted."""
        self._publish(SCHEDULE_RESULT, {"type": kind, "requesterID": requester, "taskID": task}, body)

    def announce(self, device: str, holder: Holder, now_us: int) -> None:
        """Who holds a device, and for how many seconds more."""
        window_s = (holder.end_us - now_us) / US_PER_S
        self._publish(ANNOUNCE + device, {"requesterID": holder.owner, "taskID": holder.task, "window": window_s})

    def value(self, requester: str, path: str, value: Any) -> None:
        """The value of a point that was read, or that the device took."""
        self._publish(VALUE + path, {"requesterID": requester}, value)

    def written(self, requester: str, path: str, value: Any) -> None:
        """The value that was asked for in a write that succeeded."""
        self._publish(WRITE + path, {"requesterID": requester}, value)

    def reverted(self, requester: str, topic: str) -> None:
        """A point or a device was reverted."""
        self._publish(topic, {"requesterID": requester})

    def error(self, requester: str, path: str, fault: Fault) -> None:
        """Why a request of the bus came to nothing."""
        self._publish(ERROR + path, {"requesterID": requester}, {"type": fault.type, "value": fault.value})

    def _publish(self, topic: str, headers: dict[str, Any], body: Any = _NO_BODY) -> None:
        headers["time"] = _timestamp(self._now_us())
        try:
            head, text = packed(headers), b"" if body is _NO_BODY else packed(body)
            is_too_long = size_of(topic) > TOPIC_SIZE or len(head) > HEADERS_SIZE or len(text) > BODY_SIZE
        except ValueError:
            is_too_long = True  # it has no form at all
        if is_too_long:
            self._dropped(topic)
        else:
            self._send(topic, head, text)


class Incoming(NamedTuple):
    """A message that was read: headers are an object, `has_body` says whether there was a message at all."""

    headers: dict[str, Any]
    body: Any
    has_body: bool
    fault: str


def read_message(headers: bytes, body: bytes) -> Incoming:
    """Reads a message; headers that are no object count as none, and a null is no message, as in the original."""
    try:
        found = unpacked(headers) if headers else {}
    except ValueError:
        found = {}
    if not isinstance(found, dict):
        found = {}
    try:
        value = unpacked(body) if body else None
    except ValueError as fault:
        return Incoming(found, None, True, f"the message is no JSON: {fault}")
    return Incoming(found, value, value is not None, "")


def _timestamp(now_us: int) -> str:
    from datetime import UTC

    from kittiwake_components.daily_window import local_time

    return local_time(now_us, UTC).isoformat(timespec="microseconds")
