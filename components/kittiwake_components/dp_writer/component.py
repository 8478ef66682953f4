"""Writes data products to files."""

# ruff: noqa: N803, A002 - the arguments of events keep F´'s names
from __future__ import annotations

import errno
import posixpath

from kittiwake.model import (
    ACTIVITY_LO,
    U32,
    U64,
    WARNING_HI,
    ActiveComponent,
    Channel,
    OutputPort,
    Setting,
    async_port,
    command,
    event,
)
from kittiwake.model.fw import FwSizeType
from kittiwake.model.types import WireError
from kittiwake.storage.copying import make_folders_durably, place_file
from kittiwake.wire.data_product import HEADER_SIZE, HeaderCrcError, ProductHeader, parse_header, parse_product
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.product import BufferSend, DpWritten

U32_MAX = 0xFFFFFFFF
U64_MAX = 0xFFFFFFFFFFFFFFFF
NAMESAKES_MAX = 100
"""Products of one container and one time, which a clock that was never set may give over restarts."""

_THROTTLED = (
    "buffer_too_small_for_packet", "invalid_header_hash", "invalid_header", "buffer_too_small_for_data",
    "invalid_data", "file_open_error", "file_write_error", "product_dropped",
)  # fmt: skip


class DpWriter(ActiveComponent):
    """F´'s data product writer: each product is checked, and durable in a file of its own before it is announced."""

    dp_written_out = OutputPort(DpWritten, doc="Tells the catalogue of each file.")

    num_buffers_received = Channel(U32, on_change=True, doc="Products received.")
    num_bytes_written = Channel(U64, on_change=True, unit="B", doc="Bytes written.")
    num_successful_writes = Channel(U32, on_change=True, doc="Files written.")
    num_failed_writes = Channel(U32, on_change=True, doc="Files that the disk did not take.")
    num_errors = Channel(U32, on_change=True, doc="Products that are none, or are lost for any other reason.")

    folder = Setting(str, default="/dp", doc="Folder in the root for the files.")

    @event(WARNING_HI, "Received buffer has size {bufferSize}; minimum required size is {minSize}", throttle=10, id=1)
    def buffer_too_small_for_packet(self, bufferSize: FwSizeType, minSize: U32) -> None: ...

    @event(
        WARNING_HI,
        "Received a buffer of size {bufferSize} with an invalid header hash (stored {storedHash:x}, computed "
        "{computedHash:x})",
        throttle=10, id=2,
    )  # fmt: skip
    def invalid_header_hash(self, bufferSize: FwSizeType, storedHash: U32, computedHash: U32) -> None: ...

    @event(
        WARNING_HI,
        "Received buffer of size {bufferSize}; deserialization of packet header failed with error code {errorCode}",
        throttle=10, id=3,
    )  # fmt: skip
    def invalid_header(self, bufferSize: FwSizeType, errorCode: U32) -> None: ...

    @event(WARNING_HI, "Received buffer has size {bufferSize}; minimum required size is {minSize}", throttle=10, id=4)
    def buffer_too_small_for_data(self, bufferSize: FwSizeType, minSize: U32) -> None: ...

    @event(WARNING_HI, "Error {status} opening file {file}", throttle=10, id=6)
    def file_open_error(self, status: U32, file: FileName) -> None: ...

    @event(
        WARNING_HI, "Error {status} while writing {bytesWritten} of {bytesToWrite} bytes to {file}", throttle=10, id=7
    )
    def file_write_error(self, status: U32, bytesWritten: U32, bytesToWrite: U32, file: FileName) -> None: ...

    @event(ACTIVITY_LO, "Wrote {bytes} bytes to file {file}", id=8)
    def file_written(self, bytes: U32, file: FileName) -> None: ...

    @event(WARNING_HI, "Received buffer of size {bufferSize} whose data do not check", throttle=10, id=0x20)
    def invalid_data(self, bufferSize: FwSizeType) -> None: ...

    @event(WARNING_HI, "A product of {bufferSize} bytes was dropped: the queue is full", throttle=10, id=0x21)
    def product_dropped(self, bufferSize: FwSizeType) -> None: ...

    def initialize(self) -> None:
        self._folder = self.root.resolve(self.folder)
        self._received = self._written = self._bytes = self._failed = self._errors = 0

    @async_port(BufferSend, full="hook")
    def buffer_send_in(self, buffer: bytes) -> None:
        """A product to write."""
        self._received += 1
        self.num_buffers_received = self._received & U32_MAX
        header = self._checked(buffer)
        if header is None:
            self._count_error()
        else:
            self._write(header, buffer)

    def buffer_send_in_overflow(self, buffer: bytes) -> None:
        """A product for which the queue has no room."""
        self._count_error()
        self.product_dropped(len(buffer))

    def _count_error(self) -> None:
        self._errors += 1
        self.num_errors = self._errors & U32_MAX

    def _checked(self, buffer: bytes) -> ProductHeader | None:
        """The header of a sound product; anything else is reported."""
        size = len(buffer)
        if size < HEADER_SIZE:
            self.buffer_too_small_for_packet(size, HEADER_SIZE)
            return None
        try:
            header = parse_header(buffer)
        except HeaderCrcError as fault:
            self.invalid_header_hash(size, fault.stored, fault.computed)
            return None
        except WireError:
            self.invalid_header(size, 1)
            return None
        if size < header.file_size:
            self.buffer_too_small_for_data(size, header.file_size)
            return None
        try:
            parse_product(buffer)
        except WireError:
            self.invalid_data(size)
            return None
        return header

    def _write(self, header: ProductHeader, buffer: bytes) -> None:
        files = self.platform.files
        name = posixpath.join(self.folder, header.file_name)
        try:
            make_folders_durably(files, self._folder)
            path = self._free_path(header.file_name)
        except OSError as fault:
            self._fail()
            self.file_open_error(fault.errno or 0, name)
            return
        name = self.root.name_of(path)
        try:
            place_file(files, path, (buffer,))
            files.sync_folder(self._folder)
        except OSError as fault:
            self._fail()
            self.file_write_error(fault.errno or 0, 0, len(buffer), name)
            return
        self._written += 1
        self._bytes += len(buffer)
        self.num_successful_writes = self._written & U32_MAX
        self.num_bytes_written = self._bytes & U64_MAX
        self.file_written(len(buffer), name)
        if self.is_connected(DpWriter.dp_written_out):
            self.dp_written_out(name, header.priority, len(buffer))

    def _free_path(self, name: str) -> str:
        """A path that no product has. Raises `OSError` where there are too many of one name."""
        stem = name.removesuffix(".fdp")
        for number in range(NAMESAKES_MAX):
            path = posixpath.join(self._folder, f"{stem}_{number}.fdp" if number else name)
            if not self.platform.files.exists(path):
                return path
        raise OSError(errno.EEXIST, "too many products of one time", name)

    def _fail(self) -> None:
        self._failed += 1
        self.num_failed_writes = self._failed & U32_MAX

    @command(name="CLEAR_EVENT_THROTTLE", opcode=0)
    def clear_event_throttle(self) -> None:
        """Lets every event be reported again."""
        for name in _THROTTLED:
            self.clear_throttle(name)
