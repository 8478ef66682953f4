"""The texts of sequences that the ground station keeps: one file each, in a folder of the deployment."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_TEXTS = 500
MAX_TEXT_BYTES = 4 << 20
ENDING = ".seq"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


class SequenceTextFault(ValueError):
    """A text that cannot be kept, or not under that name; the message says why and what would do."""


class SequenceTexts:
    """Keeps texts in a folder, which is made with the first one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """The names of all texts, in order."""
        if not self.folder.is_dir():
            return []
        found = [one.name for one in self.folder.iterdir() if one.suffix == ENDING and one.is_file()]
        return sorted(name for name in found if _NAME.fullmatch(name.removesuffix(ENDING)))

    def read(self, name: str) -> str:
        """A text. Raises `SequenceTextFault` and `OSError`."""
        path = self._path(name)
        with path.open("rb") as file:
            content = file.read(MAX_TEXT_BYTES + 1)
        if len(content) > MAX_TEXT_BYTES:
            raise SequenceTextFault(f"{path.name} is longer than {MAX_TEXT_BYTES} bytes")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise SequenceTextFault(f"{path.name} is not UTF-8") from None

    def write(self, name: str, text: str, known: str | None) -> str:
        """Keeps a text, in one step, and gives the name of its file.

        `known` is the text that the writer believes to be there, `None` for none: nobody's work is written over unseen.
        Raises `SequenceTextFault` and `OSError`.
        """
        path = self._path(name)
        content = text.encode()
        if len(content) > MAX_TEXT_BYTES:
            raise SequenceTextFault(f"the text is longer than {MAX_TEXT_BYTES} bytes")
        if path.exists():
            if known is None:
                raise SequenceTextFault(f"there is a {path.name} already; open it, or take another name")
            if self.read(name) != known:
                raise SequenceTextFault(f"somebody else has changed {path.name} meanwhile; save under another name")
        elif len(self.names()) >= MAX_TEXTS:
            raise SequenceTextFault(f"{MAX_TEXTS} sequences are kept already; delete one")
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return path.name

    def delete(self, name: str) -> None:
        """Forgets a text. Raises `SequenceTextFault` and `OSError`."""
        self._path(name).unlink()

    def _path(self, name: str) -> Path:
        stem = name.strip().removesuffix(ENDING)
        if not _NAME.fullmatch(stem):
            raise SequenceTextFault(
                f"{name!r} is no name for a sequence: up to 60 letters, digits, '.', '_' and '-',"
                " a letter or digit first"
            )
        return self.folder / (stem + ENDING)
