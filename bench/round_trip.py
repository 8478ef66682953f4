"""The way of a command over TCP and back, and a burst of commands.

A plain blocking socket (TCP_NODELAY) sends one frame with CMD_NO_OP and reads until it has the OpCodeCompleted that
answers it. The reference is a server of a few lines of Python that takes as many bytes and answers with as many. Both
answer in turn, a batch each, with the client and the servers held to one core, then the client on one core and the
servers on the other. A batch's time is its median.

In the burst every command carries its number and an unthrottled event gives it back, so that a lost command, a lost
answer and one that is given twice all show.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from bench.measure import Figure, dearer
from bench.reference_device import ReferenceDevice, stop
from kittiwake.dictionary.decode import DecodedEvent, Decoder, encode_command
from kittiwake.dictionary.load import load_dictionary
from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.dictionary.entries import Dictionary

BATCH = 50
BATCHES = 36
BURST = 10_000
LARGE_BURST = 100_000
NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
NO_OP_STRING = "CdhCore.cmdDisp.CMD_NO_OP_STRING"
COMPLETED = "CdhCore.cmdDisp.OpCodeCompleted"
RECEIVED = "CdhCore.cmdDisp.NoOpStringReceived"
CONNECT_TIMEOUT_S = 15.0
QUIET_S = 10.0
SETTLE_S = 2.0
EVENT_DESCRIPTOR = b"\x00\x02"
CHUNK = 65536

ECHO = """
import socket, sys
size, answer = int(sys.argv[1]), bytes(int(sys.argv[2]))
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
stream, _ = listener.accept()
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while True:
    left = size
    while left:
        data = stream.recv(left)
        if not data:
            sys.exit()
        left -= len(data)
    stream.sendall(answer)
"""


def free_port() -> int:
    """A port of the loopback interface that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def connected(port: int) -> socket.socket:
    """A stream to a server that may still be starting."""
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while True:
        try:
            stream = socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
            continue
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream


class Ground:
    """One end of the link: frames commands, and finds the answers among what comes down."""

    def __init__(self, dictionary: Dictionary, stream: socket.socket) -> None:
        framing, parameters = FRAMINGS["ccsds"], FramingParameters()
        self.dictionary = dictionary
        self.stream = stream
        self._framer = framing.uplink_framer(parameters)
        self._deframer = framing.downlink_deframer(parameters)
        self._decoder = Decoder(dictionary)

    def frame(self, name: str, *arguments: str) -> bytes:
        """The frame of one command."""
        return self._framer.frame(encode_command(self.dictionary, name, arguments))

    def events(self, data: bytes) -> list[DecodedEvent]:
        """The events that `data` completes."""
        packets = self._deframer.feed(data)
        return [self._decoder.decode_event(packet) for packet in packets if packet[:2] == EVENT_DESCRIPTOR]

    def settle(self) -> None:
        """Takes what has been waiting for the link to come up."""
        deadline = time.monotonic() + SETTLE_S
        while (left := deadline - time.monotonic()) > 0:
            self.stream.settimeout(left)
            try:
                self.events(self.stream.recv(CHUNK))
            except TimeoutError:
                break
        self.stream.settimeout(QUIET_S)


def _answered(ground: Ground, frame: bytes) -> int:
    """Sends a frame and reads until its command is answered; the bytes that came."""
    ground.stream.sendall(frame)
    count = 0
    while True:
        data = ground.stream.recv(CHUNK)
        count += len(data)
        if any(event.name == COMPLETED for event in ground.events(data)):
            return count


def _p50_us(turn: Callable[[], object]) -> float:
    clock = time.perf_counter_ns
    spent = []
    for _ in range(BATCH):
        began = clock()
        turn()
        spent.append(clock() - began)
    return statistics.median(spent) / 1000


def _round_trips(device: ReferenceDevice, name: str, cores: tuple[int, int], budget: float, stretch: float) -> Figure:
    port = free_port()
    process = device.start(f"tcp-listen://127.0.0.1:{port}")
    ours = os.sched_getaffinity(0)
    try:
        with connected(port) as stream:
            ground = Ground(load_dictionary(str(device.dictionary)), stream)
            ground.settle()
            # Frames are made beforehand: what is measured is the way, not our encoder.
            frames = iter([ground.frame(NO_OP) for _ in range(BATCH * (BATCHES + 2))])
            first = next(frames)
            answer = statistics.mode([_answered(ground, frame) for frame in [first, *[next(frames) for _ in range(9)]]])
            command = [str(device.python), "-I", "-c", ECHO, str(len(first)), str(answer)]
            echo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert echo.stdout is not None
            with connected(int(echo.stdout.readline())) as other:
                os.sched_setaffinity(0, {cores[0]})
                for server in (process.pid, echo.pid):
                    os.sched_setaffinity(server, {cores[1]})

                def device_turn() -> None:
                    _awaited(stream, next(frames), marker)

                def echo_turn() -> None:
                    other.sendall(first)
                    left = answer
                    while left:
                        left -= len(other.recv(left))

                marker = _completed_marker(ground.dictionary)
                _p50_us(device_turn), _p50_us(echo_turn)
                pairs = [(_p50_us(device_turn), _p50_us(echo_turn)) for _ in range(BATCHES)]
            echo.wait(QUIET_S)
            echo.stdout.close()
    finally:
        os.sched_setaffinity(0, ours)
        stop(process)
    return dearer(name, pairs, "us", budget, stretch)


def _completed_marker(dictionary: Dictionary) -> bytes:
    """How the packet of an OpCodeCompleted begins: searching for it costs the client next to nothing."""
    event = next(event for event in dictionary.events_by_id.values() if event.name == COMPLETED)
    return EVENT_DESCRIPTOR + event.id.to_bytes(4, "big")


def _awaited(stream: socket.socket, frame: bytes, marker: bytes) -> None:
    stream.sendall(frame)
    held = b""
    while marker not in held:
        held += stream.recv(CHUNK)


def _burst(device: ReferenceDevice, count: int) -> tuple[int, float]:
    """How many of `count` commands were carried out and answered once, and the seconds that all took."""
    port = free_port()
    process = device.start(f"tcp-listen://127.0.0.1:{port}")
    try:
        with connected(port) as stream:
            ground = Ground(load_dictionary(str(device.dictionary)), stream)
            ground.settle()
            uplink = b"".join([ground.frame(NO_OP_STRING, str(number)) for number in range(count)])
            sender = threading.Thread(target=stream.sendall, args=(uplink,), daemon=True)
            began = time.perf_counter()
            sender.start()
            received, completed = _answers(ground, count)
            spent = time.perf_counter() - began
    finally:
        stop(process)
    once = received == [str(number) for number in range(count)]
    return (completed if once and completed <= count else len(set(received)) - abs(completed - len(received))), spent


def _answers(ground: Ground, count: int) -> tuple[list[str], int]:
    received: list[str] = []
    completed = 0
    while completed < count:
        try:
            data = ground.stream.recv(CHUNK)
        except TimeoutError:
            break
        for event in ground.events(data):
            if event.name == RECEIVED:
                received.append(str(event.args[0]))
            elif event.name == COMPLETED:
                completed += 1
    return received, completed


def _bursts(device: ReferenceDevice) -> list[Figure]:
    answered, spent = _burst(device, BURST)
    if answered == BURST:
        large, large_spent = _burst(device, LARGE_BURST)
        if large == LARGE_BURST:
            answered, spent = large, large_spent
    print(f"burst: {answered / spent:.0f} commands/s", file=sys.stderr)
    return [Figure("commands answered in one burst", answered, "commands", BURST, answered, BURST, LARGE_BURST, True)]


def figures() -> list[Figure]:
    """Round trip and burst of the reference deployment."""
    cores = sorted(os.sched_getaffinity(0))
    with ReferenceDevice() as device:
        found = [_round_trips(device, "command round trip over TCP, one core", (cores[0], cores[0]), 4, 3)]
        if len(cores) > 1:
            found.append(_round_trips(device, "command round trip over TCP, two cores", (cores[0], cores[1]), 3, 2.2))
        return [*found, *_bursts(device)]
