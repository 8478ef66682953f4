"""Files up to a deployment, in F´'s file packets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kittiwake.dictionary.decode import DecodedEvent
from kittiwake.wire.file_packets import (
    DATA_HEADER_SIZE,
    CancelPacket,
    DataPacket,
    EndPacket,
    FileChecksum,
    StartPacket,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.wire.link_address import LinkAddress
    from kittiwake_ground.station import Item, Station

MAX_FILE_SIZE = 0xFFFFFFFF
MAX_TRANSMISSIONS = 4
"""How often a file is sent before it is given up."""

SLOWED_RATE = 500_000.0
"""Bytes a second, at most, once packets were lost; each further transmission has a quarter of the rate before."""

MAX_LAG_S = 0.02
"""How much of a delay is caught up with, in seconds, so that a pause of ours does not end in a burst."""

TCP_RATE = 1_000_000.0
UDP_RATE = 50_000.0
SERIAL_SHARE = 0.08
"""Bytes for each bit of a serial line's rate: a byte takes ten bits, and a fifth of the line stays for the rest."""

RECEIVED = "FileReceived"
FAILURES = ("FileOpenError", "FileWriteError", "UplinkCanceled", "BadChecksum", "UplinkTimeout")
LOSSES = ("UplinkIncomplete", "PacketOutOfBounds")
"""What the deployment says of a transmission that it wants again."""
_WRONG_MODE = "InvalidReceiveMode"


class UplinkFailed(ValueError):
    """The deployment did not take the file; the message says why."""


def default_rate(address: LinkAddress) -> float:
    """The pace of a link in bytes a second. TCP has one as well: F´'s file packets are not acknowledged."""
    if address.kind == "serial":
        return address.baud * SERIAL_SHARE
    return UDP_RATE if address.kind == "udp" else TCP_RATE


class UplinkWatch:
    """What the deployment's file uplink says of a file that is on its way up."""

    def __init__(self, dictionary: Dictionary) -> None:
        """Raises `UplinkFailed` if the deployment takes no files, as it has no event FileReceived."""
        events = dictionary.events
        self._receivers = {name.rpartition(".")[0] for name in events if name.rpartition(".")[2] == RECEIVED}
        if not self._receivers:
            raise UplinkFailed(f"the dictionary has no event {RECEIVED}: the deployment takes no files")
        self.received = False
        self.failure = ""
        self.lost = False

    @property
    def is_over(self) -> bool:
        """Whether this transmission has nothing more to say or to hear."""
        return self.received or bool(self.failure) or self.lost

    def take(self, item: Item) -> None:
        """Looks at one item that came."""
        if not isinstance(item, DecodedEvent):
            return
        instance, _, mnemonic = item.name.rpartition(".")
        if instance not in self._receivers:
            return
        if mnemonic == RECEIVED:
            self.received = True
        elif mnemonic in FAILURES:
            self.failure = item.text
        elif mnemonic in LOSSES or (mnemonic == _WRONG_MODE and item.args[:1] != (0,)):
            # A START in the wrong mode only ends what an earlier ground left unfinished.
            self.lost = True


class Pace:
    """Says how long to wait after a packet for `rate` bytes a second, 0 for no wait. Times are seconds, monotonic."""

    def __init__(self, rate: float, now_s: float) -> None:
        self._rate = rate
        self._due_s = now_s

    def wait_s(self, size: int, now_s: float) -> float:
        """What is left to wait until the next packet, after one of `size` bytes."""
        self._due_s = max(self._due_s, now_s - MAX_LAG_S) + size / self._rate if self._rate else now_s
        return self._due_s - now_s


class UplinkCourse:
    """The course of one file's way up, without input or output: what to send, and whether to send it again."""

    def __init__(
        self, dictionary: Dictionary, content: bytes, source: str, destination: str, max_packet: int, rate: float
    ) -> None:
        """Raises `UplinkFailed` for what no transmission could bring up, `WireError` for impossible names."""
        self.watch = UplinkWatch(dictionary)
        self.rate = rate
        self.sent_bytes = 0
        """How much of the file this transmission has sent."""
        if len(content) > MAX_FILE_SIZE:
            raise UplinkFailed(f"{len(content)} bytes are more than a file packet can say")
        self._start = StartPacket(0, len(content), source, destination).encode()
        if len(self._start) > max_packet:
            raise UplinkFailed("the names are too long for one packet")
        self._content = content
        self._step = max_packet - DATA_HEADER_SIZE
        self._transmissions = 0

    def begins(self) -> bool:
        """Whether a transmission is to begin; false once the deployment has the file.

        Raises `UplinkFailed` when it has refused the file, or did not get it in `MAX_TRANSMISSIONS`.
        """
        watch = self.watch
        if watch.received:
            return False
        if watch.failure:
            raise UplinkFailed(watch.failure)
        if self._transmissions == MAX_TRANSMISSIONS:
            said = "packets were lost each time" if watch.lost else "the deployment did not say that it has the file"
            raise UplinkFailed(f"sent {MAX_TRANSMISSIONS} times, and {said}")
        if self._transmissions:
            self.rate = min(self.rate / 4, SLOWED_RATE) if self.rate else SLOWED_RATE
        self._transmissions += 1
        watch.lost = False
        self.sent_bytes = 0
        return True

    def packets(self) -> Iterator[bytes]:
        """One transmission; it breaks off when the deployment has said enough."""
        yield self._start
        checksum = FileChecksum()
        index = 1
        for offset in range(0, len(self._content), self._step):
            data = self._content[offset : offset + self._step]
            checksum.update(offset, data)
            yield DataPacket(index, offset, data).encode()
            self.sent_bytes += len(data)
            index += 1
            if self.watch.is_over:
                return
        yield EndPacket(index, checksum.value).encode()


class Uplink:
    """Sends one file, again if packets were lost, at most `rate` bytes a second (0 for as fast as the link takes)."""

    def __init__(self, station: Station, timeout_s: float, rate: float, take: Callable[[Item], None]) -> None:
        """Raises `UplinkFailed` if the deployment takes no files."""
        self._station = station
        self._timeout_s = timeout_s
        self._rate = rate
        self._take = take
        self._watch = UplinkWatch(station.dictionary)

    def send(self, content: bytes, source: str, destination: str) -> None:
        """Sends a file and returns once the deployment has it.

        Raises `UplinkFailed`, `LinkLost`, and `WireError` for names that a packet cannot hold.
        """
        station = self._station
        course = UplinkCourse(station.dictionary, content, source, destination, station.max_packet, self._rate)
        self._watch = course.watch
        while course.begins():
            try:
                self._transmit(course)
                if not self._watch.is_over:
                    self._listen(self._timeout_s)
            except KeyboardInterrupt:
                station.send_packet(CancelPacket(0).encode())
                raise
            if self._watch.lost:
                # What the deployment still says of this transmission is not to be taken for the next one's.
                station.settle(self._hear)

    def _transmit(self, course: UplinkCourse) -> None:
        pace = Pace(course.rate, time.monotonic())
        for packet in course.packets():
            size = self._station.send_packet(packet)
            self._listen(pace.wait_s(size, time.monotonic()))

    def _listen(self, wait_s: float) -> None:
        """Takes what has come, and lets `wait_s` pass unless something is decided."""
        deadline = time.monotonic() + wait_s
        while True:
            for item in self._station.receive(deadline - time.monotonic()):
                self._hear(item)
            if self._watch.is_over or time.monotonic() >= deadline:
                return

    def _hear(self, item: Item) -> None:
        self._take(item)
        self._watch.take(item)
