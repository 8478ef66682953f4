"""The original's messages: requests that come on topics, and are answered on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.actuator.device_calls import Fault
from kittiwake_components.actuator.messages import (
    CANCEL_SCHEDULE,
    GET,
    NEW_SCHEDULE,
    REVERT_DEVICE,
    REVERT_POINT,
    SCHEDULE_REQUEST,
    SET,
    Incoming,
    Outgoing,
    read_message,
)
from kittiwake_components.actuator.requests import INVALID_REQUEST_TYPE, MALFORMED, Request, unwrapped
from kittiwake_components.actuator.schedules import Result, Schedules, failure

if TYPE_CHECKING:
    from kittiwake_components.actuator.device_calls import Answer, Then
    from kittiwake_components.actuator.values import Values


class Bus:
    """Takes messages from requesters whose identity is known; what headers say of it is ignored."""

    def __init__(self, schedules: Schedules, values: Values, out: Outgoing) -> None:
        self._schedules = schedules
        self._values = values
        self._out = out

    def take(self, requester: str, topic: str, headers: bytes, body: bytes) -> bool:
        """Does what a message asks for; whether it asks for anything here."""
        message = read_message(headers, body)
        if topic == SCHEDULE_REQUEST:
            self._schedule(requester, message)
        elif topic.startswith(GET):
            path = topic[len(GET) :]
            self._values.get_point(path, None, lambda answer: self._got(requester, path, answer))
        elif topic.startswith(SET):
            self._set(requester, topic[len(SET) :], message)
        elif topic.startswith(REVERT_POINT):
            path = topic[len(REVERT_POINT) :]
            self._values.revert_point(requester, path, None, self._or_error(requester, path))
        elif topic.startswith(REVERT_DEVICE):
            path = topic[len(REVERT_DEVICE) :]
            self._values.revert_device(requester, path, self._or_error(requester, path))
        else:
            return False
        return True

    def _schedule(self, requester: str, message: Incoming) -> None:
        kind, task = message.headers.get("type"), message.headers.get("taskID")
        if kind == NEW_SCHEDULE:
            result = self._new(requester, task, message)
        elif kind == CANCEL_SCHEDULE:
            result = self._schedules.cancel(requester, task)
        else:
            result = failure(INVALID_REQUEST_TYPE)
        self._out.schedule_result(kind, requester, task, result.as_body())

    def _new(self, requester: str, task: Any, message: Incoming) -> Result:
        if message.fault:
            return failure(f"{MALFORMED}: ValueError: {message.fault}")
        of = message.headers.get
        return self._schedules.request(
            Request(requester, task, of("priority"), unwrapped(message.body), of("onRelease"))
        )  # fmt: skip

    def _set(self, requester: str, path: str, message: Incoming) -> None:
        if message.fault or not message.has_body:
            self._out.error(requester, path, Fault("ValueError", message.fault or "missing argument"))
            return
        priority = message.headers.get("priority")
        self._values.set_point(requester, path, message.body, None, priority, self._or_error(requester, path))

    def _got(self, requester: str, path: str, answer: Answer) -> None:
        if answer.fault is None:
            self._out.value(requester, path, answer.result)
        else:
            self._out.error(requester, path, answer.fault)

    def _or_error(self, requester: str, path: str) -> Then:
        """What was done has published itself."""

        def answered(answer: Answer) -> None:
            if answer.fault is not None:
                self._out.error(requester, path, answer.fault)

        return answered
