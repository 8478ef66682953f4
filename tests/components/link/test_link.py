"""Link: every kind of connexion, how it breaks and comes back (requirements in its README.md)."""

from __future__ import annotations

import errno
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components.link.component import SEND_LIMIT_BYTES, Link
from kittiwake_components.link.opener import READ_BYTES
from kittiwake_components.link.outgoing import LIMIT_BYTES, Outgoing
from kittiwake_components.ports.link import LinkState

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
CLIENT = f"tcp://{HOST}:5000"
SERVER = f"tcp-listen://{HOST}:5000"
UDP = f"udp://{HOST}:6001?listen=6000"
SERIAL = "serial:///dev/ttyS1?baud=115200"


def _tester(url: str, platform: SimulatedPlatform | None = None, **settings: Any) -> ComponentTester[Link]:
    return ComponentTester(Link, settings={"url": url, **settings}, platform=platform or SimulatedPlatform(7))


def _received(tester: ComponentTester[Link]) -> bytes:
    return b"".join(data for (data,) in tester.ports.data_out)


def _states(tester: ComponentTester[Link]) -> list[LinkState]:
    assert tester.ports.state_out == tester.ports.uplink_status_out
    return [state for (state,) in tester.ports.uplink_status_out]


def _send(tester: ComponentTester[Link], *frames: bytes) -> None:
    for frame in frames:
        tester.call.data_in(frame)
    tester.call.flush()


def test_the_sheet_says_what_is_declared() -> None:
    assert differences(Link) == []


# Coming up


def test_without_an_address_it_stays_down() -> None:
    """REQ-LK-001."""
    with _tester("") as tester:
        assert tester.call.room() == 0
        tester.call.flow_in(True)
        tester.call.run(0)
        assert tester.channels["LinkUp"] is None


def test_it_listens_and_carries_bytes_both_ways() -> None:
    """REQ-LK-001: TCP server."""
    with _tester(SERVER) as tester:
        ground = tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        ground.send(b"up")
        tester.settle()
        _send(tester, b"down")
        tester.call.run(0)
        assert _received(tester) == b"up"
        assert ground.receive(100) == b"down"
        assert tester.channels["BytesUp"] == 2
        assert tester.channels["BytesDown"] == 4
        assert tester.events.names() == ["LinkEstablished"]
        assert tester.component.listening_port() == 5000


def test_it_connects_and_carries_bytes_both_ways() -> None:
    """REQ-LK-001: TCP client; what the ground sends at once, with the connexion, comes too."""
    platform = SimulatedPlatform(7)
    listener = platform.network.listen_tcp(HOST, 5000)
    with _tester(CLIENT, platform) as tester:
        ground = listener.accept()
        assert ground is not None
        ground.send(b"up")
        tester.settle()
        _send(tester, b"down")
        assert _received(tester) == b"up"
        assert ground.receive(100) == b"down"
        assert tester.channels["Connections"] == 1


def test_a_refused_connection_is_tried_again_ever_more_slowly() -> None:
    """REQ-LK-002: 0.2 s doubling to 5 s, the events throttled, and no handler fails."""
    platform = SimulatedPlatform(7)
    attempts = []
    connect = platform.network.connect_tcp

    def counted(host: str, port: int) -> Any:
        attempts.append(platform.clock.now_ns())
        return connect(host, port)

    platform.network.connect_tcp = counted  # type: ignore[method-assign]
    with _tester(CLIENT, platform) as tester:
        tester.advance(60)
        waits = [(after - before) / 1e9 for before, after in itertools.pairwise(attempts)]
        for number, wait in enumerate(waits):
            longest = min(0.2 * 2**number, 5.0)
            assert longest / 2 <= wait <= longest
        assert len(tester.events.named("LinkFailed")) == 3
        listener = platform.network.listen_tcp(HOST, 5000)
        tester.advance(5)
        assert listener.accept() is not None
        assert tester.channels["LinkUp"] is LinkState.UP


def test_many_devices_do_not_come_back_all_at_once() -> None:
    """REQ-LK-002: the waits are drawn."""
    times = set()
    for seed in range(8):
        platform = SimulatedPlatform(seed)
        with _tester(CLIENT, platform) as tester:
            tester.settle()
            times.add(tester.deployment.main.next_deadline_ns() or 0)
    assert len(times) == 8
    assert all(100_000_000 <= time <= 200_000_000 for time in times)


def test_a_connection_that_is_never_answered_is_given_up() -> None:
    """REQ-LK-002: after ten seconds, not after the minutes that the system takes."""
    platform = SimulatedPlatform(7)
    platform.network.listen_tcp(HOST, 5000)
    platform.network.connect_tcp = lambda host, port: _silent(platform)  # type: ignore[method-assign]
    with _tester(CLIENT, platform) as tester:
        tester.advance(9.9)
        assert tester.events == []
        tester.advance(0.2)
        assert [event.args for event in tester.events] == [(f"{CLIENT}: no answer",)]


def _silent(platform: SimulatedPlatform) -> Any:
    class Silent:
        """A connexion under way for ever."""

        _fileno = 0

        def fileno(self) -> int:
            """Its number."""
            self._fileno = self._fileno or platform.network.register(self)
            return self._fileno

        def readable_ns(self) -> None:
            """Never."""

        def is_writable(self) -> bool:
            """Not yet."""
            return False

        def close(self) -> None:
            """Gives up."""
            platform.network.forget(self._fileno)

    return Silent()


def test_a_port_that_is_taken_is_tried_again() -> None:
    """REQ-LK-002."""
    platform = SimulatedPlatform(7)
    other = platform.network.listen_tcp(HOST, 5000)
    with _tester(SERVER, platform) as tester:
        tester.advance(1)
        assert tester.events.names() == ["LinkFailed"] * len(tester.events)
        other.close()
        tester.advance(5)
        platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        assert tester.channels["LinkUp"] is LinkState.UP


def test_a_listener_that_cannot_accept_does_not_spin() -> None:
    """REQ-LK-002: without descriptors the link waits like after any other failure, and then accepts."""
    platform = SimulatedPlatform(7)
    with _tester(SERVER, platform) as tester:
        listener = platform.network.listeners[(HOST, 5000)]
        listener.accept = _raise(OSError(errno.EMFILE, "Too many open files"))  # type: ignore[method-assign]
        platform.network.connect_tcp(HOST, 5000)
        turns = tester.deployment.main.turns
        tester.advance(0.05)
        assert tester.deployment.main.turns - turns < 10
        assert tester.events.names() == ["LinkFailed"]
        tester.advance(5)
        platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        assert tester.channels["LinkUp"] is LinkState.UP


def _raise(fault: Exception) -> Callable[..., Any]:
    def call(*_: Any) -> Any:
        raise fault

    return call


# Breaking and coming back


def test_a_closed_connection_is_announced_and_comes_back() -> None:
    """REQ-LK-003."""
    platform = SimulatedPlatform(7)
    listener = platform.network.listen_tcp(HOST, 5000)
    with _tester(CLIENT, platform) as tester:
        first = listener.accept()
        assert first is not None
        first.close()
        tester.advance(1)
        assert _states(tester) == [LinkState.UP, LinkState.DOWN, LinkState.UP]
        assert tester.channels["Connections"] == 2
        assert tester.events.named("LinkLost")[0].args == ("the other side closed",)


def test_a_link_that_breaks_at_once_is_not_tried_at_once_for_ever() -> None:
    """REQ-LK-002: the wait shrinks only after a connexion that lasted."""
    platform = SimulatedPlatform(7)
    listener = platform.network.listen_tcp(HOST, 5000)
    with _tester(CLIENT, platform) as tester:
        for _ in range(600):
            ground = listener.accept()
            if ground is not None:
                ground.close()
            tester.advance(0.1)
        assert tester.channels["Connections"] <= 30


def test_a_newer_ground_replaces_an_older_one() -> None:
    """REQ-LK-004: it may have vanished without a word."""
    with _tester(SERVER) as tester:
        old = tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        new = tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        _send(tester, b"down")
        new.send(b"up")
        tester.advance(0.1)
        assert old.receive(100) == b""
        assert new.receive(100) == b"down"
        assert _received(tester) == b"up"
        assert _states(tester) == [LinkState.UP, LinkState.DOWN, LinkState.UP]


def test_only_the_frame_that_was_half_sent_is_given_up() -> None:
    """REQ-LK-005: all others reach the next connexion whole, and the loss is counted and named."""
    with _tester(SERVER) as tester:
        network = tester.platform.network
        network.buffer_size = 150
        first = network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        frames = [bytes([number]) * 100 for number in range(4)]
        _send(tester, *frames)
        assert first.receive(1000) == frames[0] + frames[1][:50]
        first.close()
        network.buffer_size = 65536
        tester.advance(0.1)
        second = network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        received = second.receive(1000)
        assert received is not None
        # The first ground took 150 bytes more before it closed: these were on their way.
        assert received == b"".join(frames[4 - len(received) // 100 :])
        tester.call.run(0)
        assert tester.channels["FramesDropped"] == 1
        assert tester.events.named("FrameDropped")[0].args == (1,)


def test_a_ground_that_takes_nothing_for_a_minute_is_given_up() -> None:
    """REQ-LK-006."""
    with _tester(SERVER, stall_limit_s=60) as tester:
        tester.platform.network.buffer_size = 10
        tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        _send(tester, bytes(100))
        tester.advance(59)
        tester.call.run(0)
        assert tester.call.room() > 0
        tester.advance(2)
        tester.call.run(0)
        assert tester.channels["LinkUp"] is LinkState.DOWN
        assert tester.events.named("LinkLost")[0].args == ("the other side took nothing for 60 s",)


def test_a_slow_ground_is_not_a_stalled_one() -> None:
    """REQ-LK-006: each byte that is taken counts."""
    with _tester(SERVER, stall_limit_s=60) as tester:
        tester.platform.network.buffer_size = 10
        ground = tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        _send(tester, bytes(100))
        for _ in range(5):
            tester.advance(50)
            ground.receive(10)
            tester.settle()
            tester.call.run(0)
        assert tester.channels["LinkUp"] is LinkState.UP


# Flow


def test_it_has_room_only_while_it_is_up_and_says_when_there_is_room_again() -> None:
    """REQ-LK-007."""
    with _tester(SERVER) as tester:
        network = tester.platform.network
        network.buffer_size = 1000
        assert tester.call.room() == 0
        ground = network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        assert tester.call.room() == SEND_LIMIT_BYTES
        _send(tester, *[bytes(1000)] * 67)
        assert tester.call.room() == 0
        announced = len(tester.ports.status_out)
        for _ in range(30):
            ground.receive(1000)
            tester.settle()
        assert len(tester.ports.status_out) == announced
        for _ in range(10):
            ground.receive(1000)
            tester.settle()
        assert len(tester.ports.status_out) == announced + 1
        assert tester.call.room() > SEND_LIMIT_BYTES // 2


def test_what_waits_to_be_sent_is_bounded_even_if_nobody_asks_for_room() -> None:
    """REQ-LK-007."""
    with _tester(SERVER) as tester:
        for _ in range(LIMIT_BYTES // 1000 + 50):
            tester.call.data_in(bytes(1000))
        tester.call.run(0)
        assert tester.component._outgoing.size <= LIMIT_BYTES
        assert tester.channels["FramesDropped"] == 50 - LIMIT_BYTES % 1000 // 1000


@pytest.mark.parametrize("url", [SERVER, CLIENT])
def test_a_paused_tcp_link_stops_reading_after_the_portion_that_was_enough(url: str) -> None:
    """REQ-LK-008: and reads the rest afterwards."""
    platform = SimulatedPlatform(7)
    listener = platform.network.listen_tcp(HOST, 5000) if url == CLIENT else None
    with _tester(url, platform) as tester:
        ground: Any = listener.accept() if listener is not None else platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        pause = tester.component.flow_in
        tester.component.data_out = _pausing(tester.component.data_out, pause)  # type: ignore[assignment]
        ground.send(bytes(60_000))
        tester.advance(1)
        assert len(_received(tester)) == READ_BYTES
        tester.component.data_out = tester.ports.data_out.record
        tester.call.flow_in(False)
        assert len(_received(tester)) == 60_000


def _pausing(record: Callable[[bytes], None], pause: Callable[[bool], None]) -> Callable[[bytes], None]:
    def take(data: bytes) -> None:
        record(data)
        pause(True)

    return take


def test_datagrams_and_serial_bytes_are_read_on() -> None:
    """REQ-LK-008: unread they would be lost in silence; read they are dropped by name."""
    platform = SimulatedPlatform(7)
    far = platform.network.attach_serial("/dev/ttyS1")
    with _tester(SERIAL, platform) as tester:
        tester.call.flow_in(True)
        far.send(b"up")
        tester.settle()
        assert _received(tester) == b"up"
    platform = SimulatedPlatform(7)
    ground = platform.network.open_udp(HOST, 6001, (HOST, 6000))
    with _tester(UDP, platform) as tester:
        tester.call.flow_in(True)
        ground.send(b"up")
        tester.settle()
        assert _received(tester) == b"up"


# Datagrams and serial lines


def test_each_frame_is_a_datagram_of_its_own() -> None:
    """REQ-LK-009."""
    platform = SimulatedPlatform(7)
    ground = platform.network.open_udp(HOST, 6001, (HOST, 6000))
    with _tester(UDP, platform) as tester:
        frames = [bytes([number]) * 1024 for number in range(20)]
        _send(tester, *frames)
        assert [ground.receive(65536) for _ in range(21)] == [*frames, None]


def test_a_frame_that_is_too_long_for_a_datagram_is_dropped_and_counted() -> None:
    """REQ-LK-009: the link stays up and the others go."""
    platform = SimulatedPlatform(7)
    ground = platform.network.open_udp(HOST, 6001, (HOST, 6000))
    with _tester(UDP, platform) as tester:
        tester.component.data_in(bytes(65508))
        _send(tester, b"good")
        tester.call.run(0)
        assert ground.receive(65536) == b"good"
        assert tester.channels["FramesDropped"] == 1
        assert tester.channels["LinkUp"] is LinkState.UP


def test_datagrams_that_the_system_lost_are_counted_and_named() -> None:
    """REQ-LK-010."""
    platform = SimulatedPlatform(7)
    ground = platform.network.open_udp(HOST, 6001, (HOST, 6000))
    with _tester(UDP, platform) as tester:
        for _ in range(300):
            ground.send(b"up")
        tester.settle()
        tester.call.run(0)
        assert len(tester.ports.data_out) == 256
        assert tester.channels["ReceiveOverruns"] == 44
        assert [event.args for event in tester.events.named("ReceiveOverrun")] == [(44,)]
        tester.call.run(0)
        assert len(tester.events.named("ReceiveOverrun")) == 1


def test_a_serial_line_that_is_plugged_in_later_comes_up() -> None:
    """REQ-LK-003."""
    platform = SimulatedPlatform(7)
    with _tester(SERIAL, platform) as tester:
        tester.advance(1)
        assert tester.events.names() == ["LinkFailed"] * len(tester.events)
        far = platform.network.attach_serial("/dev/ttyS1")
        tester.advance(5)
        _send(tester, b"down")
        assert far.receive(100) == b"down"


def test_an_unplugged_serial_line_comes_back() -> None:
    """REQ-LK-003."""
    platform = SimulatedPlatform(7)
    far = platform.network.attach_serial("/dev/ttyS1")
    with _tester(SERIAL, platform) as tester:
        far.close()
        tester.settle()
        far = platform.network.attach_serial("/dev/ttyS1")
        tester.advance(5)
        assert _states(tester) == [LinkState.UP, LinkState.DOWN, LinkState.UP]


def test_at_shutdown_what_waits_is_sent_and_the_ground_sees_the_end() -> None:
    """REQ-LK-011."""
    tester = _tester(SERVER)
    ground = tester.platform.network.connect_tcp(HOST, 5000)
    tester.advance(0.1)
    tester.call.data_in(b"last words")
    tester.finish()
    assert ground.receive(100) == b"last words"
    assert ground.receive(100) == b""


# The queue of frames


class Narrow:
    """A stream that takes what it is told to."""

    def __init__(self, takes: list[int]) -> None:
        self.takes = takes
        self.taken = b""

    def send(self, data: bytes) -> int:
        """Takes the next number of bytes, none once they are used up."""
        count = min(self.takes.pop(0), len(data)) if self.takes else 0
        self.taken += data[:count]
        return count


@given(
    frames=st.lists(st.binary(min_size=1, max_size=30), max_size=20),
    sends=st.lists(st.lists(st.integers(0, 60), max_size=3), max_size=8),
)
def test_frames_go_out_in_order_and_whole_however_little_a_stream_takes(
    frames: list[bytes], sends: list[list[int]]
) -> None:
    """REQ-LK-005: also across a broken connexion, but for the one frame that was half sent."""
    outgoing = Outgoing()
    for frame in frames:
        outgoing.add(frame)
    stream: Any = Narrow([])
    for takes in sends:
        stream.takes = list(takes)
        outgoing.send(stream)
        assert outgoing.size == len(b"".join(frames)) - len(stream.taken)
    assert b"".join(frames).startswith(stream.taken)
    outgoing.forget_half()
    rest: Any = Narrow([1 << 20] * 100)
    outgoing.send(rest)
    assert not outgoing
    assert outgoing.size == 0
    ends = [len(b"".join(frames[:count])) for count in range(len(frames) + 1)]
    following = next(end for end in ends if end >= len(stream.taken))
    assert rest.taken == b"".join(frames)[following:]
    assert outgoing.dropped == (following != len(stream.taken))
