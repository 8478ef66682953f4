"""File names from outside (commands, uplink) become paths that do not leave the deployment's folder."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

NAME_SIZE_MAX = 240  # bytes; leaves room for `.part`, `.prev.new` and `.bad.<n>` in the 255 of a Linux file name


class PathRefused(PermissionError):
    """A name that does not lead to a place inside the root: `name` as it came, and `reason`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(errno.EACCES, f"file name refused, it {reason}", name)
        self.name = name
        self.reason = reason


def reason_of(fault: Exception) -> str:
    """Why an operation failed, without the path, which whoever reports it names as the ground knows it."""
    return str(getattr(fault, "reason", None) or getattr(fault, "strerror", None) or fault)


class Root:
    """The folder that a deployment keeps its files in; `root` is an absolute path."""

    def __init__(self, files: Files, root: str) -> None:
        if not root.startswith("/"):
            raise ValueError(f"the root of a deployment's files must be an absolute path, not {root!r}")
        self._files = files
        self.path = root.rstrip("/") or "/"

    def resolve(self, name: str) -> str:
        """The absolute path of a name; one that begins with `/` counts from the root as well.

        Nothing need exist there. `..` may be used within the root; symbolic links may lead anywhere inside it. Raises
        `PathRefused`.
        """
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            raise PathRefused(name, "is not valid UTF-8") from None
        if not name:
            raise PathRefused(name, "is empty")
        if size > NAME_SIZE_MAX:
            raise PathRefused(name, f"has {size} bytes, over the limit of {NAME_SIZE_MAX}")
        if "\0" in name:
            raise PathRefused(name, "contains a NUL character")
        path = self._join(name)
        real_root = self._files.real_path(self.path)
        if not _is_inside(self._files.real_path(path), real_root):
            raise PathRefused(name, "leads outside the root through a symbolic link")
        return path

    def _join(self, name: str) -> str:
        parts: list[str] = []
        for part in name.split("/"):
            if part == "..":
                if not parts:
                    raise PathRefused(name, "leads outside the root")
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return "/".join([self.path.rstrip("/"), *parts]) if parts else self.path

    def name_of(self, path: str) -> str:
        """The name, from `/`, by which the outside knows a path inside the root. Raises `PathRefused`."""
        if not _is_inside(path, self.path):
            raise PathRefused(path, "is not inside the root")
        return path[len(self.path.rstrip("/")) :] or "/"


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
