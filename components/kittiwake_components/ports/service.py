"""Services: methods of components that are called by name, with JSON on both sides.

The supervisor of a battery device reaches its services so, and so do those who speak to it from outside. A call in
text is `service.method(arguments)`, with Python literals as arguments; it is read, never evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model.ports import port
from kittiwake.model.types import Size

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME_SIZE = 60
ARGUMENTS_SIZE = 4096
REPLY_SIZE = 65_000
"""The longest reply to a call in bytes; what is longer is an error."""

MAX_REASON = 1000
"""The longest reason of a call that failed, in characters."""

MAX_CALL = 1024
"""The longest call in text, in characters."""


@port("Components.CallService")
def CallService(
    method: Annotated[str, Size(NAME_SIZE)], arguments: Annotated[bytes, Size(ARGUMENTS_SIZE)]
) -> Annotated[bytes, Size(REPLY_SIZE)]:
    """Calls a method of the service that is connected.

    `arguments` is a JSON list; the reply is a JSON object with the `result`, or with the `error` that says why not.
    """
    return b""


class ServiceFault(ValueError):
    """A call that no service takes, or that one refused; the message says why."""


def succeeded(result: Any) -> bytes:
    """The reply of a call that went well. Raises `ServiceFault` if it is too long."""
    import json

    reply = json.dumps({"result": result}, separators=(",", ":")).encode()
    if len(reply) > REPLY_SIZE:
        raise ServiceFault(f"the result takes {len(reply)} bytes, more than {REPLY_SIZE}")
    return reply


def failed(reason: object) -> bytes:
    """The reply of a call that failed."""
    import json

    return json.dumps({"error": str(reason)[:MAX_REASON]}).encode()


def result_of(reply: bytes) -> Any:
    """The result in a reply. Raises `ServiceFault` with the reason if the call failed."""
    import json

    try:
        found = json.loads(reply)
    except (ValueError, RecursionError):
        found = None
    match found:
        case {"result": result}:
            return result
        case {"error": str(reason)}:
            raise ServiceFault(reason)
    raise ServiceFault("the service gave no proper reply")


def arguments_of(packed: bytes) -> list[Any]:
    """The arguments of a call. Raises `ServiceFault` for anything but a JSON list."""
    import json

    try:
        arguments = json.loads(packed)
    except (ValueError, RecursionError):
        raise ServiceFault("the arguments are no JSON") from None
    if not isinstance(arguments, list):
        raise ServiceFault("the arguments are no JSON list")
    return arguments


def pack_arguments(arguments: Sequence[Any]) -> bytes:
    """Arguments as a call carries them. Raises `ServiceFault` for what JSON has no form of, or for too many."""
    import json

    try:
        packed = json.dumps(list(arguments), separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as fault:
        raise ServiceFault(f"the arguments cannot be passed on: {fault}") from None
    if len(packed) > ARGUMENTS_SIZE:
        raise ServiceFault(f"the arguments take more than {ARGUMENTS_SIZE} bytes")
    return packed


def parse_call(text: str) -> tuple[str, str, list[Any]]:
    """Service, method and arguments of a call in text. Raises `ServiceFault`.

    Read with `ast`: a name, a dot, a name, and literals in parentheses. Nothing is evaluated.
    """
    import ast

    if len(text) > MAX_CALL:
        raise ServiceFault(f"a call has at most {MAX_CALL} characters, not {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ServiceFault(f"{text!r} is no call; one is like service.method(1, 'text')") from None
    match tree:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=service), attr=method), args=arguments, keywords=[]):
            try:
                return service, method, [ast.literal_eval(argument) for argument in arguments]
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                raise ServiceFault(f"the arguments of {service}.{method} are not all literals") from None
    raise ServiceFault(f"{text!r} is no call of a service's method; one is like service.method(1, 'text')")
