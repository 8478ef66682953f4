"""Files down from a deployment, in F´'s file packets: nothing is kept that is not whole and verified."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kittiwake.platform.system_files import SystemFiles
from kittiwake.storage.streamed import StreamedFile, VerificationFailed
from kittiwake.wire.file_packets import CancelPacket, DataPacket, EndPacket, FileChecksum, StartPacket
from kittiwake_ground.commanding import CommandWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.platform.interface import File
    from kittiwake_ground.station import Item, Station

SEND_COMMAND = "SendFile"
CHUNK_SIZE = 65536


class DownlinkFailed(ValueError):
    """The file did not come whole; the message says why."""


def send_command_name(dictionary: Dictionary) -> str:
    """The full name of the command that sends a file down. Raises `DownlinkFailed` if there is none or several."""
    commands = dictionary.commands.values()
    found = [one.name for one in commands if one.name.rpartition(".")[2] == SEND_COMMAND and len(one.formals) == 2]
    if len(found) != 1:
        raise DownlinkFailed(f"the dictionary has {len(found)} commands {SEND_COMMAND}, not one")
    return found[0]


class Reception:
    """One file that comes down under the name `destination` and becomes `path`, an absolute one."""

    def __init__(self, path: Path, destination: str) -> None:
        self.done = False
        self.size = 0
        self._destination = destination
        self._path = str(path)
        self._file: StreamedFile | None = None
        self._next_index = 0
        self.received_bytes = 0

    def take(self, packet: object) -> bool:
        """Looks at one file packet, and says whether it belongs to this file.

        Raises `DownlinkFailed` for one that is missing, out of bounds or wrong at the end, and `OSError`.
        """
        if isinstance(packet, StartPacket):
            return self._start(packet)
        if self._file is None or self.done:
            return False
        if isinstance(packet, DataPacket):
            self._data(self._file, packet)
        elif isinstance(packet, EndPacket):
            self._end(self._file, packet)
        elif isinstance(packet, CancelPacket):
            raise DownlinkFailed("the deployment gave the file up")
        return True

    def _start(self, packet: StartPacket) -> bool:
        if packet.destination_path != self._destination:
            if self._file is not None and not self.done:
                raise DownlinkFailed("another file began before this one ended")
            return False
        self.size = packet.file_size
        self._file = StreamedFile(SystemFiles(), self._path, self.size)
        self._file.start()
        self._next_index = 1
        self.received_bytes = 0
        return True

    def _data(self, file: StreamedFile, packet: DataPacket) -> None:
        if packet.sequence_index != self._next_index or packet.byte_offset != self.received_bytes:
            raise DownlinkFailed(f"packets were lost after byte {self.received_bytes} of {self.size}")
        if packet.byte_offset + len(packet.data) > self.size:
            raise DownlinkFailed(f"more than the {self.size} bytes came that were announced")
        file.write_at(packet.byte_offset, packet.data)
        self._next_index += 1
        self.received_bytes += len(packet.data)

    def _end(self, file: StreamedFile, packet: EndPacket) -> None:
        if packet.sequence_index != self._next_index or self.received_bytes != self.size:
            raise DownlinkFailed(f"packets were lost after byte {self.received_bytes} of {self.size}")

        def check(part: File) -> str | None:
            checksum = FileChecksum()
            for offset in range(0, self.size, CHUNK_SIZE):
                checksum.update(offset, part.read_at(offset, CHUNK_SIZE))
            return None if checksum.value == packet.checksum else "its checksum is wrong"

        try:
            file.finish(check, size=self.size)
        except VerificationFailed as fault:
            raise DownlinkFailed(f"the file came whole, but {fault.reason}") from None
        self.done = True

    def close(self) -> None:
        """Removes what did not come whole."""
        if self._file is not None and not self.done:
            self._file.abort()


def download(
    station: Station, source: str, path: Path, destination: str, timeout_s: float, take: Callable[[Item], None]
) -> int:
    """Asks for the file `source` and writes it to `path`; gives its size in bytes.

    `destination` is the name that it travels under. `timeout_s` is the longest silence. Raises `DownlinkFailed`,
    `LinkLost` and `OSError`; what stood at `path` then still does.
    """
    name = send_command_name(station.dictionary)
    reception = Reception(path, destination)
    watch = CommandWatch(station.send_command(name, [source, destination]))
    deadline = time.monotonic() + timeout_s
    try:
        while not reception.done:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise DownlinkFailed(f"nothing of the file came for {timeout_s:g} s")
            for item in station.receive(left_s):
                take(item)
                watch.take(item)
                if reception.take(item):
                    deadline = time.monotonic() + timeout_s
            if watch.answer is not None and not watch.answer.completed:
                raise DownlinkFailed(f"{name} {watch.answer.reason}")
    finally:
        reception.close()
    return reception.size
