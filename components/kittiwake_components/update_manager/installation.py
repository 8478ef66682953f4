"""Brings the contents of a signed package into a slot, portion by portion."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.slots import FACTORY, FILES, NAMES, PORTION_SIZE, Outcome, Slot, SlotState, StoredFile
from kittiwake.storage.streamed import StreamedFile, clean_parts
from kittiwake.wire.update_package import MAX_KEY_FILE_SIZE, UpdateFault, parse_update_keys, read_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.interface import File, Files
    from kittiwake.storage.slots import Slots
    from kittiwake.wire.update_package import Content, Manifest

KEY_FILE = "update.keys"
SPARE_BYTES = 65536
"""Room that must be left on the disk for the record and for folders."""


class Installation:
    """One package on its way into a free slot. Nothing is written before its signature was found good."""

    def __init__(self, files: Files, source: str, slots: Slots, target: str) -> None:
        self._files = files
        self._source = source
        self._slots = slots
        self.target = target
        with files.open(source, "r") as file:
            self._package = read_package(file.read_at, file.size())

    @property
    def manifest(self) -> Manifest:
        """What the package says that it holds."""
        return self._package.manifest

    def check(self, deployment: str) -> None:
        """Raises `UpdateFault`, or `OSError`, unless this package may be installed here."""
        manifest = self.manifest
        self._package.check_signature(self._keys())
        if manifest.deployment != deployment:
            raise UpdateFault(f"the package is for {manifest.deployment}, this is {deployment}")
        lowest = self._slots.table.lowest_sequence
        if manifest.sequence < lowest:
            raise UpdateFault(f"sequence {manifest.sequence} is older than {lowest}, which was confirmed")
        free, _ = self._files.space(self._slots.folder)
        if free < manifest.size + SPARE_BYTES:
            raise UpdateFault(f"{manifest.size} bytes are needed, {free} are free")

    def _keys(self) -> dict[int, bytes]:
        path = posixpath.join(self._slots.folder, KEY_FILE)
        return parse_update_keys(self._files.read(path, MAX_KEY_FILE_SIZE), KEY_FILE)

    def portions(self) -> Iterator[None]:
        """Does the work, a portion each step; at the end the slot is ready. Raises `UpdateFault` or `OSError`."""
        slots, files, target = self._slots, self._files, self.target
        slots.write(slots.table.with_slot(target, Slot())._replace(outcome=Outcome.NONE, failed=FACTORY))
        make_folders_durably(files, slots.path(target))
        clean_parts(files, slots.path(target))
        for name in FILES:
            if files.exists(slots.path(target, name)):
                files.remove(slots.path(target, name))
        files.sync_folder(slots.path(target))
        position = self._package.contents_at
        with files.open(self._source, "r") as source:
            for content in self.manifest.contents:
                yield from self._copy(source, position, content)
                position += content.size
        stored = {content.name: StoredFile(content.size, content.digest) for content in self.manifest.contents}
        slot = Slot(SlotState.READY, self.manifest.sequence, self.manifest.version, **stored)
        yield from slots.verify(target, slot)
        slots.write(slots.table.with_slot(target, slot))

    def _copy(self, source: File, position: int, content: Content) -> Iterator[None]:
        from hashlib import sha256

        digest = sha256()
        file = StreamedFile(self._files, self._slots.path(self.target, content.name), content.size)
        file.start()
        try:
            for offset in range(0, content.size, PORTION_SIZE):
                portion = source.read_at(position + offset, min(PORTION_SIZE, content.size - offset))
                digest.update(portion)
                file.write_at(offset, portion)
                yield
            if digest.digest() != content.digest:
                raise UpdateFault(f"the {content.name} is not what was signed")
            file.finish(size=content.size)
        finally:
            file.suspend()


def free_slot(slots: Slots, running: str) -> str:
    """The slot that may be overwritten. Raises `UpdateFault` while one is on trial."""
    table = slots.table
    if table.pending:
        raise UpdateFault(f"slot {table.pending} is to be tried; confirm it or roll it back first")
    free = [name for name in NAMES if name not in (running, table.active)]
    if not free:
        raise UpdateFault("both slots are in use; restart first")
    return free[0]
