"""The building over HTTP: easy-aso's REST contract, values as they come, and the actuator's calls and topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    U32,
    WARNING_LO,
    Channel,
    OutputPort,
    Parameter,
    PassiveComponent,
    Setting,
    Size,
    event,
    sync_port,
)
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake.wire.link_address import names_loopback
from kittiwake_components.asyncio_thread import AsyncioThread
from kittiwake_components.building_api.tokens import MAX_FILE, Requester, read_tokens
from kittiwake_components.ports.actuator import BusPublish, BusRequest, RpcAnswer, RpcRequest
from kittiwake_components.ports.platform_driver import DriverCall, DriverReply, PointValue, Quality

if TYPE_CHECKING:
    from kittiwake_components.building_api.served.server import BuildingServer

REASON_SIZE = 120
RETRY_S = 60.0
U32_MAX = 0xFFFFFFFF

Reason = Annotated[str, Size(REASON_SIZE)]


def check_address(address: str) -> None:
    """Raises `ValueError` for what is no address; empty means nowhere."""
    host, _, port = address.rpartition(":")
    if address and not (host and port.isascii() and port.isdecimal() and int(port) < 65_536):
        raise ValueError(f"an address is HOST:PORT, not {address}")


class BuildingApi(PassiveComponent):
    """A server in a thread of its own: it waits for the deployment's loop, never the other way round.

    Each request goes to the platform driver or the actuator by a port, and its answer comes back by one. Who asks is
    known by a token, whatever he says of himself.
    """

    THREAD_SIDE = ("_server",)

    call_out = OutputPort(DriverCall, doc="What is asked of the platform driver.")
    rpc_out = OutputPort(RpcRequest, doc="Calls to the actuator.")
    message_out = OutputPort(BusRequest, doc="Messages to the actuator.")

    requests = Channel(U32, on_change=True, doc="Requests and connections of agents since the start.")
    refused = Channel(U32, on_change=True, doc="Those that were refused, or got no answer in time.")

    answer_timeout_s = Parameter(U32, default=20, low=1, high=600, unit="s", doc="For the deployment's answer.")
    rate = Parameter(U32, default=50, low=1, high=10_000, unit="1/s", doc="Requests a second for each token.")

    address = Setting(str, default="", check=check_address, doc="Where it listens: 127.0.0.1:8091; empty: nowhere.")
    open_network = Setting(bool, default=False, doc="Whether the address may be other than loopback: it is no TLS.")
    tokens_file = Setting(str, default="/keys/building.tokens", doc="The file of tokens, in the root.")

    @event(ACTIVITY_HI, "The building's API listens on {address}")
    def api_listening(self, address: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "No API of the building: {reason}", throttle=5, every_s=3600.0)
    def api_failed(self, reason: Reason) -> None: ...

    @event(WARNING_LO, "A request was refused: {reason}", throttle=10, every_s=60.0)
    def request_refused(self, reason: Reason) -> None: ...

    def initialize(self) -> None:
        self._thread: AsyncioThread | None = None
        self._server: BuildingServer | None = None
        self._requests = self._refused = 0

    def start(self) -> None:
        if not self.address:
            return
        reason = self._obstacle()
        if reason:
            self.api_failed(reason)
            return
        self._thread = AsyncioThread("building-api", self.platform)
        self._open()

    def stop(self) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread = self._server = None

    def _obstacle(self) -> str:
        """Why it does not listen, empty if nothing keeps it from that."""
        if not self.platform.has_threads:
            return "it needs real time"
        if not names_loopback(self.address) and not self.open_network:
            return f"{self.address} is open to the network, which open_network has to allow"
        return ""

    def _open(self) -> None:
        if self._thread is None:
            return
        try:
            text = self.platform.files.read(self.root.resolve(self.tokens_file), MAX_FILE).decode()
            requesters = read_tokens(text)
        except (OSError, ValueError) as fault:
            reason = reason_of(fault) if isinstance(fault, OSError) else str(fault)
            self._failed(f"{self.tokens_file}: {reason}")
            return
        loop = self._context.loop
        self._thread.begin(
            lambda: self._serve(requesters),
            lambda result: loop.resume(self._ended, str(result) or type(result).__name__),
        )

    async def _serve(self, requesters: list[Requester]) -> None:
        """Serves; in the thread, where starlette and uvicorn are imported."""
        from kittiwake_components.building_api.served.bridge import Bridge
        from kittiwake_components.building_api.served.guard import Guard
        from kittiwake_components.building_api.served.server import BuildingServer

        clock, loop = self.platform.clock, self._context.loop
        guard = Guard(
            requesters, lambda: clock.now_ns() / NS_PER_S, lambda: float(self.rate), is_open=self.open_network
        )
        self._server = server = BuildingServer(self, Bridge(loop, lambda: float(self.answer_timeout_s)), guard)
        host, _, port = self.address.rpartition(":")
        await server.serve(host, int(port), lambda taken: loop.resume(self._opened, f"{host}:{taken}"))

    def _opened(self, address: str) -> None:
        if self._thread is not None:
            self.api_listening(address)

    def _ended(self, reason: str) -> None:
        if self._thread is not None:
            self._failed(reason)

    def _failed(self, reason: str) -> None:
        self._server = None
        self.api_failed(reason)
        self.clock.call_after(RETRY_S, self._open)

    # What the server asks for, on the deployment's loop

    def send_call(self, token: int, method: str, arguments: bytes) -> None:
        """Calls a method of the platform driver."""
        self.call_out(token, method, arguments)

    def send_rpc(self, token: int, requester: str, method: str, arguments: bytes) -> None:
        """Calls a method of the actuator."""
        self.rpc_out(token, requester, method, arguments)

    def send_message(self, requester: str, topic: str, headers: bytes, body: bytes) -> None:
        """Publishes a message for a requester."""
        self.message_out(requester, topic, headers, body)

    def note(self, refusal: str) -> None:
        """Counts a request."""
        self._requests = self._requests + 1 & U32_MAX
        self.requests = self._requests
        if refusal:
            self._refused = self._refused + 1 & U32_MAX
            self.refused = self._refused
            self.request_refused(refusal)

    # Answers and what happens

    @sync_port(DriverReply)
    def reply_in(self, token: int, status: int, etag: str, body: bytes) -> None:
        """The platform driver has answered."""
        if self._server is not None:
            self._server.bridge.answer(token, (status, etag, body))

    @sync_port(RpcAnswer)
    def rpc_answer_in(self, token: int, reply: bytes) -> None:
        """The actuator has answered."""
        if self._server is not None:
            self._server.bridge.answer(token, reply)

    @sync_port(BusPublish)
    def message_in(self, topic: str, headers: bytes, body: bytes) -> None:
        """The actuator has published a message: it goes to all agents that have subscribed."""
        server, thread = self._server, self._thread
        if server is not None and thread is not None and server.messages.has_listeners:
            thread.call(_publish_message, server, topic, headers, body)

    @sync_port(PointValue)
    def value_in(self, point: str, value: str, quality: Quality, time_us: int) -> None:
        """A reading has come: it goes to all streams."""
        server, thread = self._server, self._thread
        if server is not None and thread is not None and server.values.has_listeners:
            thread.call(_publish_value, server, point, value, quality, time_us)


def _publish_message(server: BuildingServer, topic: str, headers: bytes, body: bytes) -> None:
    import json

    from kittiwake_components.building_api.served.bridge import Item

    content = {"headers": json.loads(headers or b"{}"), "body": json.loads(body) if body else None}
    server.messages.publish(Item(topic, content))


def _publish_value(server: BuildingServer, point: str, value: str, quality: Quality, time_us: int) -> None:
    import json

    from kittiwake_components.building_api.served.bridge import Item

    content = {"value": json.loads(value or "null"), "quality": quality.name.lower(), "time_us": time_us}
    server.values.publish(Item(point, content))
