"""Sockets and serial ports of the machine; what each kind needs is imported when the first of it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.system_serial import SerialStream
    from kittiwake.platform.system_sockets import TcpListener, TcpStream, UdpStream


class SystemNetwork:
    """TCP, UDP and serial. A host is an address; a name is looked up at once, which may block for seconds."""

    __slots__ = ()

    def connect_tcp(self, host: str, port: int) -> TcpStream:
        """Starts to connect. Raises `OSError` only if the host is unknown; other failures show in `receive`."""
        from kittiwake.platform.system_sockets import connect_tcp

        return connect_tcp(host, port)

    def listen_tcp(self, host: str, port: int) -> TcpListener:
        """Listens; port 0 takes a free one. Raises `OSError`."""
        from kittiwake.platform.system_sockets import listen_tcp

        return listen_tcp(host, port)

    def open_udp(self, host: str, port: int, peer: tuple[str, int]) -> UdpStream:
        """A datagram socket bound to host and port that sends to `peer` and hears anyone. Raises `OSError`."""
        from kittiwake.platform.system_sockets import open_udp

        return open_udp(host, port, peer)

    def open_serial(self, device: str, baud: int) -> SerialStream:
        """A serial port, raw, 8N1, for this process alone. Raises `OSError`, or `ValueError` for an odd baud rate."""
        from kittiwake.platform.system_serial import SerialStream

        return SerialStream(device, baud)
