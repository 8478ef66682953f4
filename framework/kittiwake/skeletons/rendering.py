"""Turns the texts of a skeleton into files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = Path(__file__).with_name("files")
SUFFIX = ".tpl"
_WORD = re.compile(r"\{\{(\w+)\}\}")


def render(skeleton: str, words: Mapping[str, str]) -> dict[str, str]:
    """Relative path -> text of each file of a skeleton ("deployment", "component", "topology").

    Raises `KeyError` for a word that is not given.
    """
    folder = FILES / skeleton
    sources = sorted(path for path in folder.rglob(f"*{SUFFIX}"))
    return {
        fill(str(path.relative_to(folder)).removesuffix(SUFFIX), words): fill(path.read_text(encoding="utf-8"), words)
        for path in sources
    }


def fill(text: str, words: Mapping[str, str]) -> str:
    """The text with a word for each `{{name}}`. Raises `KeyError`."""
    return _WORD.sub(lambda match: words[match[1]], text)


class Exists(ValueError):
    """A file is there already, and nothing was written."""


def write_new(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Writes all files below a folder, or none: what is there is never overwritten, and a fault takes back the rest.

    Raises `Exists` and `OSError`.
    """
    paths = {folder / name: text for name, text in files.items()}
    there = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if there:
        raise Exists(f"{there[0]} is there already" + (f", and {len(there) - 1} more" if len(there) > 1 else ""))
    made: list[Path] = []
    try:
        for path, text in paths.items():
            missing = [one for one in (path.parent, *path.parent.parents) if not one.exists()]
            for one in reversed(missing):
                one.mkdir()
                made.append(one)
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
    except BaseException:
        for path in reversed(made):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
        raise
    return list(paths)
