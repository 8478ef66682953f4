"""The root of a deployment that a sub-command looks into: as it is named, or the only one there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

VAR = Path("var")


def add_root_option(parser: ArgumentParser) -> None:
    """Adds `--root` to a parser."""
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help=f"folder of the deployment's files; default: the one in {VAR}/"
    )


def chosen_root(options: Namespace) -> Path:
    """The folder that the options stand for. Raises `Misuse` if it is none, or several could be meant."""
    if options.root is not None:
        if not options.root.is_dir():
            raise Misuse(f"there is no folder {options.root}")
        return Path(options.root)
    found = sorted(path for path in VAR.glob("*") if path.is_dir())
    if len(found) == 1:
        return found[0]
    named = ", ".join(str(path) for path in found)
    raise Misuse(f"which one of {named}? Name it with --root" if found else f"there is none in {VAR}/; name its --root")
