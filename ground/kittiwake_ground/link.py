"""The ground's end of a link: TCP either way, UDP or a serial line, used by one caller who waits.

Addresses are those of `kittiwake run --link`, seen from the ground: to a device with `tcp-listen://` the ground
connects with `tcp://`, and the other way round.
"""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

from kittiwake.platform.system_network import SystemNetwork
from kittiwake.wire.link_address import parse_link

if TYPE_CHECKING:
    from kittiwake.platform.interface import Listener, Stream
    from kittiwake.wire.link_address import LinkAddress

CHUNK_SIZE = 65536
RETRY_S = 0.2
SEND_TIMEOUT_S = 10.0
"""How long a send waits for room, in seconds: a peer that takes nothing for so long is taken for dead."""


class LinkLost(ConnectionError):
    """The link could not be made, or is gone; the message says which and why."""


class GroundLink:
    """A link that is made by `connect`, and made again by another `connect`."""

    def __init__(self, address: LinkAddress) -> None:
        self.address = address
        self._network = SystemNetwork()
        self._stream: Stream | None = None
        self._listener: Listener | None = None

    def __enter__(self) -> GroundLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, timeout_s: float) -> None:
        """Makes the link, trying again until it is there; UDP is at once. Raises `LinkLost` after `timeout_s`."""
        self.drop()
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._stream = self._open(deadline)
                return
            except (OSError, ValueError) as fault:
                reason = getattr(fault, "strerror", None) or str(fault)
            if time.monotonic() + RETRY_S >= deadline:
                raise LinkLost(f"{self.address}: {reason}")
            time.sleep(RETRY_S)

    def _open(self, deadline: float) -> Stream:
        address = self.address
        if address.kind == "tcp":
            return self._connected(self._network.connect_tcp(address.host, address.port), deadline)
        if address.kind == "tcp-listen":
            return self._accepted(deadline)
        if address.kind == "udp":
            own_host = "127.0.0.1" if address.is_local else "0.0.0.0"
            return self._network.open_udp(own_host, address.listen, (address.host, address.port))
        return self._network.open_serial(address.device, address.baud)

    def _connected(self, stream: Stream, deadline: float) -> Stream:
        try:
            _, writable, _ = select.select([], [stream], [], max(deadline - time.monotonic(), 0))
            if not writable:
                raise TimeoutError("nobody answers")
            stream.send(b"")  # raises what the connection failed with
        except BaseException:
            stream.close()
            raise
        return stream

    def _accepted(self, deadline: float) -> Stream:
        if self._listener is None:
            self._listener = self._network.listen_tcp(self.address.host, self.address.port)
        while True:
            readable, _, _ = select.select([self._listener], [], [], max(deadline - time.monotonic(), 0))
            if not readable:
                raise TimeoutError("no deployment has connected")
            stream = self._listener.accept()
            if stream is not None:
                return stream

    def receive(self, timeout_s: float) -> bytes:
        """What has come, waiting up to `timeout_s` for it; empty if nothing has. Raises `LinkLost`."""
        stream = self._there()
        readable, _, _ = select.select([stream], [], [], max(timeout_s, 0))
        if not readable:
            return b""
        try:
            data = stream.receive(CHUNK_SIZE)
        except OSError as fault:
            raise self._lost(fault.strerror or str(fault)) from None
        if data == b"":
            raise self._lost("the deployment closed it")
        return data or b""

    def send(self, data: bytes) -> None:
        """Sends all of `data`. Raises `LinkLost`, also if nothing is taken for `SEND_TIMEOUT_S`."""
        stream = self._there()
        while True:
            try:
                sent = stream.send(data)
            except OSError as fault:
                raise self._lost(fault.strerror or str(fault)) from None
            data = data[sent:]
            if not data:
                return
            if not select.select([], [stream], [], SEND_TIMEOUT_S)[1]:
                raise self._lost(f"nothing was taken for {SEND_TIMEOUT_S:.0f} s")

    def _there(self) -> Stream:
        if self._stream is None:
            raise LinkLost(f"{self.address}: not connected")
        return self._stream

    def _lost(self, reason: str) -> LinkLost:
        self.drop()
        return LinkLost(f"{self.address}: {reason}")

    def drop(self) -> None:
        """Gives up the connection; a listening socket stays."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """Gives everything back."""
        self.drop()
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def make_link(text: str) -> GroundLink:
    """The link of an address, not yet connected. Raises `LinkAddressFault`."""
    return GroundLink(parse_link(text))
