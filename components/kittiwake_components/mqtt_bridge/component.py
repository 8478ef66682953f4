"""Shows points and channels to an MQTT broker, for Home Assistant and its like: off unless it has an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    ACTIVITY_HI,
    U32,
    WARNING_LO,
    ActiveComponent,
    Bool,
    Channel,
    OutputPort,
    Parameter,
    Setting,
    Size,
    async_port,
    event,
    guarded_port,
    internal_port,
)
from kittiwake.model.fw import Sched
from kittiwake.storage.root import reason_of
from kittiwake.wire.link_address import names_loopback
from kittiwake_components.asyncio_thread import AsyncioThread
from kittiwake_components.bacnet_server.offers import BINARY, Offer, offer_channel, value_of
from kittiwake_components.mqtt_bridge.entities import (
    BINARY_SENSOR,
    SENSOR,
    BadCommand,
    Entity,
    Topics,
    by_topic,
    check_points,
    config_of,
    read_point,
)
from kittiwake_components.mqtt_bridge.outbox import Outbox
from kittiwake_components.platform_driver.values import packed, unpacked
from kittiwake_components.point_access import Calls, Value, WriteFault, packed_call, value_of_reply
from kittiwake_components.ports.platform_driver import PATH_SIZE, DriverCall, DriverReply, PointValue, Quality
from kittiwake_components.ports.value import TlmGet

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.mqtt_bridge.connection import Access, Connection

REASON_SIZE = 160
VALUE_SIZE = 60
CREDENTIALS_SIZE = 1000
AUTHORITIES_SIZE = 1 << 20
WAITING_LIMIT = 16
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 120.0
U32_MAX = 0xFFFFFFFF

Reason = Annotated[str, Size(REASON_SIZE)]
PointPath = Annotated[str, Size(PATH_SIZE)]


def check_address(address: str) -> None:
    """Raises `ValueError` for what is no address; empty means none."""
    host, _, port = address.rpartition(":")
    if address and not (host and port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError(f"an address is HOST:PORT, not {address}")


def check_level(text: str) -> None:
    """The check of a part of a topic. Raises `ValueError`."""
    if set(text) & set("/+# \0"):
        raise ValueError(f"{text!r} has characters that one level of a topic cannot have")


def pause_s(failures: int, chance: float) -> float:
    """How long to wait before the next try: doubling, and shortened by up to a half by chance (0 to 1)."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 30))
    return longest * (1.0 - chance / 2.0)


class MqttBridge(ActiveComponent):
    """Publishes points and channels with Home Assistant's discovery, and takes commands for the points that allow it.

    All is sent with QoS 1. Of each state the latest is kept and retained, so that after an outage the broker has what
    holds then; values in between, and commands that were given meanwhile, are lost.
    """

    THREAD_SIDE = ("_outbox", "_counts", "_connection")

    call_out = OutputPort(DriverCall, doc="Writes, which the platform driver checks.")
    tlm_get = OutputPort(TlmGet, doc="The latest values of channels, from the telemetry store.")

    connected = Channel(Bool, on_change=True, doc="Whether the broker is there.")
    entities = Channel(U32, on_change=True, doc="Points and channels that are shown.")
    replaced = Channel(U32, on_change=True, doc="Values since the start that gave way to later ones unsent.")
    dropped = Channel(U32, on_change=True, doc="Answers to commands since the start for which there was no room.")
    writes = Channel(U32, on_change=True, doc="Commands since the start that were carried out.")
    refused = Channel(U32, on_change=True, doc="Commands since the start that were not.")

    writable = Parameter(Bool, default=True, doc="Whether commands are taken.")

    address = Setting(str, default="", check=check_address, doc="The broker, as 127.0.0.1:1883; empty: none.")
    tls = Setting(bool, default=False, doc="Whether it speaks TLS.")
    open_network = Setting(bool, default=False, doc="Whether it may speak to other than loopback without TLS.")
    ca_file = Setting(str, default="", doc="A file in the root: authorities for TLS (PEM); empty: the system's.")
    credentials_file = Setting(str, default="", doc="A file in the root: a line with the user, one with the password.")
    base = Setting(str, default="kittiwake", check=check_level, doc="The first level of all its topics.")
    discovery = Setting(str, default="homeassistant", check=check_level, doc="Home Assistant's prefix for discovery.")
    node = Setting(
        str, default="", check=check_level, doc="A level of its own at the broker; empty: the deployment's name."
    )
    points = Setting(
        dict[str, str], default={}, check=check_points,
        doc="Points by path, and what each is: sensor [UNIT], binary_sensor, switch, number LOW HIGH [UNIT].",
    )  # fmt: skip
    channels = Setting(list[str], default=[], doc="Channels that are shown, by full name.")
    priority = Setting(int, default=14, low=1, high=16, doc="The BACnet priority of its writes.")

    @event(ACTIVITY_HI, "Connected to the broker at {address}")
    def broker_connected(self, address: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "No broker: {reason}", throttle=10, every_s=3600.0)
    def broker_lost(self, reason: Reason) -> None: ...

    @event(WARNING_LO, "{name} is not shown: {reason}")
    def entity_refused(self, name: PointPath, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "By MQTT: {point} set to {value}", throttle=100, every_s=60.0)
    def point_commanded(self, point: PointPath, value: Annotated[str, Size(VALUE_SIZE)]) -> None: ...

    @event(WARNING_LO, "By MQTT: {point} is not set: {reason}", throttle=20, every_s=60.0)
    def command_refused(self, point: PointPath, reason: Reason) -> None: ...

    def initialize(self) -> None:
        node = self.node or self._context.deployment.name
        self._topics = Topics(self.base, self.discovery, node)
        self._points = {entity.name: entity for entity in [read_point(*item) for item in self.points.items()]}
        self._offers: list[tuple[Entity, Offer]] = []
        self._outbox = Outbox()
        self._counts = (0, 0)
        self._sent: dict[str, tuple[Any, Quality]] = {}
        self._calls = Calls(self.clock, int.from_bytes(self.platform.random.token_bytes(4), "big"))
        self._thread: AsyncioThread | None = None
        self._connection: Connection | None = None
        self._waiting: dict[int, tuple[Entity, bytes]] = {}
        self._number = self._failures = self._writes = self._refusals = 0

    def start(self) -> None:
        if not self.address:
            return
        self._find_channels()
        reason = self._obstacle()
        if reason:
            self.broker_lost(reason)
            return
        self._thread = AsyncioThread("mqtt-bridge", self.platform)
        self._introduce()
        self._open()

    def stop(self) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread = self._connection = None

    def _obstacle(self) -> str:
        """Why it does not connect at all, empty if nothing keeps it from that."""
        if not self.platform.has_threads:
            return "it needs real time"
        if not names_loopback(self.address) and not self.tls and not self.open_network:
            return f"{self.address} without TLS is open to the network, which open_network has to allow"
        return ""

    def _find_channels(self) -> None:
        for name in self.channels:
            try:
                offer = offer_channel(name, 0, self._context.deployment.instances)
            except LookupError as fault:
                self.entity_refused(name, str(fault.args[0]))
                continue
            kind = BINARY_SENSOR if offer.kind == BINARY else SENSOR
            self._offers.append((Entity(name, kind, offer.description, is_channel=True), offer))
        self.entities = len(self._points) + len(self._offers)

    def _all(self) -> list[Entity]:
        return [*self._points.values(), *(entity for entity, _ in self._offers)]

    def _introduce(self) -> None:
        """Puts the configs into the outbox, before any state."""
        from kittiwake import __version__

        deployment = self._context.deployment
        for entity in self._all():
            config = config_of(entity, self._topics, deployment.name, __version__)
            self._in_thread(self._outbox.show, self._topics.config(entity), config)

    # The connection

    def _in_thread(self, function: Callable[..., object], *arguments: Any) -> None:
        if self._thread is not None:
            self._thread.call(function, *arguments)
            self._thread.call(self._wake)

    def _wake(self) -> None:
        """In the thread: there is something in the outbox."""
        counts = self._outbox.replaced, self._outbox.dropped
        if counts != self._counts:
            self._counts = counts
            self._context.loop.resume(self._counted, *counts)
        if self._connection is not None:
            self._connection.wake()

    def _open(self) -> None:
        if self._thread is None:
            return
        try:
            access = self._access()
        except (OSError, ValueError) as fault:
            self._ended(_reason_of(fault))
            return
        loop = self._context.loop
        self._thread.begin(lambda: self._serve(access), lambda result: loop.resume(self._ended, _reason_of(result)))

    def _access(self) -> tuple[str, int, str, str | None, str | None]:
        """Host, port, authorities, user, password. Raises `OSError`, `ValueError`."""
        host, _, port = self.address.rpartition(":")
        authorities = self._read(self.ca_file, AUTHORITIES_SIZE) if self.tls and self.ca_file else ""
        user = password = None
        if self.credentials_file:
            lines = self._read(self.credentials_file, CREDENTIALS_SIZE).splitlines()
            if len(lines) != 2:
                raise ValueError(f"{self.credentials_file} is not a line with the user and one with the password")
            user, password = lines
        return host, int(port), authorities, user, password

    def _read(self, name: str, limit: int) -> str:
        try:
            return self.platform.files.read(self.root.resolve(name), limit).decode()
        except OSError as fault:
            raise OSError(f"{name}: {reason_of(fault)}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{name} is no UTF-8") from None

    async def _serve(self, given: tuple[str, int, str, str | None, str | None]) -> None:
        """One connection; in the thread, where aiomqtt is imported."""
        from kittiwake_components.mqtt_bridge.connection import Access, Connection

        host, port, authorities, user, password = given
        access: Access = Access(host, port, self.tls, authorities, user, password)
        loop = self._context.loop

        def take(entity: Entity, payload: bytes, is_retained: bool) -> None:
            if not loop.post(self.take_command, entity, payload, is_retained):
                self._outbox.answer(self._topics.of(entity, "result"), b'{"error":"the deployment is busy"}')
                connection.wake()

        connection = Connection(
            access, self._topics, self._outbox, by_topic(self._all(), self._topics), take,
            lambda: loop.resume(self._connected),
        )  # fmt: skip
        self._connection = connection
        try:
            await connection.serve()
        finally:
            self._connection = None

    def _counted(self, replaced: int, dropped: int) -> None:
        """The outbox has counted."""
        self.replaced = replaced & U32_MAX
        self.dropped = dropped & U32_MAX

    def _connected(self) -> None:
        self._failures = 0
        self.connected = True
        self.broker_connected(self.address)

    def _ended(self, reason: str) -> None:
        if self._thread is None:
            return
        self.connected = False
        self.broker_lost(reason)
        pause = pause_s(self._failures, self.platform.random.uniform(0.0, 1.0))
        self._failures += 1
        self.clock.call_after(pause, self._open)

    # What is shown

    @guarded_port(PointValue)
    def value_in(self, point: str, value: str, quality: Quality, time_us: int) -> None:
        """A reading of a point; one that is not shown is passed over."""
        entity = self._points.get(point)
        if entity is not None and self._thread is not None:
            self._show(entity, unpacked(value) if value else None, quality, time_us)

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Shows the channels that have changed."""
        if self._thread is None or not self.is_connected(MqttBridge.tlm_get):
            return
        for entity, offer in self._offers:
            value = value_of(offer, self.tlm_get(offer.channel))
            quality = Quality.NEVER if value is None else Quality.GOOD
            self._show(entity, value, quality, self.clock.wall_ns() // 1000)

    def _show(self, entity: Entity, value: Value, quality: Quality, time_us: int) -> None:
        """Publishes a state that has changed."""
        topic = self._topics.of(entity, "state")
        if self._sent.get(topic) != (value, quality):
            self._sent[topic] = (value, quality)
            self._in_thread(self._outbox.show, topic, entity.state(value, quality, time_us))

    # Commands

    def take_command(self, entity: Entity, payload: bytes, is_retained: bool) -> None:
        """Has a command carried out; it is answered in any case. On the deployment's loop."""
        if is_retained:  # it would be carried out anew at each connection
            self._refuse(entity, "a command must not be retained")
        elif not self.writable:
            self._refuse(entity, "WRITABLE is false")
        elif len(self._waiting) >= WAITING_LIMIT:
            self._refuse(entity, f"{WAITING_LIMIT} commands wait already")
        else:
            self._number = self._number % U32_MAX + 1
            self._waiting[self._number] = (entity, payload)
            self._carry_out(self._number)

    @internal_port(full="hook")
    async def _carry_out(self, number: U32) -> None:
        entity, payload = self._waiting[number]
        try:
            value = entity.value_of(payload)
            taken = await self._write(entity, value)
        except (BadCommand, WriteFault) as fault:
            self._refuse(entity, str(fault))
        else:
            self._writes += 1
            self.writes = self._writes & U32_MAX
            self.point_commanded(entity.name, "null" if value is None else str(taken))
            self._answer(entity, {"value": taken})
        finally:
            del self._waiting[number]

    def _carry_out_overflow(self, number: int) -> None:
        entity, _ = self._waiting.pop(number)
        self._refuse(entity, "too many messages wait")

    async def _write(self, entity: Entity, value: Value) -> Value:
        if not self.is_connected(MqttBridge.call_out):
            raise WriteFault("RuntimeError", "call_out is not connected to the platform driver")
        arguments = packed_call({"point_id": entity.name, "body": {"value": value, "priority": self.priority}})
        answer = await self._calls.ask(lambda token: self.call_out(token, "write_point", arguments))
        taken: Value = value_of_reply(*answer)
        return taken

    def _refuse(self, entity: Entity, reason: str) -> None:
        self._refusals += 1
        self.refused = self._refusals & U32_MAX
        self.command_refused(entity.name, reason)
        self._answer(entity, {"error": reason[:REASON_SIZE]})

    def _answer(self, entity: Entity, members: dict[str, Any]) -> None:
        self._in_thread(self._outbox.answer, self._topics.of(entity, "result"), packed(members).encode())

    @async_port(DriverReply, priority=1, full="drop")
    def reply_in(self, token: int, status: int, etag: str, body: bytes) -> None:
        """A reply of the platform driver."""
        self._calls.answered(token, (status, body))


def _reason_of(result: Any) -> str:
    """Why a connection has ended, by what it raised."""
    while isinstance(result, BaseExceptionGroup):
        result = result.exceptions[0]
    return str(result) or type(result).__name__
