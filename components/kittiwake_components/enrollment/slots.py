"""The two configurations that a device keeps: the one that is confirmed, and one on trial."""

from __future__ import annotations

import posixpath
from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.copying import make_folders_durably, place_file
from kittiwake.storage.recall import read_for_start
from kittiwake.storage.record import AtomicRecord
from kittiwake.wire.enrollment_package import MAX_PACKAGE, read_package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding
    from kittiwake.wire.enrollment_package import Enrolment

VERSION = 1
_FIELDS = Struct(">BBBI")
NONE, A, B = 0, 1, 2
NAMES = {A: "config.a", B: "config.b"}


class Table(NamedTuple):
    """The confirmed slot, the one on trial and its starts that are left, and the oldest sequence that is taken."""

    active: int = NONE
    trial: int = NONE
    starts_left: int = 0
    lowest_sequence: int = 0

    @property
    def running(self) -> int:
        """The slot whose configuration counts now."""
        return self.trial or self.active


class ConfigSlots:
    """The slots in a folder, and the record of what they are. Methods raise `OSError`.

    A slot is written whole before the record names it, and the record is the one step by which anything counts.
    """

    def __init__(self, files: Files, folder: str) -> None:
        self._files = files
        self._folder = folder
        self._record = AtomicRecord(files, posixpath.join(folder, "record"), VERSION, _FIELDS.size)
        self._is_read = False
        self.table = Table()

    def read(self) -> tuple[Finding, ...]:
        """Reads the record, and removes what it does not name; gives what was found wrong."""
        make_folders_durably(self._files, self._folder)
        reading = read_for_start(self._record)
        self._is_read = True
        if reading.payload is not None and len(reading.payload) == _FIELDS.size:
            table = Table(*_FIELDS.unpack(reading.payload))
            if table.active in (NONE, A, B) and table.trial in (NONE, A, B):
                self.table = table
        self._clean()
        return reading.findings

    def require_read(self) -> tuple[Finding, ...]:
        """Reads the record where the start could not. Without it nothing may be written: it says which slot is free."""
        return () if self._is_read else self.read()

    def load(self, slot: int, keys: Mapping[int, bytes]) -> Enrolment:
        """The configuration in a slot. Raises `ValueError` if it is damaged or not signed."""
        return read_package(self._files.read(self._path(slot), MAX_PACKAGE), keys)

    def stage(self, package: bytes, starts: int) -> None:
        """Keeps a verified package in the slot that is not confirmed, and puts it on trial for so many starts."""
        slot = B if self.table.active == A else A
        if self.table.trial:
            self.write(self.table._replace(trial=NONE, starts_left=0))
        place_file(self._files, self._path(slot), (package,))
        self._files.sync_folder(self._folder)
        self.write(self.table._replace(trial=slot, starts_left=starts))

    def confirm(self, sequence: int) -> None:
        """Keeps the configuration that is on trial."""
        self.write(Table(self.table.trial, NONE, 0, max(sequence, self.table.lowest_sequence)))
        self._clean()

    def give_up_trial(self) -> None:
        """Goes back to the configuration that was confirmed, or to none."""
        self.write(self.table._replace(trial=NONE, starts_left=0))
        self._clean()

    def forget(self) -> None:
        """Removes both; older configurations than those that were confirmed stay refused."""
        self.write(Table(lowest_sequence=self.table.lowest_sequence))
        self._clean()

    def write(self, table: Table) -> None:
        """Makes a table count."""
        self._record.write(_FIELDS.pack(*table))
        self.table = table

    def place(self, name: str, content: bytes) -> None:
        """Puts a file beside the slots, in one step."""
        place_file(self._files, posixpath.join(self._folder, name), (content,))
        self._files.sync_folder(self._folder)

    def remove(self, name: str) -> None:
        """Removes a file beside the slots, if it is there."""
        path = posixpath.join(self._folder, name)
        if self._files.exists(path):
            self._files.remove(path)
            self._files.sync_folder(self._folder)

    def _path(self, slot: int) -> str:
        return posixpath.join(self._folder, NAMES[slot])

    def _clean(self) -> None:
        """Removes slots that are nobody's: a token that is not needed is not kept."""
        for slot, name in NAMES.items():
            if slot not in (self.table.active, self.table.trial):
                self.remove(name)
                self.remove(name + ".new")
