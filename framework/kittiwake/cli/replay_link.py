"""The downlink of a recorded flight, sent once more to a ground station, which only listens."""

from __future__ import annotations

import socket
import time

from kittiwake.cli.outcome import Misuse
from kittiwake.platform.interface import NS_PER_S
from kittiwake.wire.link_address import LinkAddress, LinkAddressFault, parse_link

CONNECT_LIMIT_S = 10.0
CLOSE_LIMIT_S = 2.0
READ_BYTES = 1 << 16


class ReplayedLink:
    """A connection to a ground: `send` waits until it is time, at `speed` times the pace of the flight (0: at once).

    What the ground sends is read and thrown away: the flight has had its commands.
    """

    def __init__(self, address: str, speed: float) -> None:
        """Connects, or waits until somebody has. Raises `Misuse` and `OSError`."""
        try:
            link = parse_link(address)
        except LinkAddressFault as fault:
            raise Misuse(str(fault)) from None
        if link.kind not in ("tcp", "tcp-listen"):
            raise Misuse(f"--link wants tcp://HOST:PORT or tcp-listen://HOST:PORT, not {address!r}")
        self._speed = speed
        self._socket = _connect(link)
        self._began_ns: tuple[int, int] | None = None
        self.sent_bytes = 0

    def send(self, time_ns: int, data: bytes) -> None:
        """Sends what the flight sent at that time since boot. Raises `OSError` once the ground has gone."""
        if self._began_ns is None:
            self._began_ns = time_ns, time.monotonic_ns()
        if self._speed:
            flight_ns, real_ns = self._began_ns
            due_ns = real_ns + round((time_ns - flight_ns) / self._speed)
            while (left_ns := due_ns - time.monotonic_ns()) > 0:
                self._read(min(left_ns / NS_PER_S, 0.5))
        self._read(0.0)
        self._socket.settimeout(None)
        self._socket.sendall(data)
        self.sent_bytes += len(data)

    def _read(self, limit_s: float) -> None:
        self._socket.settimeout(limit_s)
        began_s = time.monotonic()
        try:
            if not self._socket.recv(READ_BYTES):
                time.sleep(max(0.0, limit_s - (time.monotonic() - began_s)))
        except (BlockingIOError, TimeoutError):
            pass

    def close(self) -> None:
        """Ends the connection, once the ground has heard all: what it said and nobody read would else break it off."""
        with self._socket:
            end_s = time.monotonic() + CLOSE_LIMIT_S
            try:
                self._socket.shutdown(socket.SHUT_WR)
                self._socket.settimeout(CLOSE_LIMIT_S)
                while self._socket.recv(READ_BYTES) and time.monotonic() < end_s:
                    pass
            except OSError:
                return  # it has gone first


def _connect(link: LinkAddress) -> socket.socket:
    if link.kind == "tcp":
        return socket.create_connection((link.host, link.port), CONNECT_LIMIT_S)
    with socket.create_server((link.host, link.port)) as listening:
        print(f"waiting for a ground at tcp://{link.host}:{listening.getsockname()[1]}", flush=True)
        return listening.accept()[0]
