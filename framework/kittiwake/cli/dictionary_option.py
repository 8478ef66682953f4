"""The dictionary that a sub-command works with: a file, a topology, or the only one that was built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.topology.model import Topology

BUILD_FOLDER = Path("build")
PATTERN = "*TopologyDictionary.json"


def add_dictionary_option(parser: ArgumentParser) -> None:
    """Adds `-d` and `--topology` to a parser."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "-d", "--dictionary", type=Path, metavar="FILE",
        help=f"F´ dictionary (JSON); default: {BUILD_FOLDER}/{PATTERN}, if there is one and no other",
    )  # fmt: skip
    either.add_argument("--topology", type=Path, metavar="FILE", help="topology file to make the dictionary from")


def chosen_dictionary(options: Namespace) -> Dictionary:
    """The dictionary that the options stand for.

    Raises `Misuse` if they name none and `build/` does not decide, `OSError`, `DictionaryFault` for a file that is no
    dictionary and `Faults` for a topology with faults.
    """
    from kittiwake.dictionary.load import load_dictionary

    if options.topology is None:
        return load_dictionary(str(options.dictionary or only_built(BUILD_FOLDER)))
    from kittiwake.topology.compile import load_topology

    return dictionary_of(load_topology(options.topology), str(options.topology))


def dictionary_of(topology: Topology, where: str) -> Dictionary:
    """The dictionary of a topology; `where` names it in faults. Raises `DictionaryFault`."""
    from kittiwake import __version__
    from kittiwake.dictionary.export import export_dictionary
    from kittiwake.dictionary.load import read_dictionary

    return read_dictionary(export_dictionary(topology, __version__), where)


def only_built(folder: Path) -> Path:
    """The one dictionary in a folder. Raises `Misuse` if there is none or another."""
    found = sorted(folder.glob(PATTERN))
    if len(found) == 1:
        return found[0]
    if not found:
        why = f"there is no {folder}/{PATTERN} (`kittiwake build` writes one)"
    else:
        why = f"{folder} holds several: {', '.join(path.name for path in found)}"
    raise Misuse(f"which dictionary? Name one with -d FILE or a topology with --topology FILE; {why}")
