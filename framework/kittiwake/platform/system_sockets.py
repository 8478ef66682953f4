"""TCP and UDP without blocking, set for latency: TCP_NODELAY on, and acknowledgements sent at once where Linux can."""

from __future__ import annotations

import errno
import os
import socket
from struct import Struct

_BACKLOG = 8
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_SO_MEMINFO = 55  # linux/socket.h; the last of its nine U32 counts the datagrams that found no room
_MEMINFO = Struct("=9I")
_UDP_BUFFER = 1 << 20  # bytes; the system grants less where net.core.rmem_max is lower
_SILENCE_LIMIT_MS = 60_000
_RESET = Struct("=ii").pack(1, 0)  # struct linger: on, for no second
# A connection that died between its arrival and `accept` is not the listener's fault (accept(2)).
_ACCEPT_AGAIN = (errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH)


def _resolve(host: str, port: int, kind: socket.SocketKind) -> tuple[socket.AddressFamily, tuple[str, int]]:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
    return family, (str(address[0]), int(address[1]))


class TcpStream:
    """One TCP connection, under way or made."""

    __slots__ = ("_answered", "_failure", "_socket")

    def __init__(self, connection: socket.socket, failure: int = 0) -> None:
        self._socket = connection
        self._failure = failure
        self._answered = False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A peer that vanished without a word is given up after a minute; Linux by itself tries for a quarter hour.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_LIMIT_MS)

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed."""
        return self._socket.fileno()

    def receive(self, limit: int) -> bytes | None:
        """What has come; `None` if nothing has, `b""` if the peer has closed. Raises `OSError` if it failed."""
        if self._failure:
            raise OSError(self._failure, os.strerror(self._failure))
        try:
            data = self._socket.recv(limit)
        except BlockingIOError:
            return None
        if not self._answered and data and _QUICKACK is not None:
            # What is sent carries the acknowledgement with it; a peer that gets no answer waits for one of its own.
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)  # Linux takes it back by itself
        self._answered = False
        return data

    def send(self, data: bytes) -> int:
        """Takes as much as there is room for, 0 while connecting. Raises `OSError` if the connection is gone."""
        if self._failure:
            raise OSError(self._failure, os.strerror(self._failure))
        self._answered = True
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def overruns(self) -> int:
        """None: what finds no room is sent again."""
        return 0

    def close(self) -> None:
        """Closes; a second close does nothing."""
        self._socket.close()


class TcpListener:
    """A socket that others connect to."""

    __slots__ = ("_socket",)

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def address(self) -> tuple[str, int]:
        """The host and port that it listens on."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def accept(self) -> TcpStream | None:
        """The next connection, or `None` if none waits. Raises `OSError`, for instance EMFILE."""
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno in _ACCEPT_AGAIN:
                return None
            raise
        return TcpStream(connection)

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()


class UdpStream:
    """A bound datagram socket with one peer to send to."""

    __slots__ = ("_peer", "_socket")

    def __init__(self, bound: socket.socket, peer: tuple[str, int]) -> None:
        self._socket = bound
        self._peer = peer

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def address(self) -> tuple[str, int]:
        """The host and port that it is bound to."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def receive(self, limit: int) -> bytes | None:
        """One datagram, cut at `limit` bytes, or `None`. An empty one is passed over: `b""` means closed."""
        try:
            while not (data := self._socket.recv(limit)):
                pass
        except BlockingIOError:
            return None
        return data

    def send(self, data: bytes) -> int:
        """Sends one datagram: all of it or, without room, none. Raises `OSError` (EMSGSIZE, ENETUNREACH)."""
        try:
            return self._socket.sendto(data, self._peer)
        except BlockingIOError:
            return 0

    def overruns(self) -> int:
        """Datagrams for which the receive buffer had no room; 0 on a system that does not count them."""
        try:
            counts = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        except OSError:
            return 0
        return int(_MEMINFO.unpack(counts)[-1]) if len(counts) == _MEMINFO.size else 0

    def close(self) -> None:
        """Closes; a second close does nothing."""
        self._socket.close()


def connect_tcp(host: str, port: int) -> TcpStream:
    """Starts to connect."""
    family, address = _resolve(host, port, socket.SOCK_STREAM)
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    failure = connection.connect_ex(address)
    if connection.getsockname()[:2] == address:
        # Nobody listens, and the kernel gave us that very port to call from: we would talk to ourselves, and take the
        # port from whoever is to listen (simultaneous open, RFC 9293 section 3.5). Reset, it is free again at once.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.close()
        connection = socket.socket(family, socket.SOCK_STREAM)
        failure = errno.ECONNREFUSED
    return TcpStream(connection, 0 if failure == errno.EINPROGRESS else failure)


def listen_tcp(host: str, port: int) -> TcpListener:
    """Binds, with SO_REUSEADDR so that a restart need not wait for old connections, and listens."""
    family, address = _resolve(host, port, socket.SOCK_STREAM)
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return TcpListener(listening)


def open_udp(host: str, port: int, peer: tuple[str, int]) -> UdpStream:
    """Binds a datagram socket."""
    family, address = _resolve(host, port, socket.SOCK_DGRAM)
    _, peer_address = _resolve(*peer, socket.SOCK_DGRAM)
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return UdpStream(bound, peer_address)
