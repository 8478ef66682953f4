"""Takes files from the ground, and gives them their names only when they are whole, verified and on the disk."""

# ruff: noqa: N803 - the arguments of commands and events keep F´s names
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U16,
    U32,
    WARNING_HI,
    ActiveComponent,
    Channel,
    OutputPort,
    Parameter,
    Setting,
    Size,
    async_port,
    event,
)
from kittiwake.model.types import WireError
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.coverage import TooManyPieces
from kittiwake.storage.root import reason_of
from kittiwake.storage.streamed import PART, clean_parts
from kittiwake.wire.file_packets import CancelPacket, DataPacket, EndPacket, StartPacket, decode
from kittiwake.wire.packets import DESCRIPTOR_SIZE, Apid
from kittiwake_components.file_uplink.reception import Reception
from kittiwake_components.ports.file import FileAnnounce, FileName
from kittiwake_components.ports.link import Frame

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer
    from kittiwake.wire.file_packets import FilePacket

Reason = Annotated[str, Size(80)]

MAX_FILE_SIZE = 0xFFFFFFFF
MAX_CLEANED_FOLDERS = 16
_THROTTLED = (
    "file_write_error", "invalid_receive_mode", "packet_out_of_bounds", "packet_out_of_order", "packet_duplicate",
    "too_many_holes",
)  # fmt: skip


class Mode(IntEnum):
    """What the component waits for, as InvalidReceiveMode reports it (F´ FileUplink)."""

    START = 0
    DATA = 1


_KINDS = {StartPacket: 0, DataPacket: 1, EndPacket: 2, CancelPacket: 3}


def _check_folders(folders: list[str]) -> None:
    if len(folders) > MAX_CLEANED_FOLDERS:
        raise ValueError(f"at most {MAX_CLEANED_FOLDERS} folders are cleaned, not {len(folders)}")


class FileUplink(ActiveComponent):
    """F´'s file uplink. One file at a time; its packets may be sparse, repeated, late and out of order."""

    file_announce = OutputPort(FileAnnounce, doc="A file has come whole and is on the disk.")

    files_received = Channel(U32, on_change=True, doc="Files that came whole.")
    packets_received = Channel(U32, on_change=True, doc="File packets that could be decoded.")
    warnings = Channel(U32, on_change=True, doc="Warnings reported, those that were throttled included.")

    timeout_s = Parameter(
        U32, default=120, low=0, high=86400, unit="s",
        doc="An unfinished file for which no packet has come for so long is dropped; 0 keeps it.",
    )  # fmt: skip
    file_size_max = Parameter(
        U32, default=64 << 20, low=1, high=MAX_FILE_SIZE, unit="B", doc="Larger files are refused at their START."
    )
    cleaned_folders = Setting(
        list[str], default=["/"], check=_check_folders, doc="Folders whose unfinished files are removed at start."
    )

    @event(
        WARNING_HI,
        "Bad checksum value during receipt of file {fileName}: computed 0x{computed:x}, read 0x{read:x}",
        id=0,
    )
    def bad_checksum(self, fileName: FileName, computed: U32, read: U32) -> None: ...

    @event(WARNING_HI, "Could not open file {fileName}: {reason}", id=1)
    def file_open_error(self, fileName: FileName, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "Received file {fileName}", id=2)
    def file_received(self, fileName: FileName) -> None: ...

    @event(WARNING_HI, "Could not write to file {fileName}: {reason}", id=3, throttle=5)
    def file_write_error(self, fileName: FileName, reason: Reason) -> None: ...

    @event(WARNING_HI, "Packet type {packetType} received in mode {mode}", id=4, throttle=5)
    def invalid_receive_mode(self, packetType: U32, mode: U32) -> None: ...

    @event(WARNING_HI, "Packet {packetIndex} out of bounds for file {fileName}", id=5, throttle=5)
    def packet_out_of_bounds(self, packetIndex: U32, fileName: FileName) -> None: ...

    @event(WARNING_HI, "Received packet {packetIndex} after packet {lastPacketIndex}", id=6, throttle=20)
    def packet_out_of_order(self, packetIndex: U32, lastPacketIndex: U32) -> None: ...

    @event(WARNING_HI, "Received a duplicate of packet {packetIndex}", id=7, throttle=20)
    def packet_duplicate(self, packetIndex: U32) -> None: ...

    @event(ACTIVITY_HI, "Received CANCEL packet", id=8)
    def uplink_canceled(self) -> None: ...

    @event(WARNING_HI, "Unable to decode file packet: {reason}", id=9, throttle=5, every_s=10.0)
    def decode_error(self, reason: Reason) -> None: ...

    @event(WARNING_HI, "Invalid packet received. Wrong packet type: {packetType}", id=10, throttle=5, every_s=10.0)
    def invalid_packet_received(self, packetType: U16) -> None: ...

    @event(WARNING_HI, "File {fileName} misses {missing} bytes, the first at {firstOffset}; send them again", id=0x40)
    def uplink_incomplete(self, fileName: FileName, missing: U32, firstOffset: U32) -> None: ...

    @event(WARNING_HI, "No packet of file {fileName} for {timeout} s; what has come is dropped", id=0x41)
    def uplink_timeout(self, fileName: FileName, timeout: U32) -> None: ...

    @event(ACTIVITY_LO, "Removed {count} unfinished files of an earlier run in {folder}", id=0x42)
    def unfinished_removed(self, count: U32, folder: FileName) -> None: ...

    @event(WARNING_HI, "Packet {packetIndex} left out: file {fileName} has too many holes", id=0x43, throttle=5)
    def too_many_holes(self, packetIndex: U32, fileName: FileName) -> None: ...

    def initialize(self) -> None:
        self._files = self._context.platform.files
        self._root = self._context.root
        self._reception: Reception | None = None
        self._mode = Mode.START
        self._timer: Timer | None = None

    def start(self) -> None:
        for folder in self.cleaned_folders:
            try:
                removed = clean_parts(self._files, self._root.resolve(folder))
            except OSError as fault:
                self._warn()
                self.file_open_error(folder, reason_of(fault))
                continue
            if removed:
                self.unfinished_removed(len(removed), folder)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._drop()

    @async_port(Frame, full="drop")
    def buffer_send_in(self, data: bytes, context: int, authenticated: bool) -> None:
        """A file packet, its descriptor included. Whether it had to be authenticated was decided before."""
        descriptor = int.from_bytes(data[:DESCRIPTOR_SIZE], "big")
        if len(data) >= DESCRIPTOR_SIZE and descriptor != Apid.FILE:
            self._warn()
            self.invalid_packet_received(descriptor)
            return
        try:
            packet = decode(data)
        except WireError as fault:
            self._warn()
            self.decode_error(str(fault))
            return
        self.packets_received = self.packets_received + 1 & 0xFFFFFFFF
        if isinstance(packet, StartPacket):
            self._take_start(packet)
        elif isinstance(packet, DataPacket):
            self._take_data(packet)
        elif isinstance(packet, EndPacket):
            self._take_end(packet)
        else:
            self.uplink_canceled()
            self._forget()

    # START

    def _take_start(self, packet: StartPacket) -> None:
        for name in _THROTTLED:
            self.clear_throttle(name)
        if self._mode is Mode.DATA:
            self._refuse_in_mode(packet)
        name = packet.destination_path
        known = self._reception
        if known is not None and (known.name, known.size) == (name, packet.file_size):
            known.begin_transmission()
        else:
            self._forget()
            self._reception = self._open(name, packet.file_size)
            if self._reception is None:
                return
        self._mode = Mode.DATA
        self._note_progress()

    def _open(self, name: str, size: int) -> Reception | None:
        try:
            path = self._root.resolve(name)
            reason = self._objection(path, size)
            if reason is None:
                reception = Reception(self._files, path, name, size)
                reception.open()
                return reception
        except OSError as fault:
            reason = reason_of(fault)
        self._warn()
        self.file_open_error(name, reason)
        return None

    def _objection(self, path: str, size: int) -> str | None:
        if size > self.file_size_max:
            return f"{size} bytes are more than FILE_SIZE_MAX, {self.file_size_max}"
        if path.endswith(PART):
            return f"names that end in {PART} are for unfinished files"
        if self._files.is_folder(path):
            return "a folder has that name"
        free, _ = self._files.space(self._root.path)
        return f"{size} bytes do not fit into the {free} that are free" if size > free else None

    # DATA

    def _take_data(self, packet: DataPacket) -> None:
        reception = self._reception
        if reception is None or self._mode is not Mode.DATA:
            self._refuse_in_mode(packet)
            return
        self._note_progress()
        index = packet.sequence_index
        if index == reception.last_index:
            self._warn()
            self.packet_duplicate(index)
            return
        self._check_order(reception, index)
        if packet.byte_offset + len(packet.data) > reception.size:
            self._warn()
            self.packet_out_of_bounds(index, reception.name)
            return
        try:
            reception.put(packet.byte_offset, packet.data)
        except TooManyPieces:
            # The bytes are missing at the END, as if the link had lost the packet, and can be sent again.
            self._warn()
            self.too_many_holes(index, reception.name)
        except OSError as fault:
            self._warn()
            self.file_write_error(reception.name, reason_of(fault))
            self._forget()

    def _check_order(self, reception: Reception, index: int) -> None:
        if index != reception.last_index + 1:
            self._warn()
            self.packet_out_of_order(index, reception.last_index)
        reception.last_index = index

    # END

    def _take_end(self, packet: EndPacket) -> None:
        reception = self._reception
        if reception is None or self._mode is not Mode.DATA:
            self._refuse_in_mode(packet)
            return
        self._note_progress()
        self._check_order(reception, packet.sequence_index)
        hole = reception.first_hole()
        if hole is not None:
            reception.end_with_holes(packet.checksum)
            self._mode = Mode.START
            self._warn()
            self.uplink_incomplete(reception.name, hole[1], hole[0])
        elif not reception.agrees(packet.checksum):
            self._warn()
            self.bad_checksum(reception.name, reception.checksum, packet.checksum)
            self._forget()
        else:
            self._commit(reception)

    def _commit(self, reception: Reception) -> None:
        try:
            reception.commit()
        except (OSError, ValueError) as fault:
            self._warn()
            self.file_write_error(reception.name, reason_of(fault))
            self._forget()
            return
        self._reception = None
        self._mode = Mode.START
        self.files_received = self.files_received + 1 & 0xFFFFFFFF
        self.file_received(reception.name)
        if self.is_connected(FileUplink.file_announce):
            self.file_announce(reception.name)

    # The rest

    def _refuse_in_mode(self, packet: FilePacket) -> None:
        self._warn()
        self.invalid_receive_mode(_KINDS[type(packet)], self._mode)

    def _warn(self) -> None:
        self.warnings = self.warnings + 1 & 0xFFFFFFFF

    def _forget(self) -> None:
        """Gives up the file on its way; the next thing is a START."""
        self._mode = Mode.START
        self._drop()

    def _drop(self) -> None:
        reception, self._reception = self._reception, None
        if reception is None:
            return
        try:
            reception.drop()
        except OSError as fault:
            self._warn()
            self.file_write_error(reception.name, f"its unfinished part stays: {reason_of(fault)}")

    def _note_progress(self) -> None:
        """Notes that a packet has come. One timer watches the file; a packet does not move it."""
        assert self._reception is not None, "only a file on its way makes progress"
        self._reception.last_ns = self.clock.now_ns()
        if self._timer is None:
            self._watch_progress(self._reception)

    def _check_progress(self) -> None:
        self._timer = None
        reception, limit_s = self._reception, self.timeout_s
        if reception is None or not limit_s:
            return
        if self.clock.now_ns() < reception.last_ns + limit_s * NS_PER_S:
            self._watch_progress(reception)
            return
        self._warn()
        self.uplink_timeout(reception.name, limit_s)
        self._forget()

    def parameter_updated(self, name: str) -> None:
        if name == "timeout_s" and self._reception is not None:
            if self._timer is not None:
                self._timer.cancel()
            self._watch_progress(self._reception)

    def _watch_progress(self, reception: Reception) -> None:
        due_ns = reception.last_ns + self.timeout_s * NS_PER_S
        self._timer = self.clock.call_at(due_ns, self._check_progress) if self.timeout_s else None
