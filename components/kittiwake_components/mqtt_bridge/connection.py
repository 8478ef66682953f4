"""One connection to a broker, from its begin to its end; in the bridge's thread, with aiomqtt."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from ssl import SSLContext, create_default_context
from typing import TYPE_CHECKING

from aiomqtt import Client, MqttError, Will

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Mapping
    from typing import Any

    from kittiwake_components.mqtt_bridge.entities import Entity, Topics
    from kittiwake_components.mqtt_bridge.outbox import Message, Outbox

KEEPALIVE_S = 30
TIMEOUT_S = 10.0
GOODBYE_S = 2.0
INCOMING_LIMIT = 100
QOS = 1


class Access(NamedTuple):
    """Where the broker is, and how it is reached. `authorities` are certificates in PEM, empty: the system's."""

    host: str
    port: int
    is_tls: bool
    authorities: str
    user: str | None
    password: str | None

    def context(self) -> SSLContext | None:
        """What TLS needs; the broker's name is checked. Raises `ssl.SSLError` for what are no certificates."""
        return create_default_context(cadata=self.authorities or None) if self.is_tls else None


class Connection:
    """Publishes what is in the outbox, and hands commands on. `serve` returns by raising why it has ended."""

    def __init__(
        self, access: Access, topics: Topics, outbox: Outbox, commands: Mapping[str, Entity],
        take: Callable[[Entity, bytes, bool], object], tell: Callable[[], object],
    ) -> None:  # fmt: skip
        self._access = access
        self._topics = topics
        self._outbox = outbox
        self._commands = commands
        self._take = take
        self._tell = tell
        self._filled = asyncio.Event()

    def wake(self) -> None:
        """There is something in the outbox."""
        self._filled.set()

    async def serve(self) -> None:
        """Serves until the connection is lost or this is cancelled. Raises `MqttError`, `OSError` and `SSLError`."""
        asyncio.get_running_loop().set_exception_handler(_pass_over)
        access = self._access
        will = Will(self._topics.availability, "offline", qos=QOS, retain=True)
        client = Client(
            access.host, access.port, username=access.user, password=access.password, tls_context=access.context(),
            will=will, keepalive=KEEPALIVE_S, timeout=TIMEOUT_S, identifier=f"kittiwake-{self._topics.node}",
            clean_session=True, max_queued_incoming_messages=INCOMING_LIMIT,
        )  # fmt: skip
        async with client:
            try:
                await self._serve(client)
            finally:
                with suppress(MqttError, TimeoutError):
                    await asyncio.wait_for(self._say(client, "offline"), GOODBYE_S)

    async def _serve(self, client: Client) -> None:
        self._outbox.begin()
        await client.subscribe([(topic, QOS) for topic in (self._topics.configs, *self._commands)])
        await self._say(client, "online")
        self._tell()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send(client))
            group.create_task(self._receive(client))

    async def _say(self, client: Client, word: str) -> None:
        await client.publish(self._topics.availability, word, qos=QOS, retain=True)

    async def _send(self, client: Client) -> None:
        while True:
            self._filled.clear()
            message = self._outbox.take()
            if message is None:
                await self._filled.wait()
            else:
                await self._publish(client, message)

    async def _publish(self, client: Client, message: Message) -> None:
        """Returns when the broker has acknowledged it."""
        try:
            await client.publish(message.topic, message.payload, qos=QOS, retain=message.is_retained)
        except BaseException:
            self._outbox.put_back(message)
            raise

    async def _receive(self, client: Client) -> None:
        async for message in client.messages:
            topic, payload = str(message.topic), message.payload
            entity = self._commands.get(topic)
            if entity is not None:
                self._take(entity, bytes(payload), message.retain)
            elif message.retain and payload and not self._outbox.is_known(topic):
                await client.publish(topic, b"", qos=QOS, retain=True)  # an entity of before, which is no more


def _pass_over(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """Passes over futures that nobody has asked why the connection has ended: `serve` raises it."""
    if not isinstance(context.get("exception"), MqttError):
        loop.default_exception_handler(context)
