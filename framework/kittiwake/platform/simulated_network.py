"""Connections in memory: bounded, cut into pieces by the seed, delayed in virtual time, and all of it repeatable."""

from __future__ import annotations

import errno
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.platform.simulated_clock import SimulatedClock

_BUFFER_SIZE = 65536
_BACKLOG = 8
_DATAGRAMS_MAX = 256
_DATAGRAM_SIZE = 65507
_FIRST_FREE_PORT = 49152


class Endpoint(Protocol):
    """What a simulated poller asks of everything it watches."""

    def readable_ns(self) -> int | None:
        """When it is readable, perhaps in the past; `None` while nothing is on its way."""

    def is_writable(self) -> bool:
        """Whether a send would take something."""


class SimulatedStream:
    """One end of a TCP or serial connection."""

    def __init__(self, network: SimulatedNetwork) -> None:
        self._network = network
        self._fileno = network.register(self)
        self._peer: SimulatedStream | None = None
        self._arriving: deque[tuple[int, bytes]] = deque()
        self._held = 0
        self._ended_ns: int | None = None
        self._failure: OSError | None = None

    def join(self, peer: SimulatedStream) -> None:
        """Connects two ends."""
        self._peer, peer._peer = peer, self

    def move_to(self, network: SimulatedNetwork) -> None:
        """Goes on in the time of another network: its process outlived the one that this end was made in."""
        self._network.forget(self._fileno)
        self._network = network
        self._fileno = network.register(self)

    def fail(self, failure: OSError) -> None:
        """Breaks this end: `receive` and `send` raise from now on, and the other end sees it close."""
        self._failure = failure
        if self._peer is not None:
            self._peer._ended_ns = self._network.arrival_ns()

    def fileno(self) -> int:
        """The number by which the simulated poller knows it; -1 once closed."""
        return self._fileno

    def readable_ns(self) -> int | None:
        """When something can be received."""
        if self._failure is not None:
            return 0
        return self._arriving[0][0] if self._arriving else self._ended_ns

    def is_writable(self) -> bool:
        """Whether the other end has room, or a send would raise."""
        return self._failure is not None or self._peer is None or self._peer._held < self._network.buffer_size

    def receive(self, limit: int) -> bytes | None:
        """What has come; `None` if nothing has, `b""` if the peer has closed. Raises `OSError` if it failed."""
        if self._fileno < 0:
            raise OSError(errno.EBADF, "Bad file descriptor")
        if self._failure is not None:
            raise self._failure
        at_ns = self.readable_ns()
        if at_ns is None or at_ns > self._network.clock.now_ns():
            return None
        if not self._arriving:
            return b""
        return self._take(limit)

    def _take(self, limit: int) -> bytes:
        taken: list[bytes] = []
        room = limit
        while room and self._arriving and self._arriving[0][0] <= self._network.clock.now_ns():
            at_ns, piece = self._arriving.popleft()
            if len(piece) > room:
                self._arriving.appendleft((at_ns, piece[room:]))
                piece = piece[:room]
            taken.append(piece)
            room -= len(piece)
            if self._network.is_segmented:
                break
        data = b"".join(taken)
        self._held -= len(data)
        return data

    def send(self, data: bytes) -> int:
        """Takes as much as there is room for. Raises `OSError` (EPIPE) once the other end has closed."""
        if self._fileno < 0:
            raise OSError(errno.EBADF, "Bad file descriptor")
        if self._failure is not None:
            raise self._failure
        if self._peer is None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        count = min(len(data), self._network.buffer_size - self._peer._held)
        if count:
            at_ns = self._network.arrival_ns()
            if self._network.is_segmented and count > 1:
                cut = 1 + self._network.random.below(count - 1)
                self._peer._arriving.append((at_ns, bytes(data[:cut])))
                self._peer._arriving.append((at_ns, bytes(data[cut:count])))
            else:
                self._peer._arriving.append((at_ns, bytes(data[:count])))
            self._peer._held += count
        return count

    def overruns(self) -> int:
        """None: the sender waits."""
        return 0

    def close(self) -> None:
        """Closes; what was sent still arrives. A second close does nothing."""
        if self._fileno < 0:
            return
        self._network.forget(self._fileno)
        self._fileno = -1
        if self._peer is not None:
            self._peer._ended_ns = self._network.arrival_ns()
            self._peer._peer = None


class SimulatedListener:
    """A listening TCP socket."""

    def __init__(self, network: SimulatedNetwork, address: tuple[str, int]) -> None:
        self._network = network
        self._fileno = network.register(self)
        self._address = address
        self._waiting: deque[tuple[int, SimulatedStream]] = deque()

    def offer(self) -> SimulatedStream | None:
        """The other end for one that connects, or `None` with the backlog full."""
        if len(self._waiting) >= _BACKLOG:
            return None
        stream = SimulatedStream(self._network)
        self._waiting.append((self._network.arrival_ns(), stream))
        return stream

    def fileno(self) -> int:
        """The number by which the simulated poller knows it; -1 once closed."""
        return self._fileno

    def address(self) -> tuple[str, int]:
        """The host and port that it listens on."""
        return self._address

    def readable_ns(self) -> int | None:
        """When a connection can be accepted."""
        return self._waiting[0][0] if self._waiting else None

    def is_writable(self) -> bool:
        """Never."""
        return False

    def accept(self) -> SimulatedStream | None:
        """The next connection, or `None` if none waits."""
        if self._waiting and self._waiting[0][0] <= self._network.clock.now_ns():
            return self._waiting.popleft()[1]
        return None

    def close(self) -> None:
        """Stops listening; connections that were not accepted are closed. A second close does nothing."""
        if self._fileno < 0:
            return
        self._network.forget(self._fileno)
        self._network.listeners.pop(self._address, None)
        self._fileno = -1
        while self._waiting:
            self._waiting.popleft()[1].close()


class SimulatedDatagrams:
    """A UDP socket: each datagram arrives whole, or not at all."""

    def __init__(self, network: SimulatedNetwork, address: tuple[str, int], peer: tuple[str, int]) -> None:
        self._network = network
        self._fileno = network.register(self)
        self._address = address
        self._peer = peer
        self._arriving: deque[tuple[int, bytes]] = deque()
        self._overruns = 0

    def fileno(self) -> int:
        """The number by which the simulated poller knows it; -1 once closed."""
        return self._fileno

    def address(self) -> tuple[str, int]:
        """The host and port that it is bound to."""
        return self._address

    def readable_ns(self) -> int | None:
        """When a datagram can be received."""
        return self._arriving[0][0] if self._arriving else None

    def is_writable(self) -> bool:
        """Always."""
        return True

    def receive(self, limit: int) -> bytes | None:
        """One datagram, cut at `limit` bytes, or `None`."""
        if self._arriving and self._arriving[0][0] <= self._network.clock.now_ns():
            return self._arriving.popleft()[1][:limit]
        return None

    def send(self, data: bytes) -> int:
        """Sends one datagram. Raises `OSError` (EMSGSIZE) over 65507 bytes."""
        if self._fileno < 0:
            raise OSError(errno.EBADF, "Bad file descriptor")
        if len(data) > _DATAGRAM_SIZE:
            raise OSError(errno.EMSGSIZE, "Message too long")
        target = self._network.datagrams.get(self._peer)
        lost = self._network.random.chance(self._network.loss)
        if data and target is not None and not lost:
            target._offer(bytes(data))
        return len(data)

    def _offer(self, data: bytes) -> None:
        if len(self._arriving) < _DATAGRAMS_MAX:
            self._arriving.append((self._network.arrival_ns(), data))
        else:
            self._overruns += 1

    def overruns(self) -> int:
        """Datagrams that found the receive buffer full; those that got lost on the way nobody can count."""
        return self._overruns

    def close(self) -> None:
        """Closes; a second close does nothing."""
        if self._fileno >= 0:
            self._network.forget(self._fileno)
            self._network.datagrams.pop(self._address, None)
            self._fileno = -1


class SimulatedNetwork:
    """TCP, UDP and serial lines among the streams of one simulation; the ground's ends are opened here as well.

    `latency_ns` delays all traffic, `loss` is the share of datagrams that vanish, `is_segmented` cuts streams at
    places drawn from the seed, and `buffer_size` bounds what one direction holds, in bytes. All may be changed at
    any time.
    """

    def __init__(self, clock: SimulatedClock, random: SeededRandom) -> None:
        self.clock = clock
        self.random = random
        self.latency_ns = 0
        self.loss = 0.0
        self.is_segmented = False
        self.buffer_size = _BUFFER_SIZE
        self.listeners: dict[tuple[str, int], SimulatedListener] = {}
        self.datagrams: dict[tuple[str, int], SimulatedDatagrams] = {}
        self._endpoints: dict[int, Endpoint] = {}
        self._serial: dict[str, SimulatedStream | None] = {}
        self._next_fileno = 3
        self._next_port = _FIRST_FREE_PORT

    def register(self, endpoint: Endpoint) -> int:
        """Gives an endpoint its number; numbers are never used twice."""
        fileno = self._next_fileno
        self._next_fileno += 1
        self._endpoints[fileno] = endpoint
        return fileno

    def forget(self, fileno: int) -> None:
        """Takes back a number."""
        self._endpoints.pop(fileno, None)

    def endpoint(self, fileno: int) -> Endpoint | None:
        """The endpoint with a number, if it is still open."""
        return self._endpoints.get(fileno)

    def arrival_ns(self) -> int:
        """When something sent now arrives."""
        return self.clock.now_ns() + self.latency_ns

    def _free_address(self, host: str, port: int, taken: Callable[[tuple[str, int]], bool]) -> tuple[str, int]:
        if port == 0:
            port, self._next_port = self._next_port, self._next_port + 1
        if taken((host, port)):
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return host, port

    def connect_tcp(self, host: str, port: int) -> SimulatedStream:
        """Connects to a listener of this network; without one, `receive` raises `ConnectionRefusedError`."""
        stream = SimulatedStream(self)
        listener = self.listeners.get((host, port)) or self.listeners.get(("0.0.0.0", port))
        other = listener.offer() if listener is not None else None
        if other is None:
            stream.fail(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
        else:
            stream.join(other)
        return stream

    def listen_tcp(self, host: str, port: int) -> SimulatedListener:
        """Listens; port 0 takes a free one."""
        address = self._free_address(host, port, self.listeners.__contains__)
        self.listeners[address] = SimulatedListener(self, address)
        return self.listeners[address]

    def open_udp(self, host: str, port: int, peer: tuple[str, int]) -> SimulatedDatagrams:
        """A datagram socket bound to host and port that sends to `peer`."""
        address = self._free_address(host, port, self.datagrams.__contains__)
        self.datagrams[address] = SimulatedDatagrams(self, address, peer)
        return self.datagrams[address]

    def attach_serial(self, device: str) -> SimulatedStream:
        """Plugs in a serial device and gives its far end."""
        near, far = SimulatedStream(self), SimulatedStream(self)
        near.join(far)
        self._serial[device] = near
        return far

    def open_serial(self, device: str, baud: int) -> SimulatedStream:
        """Opens a device that was attached. Raises `FileNotFoundError`, or `OSError` (EBUSY) if it is open."""
        if device not in self._serial:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", device)
        near = self._serial[device]
        if near is None:
            raise OSError(errno.EBUSY, "Device or resource busy", device)
        self._serial[device] = None
        return near
