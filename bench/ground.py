"""The ground station as a whole, beside fprime-gds: each in processes of its own, at the same packets over TCP.

End to end: the telemetry packets of the reference deployment, each with a later time, as fast as the station takes
them. Ours has taken them once the last value can be read from the archive; fprime-gds once its pipeline has handed the
last value to its consumers, the log files among them. Memory: a thousand channels at 10 Hz, both at once, after the
same time. Round trip: CMD_NO_OP from a script to its completion, ours by a request to the server's API, fprime-gds's by
its integration-test API, both with a reference deployment of its own.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Figure, faster, resident_mb, seconds_of
from bench.reference_device import ReferenceDevice, stop
from bench.round_trip import NO_OP, free_port
from kittiwake.dictionary.load import load_dictionary
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.packets import telemetry_packet
from kittiwake_ground.archive.opening import DATABASE
from tests.system.gds import Gds
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kittiwake.dictionary.entries import Dictionary, Packet

ROOT = Path(__file__).resolve().parent.parent
RECEIVER = Path(__file__).with_name("gds_receiver.py")
SOAK = ROOT / "tests" / "soak" / "soak.yaml"
NAME = "bench"
ROUNDS = 3
PACKETS = 4_000
LONGER = 5
"""Ours is sent so many times as much, so that the interval between two commits does not count for much."""

TAG = 2 << 64 | 1_767_225_600_000_000
STEP_US = 1_000
TIMEOUT_S = 120.0
POLL_S = 0.005
RATE_HZ = 10
MEMORY_S = 60.0
RACK = "Rack"
BUILD_TIMEOUT_S = 120.0
TRIPS = 60
TRIP_ROUNDS = 5


class Incomplete(AssertionError):
    """A station has not taken what it was sent."""


class Feed:
    """A deployment's end of the link: it listens, and sends bytes to the one who connects."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._stream: socket.socket | None = None

    def accept(self) -> None:
        """Waits for the station."""
        self._listener.settimeout(TIMEOUT_S)
        self._stream, _ = self._listener.accept()
        self._stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._drain, args=(self._stream,), daemon=True).start()

    @staticmethod
    def _drain(stream: socket.socket) -> None:
        try:
            while stream.recv(4096):
                pass
        except OSError:
            pass

    def send(self, data: bytes) -> None:
        """Sends all of it."""
        assert self._stream is not None
        self._stream.sendall(data)

    def close(self) -> None:
        """Ends the link."""
        for one in (self._stream, self._listener):
            if one is not None:
                one.close()


class Packets:
    """The telemetry packets of a dictionary as frames, each time with a later time tag."""

    def __init__(self, dictionary: Dictionary, prefix: str = "") -> None:
        chosen = [one for one in dictionary.packet_sets[0].packets if one.name.startswith(prefix)]
        self._bodies = [(one.id, _body(one)) for one in chosen]
        self._sizes = [len(one.channels) for one in chosen]
        self._framer = FRAMINGS["ccsds"].downlink_framer(FramingParameters())
        self.distinct = len({channel.name for one in chosen for channel in one.channels})
        """Channels: one that stands in two packets is archived once."""
        self.last_channel = chosen[-1].channels[-1].name
        self.last_us = 0
        self._count = 0

    def rounds(self, count: int) -> tuple[bytes, int]:
        """So many rounds of all packets, and how many values that is."""
        frames = []
        for _ in range(count):
            self._count += 1
            tag = TAG + self._count * STEP_US
            frames += [self._framer.frame(telemetry_packet(id, tag, body)) for id, body in self._bodies]
        self.last_us = tag & (1 << 64) - 1
        return b"".join([*frames, self._framer.flush()]), count * sum(self._sizes)

    def __len__(self) -> int:
        return len(self._bodies)


def _body(packet: Packet) -> bytes:
    return b"".join([one.type.pack(one.type.default).ljust(one.type.max_size, b"\0") for one in packet.channels])


@contextmanager
def _ours(dictionary: Path, folder: Path) -> Iterator[tuple[GroundServer, Feed]]:
    """`kittiwake ground serve` with its archive, connected."""
    feed = Feed()
    with GroundServer(folder, [f"{NAME}={dictionary},tcp://127.0.0.1:{feed.port}"]) as server:
        try:
            feed.accept()
            server.await_link(NAME)
            yield server, feed
        finally:
            feed.close()


@contextmanager
def _theirs(dictionary: Path) -> Iterator[tuple[Gds, Feed]]:
    """fprime-gds, connected."""
    feed = Feed()
    with Gds(dictionary, link="tcp-client", port=feed.port, console=RECEIVER) as gds:
        try:
            feed.accept()
            yield gds, feed
        finally:
            feed.close()


def _await(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        if time.monotonic() > deadline:
            raise Incomplete(what)
        time.sleep(POLL_S)


def _our_rate(dictionary: Path, folder: Path) -> float:
    """Values a second from the first byte sent to the last value that the archive gives back."""
    packets = Packets(load_dictionary(str(dictionary)))
    with _ours(dictionary, folder) as (server, feed):
        first, count = packets.rounds(1)
        feed.send(first)
        _await(lambda: bool(server.get(f"deployments/{NAME}")["samples"] == count), "the first packets did not come")
        connection = sqlite3.connect(f"file:{folder / 'archive' / DATABASE}?mode=ro", uri=True)
        rounds = LONGER * PACKETS // len(packets)
        data, count = packets.rounds(rounds)
        query = "SELECT 1 FROM samples WHERE channel = (SELECT id FROM channels WHERE name = ?) AND time_us = ?"
        began = time.perf_counter()
        feed.send(data)
        _await(
            lambda: connection.execute(query, (packets.last_channel, packets.last_us)).fetchone() is not None,
            "the last value was not archived",
        )
        spent_s = time.perf_counter() - began
        (held,) = connection.execute("SELECT count(*) FROM samples").fetchone()
        connection.close()
        expected = packets.distinct * (rounds + 1)
        if held != expected:
            raise Incomplete(f"{held} values are archived of {expected}")
    return count / spent_s


def _their_rate(dictionary: Path) -> float:
    """Values a second from the first byte sent to the last value handed to the consumers."""
    packets = Packets(load_dictionary(str(dictionary)))
    with _theirs(dictionary) as (gds, feed):
        _settle(gds, feed, packets)
        before = gds.channel_count()
        data, count = packets.rounds(PACKETS // len(packets))
        began = time.perf_counter()
        feed.send(data)
        _await(lambda: gds.channel_count() - before >= count, "fprime-gds has not handed on the last value")
        return count / (time.perf_counter() - began)


def _settle(gds: Gds, feed: Feed, packets: Packets) -> None:
    """Sends until something arrives: what is sent before its processes have found one another is lost."""
    while not gds.channel_count():
        feed.send(packets.rounds(1)[0])
        time.sleep(0.1)
    quiet = -1
    while quiet != (quiet := gds.channel_count()):
        time.sleep(0.5)


def _end_to_end(device: ReferenceDevice) -> Figure:
    pairs = []
    for number in range(ROUNDS):
        ours = _our_rate(device.dictionary, device.folder / f"ground{number}")
        pairs.append((1e6 / ours, 1e6 / _their_rate(device.dictionary)))
    return faster("ground end to end with archive, a value", pairs, "us", 2, 8)


def _memory(folder: Path) -> Figure:
    """Both take the same values at the same time."""
    kittiwake = str(Path(sys.executable).with_name("kittiwake"))
    command = [kittiwake, "build", str(SOAK), "-o", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, capture_output=True, timeout=BUILD_TIMEOUT_S, env=environment)
    dictionary = folder / "SoakTopologyDictionary.json"
    packets = Packets(load_dictionary(str(dictionary)), RACK)
    with _ours(dictionary, folder / "ground") as (server, feed), _theirs(dictionary) as (gds, other):
        assert server.process is not None
        _settle(gds, other, packets)
        before, due = gds.channel_count(), time.monotonic()
        sent = 0
        for _ in range(int(MEMORY_S * RATE_HZ)):
            data, count = packets.rounds(1)
            feed.send(data)
            other.send(data)
            sent += count
            due += 1 / RATE_HZ
            time.sleep(max(0.0, due - time.monotonic()))
        _await(lambda: bool(server.get(f"deployments/{NAME}")["samples"] == sent), "ours has not taken all")
        _await(lambda: gds.channel_count() - before >= sent, "fprime-gds has not taken all")
        ours = resident_mb(server.process.pid)
        theirs = sum([resident_mb(pid) for pid in gds.processes()])
    return Figure("ground memory, 1,000 channels at 10 Hz", ours, "MB", theirs, ours / theirs, 1, 0.5)


def _round_trip(device: ReferenceDevice) -> Figure:
    """Milliseconds from a script's call to the answer that the command has completed, the stations in turn."""
    pairs = []
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        for port in ports:
            root = device.folder / f"root{port}"
            stack.callback(stop, device.start(f"tcp-listen://127.0.0.1:{port}", root))
        folder = device.folder / "trips"
        options = [f"{NAME}={device.dictionary},tcp://127.0.0.1:{ports[0]}"]
        server = stack.enter_context(GroundServer(folder, options))
        gds = stack.enter_context(Gds(device.dictionary, link="tcp-client", port=ports[1]))
        server.await_link(NAME)
        server.send(NAME, NO_OP)
        gds.send_and_complete(NO_OP)
        for _ in range(TRIP_ROUNDS):
            pairs.append((_trip_ms(lambda: server.send(NAME, NO_OP)), _trip_ms(lambda: gds.send_and_complete(NO_OP))))
    return faster("ground command round trip", pairs, "ms", 2, 5)


def _trip_ms(send: Callable[[], object]) -> float:
    return statistics.median([seconds_of(send) for _ in range(TRIPS)]) * 1e3


def figures() -> list[Figure]:
    """End to end, memory and round trip."""
    with ReferenceDevice() as device:
        found = [_end_to_end(device), _round_trip(device)]
    with tempfile.TemporaryDirectory(prefix="kw-bench-") as folder:
        return [*found, _memory(Path(folder))]
