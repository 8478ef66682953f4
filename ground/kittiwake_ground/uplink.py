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
    from collections.abc import Callable

    from kittiwake_ground.station import Item, Station

MAX_FILE_SIZE = 0xFFFFFFFF
MAX_TRANSMISSIONS = 4
"""How often a file is sent before it is given up."""

SLOWED_RATE = 500_000.0
"""Bytes a second, at most, once packets were lost; each further transmission has a quarter of the rate before."""

MAX_LAG_S = 0.02
"""How much of a delay is caught up with, in seconds, so that a pause of ours does not end in a burst."""

RECEIVED = "FileReceived"
FAILURES = ("FileOpenError", "FileWriteError", "UplinkCanceled", "BadChecksum", "UplinkTimeout")
LOSSES = ("UplinkIncomplete", "PacketOutOfBounds")
"""What the deployment says of a transmission that it wants again."""
_WRONG_MODE = "InvalidReceiveMode"


class UplinkFailed(ValueError):
    """The deployment did not take the file; the message says why."""


class UplinkWatch:
    """What the deployment's file uplink says of a file that is on its way up."""

    def __init__(self, station: Station) -> None:
        """Raises `UplinkFailed` if the deployment takes no files, as it has no event FileReceived."""
        events = station.dictionary.events
        self._receivers = {name.rpartition(".")[0] for name in events if name.rpartition(".")[2] == RECEIVED}
        if not self._receivers:
            raise UplinkFailed(f"the dictionary has no event {RECEIVED}: the deployment takes no files")
        self.received = False
        self.failure = ""
        self.lost = False

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


class Uplink:
    """Sends one file, again if packets were lost, at most `rate` bytes a second (0 for as fast as the link takes)."""

    def __init__(self, station: Station, timeout_s: float, rate: float, take: Callable[[Item], None]) -> None:
        self._station = station
        self._timeout_s = timeout_s
        self._rate = rate
        self._take = take
        self._watch = UplinkWatch(station)

    def send(self, content: bytes, source: str, destination: str) -> None:
        """Sends a file and returns once the deployment has it.

        Raises `UplinkFailed`, `LinkLost`, and `WireError` for names that a packet cannot hold.
        """
        if len(content) > MAX_FILE_SIZE:
            raise UplinkFailed(f"{len(content)} bytes are more than a file packet can say")
        start = StartPacket(0, len(content), source, destination).encode()
        if len(start) > self._station.max_packet:
            raise UplinkFailed("the names are too long for one packet")
        for _ in range(MAX_TRANSMISSIONS):
            self._watch.lost = False
            try:
                self._transmit(start, content)
                if not self._is_over:
                    self._listen(self._timeout_s)
            except KeyboardInterrupt:
                self._station.send_packet(CancelPacket(0).encode())
                raise
            if self._watch.lost:
                # What the deployment still says of this transmission is not to be taken for the next one's.
                self._station.settle(self._hear)
            if self._watch.received:
                return
            if self._watch.failure:
                raise UplinkFailed(self._watch.failure)
            self._rate = min(self._rate / 4, SLOWED_RATE) if self._rate else SLOWED_RATE
        lost = "packets were lost each time" if self._watch.lost else "the deployment did not say that it has the file"
        raise UplinkFailed(f"sent {MAX_TRANSMISSIONS} times, and {lost}")

    @property
    def _is_over(self) -> bool:
        """Whether this transmission has nothing more to say or to hear."""
        return self._watch.received or bool(self._watch.failure) or self._watch.lost

    def _transmit(self, start: bytes, content: bytes) -> None:
        due_s = self._pace(time.monotonic(), start)
        checksum = FileChecksum()
        step = self._station.max_packet - DATA_HEADER_SIZE
        index = 1
        for offset in range(0, len(content), step):
            data = content[offset : offset + step]
            checksum.update(offset, data)
            due_s = self._pace(due_s, DataPacket(index, offset, data).encode())
            index += 1
            if self._is_over:
                return
        self._station.send_packet(EndPacket(index, checksum.value).encode())

    def _pace(self, due_s: float, packet: bytes) -> float:
        """Sends a packet, and listens until the next one is due; gives that time."""
        size = self._station.send_packet(packet)
        now = time.monotonic()
        due_s = max(due_s, now - MAX_LAG_S) + size / self._rate if self._rate else now
        self._listen(due_s - now)
        return due_s

    def _listen(self, wait_s: float) -> None:
        """Takes what has come, and lets `wait_s` pass unless something is decided."""
        deadline = time.monotonic() + wait_s
        while True:
            for item in self._station.receive(deadline - time.monotonic()):
                self._hear(item)
            if self._is_over or time.monotonic() >= deadline:
                return

    def _hear(self, item: Item) -> None:
        self._take(item)
        self._watch.take(item)
