"""Lets the ground manage files, inside the deployment's root."""

# ruff: noqa: N803 - the arguments of commands and events keep F´s names
from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING, Annotated
from zlib import crc32

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    Parameter,
    Size,
    command,
    event,
)
from kittiwake.model.fw import FwSizeType
from kittiwake.storage.copying import place_file
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.file import FileName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

    from kittiwake.platform.interface import File

Reason = Annotated[str, Size(80)]

CHUNK_SIZE = 65536


class FileManager(ActiveComponent):
    """F´'s file manager, without ShellCommand. Every name counts from the root, and none leads out of it."""

    commands_executed = Channel(U32, on_change=True, doc="Commands that succeeded.")
    errors = Channel(U32, on_change=True, doc="Commands that failed.")

    listing_limit = Parameter(
        U32, default=500, low=1, high=10000, doc="Most entries of a folder that one ListDirectory reports."
    )
    listing_rate = Parameter(U32, default=50, low=1, high=1000, unit="1/s", doc="Entries that are reported per second.")
    append_size_max = Parameter(
        U32, default=16 << 20, low=1, high=1 << 30, unit="B", doc="Largest file that AppendFile makes."
    )

    @event(WARNING_HI, "Could not create directory {dirName}, returned status {status}: {reason}", id=0x00)
    def directory_create_error(self, dirName: FileName, status: U32, reason: Reason) -> None: ...

    @event(WARNING_HI, "Could not remove directory {dirName}, returned status {status}: {reason}", id=0x01)
    def directory_remove_error(self, dirName: FileName, status: U32, reason: Reason) -> None: ...

    @event(
        WARNING_HI,
        "Could not move file {sourceFileName} to file {destFileName}, returned status {status}: {reason}",
        id=0x02,
    )
    def file_move_error(
        self, sourceFileName: FileName, destFileName: FileName, status: U32, reason: Reason
    ) -> None: ...

    @event(WARNING_HI, "Could not remove file {fileName}, returned status {status}: {reason}", id=0x03)
    def file_remove_error(self, fileName: FileName, status: U32, reason: Reason) -> None: ...

    @event(WARNING_HI, "Appending {source} onto {target} failed with status {status}: {reason}", id=0x05)
    def append_file_failed(self, source: FileName, target: FileName, status: U32, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "Appended {source} to the end of {target}", id=0x06)
    def append_file_succeeded(self, source: FileName, target: FileName) -> None: ...

    @event(ACTIVITY_LO, "Created directory {dirName} successfully", id=0x08)
    def create_directory_succeeded(self, dirName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Removed directory {dirName} successfully", id=0x09)
    def remove_directory_succeeded(self, dirName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Moved file {sourceFileName} to file {destFileName} successfully", id=0x0A)
    def move_file_succeeded(self, sourceFileName: FileName, destFileName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Removed file {fileName} successfully", id=0x0B)
    def remove_file_succeeded(self, fileName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Appending file {source} to the end of {target}...", id=0x0C)
    def append_file_started(self, source: FileName, target: FileName) -> None: ...

    @event(ACTIVITY_LO, "Creating directory {dirName}...", id=0x0E)
    def create_directory_started(self, dirName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Removing directory {dirName}...", id=0x0F)
    def remove_directory_started(self, dirName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Moving file {sourceFileName} to file {destFileName}...", id=0x10)
    def move_file_started(self, sourceFileName: FileName, destFileName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Removing file {fileName}...", id=0x11)
    def remove_file_started(self, fileName: FileName) -> None: ...

    @event(ACTIVITY_LO, "The size of file {fileName} is {size} B", id=0x12)
    def file_size_succeeded(self, fileName: FileName, size: FwSizeType) -> None: ...

    @event(WARNING_HI, "Failed to get the size of file {fileName}, returned status {status}: {reason}", id=0x13)
    def file_size_error(self, fileName: FileName, status: U32, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "Checking size of file {fileName}...", id=0x14)
    def file_size_started(self, fileName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Listing contents of directory {dirName}...", id=0x15)
    def list_directory_started(self, dirName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Directory {dirName} contains {fileCount} files", id=0x16)
    def list_directory_succeeded(self, dirName: FileName, fileCount: U32) -> None: ...

    @event(WARNING_HI, "Failed to list directory {dirName}, returned status {status}: {reason}", id=0x17)
    def list_directory_error(self, dirName: FileName, status: U32, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "Directory {dirName}: {fileName} ({fileSize} bytes)", id=0x18)
    def directory_listing(self, dirName: FileName, fileName: FileName, fileSize: FwSizeType) -> None: ...

    @event(ACTIVITY_HI, "Directory {dirName}: {subdirName}", id=0x19)
    def directory_listing_subdir(self, dirName: FileName, subdirName: FileName) -> None: ...

    @event(ACTIVITY_LO, "Started CRC calculation for file {fileName}", id=0x1A)
    def calculate_crc_started(self, fileName: FileName) -> None: ...

    @event(WARNING_HI, "Failed CRC calculation for file {fileName}, returned status {status}: {reason}", id=0x1B)
    def calculate_crc_failed(self, fileName: FileName, status: U32, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "{fileName} has CRC value 0x{crc:x}", id=0x1C)
    def calculate_crc_succeeded(self, fileName: FileName, crc: U32) -> None: ...

    @event(WARNING_LO, "Directory {dirName}: only {listed} of {fileCount} entries are listed", id=0x40)
    def listing_cut(self, dirName: FileName, listed: U32, fileCount: U32) -> None: ...

    def initialize(self) -> None:
        self._files = self._context.platform.files
        self._root = self._context.root

    # Folders

    @command(name="CreateDirectory", opcode=0x00)
    def create_directory(self, dirName: FileName) -> None:
        """Makes a folder; the one above it must exist, itself must not."""
        self.create_directory_started(dirName)
        try:
            path = self._root.resolve(dirName)
            self._files.make_folder(path)
            self._files.sync_folder(posixpath.dirname(path))
        except OSError as fault:
            self.directory_create_error(dirName, _status(fault), reason_of(fault))
            self._fail()
        self.create_directory_succeeded(dirName)
        self._count_success()

    @command(name="RemoveDirectory", opcode=0x02)
    def remove_directory(self, dirName: FileName) -> None:
        """Removes an empty folder, but never the root."""
        self.remove_directory_started(dirName)
        try:
            path = self._below_root(dirName)
            self._files.remove_folder(path)
            self._files.sync_folder(posixpath.dirname(path))
        except OSError as fault:
            self.directory_remove_error(dirName, _status(fault), reason_of(fault))
            self._fail()
        self.remove_directory_succeeded(dirName)
        self._count_success()

    @command(name="ListDirectory", opcode=0x07, exclusive=True)
    async def list_directory(self, dirName: FileName) -> None:
        """Reports each entry of a folder by an event, at a bounded rate, and answers after the last."""
        self.list_directory_started(dirName)
        try:
            path = self._root.resolve(dirName)
            names = self._files.list(path)
            listed = names[: self.listing_limit]
            for name in listed:
                self._report_entry(dirName, path, name)
                await self.clock.sleep(1 / self.listing_rate)
        except OSError as fault:
            self.list_directory_error(dirName, _status(fault), reason_of(fault))
            self._fail()
        if len(listed) < len(names):
            self.listing_cut(dirName, len(listed), len(names))
        self.list_directory_succeeded(dirName, len(names))
        self._count_success()

    def _report_entry(self, folder: str, path: str, name: str) -> None:
        entry = posixpath.join(path, name)
        if self._files.is_folder(entry):
            self.directory_listing_subdir(folder, name)
            return
        try:
            size = self._files.size(entry)
        except FileNotFoundError:
            return  # removed since the folder was read
        self.directory_listing(folder, name, size)

    # Files

    @command(name="MoveFile", opcode=0x01)
    def move_file(self, sourceFileName: FileName, destFileName: FileName) -> None:
        """Moves a file or folder in one step; a file that has the new name is replaced."""
        self.move_file_started(sourceFileName, destFileName)
        try:
            source = self._below_root(sourceFileName)
            target = self._below_root(destFileName)
            self._files.rename(source, target)
            # The new name first: a power cut in between must not lose the file.
            self._files.sync_folder(posixpath.dirname(target))
            self._files.sync_folder(posixpath.dirname(source))
        except OSError as fault:
            self.file_move_error(sourceFileName, destFileName, _status(fault), reason_of(fault))
            self._fail()
        self.move_file_succeeded(sourceFileName, destFileName)
        self._count_success()

    @command(name="RemoveFile", opcode=0x03)
    def remove_file(self, fileName: FileName, ignoreErrors: Bool) -> None:
        """Removes a file; with `ignoreErrors` an error is reported and counted, and answered OK all the same."""
        self.remove_file_started(fileName)
        try:
            path = self._below_root(fileName)
            self._files.remove(path)
            self._files.sync_folder(posixpath.dirname(path))
        except OSError as fault:
            self.file_remove_error(fileName, _status(fault), reason_of(fault))
            if not ignoreErrors:
                self._fail()
            self._count_error()
            return
        self.remove_file_succeeded(fileName)
        self._count_success()

    @command(name="AppendFile", opcode=0x05)
    def append_file(self, source: FileName, target: FileName) -> None:
        """Appends the content of one file to another, which is made if it is missing: wholly or not at all."""
        self.append_file_started(source, target)
        try:
            self._append(self._below_root(source), self._below_root(target))
        except OSError as fault:
            self.append_file_failed(source, target, _status(fault), reason_of(fault))
            self._fail()
        self.append_file_succeeded(source, target)
        self._count_success()

    def _append(self, source: str, target: str) -> None:
        files = self._files
        parts = [target, source] if files.exists(target) else [source]
        size = sum([files.size(path) for path in parts])
        if size > self.append_size_max:
            raise OSError(errno.EFBIG, f"{size} bytes are more than APPEND_SIZE_MAX, {self.append_size_max}")
        place_file(files, target, _contents(files.open, parts))
        files.sync_folder(posixpath.dirname(target))

    @command(name="FileSize", opcode=0x06)
    def file_size(self, fileName: FileName) -> None:
        """Reports the size of a file."""
        self.file_size_started(fileName)
        try:
            with self._files.open(self._root.resolve(fileName), "r") as file:
                size = file.size()
        except OSError as fault:
            self.file_size_error(fileName, _status(fault), reason_of(fault))
            self._fail()
        self.file_size_succeeded(fileName, size)
        self._count_success()

    @command(name="CalculateCrc", opcode=0x08)
    async def calculate_crc(self, fileName: FileName) -> None:
        """Reports the CRC-32 of a file (that of zlib and IEEE 802.3)."""
        self.calculate_crc_started(fileName)
        crc = offset = 0
        try:
            with self._files.open(self._root.resolve(fileName), "r") as file:
                while data := file.read_at(offset, CHUNK_SIZE):
                    crc = crc32(data, crc)
                    offset += len(data)
                    await self.clock.sleep(0)
        except OSError as fault:
            self.calculate_crc_failed(fileName, _status(fault), reason_of(fault))
            self._fail()
        self.calculate_crc_succeeded(fileName, crc)
        self._count_success()

    # The rest

    def _below_root(self, name: str) -> str:
        """The path of a name, which is not the root itself."""
        path = self._root.resolve(name)
        if path == self._root.path:
            raise OSError(errno.EBUSY, "that is the root of all files")
        return path

    def _count_success(self) -> None:
        self.commands_executed = self.commands_executed + 1 & 0xFFFFFFFF

    def _count_error(self) -> None:
        self.errors = self.errors + 1 & 0xFFFFFFFF

    def _fail(self) -> NoReturn:
        self._count_error()
        raise CommandError(CommandResponse.EXECUTION_ERROR)


def _contents(open_file: Callable[[str, str], File], paths: list[str]) -> Iterator[bytes]:
    """The bytes of several files, one after the other, in chunks."""
    for path in paths:
        with open_file(path, "r") as file:
            offset = 0
            while data := file.read_at(offset, CHUNK_SIZE):
                yield data
                offset += len(data)


def _status(fault: OSError) -> int:
    """The number by which an event names an error: the system's errno."""
    return fault.errno or errno.EIO
