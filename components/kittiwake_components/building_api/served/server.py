"""The HTTP server: paths to methods of the driver and the actuator, streams, and the agents' WebSocket."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route as StarletteRoute
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from kittiwake_components.building_api.routes import PREFIX, ROUTES, openapi
from kittiwake_components.building_api.served.agent_socket import (
    MAX_TEXT,
    AgentSocket,
    RpcFault,
    outcome_of,
    packed,
    packed_body,
    until_one_ends,
)
from kittiwake_components.building_api.served.bridge import Bridge, Hub, Overloaded, Subscriber
from kittiwake_components.building_api.served.connections import MAX_CONNECTIONS, BoundedHttp
from kittiwake_components.building_api.served.guard import Guard, Problem, body_of, problem_response
from kittiwake_components.building_api.tokens import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from kittiwake_components.building_api.routes import Route
    from kittiwake_components.building_api.tokens import Requester

KEEP_ALIVE_S = 15
POLICY_VIOLATION, TRY_AGAIN_LATER = 1008, 1013
COMMENT_EVERY_S = 15.0
"""A stream on which nothing happens says so this often: a peer that has gone is noticed."""


class Senders(Protocol):
    """What the component does on the deployment's loop; each call of the first two gets one answer by its token."""

    def send_call(self, token: int, method: str, arguments: bytes) -> None:
        """Calls a method of the platform driver; answered with status, ETag and body."""

    def send_rpc(self, token: int, requester: str, method: str, arguments: bytes) -> None:
        """Calls a method of the actuator; answered with its reply."""

    def send_message(self, requester: str, topic: str, headers: bytes, body: bytes) -> None:
        """Publishes for a requester."""

    def note(self, refusal: str) -> None:
        """Counts a request; `refusal` says why it was refused, or is empty."""


class BuildingServer:
    """Serves until it is cancelled. All of it runs in one thread, with its own asyncio loop."""

    def __init__(self, senders: Senders, bridge: Bridge, guard: Guard) -> None:
        self._senders = senders
        self.bridge = bridge
        self._guard = guard
        self.values = Hub()
        self.messages = Hub()
        routes: list[StarletteRoute | WebSocketRoute] = [
            StarletteRoute(PREFIX + "/values/stream", self._handler(Role.VIEWER, self._stream), methods=["GET"]),
            StarletteRoute(PREFIX + "/schedules", self._handler(Role.VIEWER, self._schedules), methods=["GET"]),
            StarletteRoute(PREFIX + "/schedules", self._handler(Role.OPERATOR, self._schedule), methods=["POST"]),
            StarletteRoute(
                PREFIX + "/schedules/{what}", self._handler(Role.VIEWER, self._schedule_list), methods=["GET"]
            ),
            StarletteRoute(
                PREFIX + "/schedules/{task_id}", self._handler(Role.OPERATOR, self._cancel), methods=["DELETE"]
            ),
            StarletteRoute(PREFIX + "/openapi.json", self._handler(Role.VIEWER, self._describe), methods=["GET"]),
            WebSocketRoute(PREFIX + "/actuator", self._agent),
        ]
        for route in ROUTES:
            handler = self._handler(route.role, self._driver(route))
            routes.append(StarletteRoute(PREFIX + route.path, handler, methods=[route.verb]))
        self.app = Starlette(routes=routes, exception_handlers={HTTPException: _not_there})

    async def serve(self, host: str, port: int, opened: Callable[[int], object]) -> None:
        """Serves; `opened` is told the port once it does. Raises `OSError` where it cannot listen."""
        loop = asyncio.get_running_loop()
        probe = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
        listener = probe.sockets[0].dup()
        probe.close()
        config = uvicorn.Config(
            self.app, lifespan="off", log_config=None, log_level="critical", access_log=False, server_header=False,
            limit_concurrency=MAX_CONNECTIONS, timeout_keep_alive=KEEP_ALIVE_S, ws="websockets-sansio",
            ws_max_size=MAX_TEXT, proxy_headers=False, http=BoundedHttp,
        )  # fmt: skip
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            if server.started:
                opened(listener.getsockname()[1])
            await serving
        finally:
            serving.cancel()
            for one in getattr(server, "servers", ()):
                one.close()
            listener.close()

    def _handler(
        self, role: Role, answer: Callable[[Request, Requester], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            refusal = ""
            try:
                return await answer(request, self._guard.admit(request, role))
            except Problem as problem:
                refusal = str(problem)
                return problem_response(problem)
            except Overloaded as fault:
                refusal = str(fault)
                return problem_response(Problem(503, refusal))
            except TimeoutError:
                refusal = "no answer in time"
                return problem_response(Problem(504, refusal))
            finally:
                self._count(refusal)

        return handle

    def _count(self, refusal: str) -> None:
        try:
            self.bridge.tell(self._senders.note, refusal)
        except Overloaded:
            pass  # a count that is lost harms nobody

    # The platform driver

    def _driver(self, route: Route) -> Callable[[Request, Requester], Awaitable[Response]]:
        async def answer(request: Request, requester: Requester) -> Response:
            arguments: dict[str, Any] = {**request.path_params, **_query(request, route)}
            if "if-match" in request.headers:
                arguments["if_match"] = request.headers["if-match"]
            if route.body:
                body = await body_of(request, route.body)
                arguments["csv" if route.body == "csv" else "body"] = _content(body, route.body)
            packed_arguments = json.dumps(arguments).encode()
            status, etag, reply = await self.bridge.ask(self._senders.send_call, route.method, packed_arguments)
            return _driver_response(route, status, etag, reply)

        return answer

    # The actuator

    async def _rpc(self, requester: Requester, method: str, arguments: Any) -> bytes:
        reply: bytes = await self.bridge.ask(self._senders.send_rpc, requester.name, method, packed(arguments))
        return reply

    async def _outcome(self, requester: Requester, method: str, arguments: Any) -> Any:
        try:
            return outcome_of(await self._rpc(requester, method, arguments))
        except RpcFault as fault:
            raise Problem(422, str(fault), fault=fault.data) from None
        except ValueError as fault:
            raise Problem(422, str(fault)) from None

    async def _schedules(self, request: Request, requester: Requester) -> Response:
        page = {name: _number(request, name) for name in ("offset", "limit") if name in request.query_params}
        return JSONResponse(await self._outcome(requester, "list_schedules", page))

    async def _schedule_list(self, request: Request, requester: Requester) -> Response:
        what = request.path_params["what"]
        if what == "holders":
            return JSONResponse(await self._outcome(requester, "list_holders", []))
        if what == "devices":
            page = {name: _number(request, name) for name in ("offset", "limit") if name in request.query_params}
            return JSONResponse(await self._outcome(requester, "list_devices", page))
        if what == "slots":
            wanted = {name: request.query_params.get(name, "") for name in ("device", "start", "end")}
            return JSONResponse(await self._outcome(requester, "list_slots", wanted))
        raise Problem(404, "schedules has holders, devices and slots")

    async def _schedule(self, request: Request, requester: Requester) -> Response:
        asked = _content(await body_of(request, "json"), "json")
        if not isinstance(asked, dict) or set(asked) - {"task_id", "priority", "requests", "on_release"}:
            raise Problem(422, "task_id, priority, requests and on_release are wanted")
        names = ("task_id", "priority", "requests")
        arguments = {"requester_id": requester.name, **{name: asked.get(name) for name in names}}
        if "on_release" in asked:
            arguments["on_release"] = asked["on_release"]
        return _scheduled(await self._outcome(requester, "request_new_schedule", arguments))

    async def _cancel(self, request: Request, requester: Requester) -> Response:
        arguments = [requester.name, request.path_params["task_id"]]
        return _scheduled(await self._outcome(requester, "request_cancel_schedule", arguments))

    async def _agent(self, socket: WebSocket) -> None:
        try:
            requester = self._guard.admit(socket, Role.VIEWER)
        except Problem as problem:
            self._count(str(problem))
            await socket.close(POLICY_VIOLATION, str(problem)[:120])
            return
        await socket.accept()
        self._count("")

        def publish(topic: str, headers: Any, body: Any) -> None:
            self._keep_pace(requester)
            self.bridge.tell(self._senders.send_message, requester.name, topic, packed(headers), packed_body(body))

        async def call(method: str, params: Any) -> bytes:
            self._keep_pace(requester)
            return await self._rpc(requester, method, params)

        agent = AgentSocket(requester, self.messages, call, publish, socket.send_text)

        async def converse() -> None:
            while True:
                await agent.answer(await socket.receive_text())

        try:
            await until_one_ends(converse(), agent.follow())
            await socket.close(TRY_AGAIN_LATER, "too slow")
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass  # it has gone, or sent bytes where text is wanted
        finally:
            agent.leave()

    def _keep_pace(self, requester: Requester) -> None:
        """Holds a socket's messages to the pace of requests. Raises `Overloaded`."""
        try:
            self._guard.keep_pace(requester)
        except Problem as problem:
            raise Overloaded(str(problem)) from None

    # Streams and the description

    async def _stream(self, request: Request, requester: Requester) -> Response:
        subscriber = Subscriber(request.query_params.get("prefix", ""))
        self.values.join(subscriber)
        return StreamingResponse(
            self._lines(subscriber), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _lines(self, subscriber: Subscriber) -> AsyncIterator[str]:
        try:
            yield ": values as they come\n\n"
            while True:
                try:
                    async with asyncio.timeout(COMMENT_EVERY_S):
                        item = await subscriber.next()
                except TimeoutError:
                    yield ":\n\n"
                    continue
                if item is None:
                    return
                yield f"event: value\ndata: {json.dumps({'point': item.name, **item.content})}\n\n"
        finally:
            self.values.leave(subscriber)

    async def _describe(self, request: Request, requester: Requester) -> Response:
        return JSONResponse(openapi())


async def _not_there(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    return problem_response(Problem(fault.status_code, str(fault.detail)))


def _query(request: Request, route: Route) -> dict[str, Any]:
    """What the query says. Raises `Problem` for what the path does not know."""
    found: dict[str, Any] = {}
    for name, text in request.query_params.items():
        if name in route.numbers:
            found[name] = _number(request, name)
        elif name in route.truths:
            if text.lower() not in ("true", "false", "1", "0"):
                raise Problem(422, f"{name} is true or false")
            found[name] = text.lower() in ("true", "1")
        elif name in route.texts:
            found[name] = text
        else:
            raise Problem(422, f"{name[:80]} is not known here")
    return found


def _number(request: Request, name: str) -> int:
    text = request.query_params[name]
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise Problem(422, f"{name} is a whole number from 0")
    return int(text)


def _content(body: bytes, kind: str) -> Any:
    try:
        text = body.decode()
        return text if kind == "csv" else json.loads(text)
    except (ValueError, RecursionError):
        raise Problem(400, "the body is no JSON" if kind == "json" else "the body is no UTF-8") from None


def _driver_response(route: Route, status: int, etag: str, reply: bytes) -> Response:
    headers = {"ETag": etag} if etag else {}
    if status != 200:
        return Response(reply, status, headers, media_type="application/problem+json")
    if route.method == "export_points":
        return Response(json.loads(reply)["csv"], 200, headers, media_type="text/csv")
    return Response(reply, status, headers, media_type="application/json")


def _scheduled(outcome: Any) -> Response:
    if outcome.get("result") == "FAILURE":
        raise Problem(409, str(outcome.get("info", "")), **outcome)
    return JSONResponse(outcome)
