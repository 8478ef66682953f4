"""Sends files to the ground, one after the other, as fast as the link takes them."""

# ruff: noqa: N803 - the arguments of commands and events keep F´s names
from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    I32,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    Size,
    async_port,
    command,
    event,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import Com, Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake.wire.file_packets import CancelPacket
from kittiwake_components.file_downlink.transfer import FileChanged, Request, Transfer
from kittiwake_components.idleness import Idleness
from kittiwake_components.ports.file import FileName, SendFile, SendFileDone
from kittiwake_components.ports.lifecycle import Idle
from kittiwake_components.ports.link import Flow

if TYPE_CHECKING:
    from kittiwake.runtime.tasks import Reply

Reason = Annotated[str, Size(80)]

MAX_FILE_SIZE = 0xFFFFFFFF
MAX_QUEUED = 12
PACKET_SIZES = (512, 4095)
PACKETS_A_TURN = 32


class FileDownlink(ActiveComponent):
    """F´'s file downlink. Files wait in a queue, and never are two on their way at once."""

    buffer_send_out = OutputPort(Com, required=True, doc="File packets for the downlink.")
    send_file_done = OutputPort(SendFileDone, doc="How a file ended that was asked for through `send_file`.")

    idle_out = OutputPort(Idle, doc="No cycle is needed while no file is on its way or waits.")

    files_sent = Channel(U32, on_change=True, doc="Files that were sent whole.")
    packets_sent = Channel(U32, on_change=True, doc="File packets handed to the downlink.")
    warnings = Channel(U32, on_change=True, doc="Warnings reported.")

    timeout_s = Parameter(
        U32, default=300, low=0, high=86400, unit="s",
        doc="A file of which nothing could be sent for so long is given up; 0 waits for ever.",
    )  # fmt: skip
    packets_per_cycle = Parameter(
        U32, default=0, low=0, high=10000, doc="Most packets between two calls of run; 0 leaves the pace to the link."
    )
    packet_size = Setting(
        int, default=1000, low=PACKET_SIZES[0], high=PACKET_SIZES[1], doc="Bytes of a full packet, its header included."
    )
    queue_depth = Setting(int, default=10, low=1, high=MAX_QUEUED, doc="Most files that wait.")

    @event(WARNING_HI, "Could not open file {fileName}: {reason}", id=0x00)
    def file_open_error(self, fileName: FileName, reason: Reason) -> None: ...

    @event(WARNING_HI, "Could not read file {fileName} with status {status}: {reason}", id=0x01)
    def file_read_error(self, fileName: FileName, status: I32, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "Sent file {sourceFileName} to file {destFileName}", id=0x02)
    def file_sent(self, sourceFileName: FileName, destFileName: FileName) -> None: ...

    @event(ACTIVITY_HI, "Canceled downlink of file {sourceFileName} to file {destFileName}", id=0x03)
    def downlink_canceled(self, sourceFileName: FileName, destFileName: FileName) -> None: ...

    @event(
        WARNING_HI,
        "Timeout occurred during downlink of file {sourceFileName} to file {destFileName}. Downlink has been canceled.",
        id=0x04,
    )
    def downlink_timeout(self, sourceFileName: FileName, destFileName: FileName) -> None: ...

    @event(
        WARNING_LO,
        "Offset {startOffset} plus length {length} is greater than source size {filesize} for partial downlink of "
        "file {sourceFileName} to file {destFileName}",
        id=0x05,
    )
    def downlink_partial_warning(
        self, startOffset: U32, length: U32, filesize: U32, sourceFileName: FileName, destFileName: FileName
    ) -> None: ...

    @event(
        WARNING_HI,
        "Error occurred during partial downlink of file {sourceFileName} to file {destFileName}. "
        "Offset {startOffset} is not before the end of the source, {filesize}",
        id=0x06,
    )
    def downlink_partial_fail(
        self, sourceFileName: FileName, destFileName: FileName, startOffset: U32, filesize: U32
    ) -> None: ...

    @event(WARNING_HI, "Failed to send data packet from file {sourceFileName} at byte offset {byteOffset}", id=0x07)
    def send_data_fail(self, sourceFileName: FileName, byteOffset: U32) -> None: ...

    @event(ACTIVITY_LO, "Downlink of {fileSize} bytes started from {sourceFileName} to {destFileName}", id=0x08)
    def send_started(self, fileSize: U32, sourceFileName: FileName, destFileName: FileName) -> None: ...

    @event(WARNING_HI, "Gave up file {sourceFileName}: {reason}", id=0x40)
    def file_changed(self, sourceFileName: FileName, reason: Reason) -> None: ...

    def initialize(self) -> None:
        self._files = self._context.platform.files
        self._root = self._context.root
        self._queue: deque[Request] = deque()
        self._transfer: Transfer | None = None
        self._cancel_index: int | None = None
        if not self._context.restarts:  # what was asked for outlives a restart
            self._paused = False
        self._pumping = False
        self._budget = 0
        self._progress_ns = 0
        self._idleness = Idleness(self.clock, None)

    def start(self) -> None:
        self._idleness = Idleness(self.clock, self.idle_out if self.is_connected(FileDownlink.idle_out) else None)

    def stop(self) -> None:
        requests = list(self._queue)
        self._queue.clear()
        if self._transfer is not None:
            requests.insert(0, self._transfer.request)
            self._transfer.close()
            self._transfer = None
        for request in requests:
            request.done(CommandResponse.EXECUTION_ERROR)

    # What asks for files

    @command(name="SendFile", opcode=0x00)
    async def send_file_command(self, sourceFileName: FileName, destFileName: FileName) -> None:
        """Sends a file, and answers when its last packet is handed over or it was given up."""
        await self._sent(sourceFileName, destFileName, 0, 0)

    @command(name="Cancel", opcode=0x01)
    def cancel(self) -> None:
        """Gives up the file that is on its way, if any; those that wait follow."""
        transfer = self._transfer
        if transfer is None:
            return
        self._give_up(transfer, CommandResponse.EXECUTION_ERROR)
        self.downlink_canceled(transfer.request.source, transfer.request.destination)
        self._go_on_later()

    @command(name="SendPartial", opcode=0x02)
    async def send_partial(
        self, sourceFileName: FileName, destFileName: FileName, startOffset: U32, length: U32
    ) -> None:
        """Sends `length` bytes of a file from `startOffset`, all to its end where `length` is 0."""
        await self._sent(sourceFileName, destFileName, startOffset, length)

    async def _sent(self, source: str, destination: str, offset: int, length: int) -> None:
        reply: Reply[CommandResponse] = self.clock.reply()
        self._enqueue(Request(source, destination, offset, length, reply.set))
        response = await reply
        if response is not CommandResponse.OK:
            raise CommandError(response)

    @async_port(SendFile, full="hook")
    def send_file(self, source: str, destination: str, token: int) -> None:
        """Another component wants a file sent."""
        self._enqueue(Request(source, destination, 0, 0, lambda response: self._tell(token, response)))

    def send_file_overflow(self, source: str, destination: str, token: int) -> None:
        """The component's own queue has no room for the request."""
        self._tell(token, CommandResponse.BUSY)

    def _tell(self, token: int, response: CommandResponse) -> None:
        if self.is_connected(FileDownlink.send_file_done):
            self.send_file_done(token, response)

    def _enqueue(self, request: Request) -> None:
        if len(self._queue) >= self.queue_depth:
            self._warn()
            self.file_open_error(request.source, f"{self.queue_depth} files wait already")
            request.done(CommandResponse.BUSY)
        elif not request.destination:
            self._warn()
            self.file_open_error(request.source, "the destination has no name")
            request.done(CommandResponse.VALIDATION_ERROR)
        else:
            self._queue.append(request)
            self._idleness.set(is_idle=False)

    # Pace

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Starts the next file, gives a file up that has waited too long, and lets the next packets go."""
        self._budget = self.packets_per_cycle
        self._pumping = False  # a wake-up that found no room in the queue is made up for here
        transfer, limit_s = self._transfer, self.timeout_s
        if transfer is not None and limit_s and self.clock.now_ns() - self._progress_ns >= limit_s * NS_PER_S:
            self._warn()
            self.downlink_timeout(transfer.request.source, transfer.request.destination)
            self._give_up(transfer, CommandResponse.EXECUTION_ERROR)
        self._send_some()
        # With nothing to send for now a file may still run into its time limit; a CANCEL goes when the link takes it.
        self._idleness.set(is_idle=self._transfer is None and not self._queue)

    @sync_port(Flow)
    def flow_in(self, paused: bool) -> None:
        """The link asks to wait or to go on."""
        self._paused = paused
        if not paused:
            self._go_on_later()

    def _go_on_later(self) -> None:
        if not self._pumping:
            self._pumping = True
            self.go_on()

    @internal_port(full="drop")
    def go_on(self) -> None:
        """Lets the next packets go."""
        self._pumping = False
        self._send_some()

    def _send_some(self) -> None:
        """Sends a bounded number of packets, so that commands and pings come in between."""
        for _ in range(PACKETS_A_TURN):
            if self._paused or (self.packets_per_cycle and self._budget <= 0) or not self._send_next():
                return
        self._go_on_later()

    # Packets

    def _send_next(self) -> bool:
        """Sends one packet; false if there is none to send."""
        if self._cancel_index is not None:
            index, self._cancel_index = self._cancel_index, None
            self._send(CancelPacket(index).encode())
            return True
        transfer = self._transfer
        if transfer is None:
            if not self._queue:
                return False
            self._begin(self._queue.popleft())
            return True
        try:
            packet = transfer.next_packet()
        except OSError as fault:
            self._warn()
            self.file_read_error(transfer.request.source, fault.errno or 0, reason_of(fault))
            self._warn()
            self.send_data_fail(transfer.request.source, transfer.offset)
            self._give_up(transfer, CommandResponse.EXECUTION_ERROR)
        except FileChanged as fault:
            self._warn()
            self.file_changed(transfer.request.source, str(fault))
            self._give_up(transfer, CommandResponse.EXECUTION_ERROR)
        else:
            self._send(packet)
            if transfer.is_finished:
                self._complete(transfer)
        return True

    def _send(self, packet: bytes) -> None:
        self._budget -= 1
        self._progress_ns = self.clock.now_ns()
        self.packets_sent = self.packets_sent + 1 & 0xFFFFFFFF
        self.buffer_send_out(packet, 0)

    def _begin(self, request: Request) -> None:
        """Opens a file, and refuses what cannot be sent."""
        try:
            path = self._root.resolve(request.source)
            transfer = Transfer(self._files, path, request, self.packet_size)
            transfer.open()
        except OSError as fault:
            self._refuse(request, reason_of(fault))
            return
        size = transfer.file_size
        if size > MAX_FILE_SIZE:
            transfer.close()
            self._refuse(request, f"{size} bytes are more than a file packet can say, {MAX_FILE_SIZE}")
            return
        if request.offset and request.offset >= size:
            transfer.close()
            self._warn()
            self.downlink_partial_fail(request.source, request.destination, request.offset, size)
            request.done(CommandResponse.VALIDATION_ERROR)
            return
        if request.offset + request.length > size:
            self._warn()
            self.downlink_partial_warning(request.offset, request.length, size, request.source, request.destination)
        transfer.end = min(request.offset + request.length, size) if request.length else size
        self._transfer = transfer
        self._progress_ns = self.clock.now_ns()
        self.send_started(transfer.end - transfer.offset, request.source, request.destination)

    def _refuse(self, request: Request, reason: str) -> None:
        self._warn()
        self.file_open_error(request.source, reason)
        request.done(CommandResponse.EXECUTION_ERROR)

    def _complete(self, transfer: Transfer) -> None:
        transfer.close()
        self._transfer = None
        self.files_sent = self.files_sent + 1 & 0xFFFFFFFF
        self.file_sent(transfer.request.source, transfer.request.destination)
        transfer.request.done(CommandResponse.OK)

    def _give_up(self, transfer: Transfer, response: CommandResponse) -> None:
        """Ends a file early. Its CANCEL packet goes before anything else, as soon as the link takes packets."""
        transfer.close()
        self._transfer = None
        if transfer.sequence_index:
            self._cancel_index = transfer.sequence_index
        transfer.request.done(response)

    def _warn(self) -> None:
        self.warnings = self.warnings + 1 & 0xFFFFFFFF
