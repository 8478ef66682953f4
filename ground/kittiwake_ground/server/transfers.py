"""Files up and down: one of each at a time, as F´'s file packets have it, the rest in a queue."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from kittiwake.wire.file_packets import StartPacket
from kittiwake_ground.downlink import DownlinkFailed, Reception, send_command_name
from kittiwake_ground.server.instances import NoSuchAbility, command_called
from kittiwake_ground.server.links import LinkDown
from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.transfer import (
    CANCELLED,
    COMPLETED,
    DOWN,
    FAILED,
    PACKETS,
    QUEUED,
    RUNNING,
    SILENCE_S,
    UP,
    Transfer,
    TransferCancelled,
    TransferRefused,
    kept_name,
)
from kittiwake_ground.server.uploading import Uploader
from kittiwake_ground.uplink import Pace, UplinkFailed, UplinkWatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.wire.file_packets import FilePacket
    from kittiwake_ground.server.commands import CommandRecord, Commands

__all__ = ["Transfer", "TransferRefused", "Transfers", "remove_leftovers"]

MAX_TRANSFERS = 200
"""The most transfers of a deployment that are remembered; what an older one brought down in packets is removed."""

MAX_QUEUED = 50
MAX_QUEUED_BYTES = 256 << 20
"""The most bytes that may wait for their way up, in memory."""

MAX_FILE_SIZE = 1 << 30
MAX_NAME_BYTES = 240
READY_WAIT_S = 600.0
"""How long a transfer waits for the link."""

REPORT_EVERY_S = 0.2


class Transfers:
    """The transfers of one deployment. Files that come down are kept in `folder`."""

    def __init__(
        self,
        dictionary: Dictionary,
        commands: Commands,
        folder: Path,
        rate: float,
        max_packet: int,
        send_packet: Callable[[bytes], Awaitable[int]],
        is_ready: Callable[[], bool],
        changed: Callable[[Transfer], None],
        shared_pace: Pace | None = None,
        cancel_elsewhere: Callable[[Transfer], None] = lambda transfer: None,
    ) -> None:
        """`shared_pace` is of all that goes up, `cancel_elsewhere` gives up a transfer that goes by another way."""
        self.records: dict[int, Transfer] = {}
        """The last transfers by id, the oldest first."""
        self._dictionary = dictionary
        self._commands = commands
        self._folder = folder
        self._is_ready = is_ready
        self._changed = changed
        self._cancel_elsewhere = cancel_elsewhere
        pace = Pace(rate, time.monotonic()) if shared_pace is None else shared_pace
        self._uploader = Uploader(dictionary, rate, pace, max_packet, send_packet, is_ready, self._progress, self._end)
        self._queues: dict[str, asyncio.Queue[Transfer]] = {way: asyncio.Queue(MAX_QUEUED) for way in (UP, DOWN)}
        self._ready = asyncio.Event()
        self._reception: tuple[Transfer, Reception] | None = None
        self._unasked: tuple[Transfer, Reception] | None = None
        self._down_news = asyncio.Event()
        self._last_packet = 0.0
        self._last_report = 0.0
        self._last_id = 0

    # What is asked for

    def upload(self, content: bytes, remote: str, by: str = "local", name: str = "") -> Transfer:
        """Queues a file for the way up. Raises `TransferRefused`."""
        try:
            UplinkWatch(self._dictionary)
        except UplinkFailed as fault:
            raise TransferRefused(str(fault)) from None
        if sum(len(one.content or b"") for one in self.records.values()) + len(content) > MAX_QUEUED_BYTES:
            raise TransferRefused(f"the files that wait would be more than {MAX_QUEUED_BYTES} bytes")
        transfer = self._new(UP, remote, name or remote.rpartition("/")[2], by)
        transfer.size = len(content)
        transfer.content = content
        return self._queue(transfer)

    def download(self, remote: str, by: str = "local") -> Transfer:
        """Queues a file for the way down. Raises `TransferRefused`."""
        try:
            send_command_name(self._dictionary)
        except DownlinkFailed as fault:
            raise TransferRefused(str(fault)) from None
        transfer = self._new(DOWN, remote, remote.rpartition("/")[2], by)
        return self._queue(transfer)

    def cancel(self, id: int) -> Transfer:
        """Gives a transfer up. Raises `LookupError`, and `TransferRefused` for one that has ended."""
        transfer = self.records[id]
        if transfer.is_final:
            raise TransferRefused(f"the transfer has {transfer.state}")
        if transfer.way != PACKETS:
            self._cancel_elsewhere(transfer)
            return transfer
        transfer.cancelling.set()
        if transfer.state == QUEUED:
            self._end(transfer, CANCELLED)
        elif self._unasked is not None and self._unasked[0] is transfer:
            self._end_reception(*self._unasked, CANCELLED)
        self._uploader.wake()
        self._down_news.set()
        return transfer

    def _new(self, direction: str, remote: str, name: str, by: str) -> Transfer:
        check_name(remote, name)
        return Transfer(self.new_id(), direction, remote, name, by)

    def new_id(self) -> int:
        """An id that no transfer had: the time, as far as that was not used."""
        self._last_id = max(self._last_id + 1, now_us())
        return self._last_id

    def _queue(self, transfer: Transfer) -> Transfer:
        try:
            self._queues[transfer.direction].put_nowait(transfer)
        except asyncio.QueueFull:
            raise TransferRefused(f"{MAX_QUEUED} transfers wait already") from None
        self.remember(transfer)
        return transfer

    def remember(self, transfer: Transfer) -> None:
        """Shows a transfer among the others."""
        self.records[transfer.id] = transfer
        while len(self.records) > MAX_TRANSFERS:
            oldest = next((one for one in self.records.values() if one.is_final), None)
            if oldest is None:
                break
            del self.records[oldest.id]
            if oldest.path is not None and oldest.way == PACKETS:
                oldest.path.unlink(missing_ok=True)
        self._changed(transfer)

    def _end(self, transfer: Transfer, state: str, reason: str = "") -> None:
        transfer.end(state, reason)
        self._changed(transfer)

    def _progress(self, transfer: Transfer, done_bytes: int) -> None:
        transfer.done_bytes = done_bytes
        now = time.monotonic()
        if now - self._last_report >= REPORT_EVERY_S:
            self._last_report = now
            self._changed(transfer)

    # What comes

    def link_changed(self) -> None:
        """The link may be ready now, or no more."""
        if self._is_ready():
            self._ready.set()
        else:
            self._ready.clear()
            self._uploader.wake()
            self._down_news.set()
            if self._unasked is not None:
                self._end_reception(*self._unasked, FAILED, "the link broke")

    def take_event(self, event: DecodedEvent) -> None:
        """Looks at an event."""
        self._uploader.take_event(event)

    def take_packet(self, packet: FilePacket) -> None:
        """Takes a piece of a file that comes down."""
        for active in (self._reception, self._unasked):
            if active is not None and self._give(*active, packet):
                return
        if isinstance(packet, StartPacket):
            self._begin_unasked(packet)

    def _give(self, transfer: Transfer, reception: Reception, packet: FilePacket) -> bool:
        try:
            if isinstance(packet, StartPacket) and packet.file_size > MAX_FILE_SIZE:
                raise DownlinkFailed(f"{packet.file_size} bytes are more than the {MAX_FILE_SIZE} allowed")
            if not reception.take(packet):
                return False
        except (DownlinkFailed, OSError) as fault:
            self._end_reception(transfer, reception, FAILED, str(fault))
            return True
        self._last_packet = time.monotonic()
        transfer.size = reception.size
        self._progress(transfer, reception.received_bytes)
        if reception.done:
            self._end_reception(transfer, reception, COMPLETED)
        return True

    def _begin_unasked(self, packet: StartPacket) -> None:
        """A file that nobody here has asked for, as a sequence may send one."""
        if self._unasked is not None:
            self._end_reception(*self._unasked, FAILED, "another file began before this one ended")
        name = packet.destination_path.rpartition("/")[2]
        try:
            transfer = self._new(DOWN, packet.source_path, name, "deployment")
        except TransferRefused:
            return
        transfer.state = RUNNING
        self.remember(transfer)
        transfer.path = self._path(transfer)
        reception = Reception(transfer.path, packet.destination_path)
        self._unasked = (transfer, reception)
        self._give(transfer, reception, packet)

    def _end_reception(self, transfer: Transfer, reception: Reception, state: str, reason: str = "") -> None:
        reception.close()
        if self._unasked is not None and self._unasked[0] is transfer:
            self._unasked = None
        if self._reception is not None and self._reception[0] is transfer:
            self._reception = None
            self._down_news.set()
        if state != COMPLETED:
            transfer.path = None
        self._end(transfer, state, reason)

    def _path(self, transfer: Transfer) -> Path:
        """Where a file is kept."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return (self._folder / kept_name(transfer.id, transfer.name)).absolute()

    # The work

    async def run(self) -> None:
        """Carries transfers out, until it is cancelled."""
        try:
            await asyncio.gather(self._work(UP, self._uploader.carry), self._work(DOWN, self._carry_down))
        finally:
            for active in (self._reception, self._unasked):
                if active is not None:
                    self._end_reception(*active, FAILED, "the ground station was stopped")

    async def _work(self, way: str, carry: Callable[[Transfer], Awaitable[None]]) -> None:
        while True:
            transfer = await self._queues[way].get()
            if transfer.is_final:
                continue
            try:
                await self._until_ready(transfer)
                transfer.state = RUNNING
                self._changed(transfer)
                await carry(transfer)
            except TransferCancelled:
                self._end(transfer, CANCELLED)
            except (UplinkFailed, DownlinkFailed, LinkDown, OSError, ValueError, LookupError) as fault:
                if not transfer.is_final:
                    self._end(transfer, FAILED, str(fault))
            except asyncio.CancelledError:
                if not transfer.is_final:
                    self._end(transfer, FAILED, "the ground station was stopped")
                raise

    async def _until_ready(self, transfer: Transfer) -> None:
        deadline = time.monotonic() + READY_WAIT_S
        while not self._is_ready():
            if transfer.cancelling.is_set():
                raise TransferCancelled
            if time.monotonic() > deadline:
                raise LinkDown(f"the link did not come within {READY_WAIT_S:g} s")
            self._ready.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self._ready.wait()
            except TimeoutError:
                continue

    async def _carry_down(self, transfer: Transfer) -> None:
        transfer.path = self._path(transfer)
        travelling = transfer.path.name
        reception = Reception(transfer.path, travelling)
        self._reception = (transfer, reception)
        self._last_packet = time.monotonic()
        name = send_command_name(self._dictionary)
        try:
            command = self._commands.submit(name, [transfer.remote, travelling], transfer.by, SILENCE_S * 3600)
            await self._until_down(transfer, command)
        except BaseException:
            if not transfer.is_final:
                self._reception = None
                transfer.path = None
                reception.close()
            raise

    async def _until_down(self, transfer: Transfer, command: CommandRecord) -> None:
        while not transfer.is_final:
            if command.is_final and command.state != "completed":
                raise DownlinkFailed(f"{command.command.name} {command.reason or command.state}")
            if transfer.cancelling.is_set():
                self._stop_downlink(transfer.by)
                raise TransferCancelled
            if not self._is_ready() and command.state != "queued":
                raise DownlinkFailed("the link broke")
            left_s = self._last_packet + SILENCE_S - time.monotonic()
            if left_s <= 0:
                raise DownlinkFailed(f"nothing of the file came for {SILENCE_S:g} s")
            self._down_news.clear()
            if transfer.is_final:
                return
            try:
                async with asyncio.timeout(min(left_s, 1.0)):
                    await self._down_news.wait()
            except TimeoutError:
                continue

    def command_changed(self) -> None:
        """A command has gone on: it may be the one that sends a file."""
        self._down_news.set()

    def _stop_downlink(self, by: str) -> None:
        """Asks the deployment to stop, where it can."""
        instance = send_command_name(self._dictionary).rpartition(".")[0]
        try:
            self._commands.submit(command_called(self._dictionary, "Cancel", 0, instance).name, [], by)
        except (NoSuchAbility, ValueError):
            return


def check_name(remote: str, name: str) -> None:
    """Raises `TransferRefused` where one of them is no name of a file in a deployment."""
    try:
        sizes = [len(one.encode()) for one in (remote, name)]
    except UnicodeEncodeError:
        sizes = [0]
    if not all(sizes) or "\0" in remote or max(sizes) > MAX_NAME_BYTES:
        raise TransferRefused(f"{remote!r} names no file in a deployment")


def remove_leftovers(folder: Path) -> None:
    """Removes parts of files that an earlier run did not finish."""
    if folder.is_dir():
        for entry in os.scandir(folder):
            if entry.name.endswith(".part"):
                os.unlink(entry.path)
