"""What the commands that make something new in a project share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping


def add_project_option(parser: ArgumentParser) -> None:
    """Adds `--in` to a parser."""
    parser.add_argument("--in", dest="folder", type=Path, default=Path(), metavar="DIR", help="a folder of the project")


def put_new(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Writes the files below a folder, and prints their paths. Raises `Exists` and `OSError`."""
    from kittiwake.skeletons.rendering import write_new

    paths = write_new(folder, files)
    for path in paths:
        print(path)
    return paths
