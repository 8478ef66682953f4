"""Offers channels and parameters to building systems as BACnet objects: off unless it has an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    ACTIVITY_HI,
    U8,
    U32,
    WARNING_LO,
    ActiveComponent,
    Bool,
    Channel,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    Size,
    event,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import CmdResponse, Com, Sched
from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.link_address import names_loopback
from kittiwake.wire.packets import command_packet
from kittiwake_components.asyncio_thread import AsyncioThread
from kittiwake_components.bacnet_server.offers import (
    Offer,
    Outcome,
    Plain,
    check_address,
    check_numbers,
    offer_channel,
    offer_parameter,
    value_of,
)
from kittiwake_components.command_calls import CommandCalls
from kittiwake_components.ports.value import TlmGet

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from kittiwake.runtime.loop import Timer
    from kittiwake_components.bacnet_server.objects import BuildingServer

NAME_SIZE = 100
REASON_SIZE = 160
VALUE_SIZE = 60
U32_MAX = 0xFFFFFFFF
LAST_INSTANCE = 4_194_302

WRITE_LIMIT_S = 2.0
"""How long a parameter's command may take; clients of BACnet wait 3 s as a rule."""

WAITING_LIMIT = 16
"""The most writes that wait for their command."""

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
"""From one try to have the address to the next; the pauses double."""

Reason = Annotated[str, Size(REASON_SIZE)]
Name = Annotated[str, Size(NAME_SIZE)]


class Write(NamedTuple):
    """What a building system wants of a parameter; `answer` is called once."""

    offer: Offer
    value: Plain
    priority: int
    client: str
    answer: Callable[[Outcome], object]


class BacnetServer(ActiveComponent):
    """A BACnet device whose objects are channels, read-only, and parameters, which are written by their commands."""

    THREAD_SIDE = ("_server", "_requests", "_request")

    tlm_get = OutputPort(TlmGet, doc="The latest values of channels, from the telemetry store.")
    com_cmd_out = OutputPort(Com, doc="Commands that set parameters; `context` comes back in the answer.")

    objects = Channel(U32, on_change=True, doc="Objects that are offered.")
    subscriptions = Channel(U32, on_change=True, doc="Subscriptions to changes that are in force.")
    writes = Channel(U32, on_change=True, doc="Writes since the start that a parameter took.")
    refused = Channel(U32, on_change=True, doc="Writes since the start that were refused.")

    writable = Parameter(Bool, default=True, doc="Whether building systems may write the parameters that are offered.")

    address = Setting(
        str,
        default="",
        check=check_address,
        doc="Where it listens: 127.0.0.1:47808, or 192.168.1.5/24:47808 to be found; empty: nowhere.",
    )
    open_network = Setting(
        bool, default=False, doc="Whether the address may be other than loopback. BACnet knows no passwords."
    )
    instance = Setting(int, default=1, low=0, high=LAST_INSTANCE, doc="The device's number, of its own in the network.")
    device_name = Setting(str, default="", doc="The device's name; empty: the deployment's.")
    channels = Setting(
        dict[str, int],
        default={},
        check=check_numbers,
        doc="The channels that are offered, each with its object's number.",
    )
    parameters = Setting(
        dict[str, int], default={}, check=check_numbers, doc="The same for parameters, which can be written."
    )
    cov_increment = Setting(
        float, default=0.1, low=0.0, high=1e9, doc="By how much a number changes before subscribers are told."
    )

    @event(ACTIVITY_HI, "BACnet device {instance} listens on {address} with {objects} objects")
    def bacnet_listening(self, instance: U32, address: Annotated[str, Size(80)], objects: U32) -> None: ...

    @event(WARNING_LO, "No BACnet service: {reason}", throttle=5, every_s=3600.0)
    def bacnet_failed(self, reason: Reason) -> None: ...

    @event(WARNING_LO, "{name} is not offered: {reason}")
    def offer_refused(self, name: Name, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "{client} set {name} to {value} with priority {priority}", throttle=100, every_s=60.0)
    def parameter_written(
        self, client: Name, name: Name, value: Annotated[str, Size(VALUE_SIZE)], priority: U8
    ) -> None: ...

    @event(WARNING_LO, "{client} could not set {name}: {reason}", throttle=10, every_s=60.0)
    def write_refused(self, client: Name, name: Name, reason: Reason) -> None: ...

    def initialize(self) -> None:
        self._commands = CommandCalls(self.clock)
        self._offers: list[Offer] = []
        self._shown: dict[int, Plain | None] = {}
        self._thread: AsyncioThread | None = None
        self._server: BuildingServer | None = None
        self._requests: dict[int, Future[Outcome]] = {}
        self._request = 0
        self._listens = False
        self._waiting: dict[int, Write] = {}
        self._number = 0
        self._pause_s = FIRST_RETRY_S
        self._retry: Timer | None = None
        self._writes = self._refusals = 0

    def start(self) -> None:
        if not self.address:
            return
        self._find_offers()
        reason = self._obstacle()
        if reason:
            self.bacnet_failed(reason)
            return
        self._thread = AsyncioThread("bacnet-server", self.platform)
        self._open()

    def stop(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._thread is not None:
            thread, self._thread, self._listens = self._thread, None, False
            thread.begin(self._close, lambda _: thread.stop())

    def _obstacle(self) -> str:
        """Why it does not listen, empty if nothing keeps it from that."""
        if not self.platform.has_threads:
            return "it needs real time"
        if not names_loopback(self.address.partition("/")[0]) and not self.open_network:
            return f"{self.address} is open to the network, which open_network has to allow"
        return ""

    def _find_offers(self) -> None:
        instances = self._context.deployment.instances
        taken: set[str] = set()
        for offered, find in ((self.channels, offer_channel), (self.parameters, offer_parameter)):
            for name, number in offered.items():
                try:
                    offer = find(name, number, instances)
                    if offer.object_identifier in taken:
                        raise LookupError(f"there is a {offer.object_identifier} already")
                except LookupError as fault:
                    self.offer_refused(name, str(fault.args[0]))
                    continue
                taken.add(offer.object_identifier)
                self._offers.append(offer)
        self.objects = len(self._offers)

    # The service

    def _open(self) -> None:
        if self._thread is not None:
            loop = self._context.loop
            self._thread.begin(self._serve, lambda result: loop.resume(self._opened, *_port_or_reason(result)))

    async def _serve(self) -> int:
        """Begins to serve, and gives the port; in the thread, where bacpypes3 is imported."""
        from kittiwake_components.bacnet_server.objects import BuildingServer

        server = BuildingServer(self._offers, self.cov_increment, self._command)
        port = await server.open(self.address, self.instance, self.device_name or self._context.deployment.name)
        self._server = server
        return port

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.close()

    def _opened(self, port: int, reason: str) -> None:
        if self._thread is None:
            return
        if reason:
            self.bacnet_failed(reason)
            self._retry = self.clock.call_after(self._pause_s, self._open)
            self._pause_s = min(self._pause_s * 2, LAST_RETRY_S)
            return
        self._pause_s = FIRST_RETRY_S
        self._listens = True
        self._shown = {}
        self._show()
        self.bacnet_listening(self.instance, f"{self.address.partition(':')[0]}:{port}", len(self._offers))

    def listens(self) -> bool:
        """Whether it serves."""
        return self._listens

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Shows the values that have changed."""
        self._show()

    def _show(self) -> None:
        if not self._listens or self._thread is None:
            return
        changes = {}
        for position, offer in enumerate(self._offers):
            value = self._value(offer)
            if position not in self._shown or self._shown[position] != value:
                changes[position] = self._shown[position] = value
        self._thread.call(self._show_there, changes)

    def _show_there(self, changes: dict[int, Plain | None]) -> None:
        if self._server is not None:
            self._context.loop.post(self._count_subscriptions, self._server.show(changes))

    def _count_subscriptions(self, count: int) -> None:
        self.subscriptions = count

    def _value(self, offer: Offer) -> Plain | None:
        if offer.owner is not None:
            return offer.shown(getattr(offer.owner, offer.attribute))
        return value_of(offer, self.tlm_get(offer.channel) if self.is_connected(BacnetServer.tlm_get) else b"")

    # Writes

    async def _command(self, offer: Offer, value: Plain, priority: int, client: str) -> Outcome:
        """Has a parameter set; in the thread, while the loop carries it out."""
        from asyncio import get_running_loop

        self._request = request = self._request + 1
        outcome: Future[Outcome] = get_running_loop().create_future()
        self._requests[request] = outcome
        place = next(place for place, one in enumerate(self._offers) if one is offer)
        try:
            if not self._context.loop.post(self._take_request, request, place, value, priority, client):
                return Outcome.FAILED
            return await outcome
        finally:
            del self._requests[request]

    def _settle(self, request: int, result: Outcome) -> None:
        """In the thread."""
        outcome = self._requests.get(request)
        if outcome is not None and not outcome.done():
            outcome.set_result(result)

    def _take_request(self, request: int, place: int, value: Plain, priority: int, client: str) -> None:
        """A write has come; on the deployment's loop."""

        def answer(result: Outcome) -> None:
            if self._thread is not None:
                self._thread.call(self._settle, request, result)

        self.take_write(Write(self._offers[place], value, priority, client, answer))

    def take_write(self, write: Write) -> None:
        """Carries out a write; it is answered in any case. On the deployment's loop."""
        if not self.writable:
            self._refuse(write, Outcome.DENIED, "WRITABLE is false")
        elif len(self._waiting) >= WAITING_LIMIT:
            self._refuse(write, Outcome.FAILED, f"{WAITING_LIMIT} writes wait already")
        else:
            self._number = self._number % U32_MAX + 1
            self._waiting[self._number] = write
            self._carry_out(self._number)

    @internal_port(full="hook")
    async def _carry_out(self, number: U32) -> None:
        write = self._waiting[number]
        try:
            await self._set(write)
        finally:
            del self._waiting[number]

    def _carry_out_overflow(self, number: int) -> None:
        self._refuse(self._waiting.pop(number), Outcome.FAILED, "too many messages wait")

    async def _set(self, write: Write) -> None:
        """Sends the set command, and answers with what came of it."""
        offer = write.offer
        try:
            packet = command_packet(offer.opcode, offer.packed(write.value))
        except ValueError as fault:
            self._refuse(write, Outcome.OUT_OF_RANGE, str(fault))
            return
        if not self.is_connected(BacnetServer.com_cmd_out):
            self._refuse(write, Outcome.FAILED, "com_cmd_out is not connected to the dispatcher")
            return
        reason = await self._commands.send(self.com_cmd_out, packet, WRITE_LIMIT_S)
        if reason:
            invalid = reason == CommandResponse.VALIDATION_ERROR.name
            self._refuse(write, Outcome.OUT_OF_RANGE if invalid else Outcome.FAILED, reason)
            return
        self._writes += 1
        self.writes = self._writes & U32_MAX
        self.parameter_written(write.client, offer.name, str(write.value), write.priority)
        write.answer(Outcome.DONE)

    def _refuse(self, write: Write, outcome: Outcome, reason: str) -> None:
        self._refusals += 1
        self.refused = self._refusals & U32_MAX
        self.write_refused(write.client, write.offer.name, reason)
        write.answer(outcome)

    @sync_port(CmdResponse)
    def cmd_response_in(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """The answer to a command; `sequence` is what was sent as its context."""
        self._commands.answered(sequence, response)


def _port_or_reason(result: Any) -> tuple[int, str]:
    """The port on which it listens, or why it does not."""
    return (0, str(result) or type(result).__name__) if isinstance(result, BaseException) else (result, "")
