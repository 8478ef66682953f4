"""The XML-RPC facade for supervisors outside, as RustiqIOT's AdminEmbedded offers it: off unless it is switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    ACTIVITY_HI,
    DIAGNOSTIC,
    U32,
    WARNING_LO,
    ActiveComponent,
    Channel,
    OutputPort,
    OutputPortArray,
    Parameter,
    Setting,
    Size,
    event,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import CmdResponse, Com
from kittiwake.storage.root import reason_of
from kittiwake.wire.link_address import names_loopback, parse_link
from kittiwake_components.admin_facade.client import Client
from kittiwake_components.admin_facade.rpc import (
    APPLICATION_ERROR,
    INVALID_PARAMETERS,
    MAX_BODY,
    SYSTEM_ERROR,
    UNKNOWN_METHOD,
    RpcFault,
    read_call,
    write_fault,
    write_result,
)
from kittiwake_components.caller_connection import Callers
from kittiwake_components.command_calls import CommandCalls
from kittiwake_components.expressions import SERVICES, Expressions, check_services, is_call
from kittiwake_components.ports.service import CallService, ServiceFault, parse_call

if TYPE_CHECKING:
    from kittiwake.model import CommandResponse
    from kittiwake.platform.interface import Stream
    from kittiwake.wire.http_requests import Request

REASON_SIZE = 120
TARGETS = ("/", "/RPC2")
METHODS = ("get_machine_id", "call_service", "execute_command")
U32_MAX = 0xFFFFFFFF

Reason = Annotated[str, Size(REASON_SIZE)]


def _check_url(url: str) -> None:
    if not url:
        return
    address = parse_link(url)
    if address.kind != "tcp-listen" or not address.is_local:
        raise ValueError(f"the facade listens on this machine alone: tcp-listen://127.0.0.1:8003, not {url}")


def _check_identity(text: str) -> None:
    parse_call(text)


class AdminFacade(ActiveComponent):
    """`get_machine_id`, `call_service` and `execute_command` over XML-RPC, on the loopback interface.

    Whoever reaches it may command the device as the ground may. Results are JSON text; what fails is a fault with its
    reason.
    """

    com_cmd_out = OutputPort(Com, doc="Commands; `context` comes back in the answer.")
    call_service = OutputPortArray(CallService, SERVICES, doc="The services that the setting `services` names.")

    connections = Channel(U32, on_change=True, doc="Connections that are open.")
    requests = Channel(U32, on_change=True, doc="Calls since the start.")
    faults = Channel(U32, on_change=True, doc="Calls that were answered with a fault.")
    refused = Channel(U32, on_change=True, doc="Requests that were no calls, or connections that were given up.")

    command_timeout_s = Parameter(U32, default=30, low=1, high=3600, unit="s", doc="For a command's answer.")
    request_timeout_s = Parameter(
        U32, default=60, low=1, high=3600, unit="s", doc="A connection without a whole request for so long is closed."
    )

    url = Setting(
        str, default="", check=_check_url, doc="Where it listens: tcp-listen://127.0.0.1:8003; empty for nowhere."
    )
    services = Setting(list[str], default=[], check=check_services, doc="Names of the services at `call_service`.")
    identity = Setting(
        str, default="enrollment.get_machine_id()", check=_check_identity,
        doc="The call that gives the machine's id.",
    )  # fmt: skip

    @event(ACTIVITY_HI, "Administration listens on {address}")
    def facade_listening(self, address: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "Administration: {reason}", throttle=3, every_s=60.0)
    def facade_failed(self, reason: Reason) -> None: ...

    @event(DIAGNOSTIC, "Asked from outside: {what}", throttle=100, every_s=60.0)
    def asked_from_outside(self, what: Reason) -> None: ...

    @event(WARNING_LO, "A call from outside failed: {reason}", throttle=10, every_s=60.0)
    def call_failed(self, reason: Reason) -> None: ...

    @event(WARNING_LO, "A request was refused: {reason}", throttle=10, every_s=60.0)
    def request_refused(self, reason: Reason) -> None: ...

    def initialize(self) -> None:
        self._expressions = Expressions(self._context.deployment.instances, self.services)
        self._commands = CommandCalls(self.clock)
        self._callers = Callers(self._connect, self._count, self._refuse)
        self._waiting: dict[int, tuple[Client, Request]] = {}
        self._number = 0
        self._requests = self._faults = self._refusals = 0

    def start(self) -> None:
        if self.url:
            address, poller = parse_link(self.url), self._context.loop.poller
            self._callers.listen(address, self.platform, self.clock, poller, self.facade_failed)
            if self._callers.port:
                self.facade_listening(f"{address.host}:{self._callers.port}")

    def stop(self) -> None:
        self._callers.close()

    def listening_port(self) -> int:
        """The port that is listened on, 0 for none."""
        return self._callers.port

    # Connections

    def _connect(self, stream: Stream) -> Client:
        limit_s = float(self.request_timeout_s)
        return Client(
            stream, self._context.loop.poller, self.clock, MAX_BODY, limit_s, self._asked, self._callers.ended
        )

    def _count(self, connections: int) -> None:
        self.connections = connections

    def _refuse(self, reason: str) -> None:
        self._refusals += 1
        self.refused = self._refusals & U32_MAX
        self.request_refused(reason)

    def _asked(self, client: Client, request: Request) -> None:
        status, reason = _judge(request)
        if status != 200:
            self._refuse(reason)
            client.answer(status, f"{reason}\n".encode())
            return
        self._number = self._number % U32_MAX + 1
        self._waiting[self._number] = client, request
        self._serve(self._number)

    @internal_port(full="hook")
    async def _serve(self, number: U32) -> None:
        client, request = self._waiting.pop(number)
        self._requests += 1
        self.requests = self._requests & U32_MAX
        try:
            method, parameters = read_call(request.body)
            self.asked_from_outside(f"{method}{parameters!r}")
            body = write_result(await self._answer(method, parameters))
        except RpcFault as fault:
            self._faults += 1
            self.faults = self._faults & U32_MAX
            self.call_failed(str(fault))
            body = write_fault(fault)
        client.answer(200, body, "text/xml")

    def _serve_overflow(self, number: int) -> None:
        client, _ = self._waiting.pop(number)
        self._refuse("too many calls at a time")
        client.answer(503, b"too many calls at a time\n")

    # Calls

    async def _answer(self, method: str, parameters: tuple[Any, ...]) -> str:
        """The result of a call as JSON. Raises `RpcFault`."""
        match method, parameters:
            case "get_machine_id", ():
                return self._called(self.identity)
            case "call_service", (str(service), str(name), *arguments):
                return self._json(lambda: self._expressions.call(self.call_service, service, name, arguments))
            case "execute_command", (str(text),):
                return self._called(text) if is_call(text) else await self._commanded(text)
        if method in METHODS:
            raise RpcFault(INVALID_PARAMETERS, f"{method} does not take such parameters")
        raise RpcFault(UNKNOWN_METHOD, f"there is no method {method}: {', '.join(METHODS)}")

    def _called(self, text: str) -> str:
        return self._json(lambda: self._expressions.call_text(self.call_service, text))

    def _json(self, call: Any) -> str:
        import json

        try:
            return json.dumps(call())
        except (ServiceFault, LookupError) as fault:
            raise RpcFault(APPLICATION_ERROR, str(fault)) from None
        except OSError as fault:
            raise RpcFault(SYSTEM_ERROR, reason_of(fault)) from None

    async def _commanded(self, line: str) -> str:
        try:
            packet = self._expressions.packet_of(line)
            reason = await self._commands.send(self.com_cmd_out, packet, self.command_timeout_s)
        except (ValueError, LookupError) as fault:
            raise RpcFault(APPLICATION_ERROR, str(fault)) from None
        if reason:
            raise RpcFault(APPLICATION_ERROR, f"{line.split(' ', maxsplit=1)[0]}: {reason}")
        return '"OK"'

    @sync_port(CmdResponse)
    def cmd_response_in(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """The answer to a command; `sequence` is what was sent as its context."""
        self._commands.answered(sequence, response)


def _judge(request: Request) -> tuple[int, str]:
    """The status of a request that is no call, and why.

    A page in a browser on this machine must not reach the facade: it cannot send XML without asking first, it says
    where it comes from, and a name that was bent to this machine is not among the local ones.
    """
    if request.target not in TARGETS:
        return 404, "calls go to /"
    if request.method != "POST":
        return 405, "a call is a POST"
    if request.fields.get("content-type", "").partition(";")[0].strip().lower() not in ("text/xml", "application/xml"):
        return 415, "a call is text/xml"
    if "origin" in request.fields:
        return 403, "pages in a browser are not served"
    if not names_loopback(request.fields.get("host", "")):
        return 403, "the facade goes by the name of localhost"
    return 200, ""
