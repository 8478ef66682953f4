"""The actuator over a WebSocket: its calls as JSON-RPC 2.0, its topics as notifications."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from kittiwake_components.building_api.served.bridge import Overloaded, Subscriber
from kittiwake_components.building_api.tokens import Requester, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kittiwake_components.building_api.served.bridge import Hub

MAX_BATCH = 32
MAX_TEXT = 65_000
MAX_TOPIC = 400
PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, INVALID_PARAMETERS = -32700, -32600, -32601, -32602
REFUSED, FORBIDDEN, BUSY = -32000, -32001, -32002
FOR_VIEWERS = {
    "get_point", "scrape_all", "get_multiple_points", "get_override_devices", "get_override_patterns",
    "list_schedules", "list_devices", "list_slots", "list_holders", "subscribe", "unsubscribe",
}  # fmt: skip


class RpcFault(ValueError):
    """A call that is answered with an error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


def outcome_of(reply: bytes) -> Any:
    """The result in the actuator's reply. Raises `RpcFault`."""
    found = json.loads(reply)
    if "error" not in found:
        return found.get("result")
    error = found["error"]
    code = UNKNOWN_METHOD if error.get("type") == "MethodNotFound" else REFUSED
    raise RpcFault(code, str(error.get("value", "")), error)


class AgentSocket:
    """One agent's connection: `send` sends it a text, `call` asks the actuator, `publish` publishes for the agent."""

    def __init__(
        self, requester: Requester, hub: Hub, call: Callable[[str, Any], Coroutine[Any, Any, bytes]],
        publish: Callable[[str, Any, Any], None], send: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:  # fmt: skip
        self._requester = requester
        self._hub = hub
        self._call = call
        self._publish = publish
        self._send = send
        self._topics = Subscriber("")
        self._prefixes: set[str] = set()

    async def answer(self, text: str) -> None:
        """Answers one message of the agent."""
        if len(text.encode()) > MAX_TEXT:
            await self._send(json.dumps(_error(None, RpcFault(INVALID_REQUEST, f"more than {MAX_TEXT} bytes"))))
            return
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            await self._send(json.dumps(_error(None, RpcFault(PARSE_ERROR, "this is no JSON"))))
            return
        if isinstance(found, list):
            if not 1 <= len(found) <= MAX_BATCH:
                replies: Any = _error(None, RpcFault(INVALID_REQUEST, f"a batch has 1 to {MAX_BATCH} calls"))
            else:
                replies = [reply for one in found if (reply := await self._one(one)) is not None]
        else:
            replies = await self._one(found)
        if replies:
            await self._send(json.dumps(replies))

    async def _one(self, call: Any) -> dict[str, Any] | None:
        id = call.get("id") if isinstance(call, dict) else None
        wants_answer = not isinstance(call, dict) or "id" in call or call.get("jsonrpc") != "2.0"
        try:
            result = await self._carried_out(call)
        except RpcFault as fault:
            return _error(id, fault) if wants_answer else None
        return {"jsonrpc": "2.0", "id": id, "result": result} if wants_answer else None

    async def _carried_out(self, call: Any) -> Any:
        if not isinstance(call, dict) or call.get("jsonrpc") != "2.0" or not isinstance(call.get("method"), str):
            raise RpcFault(INVALID_REQUEST, "a call of JSON-RPC 2.0 has jsonrpc and method")
        if isinstance(call.get("id"), (dict, list, bool)):
            raise RpcFault(INVALID_REQUEST, "an id is a text or a number")
        method, params = call["method"], call.get("params", [])
        if not isinstance(params, (list, dict)):
            raise RpcFault(INVALID_PARAMETERS, "params is a list or an object")
        if method not in FOR_VIEWERS and self._requester.role < Role.OPERATOR:
            raise RpcFault(FORBIDDEN, f"{self._requester.name} may look, and nothing else")
        own = {"subscribe": self._subscribe, "unsubscribe": self._unsubscribe, "publish": self._published}.get(method)
        if own is not None:
            return own(params if isinstance(params, dict) else {})
        try:
            return outcome_of(await self._call(method, params))
        except (Overloaded, TimeoutError) as fault:
            raise RpcFault(BUSY, str(fault) or "no answer in time") from None
        except ValueError as fault:
            if isinstance(fault, RpcFault):
                raise
            raise RpcFault(INVALID_PARAMETERS, str(fault)) from None

    def _subscribe(self, params: dict[str, Any]) -> bool:
        prefix = _text(params, "prefix")
        if len(self._prefixes) >= MAX_BATCH:
            raise RpcFault(REFUSED, f"{MAX_BATCH} prefixes at most")
        if not self._prefixes:
            try:
                self._hub.join(self._topics)
            except Overloaded as fault:
                raise RpcFault(BUSY, str(fault)) from None
        self._prefixes.add(prefix)
        return True

    def _unsubscribe(self, params: dict[str, Any]) -> bool:
        self._prefixes.discard(_text(params, "prefix"))
        if not self._prefixes:
            self._hub.leave(self._topics)
        return True

    def _published(self, params: dict[str, Any]) -> None:
        headers = params.get("headers", {})
        if not isinstance(headers, dict):
            raise RpcFault(INVALID_PARAMETERS, "headers is an object")
        try:
            self._publish(_text(params, "topic"), headers, params.get("body", _NOTHING))
        except Overloaded as fault:
            raise RpcFault(BUSY, str(fault)) from None
        except ValueError as fault:
            raise RpcFault(INVALID_PARAMETERS, str(fault)) from None

    async def follow(self) -> None:
        """Sends the agent what comes on its topics; ends when it was too slow."""
        while True:
            item = await self._topics.next()
            if item is None:
                return
            if any(item.name.startswith(prefix) for prefix in self._prefixes):
                params = {"topic": item.name, **item.content}
                await self._send(json.dumps({"jsonrpc": "2.0", "method": "message", "params": params}))

    def leave(self) -> None:
        """The agent has gone."""
        self._hub.leave(self._topics)


_NOTHING = object()


def packed_body(body: Any) -> bytes:
    """A message's body as the actuator has it; nothing where there is none. Raises `ValueError`."""
    return b"" if body is _NOTHING else packed(body)


def packed(content: Any) -> bytes:
    """JSON. Raises `ValueError` for what is too long, or has none."""
    data = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    if len(data) > MAX_TEXT:
        raise ValueError(f"more than {MAX_TEXT} bytes")
    return data


def _text(params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    try:
        is_fit = isinstance(value, str) and len(value.encode()) <= MAX_TOPIC
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can say
        is_fit = False
    if not is_fit:
        raise RpcFault(INVALID_PARAMETERS, f"{name} is a text of at most {MAX_TOPIC} bytes")
    return str(value)


def _error(id: Any, fault: RpcFault) -> dict[str, Any]:
    error: dict[str, Any] = {"code": fault.code, "message": str(fault)}
    if fault.data is not None:
        error["data"] = fault.data
    return {"jsonrpc": "2.0", "id": id if isinstance(id, (str, int, float)) else None, "error": error}


async def until_one_ends(*work: Coroutine[Any, Any, None]) -> None:
    """Runs them until one has ended, and ends the others. Raises what the first to end has raised."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
