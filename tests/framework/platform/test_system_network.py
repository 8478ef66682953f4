"""Sockets and serial ports of the machine: loopback and ptys."""

from __future__ import annotations

import errno
import os
import pty
import socket
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.system import SystemPlatform
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kittiwake.platform.interface import Stream
    from kittiwake.platform.system_poller import SystemPoller
    from kittiwake.platform.system_sockets import TcpListener, TcpStream

LOOPBACK = "127.0.0.1"
PATIENCE_NS = 20_000_000_000


def on_ready() -> None:
    """Stands for what is waited for."""


class Waiter:
    """Waits for one stream at a time."""

    def __init__(self, platform: SystemPlatform, poller: SystemPoller) -> None:
        self.platform = platform
        self.poller = poller

    def until(self, fileno: int, *, writable: bool = False) -> None:
        self.poller.add(fileno, None if writable else on_ready, on_ready if writable else None)
        assert self.poller.wait(self.platform.clock.now_ns() + PATIENCE_NS), "nothing came"
        self.poller.remove(fileno)

    def receive(self, stream: Stream, count: int) -> bytes:
        got = b""
        while len(got) < count:
            data = stream.receive(count - len(got))
            if data is None:
                self.until(stream.fileno())
            elif not data:
                break
            else:
                got += data
        return got

    def raised(self, attempt: Callable[[], object], fileno: int) -> OSError:
        for _ in range(10):
            try:
                attempt()
            except OSError as error:
                return error
            self.until(fileno)
        raise AssertionError("no error was raised")


@pytest.fixture
def platform() -> SystemPlatform:
    return SystemPlatform()


@pytest.fixture
def waiter(platform: SystemPlatform) -> Iterator[Waiter]:
    poller = platform.poller()
    yield Waiter(platform, poller)
    poller.close()


@pytest.fixture
def listener(platform: SystemPlatform) -> Iterator[TcpListener]:
    listener = platform.network.listen_tcp(LOOPBACK, 0)
    yield listener
    listener.close()


@pytest.fixture
def pair(platform: SystemPlatform, waiter: Waiter, listener: TcpListener) -> Iterator[tuple[TcpStream, TcpStream]]:
    near = platform.network.connect_tcp(*listener.address())
    waiter.until(listener.fileno())
    far = listener.accept()
    assert far is not None
    yield near, far
    near.close()
    far.close()


def test_bytes_go_both_ways(waiter: Waiter, pair: tuple[TcpStream, TcpStream]) -> None:
    near, far = pair
    assert near.receive(10) is None
    assert near.send(b"ping") == 4
    assert waiter.receive(far, 4) == b"ping"
    assert far.send(b"pong") == 4
    assert waiter.receive(near, 4) == b"pong"


def test_both_ends_send_without_delay(pair: tuple[TcpStream, TcpStream]) -> None:
    for stream in pair:
        with socket.socket(fileno=os.dup(stream.fileno())) as same:
            assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_full_connection_takes_what_fits_and_then_nothing(waiter: Waiter, pair: tuple[TcpStream, TcpStream]) -> None:
    near, far = pair
    block = bytes(range(256)) * 4096
    sent = 0
    while (count := near.send(block)) > 0:
        sent += count
        assert sent < 1 << 28
    assert near.send(b"x") == 0
    assert len(waiter.receive(far, sent)) == sent
    waiter.until(near.fileno(), writable=True)
    assert near.send(b"x") == 1


def test_a_close_is_seen_as_the_end_by_the_peer(waiter: Waiter, pair: tuple[TcpStream, TcpStream]) -> None:
    near, far = pair
    near.send(b"last")
    near.close()
    near.close()
    assert near.fileno() == -1
    assert waiter.receive(far, 100) == b"last"
    assert far.receive(1) == b""


def test_a_refused_connection_is_raised_by_receive(platform: SystemPlatform, waiter: Waiter) -> None:
    free = platform.network.listen_tcp(LOOPBACK, 0)
    address = free.address()
    free.close()
    stream = platform.network.connect_tcp(*address)
    error = waiter.raised(lambda: stream.receive(1), stream.fileno())
    assert isinstance(error, ConnectionRefusedError)
    stream.close()


def test_nobody_is_connected_to_himself(
    platform: SystemPlatform, waiter: Waiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CallsFromThere(socket.socket):
        """A caller that the kernel happens to give the very port that it calls."""

        def connect_ex(self, address: tuple[str, int]) -> int:  # type: ignore[override]
            self.bind(address)
            return super().connect_ex(address)

    port = free_port()
    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", CallsFromThere)
        stream = platform.network.connect_tcp(LOOPBACK, port)
    error = waiter.raised(lambda: stream.receive(1), stream.fileno())
    listener = platform.network.listen_tcp(LOOPBACK, port)
    assert error.errno == errno.ECONNREFUSED
    listener.close()
    stream.close()


def test_a_connection_that_fails_at_once_is_raised_by_receive_too(platform: SystemPlatform, waiter: Waiter) -> None:
    stream = platform.network.connect_tcp("255.255.255.255", 9)
    waiter.until(stream.fileno())
    with pytest.raises(OSError, match=r"unreachable|denied"):
        stream.receive(1)
    with pytest.raises(OSError, match=r"unreachable|denied"):
        stream.send(b"x")
    stream.close()


def test_a_listener_gives_nothing_when_nobody_connects_and_its_port_can_be_taken_again(
    platform: SystemPlatform, listener: TcpListener, pair: tuple[TcpStream, TcpStream]
) -> None:
    assert listener.accept() is None
    address = listener.address()
    with pytest.raises(OSError, match="in use") as caught:
        platform.network.listen_tcp(*address)
    assert caught.value.errno == errno.EADDRINUSE
    pair[1].close()
    listener.close()
    platform.network.listen_tcp(*address).close()


def test_datagrams_that_find_no_room_are_counted(platform: SystemPlatform) -> None:
    far = platform.network.open_udp(LOOPBACK, 0, (LOOPBACK, 9))
    near = platform.network.open_udp(LOOPBACK, 0, far.address())
    sent = 20_000
    for _ in range(sent):
        near.send(bytes(100))
    received = 0
    while far.receive(200) is not None:
        received += 1
    assert 0 < received < sent
    assert far.overruns() == sent - received
    assert near.overruns() == 0
    near.close()
    far.close()


def test_a_peer_that_acknowledges_nothing_is_given_up_after_a_minute(pair: tuple[TcpStream, TcpStream]) -> None:
    for stream in pair:
        with socket.socket(fileno=os.dup(stream.fileno())) as same:
            assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
        assert stream.overruns() == 0


def test_datagrams_keep_their_bounds(platform: SystemPlatform, waiter: Waiter) -> None:
    far = platform.network.open_udp(LOOPBACK, 0, (LOOPBACK, 9))
    near = platform.network.open_udp(LOOPBACK, 0, far.address())
    assert far.receive(100) is None
    for datagram in (b"one", b"", b"three"):
        assert near.send(datagram) == len(datagram)
    waiter.until(far.fileno())
    assert [far.receive(3), far.receive(100), far.receive(100)] == [b"one", b"three", None]
    with pytest.raises(OSError, match="too long"):
        near.send(bytes(70_000))
    with pytest.raises(OSError, match="in use"):
        platform.network.open_udp(*far.address(), (LOOPBACK, 9))
    near.close()
    far.close()
    assert near.fileno() == -1


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    master, slave = pty.openpty()
    yield master, os.ttyname(slave)
    os.close(slave)
    try:
        os.close(master)
    except OSError:
        pass


def test_a_serial_port_is_raw_both_ways(platform: SystemPlatform, waiter: Waiter, terminal: tuple[int, str]) -> None:
    pytest.importorskip("serial")
    master, device = terminal
    port = platform.network.open_serial(device, 115200)
    assert port.receive(10) is None
    everything = bytes(range(256))
    os.write(master, everything)
    assert waiter.receive(port, 256) == everything
    assert port.send(everything) == 256
    got = b""
    while len(got) < 256:
        got += os.read(master, 256)
    assert got == everything
    port.close()
    port.close()
    assert port.fileno() == -1


def test_a_serial_port_belongs_to_one(platform: SystemPlatform, terminal: tuple[int, str]) -> None:
    pytest.importorskip("serial")
    port = platform.network.open_serial(terminal[1], 9600)
    with pytest.raises(OSError, match="exclusively lock"):
        platform.network.open_serial(terminal[1], 9600)
    assert port.overruns() == 0  # a pty loses nothing and counts nothing
    port.close()
    platform.network.open_serial(terminal[1], 9600).close()


def test_a_serial_port_that_is_full_takes_nothing(platform: SystemPlatform, terminal: tuple[int, str]) -> None:
    pytest.importorskip("serial")
    port = platform.network.open_serial(terminal[1], 9600)
    sent = 0
    while (count := port.send(bytes(4096))) > 0:
        sent += count
        assert sent < 1 << 24
    assert sent > 0
    port.close()


def test_an_unplugged_serial_port_has_ended(
    platform: SystemPlatform, waiter: Waiter, terminal: tuple[int, str]
) -> None:
    pytest.importorskip("serial")
    port = platform.network.open_serial(terminal[1], 9600)
    os.close(terminal[0])
    waiter.until(port.fileno())
    assert port.receive(1) == b""
    port.close()


def test_a_missing_serial_port_is_named(platform: SystemPlatform) -> None:
    pytest.importorskip("serial")
    with pytest.raises(OSError, match="/dev/no-such-port"):
        platform.network.open_serial("/dev/no-such-port", 9600)
