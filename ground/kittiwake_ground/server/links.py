"""The ground's end of a link for asyncio: TCP either way, UDP or a serial line, with an honest account of its state."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from kittiwake.platform.system_network import SystemNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kittiwake.platform.interface import Listener, Network, Stream
    from kittiwake.wire.link_address import LinkAddress

CHUNK_SIZE = 65536
CONNECT_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 10.0
"""How long a send waits for room: a peer that takes nothing for so long is taken for dead."""

DOWN, CONNECTING, UP = "down", "connecting", "up"
"""States of a link. One without connections (UDP, serial) is `up` once something sound has come."""

SILENT_AFTER_S = 10.0
"""A link that is up is silent after so long without a packet."""


class LinkDown(ConnectionError):
    """The link could not be made, or is gone; the message says why."""


class LinkReplaced(LinkDown):
    """Another connection has taken the place of the one before, and is there already."""


class LinkReport(NamedTuple):
    """How a link stands. Times are microseconds since 1970 by the ground's clock, 0 for never; counters since start.

    `since_us` is when `state` began. `sent_bytes` and `received_bytes` are on the wire. `spi` is the key that commands
    are signed with, `None` if they are not; `accepted` the last sequence number that the deployment has said, `None` if
    it has said none; `resynchronisations` how often the ground's number was put right by that.
    """

    address: str
    state: str
    since_us: int
    reason: str
    last_packet_us: int
    silent: bool
    connections: int
    sent_bytes: int
    received_bytes: int
    frames: int
    packets: int
    crc_errors: int
    gaps: int
    skipped_bytes: int
    undecodable: int
    spi: int | None = None
    accepted: int | None = None
    resynchronisations: int = 0


class AsyncLink:
    """One link, made by `connect` and made again by another `connect`. For one reader and any number of writers."""

    def __init__(self, address: LinkAddress, network: Network | None = None) -> None:
        self.address = address
        self.sent_bytes = 0
        self.received_bytes = 0
        self._network = SystemNetwork() if network is None else network
        self._stream: Stream | None = None
        self._listener: Listener | None = None
        self._writing = asyncio.Lock()
        self._waits: set[asyncio.Future[None]] = set()
        """Who waits for the connection that there is, in reading or writing."""

    @property
    def has_connections(self) -> bool:
        """Whether the kind of link knows if somebody is at the other end."""
        return self.address.kind in ("tcp", "tcp-listen")

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return self._stream is not None

    async def connect(self) -> None:
        """Makes the link; one that listens waits for whoever connects. Raises `LinkDown`."""
        self.drop()
        address = self.address
        loop = asyncio.get_running_loop()
        try:
            if address.kind == "tcp-listen":
                self._stream = await self._accepted()
                return
            # Looking up a name blocks, so all that opens something does it in a thread.
            opening = loop.run_in_executor(None, self._open)
            try:
                stream = await asyncio.shield(opening)
            except asyncio.CancelledError:
                opening.add_done_callback(_close_late)
                raise
        except (OSError, ValueError) as fault:
            raise LinkDown(getattr(fault, "strerror", None) or str(fault)) from None
        if address.kind == "tcp":
            await self._established(stream)
        self._stream = stream

    def _open(self) -> Stream:
        address = self.address
        if address.kind == "tcp":
            return self._network.connect_tcp(address.host, address.port)
        if address.kind == "udp":
            own_host = "127.0.0.1" if address.is_local else "0.0.0.0"
            return self._network.open_udp(own_host, address.listen, (address.host, address.port))
        return self._network.open_serial(address.device, address.baud)

    async def _established(self, stream: Stream) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):  # wait_for of Python 3.11 can lose a cancellation
                await _writable(stream)
            stream.send(b"")  # raises what the connection failed with
        except TimeoutError:
            stream.close()
            raise LinkDown("nobody answers") from None
        except OSError as fault:
            stream.close()
            raise LinkDown(fault.strerror or str(fault)) from None
        except asyncio.CancelledError:
            stream.close()
            raise

    async def _accepted(self) -> Stream:
        if self._listener is None:
            self._listener = self._network.listen_tcp(self.address.host, self.address.port)
        while True:
            await _readable(self._listener)
            stream = self._listener.accept()
            if stream is not None:
                return stream

    async def receive(self) -> bytes:
        """What comes next, never empty. Raises `LinkDown`.

        On a link that listens a new connection replaces the old one: a deployment that was cut off comes back so.
        """
        while True:
            stream = self._stream
            if stream is None:
                raise LinkDown("not connected")
            with self._waiting() as wait:
                await _readable(stream, *([self._listener] if self._listener is not None else []), future=wait)
            if self._stream is not stream:
                raise LinkDown("the connection broke while something was sent")
            if self._listener is not None:
                newer = self._listener.accept()
                if newer is not None:
                    self.drop()
                    self._stream = newer
                    raise LinkReplaced("the deployment has connected anew")
            try:
                data = stream.receive(CHUNK_SIZE)
            except OSError as fault:
                raise self._lost(fault.strerror or str(fault)) from None
            if data == b"":
                raise self._lost("the deployment closed it")
            if data:
                self.received_bytes += len(data)
                return data

    async def send(self, data: bytes) -> None:
        """Sends all of `data`. Raises `LinkDown`, also if nothing is taken for `SEND_TIMEOUT_S`."""
        async with self._writing:
            while data:
                stream = self._stream
                if stream is None:
                    raise LinkDown("not connected")
                try:
                    sent = stream.send(data)
                except OSError as fault:
                    raise self._lost(fault.strerror or str(fault)) from None
                self.sent_bytes += sent
                data = data[sent:]
                if data:
                    try:
                        with self._waiting() as wait:
                            async with asyncio.timeout(SEND_TIMEOUT_S):
                                await _writable(stream, future=wait)
                    except TimeoutError:
                        raise self._lost(f"nothing was taken for {SEND_TIMEOUT_S:.0f} s") from None
                    if self._stream is not stream:
                        raise LinkDown("the connection broke while something was sent")

    @contextmanager
    def _waiting(self) -> Iterator[asyncio.Future[None]]:
        """A future for as long as somebody waits, which the end of the connection wakes as well."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waits.add(future)
        try:
            yield future
        finally:
            self._waits.discard(future)

    def _lost(self, reason: str) -> LinkDown:
        self.drop()
        return LinkDown(reason)

    def drop(self) -> None:
        """Gives up the connection; a listening socket stays."""
        if self._stream is not None:
            _forget(self._stream.fileno())
            self._stream.close()
            self._stream = None
            for wait in self._waits:
                _woken(wait)

    def close(self) -> None:
        """Gives everything back."""
        self.drop()
        if self._listener is not None:
            _forget(self._listener.fileno())
            self._listener.close()
            self._listener = None


def _close_late(opening: asyncio.Future[Stream]) -> None:
    """Closes what was opened when nobody wanted it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _forget(fileno: int) -> None:
    if fileno >= 0:
        loop = asyncio.get_running_loop()
        loop.remove_reader(fileno)
        loop.remove_writer(fileno)


def _woken(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _readable(*sources: Stream | Listener, future: asyncio.Future[None] | None = None) -> None:
    loop = asyncio.get_running_loop()
    await _wait(loop.add_reader, loop.remove_reader, *sources, future=future)


async def _writable(stream: Stream, future: asyncio.Future[None] | None = None) -> None:
    loop = asyncio.get_running_loop()
    await _wait(loop.add_writer, loop.remove_writer, stream, future=future)


async def _wait(
    add: Callable[..., None],
    remove: Callable[[int], bool],
    *sources: Stream | Listener,
    future: asyncio.Future[None] | None,
) -> None:
    future = asyncio.get_running_loop().create_future() if future is None else future
    numbers = [source.fileno() for source in sources]
    for number in numbers:
        add(number, _woken, future)
    try:
        await future
    finally:
        for number, source in zip(numbers, sources, strict=True):
            if source.fileno() == number:  # a closed one was forgotten, and its number may be another's
                remove(number)
