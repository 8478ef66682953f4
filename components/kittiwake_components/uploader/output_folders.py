"""The output folders: what is finished there, and how it goes.

Sensors publish a sidecar first and then rename the part, so a final name beside a sidecar is a whole file. Files go in
the other order, the sidecar last: what is left of it by a kill is a sidecar of nothing, and removed.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.root import NAME_SIZE_MAX
from kittiwake.storage.streamed import PART
from kittiwake_components.transfer_service.folder_copy import removed_unless_changed
from kittiwake_components.uploader.captures import SIDECAR, Capture, State, is_capture, is_day
from kittiwake_components.uploader.manifest import Mismatch, read_sidecar

if TYPE_CHECKING:
    from collections.abc import Generator

    from kittiwake.platform.interface import Files
    from kittiwake.storage.root import Root
    from kittiwake_components.uploader.captures import Captures
    from kittiwake_components.uploader.marks import Marks

MAX_OUTPUTS = 9
"""The folder into which the sensors record, and those before it that are remembered."""

_NAME_RESERVE = 16
"""Bytes that names keep free for what is written beside them."""


class OutputFolders:
    """The folders `names` of the root: that into which the sensors record, and those into which they did before."""

    def __init__(self, files: Files, root: Root, names: list[str], captures: Captures, marks: Marks) -> None:
        self.names = names
        self._files = files
        self._root = root
        self._captures = captures
        self._marks = marks

    def record_into(self, name: str) -> None:
        """Sensors record into another folder from now on; what lies in the one before still goes."""
        self.names = [name, *[one for one in self.names if one != name]]

    def remember(self, names: list[str]) -> list[str]:
        """Adds folders that were recorded into in earlier starts; gives those that are too many.

        That are the ones that hold nothing, or else the oldest.
        """
        self.names += [name for name in names if name not in self.names]
        excess = len(self.names) - MAX_OUTPUTS
        if excess <= 0:
            return []
        order = sorted(self.names[:0:-1], key=self._holds_something)
        self.names = [name for name in self.names if name not in order[:excess]]
        return [name for name in order[:excess] if self._holds_something(name)]

    def _holds_something(self, name: str) -> bool:
        try:
            return bool(self._folders(name))
        except OSError:
            return True

    @property
    def path(self) -> str:
        """Where the sensors record."""
        return self._root.resolve(self.names[0])

    def path_of(self, capture: Capture) -> str:
        """Where a capture is. Raises `PathRefused` for one that leads outside the root."""
        return self._root.resolve(capture.name)

    # What is there

    def scanned(self, now_ns: int, due_ns: int) -> Generator[None, None, int]:
        """Takes in what is there, a day of a sensor at a step; says how many captures found no room.

        New ones are `due_ns` for their upload. Raises `OSError` at the end if a folder cannot be read; others are.
        """
        captures = self._captures
        left = 0
        folders, unread = self._all_folders()
        for folder in [folder for folder in captures.by_folder if folder not in folders]:
            for capture in list(captures.by_folder[folder].values()):
                if capture.output not in unread:
                    captures.forget(capture)
        captures.folder_bytes = {folder: captures.folder_bytes.get(folder, 0) for folder in folders}
        yield
        for folder, (output, is_latest) in folders.items():
            names = self._names(folder)
            if not names and not (is_latest and output == self.names[0]):
                self._remove_folder(folder)
            left += self._reconcile(output, folder, names, now_ns, due_ns)
            yield
        for path in list(self._marks.by_path):
            if path not in captures.by_path and not self._exists(path):
                self._marks.remove(path)
        for fault in unread.values():
            raise fault
        return left

    def _all_folders(self) -> tuple[dict[str, tuple[str, bool]], dict[str, OSError]]:
        """The folders of days with their output folder and whether each is the last of its sensor; what is unread."""
        found: dict[str, tuple[str, bool]] = {}
        unread = {}
        for output in self.names:
            try:
                found.update({folder: (output, is_latest) for folder, is_latest in self._folders(output).items()})
            except OSError as fault:
                unread[output] = fault
        return found, unread

    def _folders(self, output: str) -> dict[str, bool]:
        """The names of the folders of days, and whether each is the last of its sensor."""
        found: dict[str, bool] = {}
        top = self._root.resolve(output)
        if not self._files.is_folder(top):
            return found
        for sensor in self._files.list(top):
            path = f"{top}/{sensor}"
            days = [name for name in self._files.list(path) if is_day(name)] if self._files.is_folder(path) else []
            found.update({f"{output}/{sensor}/{day}": day == days[-1] for day in days})
        return found

    def _exists(self, path: str) -> bool:
        """Whether any of the folders has it, as far as they can be looked at."""
        try:
            return any(self._files.exists(self._root.resolve(f"{output}/{path}")) for output in self.names)
        except OSError:
            return True

    def _names(self, folder: str) -> list[str]:
        try:
            return self._files.list(self._root.resolve(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _remove_folder(self, folder: str) -> None:
        """Of a day that is over, and all of whose captures are gone."""
        try:
            self._files.remove_folder(self._root.resolve(folder))
        except OSError:
            return  # somebody needs it after all

    def _reconcile(self, output: str, folder: str, names: list[str], now_ns: int, due_ns: int) -> int:
        captures, there = self._captures, set(names)
        total = left = 0
        found = set()
        top = self._root.resolve(folder)
        for name in names:
            full = f"{top}/{name}"
            size = self._size(full)
            total += size
            state = State.QUARANTINED if ".bad." in name else State.PENDING
            if state is State.PENDING and not (name + SIDECAR in there and is_capture(name)):
                if name.endswith(SIDECAR) and name.removesuffix(SIDECAR) not in there:
                    total -= self._remove_leftover(full.removesuffix(SIDECAR), size)
                continue
            capture = Capture(output, f"{folder}/{name}".removeprefix(f"{output}/"), size, state, now_ns, due_ns)
            found.add(capture.path)
            if capture.path not in captures.by_path and len(capture.name.encode()) <= NAME_SIZE_MAX - _NAME_RESERVE:
                left += not self._take_in(capture)
        for capture in [one for path, one in captures.by_folder.get(folder, {}).items() if path not in found]:
            captures.forget(capture)
        captures.folder_bytes[folder] = total
        return left

    def _size(self, path: str) -> int:
        """What the file takes; nothing for one that is gone, or is none."""
        try:
            return 0 if self._files.is_folder(path) else self._files.size(path)
        except OSError:
            return 0

    def _take_in(self, capture: Capture) -> bool:
        full = self.path_of(capture)
        if capture.state is State.PENDING:
            capture.room += self._size(full + SIDECAR)
        if capture.path in self._marks.by_path:
            try:
                if read_sidecar(self._files, full).digest == self._marks.by_path[capture.path][0]:
                    self._marks.apply(capture)
                else:  # another one of the same name, as after a step of the clock
                    self._marks.remove(capture.path)
            except (OSError, Mismatch):
                self._marks.remove(capture.path)
        return self._captures.add(capture)

    def published(self, path: str, size: int, now_ns: int, due_ns: int) -> None:
        """Takes in a capture of which its sensor's orchestrator tells."""
        capture = Capture(self.names[0], path, size, State.PENDING, now_ns, due_ns)
        files, full = self._files, self.path_of(capture)
        if path in self._captures.by_path or not (files.exists(full) and files.exists(full + SIDECAR)):
            return
        self._take_in(capture)
        folder_bytes = self._captures.folder_bytes
        folder_bytes[capture.folder] = folder_bytes.get(capture.folder, 0) + capture.room

    def _remove_leftover(self, path: str, size: int) -> int:
        """Removes a sidecar whose file is gone, and gives its bytes; not one whose file is about to be published.

        The part is looked for first: the rename takes its name away before the file has its own.
        """
        try:
            if self._files.exists(path + PART) or self._files.exists(path):
                return 0
            self._files.remove(path + SIDECAR)
        except OSError:
            return 0
        return size

    # What goes

    def removed(self, capture: Capture) -> Generator[bool | None, None, bool]:
        """Removes a capture that was acknowledged, unless it has changed; says whether it is gone."""
        path = self.path_of(capture)
        if not (yield from removed_unless_changed(self._files, path, capture.digest, 65_536)):
            return False
        self._remove_sidecar(path, capture.digest)
        return True

    def _remove_sidecar(self, path: str, digest: str) -> None:
        try:
            if read_sidecar(self._files, path).digest != digest:
                return  # that of another capture, which is about to be published
        except Mismatch:
            pass
        except OSError:
            return
        self._discard(path + SIDECAR)

    def drop(self, capture: Capture) -> bool:
        """Removes a capture for its room, whatever it is; says whether it is gone."""
        path = self.path_of(capture)
        if not self._discard(path):
            return False
        if capture.state is not State.QUARANTINED:
            self._discard(path + SIDECAR)
        return True

    def _discard(self, path: str) -> bool:
        try:
            self._files.remove(path)
            self._files.sync_folder(posixpath.dirname(path))
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True
