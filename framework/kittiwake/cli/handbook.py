"""`kittiwake handbook`: writes the handbook of a topology or a dictionary, a page of HTML with a search."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out

if TYPE_CHECKING:
    from kittiwake.handbook.page import About
    from kittiwake.topology.model import Topology

DEFAULT_FOLDER = Path("build/handbook")
PAGE = "index.html"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake handbook",
        description="Write a reference of the commands, events, channels, parameters and packets of a topology as one "
        "page of HTML, which needs no network.",
    )
    made.add_argument("source", type=Path, help="topology file (YAML) or F´ dictionary (JSON)")
    made.add_argument(
        "-o", "--output", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"default: {DEFAULT_FOLDER}"
    )
    return made


def main(arguments: list[str]) -> int:
    """Writes the page and prints where it is; 1 if the topology or dictionary has faults."""
    return carry_out(parser(), _write, arguments)


def _write(options: argparse.Namespace) -> int:
    from kittiwake.cli.output import put_text
    from kittiwake.handbook.page import handbook_page

    if options.source.suffix in (".yaml", ".yml"):
        from kittiwake.cli.dictionary_option import dictionary_of
        from kittiwake.topology.compile import load_topology

        topology = load_topology(options.source)
        page = handbook_page(dictionary_of(topology, str(options.source)), about=_about(topology))
    else:
        from kittiwake.dictionary.load import load_dictionary

        page = handbook_page(load_dictionary(str(options.source)))
    put_text(page, options.output / PAGE)
    return 0


def _about(topology: Topology) -> dict[str, About]:
    """What each instance is."""
    from inspect import getdoc

    from kittiwake.handbook.page import About

    return {
        one.name: About(one.component.__name__, (getdoc(one.component) or "").partition("\n\n")[0])
        for one in topology.instances
    }
