"""The simulated machine: virtual time, seeded random numbers, network and poller."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import WALL_START_NS, SimulatedPlatform, Stalled

if TYPE_CHECKING:
    from kittiwake.platform.interface import Platform
    from kittiwake.platform.simulated_network import SimulatedStream

HOST = "127.0.0.1"
MS = 1_000_000


def on_readable() -> None:
    """Stands for what reads."""


def on_other() -> None:
    """Stands for what reads something else."""


def on_writable() -> None:
    """Stands for what writes."""


def connected(platform: SimulatedPlatform) -> tuple[SimulatedStream, SimulatedStream]:
    listener = platform.network.listen_tcp(HOST, 0)
    near = platform.network.connect_tcp(*listener.address())
    far = listener.accept()
    assert far is not None
    return near, far


def test_the_simulated_machine_is_a_platform() -> None:
    as_interface: Platform = SimulatedPlatform()
    assert as_interface.clock.wall_ns() == WALL_START_NS


def test_time_passes_only_when_it_is_told_to() -> None:
    clock = SimulatedPlatform(now_ns=7).clock
    assert clock.now_ns() == 7
    clock.advance(3)
    clock.advance_to(5)
    assert (clock.now_ns(), clock.wall_ns()) == (10, WALL_START_NS + 3)
    with pytest.raises(ValueError, match="does not go back by 1 ns"):
        clock.advance(-1)


def test_the_wall_clock_steps_and_drifts_while_the_other_goes_on() -> None:
    clock = SimulatedPlatform().clock
    clock.set_machine_wall_ns(500)
    clock.advance(1000 * MS)
    assert clock.wall_ns() == 1000 * MS + 500
    clock.set_drift(-20_000)
    assert clock.wall_ns() == 1000 * MS + 500
    clock.advance(1000 * MS)
    assert clock.wall_ns() == 2000 * MS + 500 - 20_000
    assert clock.now_ns() == 2000 * MS


def test_a_wall_time_of_its_own_does_not_follow_the_machine() -> None:
    clock = SimulatedPlatform().clock
    clock.set_wall_ns(500)
    clock.set_drift(-20_000)
    clock.advance(1000 * MS)
    assert (clock.wall_ns(), clock.now_ns()) == (1000 * MS + 500, 1000 * MS)
    clock.follow_machine()
    assert clock.wall_ns() == WALL_START_NS + 1000 * MS - 20_000


def test_seeded_numbers_repeat_on_every_machine() -> None:
    random = SeededRandom(0)
    assert [random.bits() for _ in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert SimulatedPlatform(5).random.token_bytes(13) == SimulatedPlatform(5).random.token_bytes(13)
    assert SimulatedPlatform(5).random.token_bytes(13) != SimulatedPlatform(6).random.token_bytes(13)


@given(st.integers(0, 2**64), st.integers(1, 1000), st.integers(0, 50))
def test_seeded_numbers_stay_in_range(seed: int, bound: int, count: int) -> None:
    random = SeededRandom(seed)
    assert 0 <= random.below(bound) < bound
    assert -1.0 <= random.uniform(-1.0, 2.0) < 2.0
    assert len(random.token_bytes(count)) == count
    assert not random.chance(0.0)
    assert random.chance(1.0)


def test_a_wait_jumps_to_its_deadline() -> None:
    platform = SimulatedPlatform()
    poller = platform.poller()
    assert poller.wait(45 * 60 * 1000 * MS) == []
    assert platform.clock.now_ns() == 45 * 60 * 1000 * MS
    assert poller.wait(0) == []
    assert platform.clock.now_ns() == 45 * 60 * 1000 * MS


def test_a_wait_jumps_to_the_next_arrival() -> None:
    platform = SimulatedPlatform()
    near, far = connected(platform)
    platform.network.latency_ns = 20 * MS
    near.send(b"x")
    poller = platform.poller()
    poller.add(far.fileno(), on_readable, None)
    assert far.receive(1) is None
    assert poller.wait(10 * MS) == []
    assert poller.wait(None) == [on_readable]
    assert platform.clock.now_ns() == 20 * MS
    assert far.receive(1) == b"x"


def test_a_wait_that_could_never_end_is_an_error_and_a_wake_ends_it() -> None:
    platform = SimulatedPlatform()
    poller = platform.poller()
    near, _ = connected(platform)
    poller.add(near.fileno(), on_readable, None)
    with pytest.raises(Stalled, match="nothing is due"):
        poller.wait(None)
    poller.wake()
    assert poller.wait(None) == []
    with pytest.raises(Stalled):
        poller.wait(None)


def test_callbacks_come_in_the_order_in_which_they_were_added() -> None:
    platform = SimulatedPlatform()
    near, far = connected(platform)
    far.send(b"x")
    poller = platform.poller()
    poller.add(far.fileno(), None, on_other)
    poller.add(near.fileno(), on_readable, on_writable)
    assert poller.wait(None) == [on_other, on_readable, on_writable]
    poller.add(near.fileno(), None, None)
    assert poller.wait(None) == [on_other]
    far.close()
    assert poller.wait(5) == []
    with pytest.raises(OSError, match="Bad file"):
        poller.add(99, on_readable, None)
    poller.add(near.fileno(), on_readable, None)
    poller.close()
    assert poller.wait(6) == []


def test_a_connection_is_bounded_and_its_peer_becomes_writable_again() -> None:
    platform = SimulatedPlatform()
    platform.network.buffer_size = 10
    near, far = connected(platform)
    poller = platform.poller()
    poller.add(near.fileno(), None, on_writable)
    assert near.send(bytes(15)) == 10
    assert near.send(b"x") == 0
    assert poller.wait(1) == []
    assert far.receive(4) == bytes(4)
    assert poller.wait(2) == [on_writable]
    assert near.send(bytes(15)) == 4


@given(st.integers(0, 1000), st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=20))
def test_a_segmented_connection_loses_and_reorders_nothing(seed: int, pieces: list[bytes]) -> None:
    platform = SimulatedPlatform(seed)
    platform.network.is_segmented = True
    near, far = connected(platform)
    for piece in pieces:
        assert near.send(piece) == len(piece)
    near.close()
    received = b""
    while data := far.receive(1000):
        received += data
    assert data == b""
    assert received == b"".join(pieces)


def test_segments_differ_from_what_was_sent_and_repeat_under_the_seed() -> None:
    def segments(seed: int) -> list[bytes | None]:
        platform = SimulatedPlatform(seed)
        platform.network.is_segmented = True
        near, far = connected(platform)
        near.send(bytes(range(100)))
        return [far.receive(1000), far.receive(1000), far.receive(1000)]

    assert segments(1) == segments(1)
    assert segments(1) != segments(2)
    assert segments(1)[2] is None


def test_a_close_reaches_the_peer_after_the_last_byte() -> None:
    platform = SimulatedPlatform()
    near, far = connected(platform)
    near.send(b"last")
    near.close()
    near.close()
    assert near.fileno() == -1
    assert [far.receive(9), far.receive(9)] == [b"last", b""]
    with pytest.raises(BrokenPipeError):
        far.send(b"x")
    with pytest.raises(OSError, match="Bad file"):
        near.receive(1)
    with pytest.raises(OSError, match="Bad file"):
        near.send(b"x")


def test_a_broken_connection_raises_on_one_side_and_ends_on_the_other() -> None:
    platform = SimulatedPlatform()
    near, far = connected(platform)
    near.fail(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
    poller = platform.poller()
    poller.add(near.fileno(), on_readable, on_writable)
    assert poller.wait(None) == [on_readable, on_writable]
    with pytest.raises(ConnectionResetError):
        near.receive(1)
    with pytest.raises(ConnectionResetError):
        near.send(b"x")
    assert far.receive(1) == b""


def test_nobody_listening_refuses_and_a_listener_bounds_its_backlog() -> None:
    network = SimulatedPlatform().network
    with pytest.raises(ConnectionRefusedError):
        network.connect_tcp(HOST, 1).receive(1)
    listener = network.listen_tcp("0.0.0.0", 50000)
    with pytest.raises(OSError, match="in use"):
        network.listen_tcp("0.0.0.0", 50000)
    streams = [network.connect_tcp(HOST, 50000) for _ in range(9)]
    with pytest.raises(ConnectionRefusedError):
        streams[8].receive(1)
    assert listener.accept() is not None
    listener.close()
    listener.close()
    assert streams[0].receive(1) is None
    assert streams[1].receive(1) == b""
    network.listen_tcp("0.0.0.0", 50000).close()


def test_datagrams_keep_their_bounds_and_some_are_lost() -> None:
    platform = SimulatedPlatform(4)
    network = platform.network
    far = network.open_udp(HOST, 9000, (HOST, 9001))
    near = network.open_udp(HOST, 0, far.address())
    poller = platform.poller()
    poller.add(far.fileno(), on_readable, None)
    near.send(b"one")
    near.send(b"three")
    assert poller.wait(None) == [on_readable]
    assert [far.receive(2), far.receive(100), far.receive(100)] == [b"on", b"three", None]
    network.loss = 0.3
    for _ in range(200):
        near.send(b"x")
    arrived = 0
    while far.receive(1):
        arrived += 1
    assert 110 < arrived < 170
    assert far.send(b"to nobody") == 9
    with pytest.raises(OSError, match="too long"):
        near.send(bytes(70_000))
    near.close()
    near.close()
    with pytest.raises(OSError, match="Bad file"):
        near.send(b"x")
    with pytest.raises(OSError, match="in use"):
        network.open_udp(HOST, 9000, near.address())


def test_a_serial_line_has_a_far_end_and_belongs_to_one() -> None:
    network = SimulatedPlatform().network
    with pytest.raises(FileNotFoundError):
        network.open_serial("/dev/ttyS0", 9600)
    far = network.attach_serial("/dev/ttyS0")
    near = network.open_serial("/dev/ttyS0", 9600)
    near.send(b"ping")
    assert far.receive(10) == b"ping"
    with pytest.raises(OSError, match="busy"):
        network.open_serial("/dev/ttyS0", 9600)


def test_after_a_power_cut_the_machine_boots_anew_and_after_a_kill_it_runs_on() -> None:
    platform = SimulatedPlatform()
    platform.clock.advance(100)
    again = platform.crash(off_ns=50)
    assert (again.clock.now_ns(), again.clock.wall_ns()) == (0, WALL_START_NS + 150)
    again.clock.advance(7)
    again = again.restart()
    assert (again.clock.now_ns(), again.clock.wall_ns()) == (7, WALL_START_NS + 157)
