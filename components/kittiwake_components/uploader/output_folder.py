"""The output folder: what is finished there, and how it goes.

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

_NAME_RESERVE = 16
"""Bytes that names keep free for what is written beside them."""


class OutputFolder:
    """The folder `name` of the root."""

    def __init__(self, files: Files, root: Root, name: str, captures: Captures, marks: Marks) -> None:
        self._files = files
        self._root = root
        self._name = name.rstrip("/")
        self._top = root.resolve(name)
        self._captures = captures
        self._marks = marks

    @property
    def path(self) -> str:
        """Where it is."""
        return self._top

    def name_of(self, capture_path: str) -> str:
        """The name of a capture in the root."""
        return f"{self._name}/{capture_path}"

    def path_of(self, capture_path: str) -> str:
        """Where a capture is. Raises `PathRefused` for one that leads outside the root."""
        return self._root.resolve(self.name_of(capture_path))

    # What is there

    def scanned(self, now_ns: int) -> Generator[None, None, int]:
        """Takes in what is there, a day of a sensor at a step; says how many captures found no room.

        Raises `OSError`.
        """
        files, captures = self._files, self._captures
        left = 0
        folders = self._folders()
        for folder in [folder for folder in captures.by_folder if folder not in folders]:
            for capture in list(captures.by_folder[folder].values()):
                captures.forget(capture)
        captures.folder_bytes = {folder: captures.folder_bytes.get(folder, 0) for folder in folders}
        yield
        for folder, is_latest in folders.items():
            names = self._names(folder)
            if not names and not is_latest:
                self._remove_folder(folder)
            left += self._reconcile(folder, names, now_ns)
            yield
        for path in list(self._marks.by_path):
            if path not in captures.by_path and not files.exists(f"{self._top}/{path}"):
                self._marks.remove(path)
        return left

    def _folders(self) -> dict[str, bool]:
        """The folders of days, and whether each is the last of its sensor."""
        found: dict[str, bool] = {}
        if not self._files.is_folder(self._top):
            return found
        for sensor in self._files.list(self._top):
            path = f"{self._top}/{sensor}"
            days = [name for name in self._files.list(path) if is_day(name)] if self._files.is_folder(path) else []
            found.update({f"{sensor}/{day}": day == days[-1] for day in days})
        return found

    def _names(self, folder: str) -> list[str]:
        try:
            return self._files.list(f"{self._top}/{folder}")
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _remove_folder(self, folder: str) -> None:
        """Of a day that is over, and all of whose captures are gone."""
        try:
            self._files.remove_folder(f"{self._top}/{folder}")
        except OSError:
            return  # somebody needs it after all

    def _reconcile(self, folder: str, names: list[str], now_ns: int) -> int:
        captures, there = self._captures, set(names)
        total = left = 0
        found = set()
        for name in names:
            path = f"{folder}/{name}"
            size = self._size(path)
            total += size
            state = State.QUARANTINED if ".bad." in name else State.PENDING
            if state is State.PENDING and not (name + SIDECAR in there and is_capture(name)):
                if name.endswith(SIDECAR) and name.removesuffix(SIDECAR) not in there:
                    total -= self._remove_leftover(path.removesuffix(SIDECAR), size)
                continue
            found.add(path)
            if path not in captures.by_path and len(self.name_of(path).encode()) <= NAME_SIZE_MAX - _NAME_RESERVE:
                left += not self._take_in(Capture(path, size, state, now_ns))
        for capture in [one for path, one in captures.by_folder.get(folder, {}).items() if path not in found]:
            captures.forget(capture)
        captures.folder_bytes[folder] = total
        return left

    def _size(self, path: str) -> int:
        """What the file takes; nothing for one that is gone, or is none."""
        try:
            full = f"{self._top}/{path}"
            return 0 if self._files.is_folder(full) else self._files.size(full)
        except OSError:
            return 0

    def _take_in(self, capture: Capture) -> bool:
        if capture.state is State.PENDING:
            capture.room += self._size(capture.path + SIDECAR)
        if capture.path in self._marks.by_path:
            try:
                if read_sidecar(self._files, self.path_of(capture.path)).digest == self._marks.by_path[capture.path][0]:
                    self._marks.apply(capture)
                else:  # another one of the same name, as after a step of the clock
                    self._marks.remove(capture.path)
            except (OSError, Mismatch):
                self._marks.remove(capture.path)
        return self._captures.add(capture)

    def published(self, path: str, size: int, now_ns: int) -> None:
        """Takes in a capture of which its sensor's orchestrator tells."""
        files, full = self._files, self.path_of(path)
        if path in self._captures.by_path or not (files.exists(full) and files.exists(full + SIDECAR)):
            return
        capture = Capture(path, size, State.PENDING, now_ns)
        self._take_in(capture)
        folder_bytes = self._captures.folder_bytes
        folder_bytes[capture.folder] = folder_bytes.get(capture.folder, 0) + capture.room

    def _remove_leftover(self, path: str, size: int) -> int:
        """Removes a sidecar whose file is gone, and gives its bytes; not one whose file is about to be published.

        The part is looked for first: the rename takes its name away before the file has its own.
        """
        full = f"{self._top}/{path}"
        try:
            if self._files.exists(full + PART) or self._files.exists(full):
                return 0
            self._files.remove(full + SIDECAR)
        except OSError:
            return 0
        return size

    # What goes

    def removed(self, capture: Capture) -> Generator[bool | None, None, bool]:
        """Removes a capture that was acknowledged, unless it has changed; says whether it is gone."""
        path = self.path_of(capture.path)
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
        path = self.path_of(capture.path)
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
