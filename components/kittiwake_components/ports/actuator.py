"""The ports by which agents reach the actuator: calls with an answer, and messages on VOLTTRON's topics.

Whoever serves agents (a WebSocket, JSON-RPC 2.0, REST) authenticates them and passes on who they are: `requester` is
always the authenticated identity, never what a caller says of itself. The actuator ignores the requester that an
argument list or a header names.

A call is `RpcRequest`, and exactly one `RpcAnswer` with the same token follows, at once or when the device has answered
or its deadline has passed. Tokens are the caller's own; they are only handed back. The methods, with their arguments
in order (a JSON list) or by name (a JSON object); those in brackets may be left out:

| Method | Arguments | Result |
|---|---|---|
| `request_new_schedule` | requester_id, task_id, priority, requests, [on_release] | `{"result", "info", "data"}` |
| `request_cancel_schedule` | requester_id, task_id | `{"result", "info", "data"}` |
| `get_point` | topic, [point] | the value |
| `set_point` | requester_id, topic, value, [point], [priority] | the value that the device took |
| `scrape_all` | topic | the values of a device, by point |
| `get_multiple_points` | topics | a list of two objects: values and errors, by path |
| `set_multiple_points` | requester_id, topics_values, [priority] | an object of what failed, by path |
| `revert_point` | requester_id, topic, [point] | null |
| `revert_device` | requester_id, topic | null |
| `set_override_on` | pattern, [duration], [failsafe_revert], [staggered_revert] | null |
| `set_override_off` | pattern | null |
| `clear_overrides` | | null |
| `get_override_devices`, `get_override_patterns` | | a list |
| `list_schedules` | [offset], [limit] | an object: `tasks`, `offset`, `total` (ours) |
| `list_devices` | [offset], [limit] | devices that have slots: `devices`, `offset`, `total` (ours) |
| `list_slots` | device, start, end | its slots: `task`, `owner`, `priority`, `preempted`, `start`, `end` (ours) |
| `list_holders` | | device -> `owner`, `task`, `window` in seconds (ours) |

A reply is a JSON object: `{"result": ...}`, or `{"error": {"type": ..., "value": ...}}` with types as LockError,
ValueError, TypeError, KeyError, RuntimeError, DriverInterfaceError, OverrideError, TimeoutError, and MethodNotFound for
a method that there is not. A refused schedule is a result whose `result` is `FAILURE`, as in VOLTTRON.

Messages are published on `devices/actuators/...`; headers are a JSON object, and a body is JSON, or empty where there
is no message. What comes in is answered by messages alone. What goes out is for every subscriber.
"""

from __future__ import annotations

from typing import Annotated

from kittiwake.model.ports import port
from kittiwake.model.types import U32, Size

BODY_SIZE = 65_000
"""The longest arguments, reply or body, in bytes."""

REQUESTER_SIZE = 100
METHOD_SIZE = 60
TOPIC_SIZE = 400
HEADERS_SIZE = 2000


@port("Components.RpcRequest")
def RpcRequest(
    token: U32, requester: Annotated[str, Size(REQUESTER_SIZE)], method: Annotated[str, Size(METHOD_SIZE)],
    arguments: Annotated[bytes, Size(BODY_SIZE)],
) -> None:  # fmt: skip
    """Calls a method for an authenticated requester; `arguments` is a JSON list or object. Each gets one answer."""


@port("Components.RpcAnswer")
def RpcAnswer(token: U32, reply: Annotated[bytes, Size(BODY_SIZE)]) -> None:
    """The answer to the call of that token: a JSON object with the `result`, or with an `error`."""


@port("Components.BusPublish")
def BusPublish(
    topic: Annotated[str, Size(TOPIC_SIZE)], headers: Annotated[bytes, Size(HEADERS_SIZE)],
    body: Annotated[bytes, Size(BODY_SIZE)],
) -> None:  # fmt: skip
    """A message for all who have subscribed to a topic that `topic` begins with."""


@port("Components.BusRequest")
def BusRequest(
    requester: Annotated[str, Size(REQUESTER_SIZE)], topic: Annotated[str, Size(TOPIC_SIZE)],
    headers: Annotated[bytes, Size(HEADERS_SIZE)], body: Annotated[bytes, Size(BODY_SIZE)],
) -> None:  # fmt: skip
    """A message that an authenticated requester has published on a topic."""
