"""XML-RPC calls and answers, read by the standard library's marshaller behind a gate of our own.

The gate lets through what XML-RPC needs: UTF-8, and no declarations, so that there are no entities to expand.
Numbers of faults are those of "Specification for Fault Code Interoperability" (D. Libby, 2001).
"""

from __future__ import annotations

from typing import Any

MAX_BODY = 65_536
"""The longest call in bytes."""

MAX_DEPTH = 32
MAX_MESSAGE = 1000

PARSE_ERROR, INVALID_CALL, UNKNOWN_METHOD, INVALID_PARAMETERS = -32700, -32600, -32601, -32602
APPLICATION_ERROR, SYSTEM_ERROR = -32500, -32400


class RpcFault(ValueError):
    """A call that is answered with a fault: its number, and why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def read_call(body: bytes) -> tuple[str, tuple[Any, ...]]:
    """Method and parameters of a call. Raises `RpcFault`."""
    import xmlrpc.client
    from xml.parsers.expat import ExpatError

    text = _gated(body)
    try:
        parameters, method = xmlrpc.client.loads(text, use_builtin_types=True)
    except (ExpatError, xmlrpc.client.Error, ValueError, TypeError, LookupError, AttributeError, OverflowError):
        raise RpcFault(PARSE_ERROR, "this is no call of XML-RPC") from None
    if method is None:
        raise RpcFault(INVALID_CALL, "this is no call, but an answer")
    _check_depth(parameters, MAX_DEPTH)
    return method, parameters


def _gated(body: bytes) -> str:
    """The text of a call without its XML declaration. Raises `RpcFault` for what XML-RPC has no need of."""
    try:
        text = body.decode("utf-8-sig").lstrip()
    except UnicodeDecodeError:
        raise RpcFault(PARSE_ERROR, "a call is written in UTF-8") from None
    if text.startswith("<?xml"):
        head, _, text = text.partition("?>")
        if "encoding" in head and not any(name in head.lower() for name in ('"utf-8"', "'utf-8'", '"us-ascii"')):
            raise RpcFault(PARSE_ERROR, "a call is written in UTF-8")
    if "<!" in text or "<?" in text:
        raise RpcFault(PARSE_ERROR, "a call has no declarations, comments or instructions")
    return text


def _check_depth(value: Any, left: int) -> None:
    """Whoever packs parameters goes down into them; raises `RpcFault` for those that are too deep."""
    if not isinstance(value, (tuple, list, dict)):
        return
    if not left:
        raise RpcFault(PARSE_ERROR, f"parameters are at most {MAX_DEPTH} deep")
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, left - 1)


def write_result(result: str) -> bytes:
    """The answer to a call that went well; results are text."""
    import xmlrpc.client

    return xmlrpc.client.dumps((result,), methodresponse=True).encode()


def write_fault(fault: RpcFault) -> bytes:
    """The answer to a call that failed."""
    import xmlrpc.client

    text = "".join([letter if letter.isprintable() else "?" for letter in str(fault)[:MAX_MESSAGE]])
    return xmlrpc.client.dumps(xmlrpc.client.Fault(fault.code, text)).encode("utf-8", "replace")
