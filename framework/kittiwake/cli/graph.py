"""`kittiwake graph`: draws a topology as Mermaid, DOT or SVG."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.output import put_text

FORMATS = ("mermaid", "dot", "svg")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser("kittiwake graph", description="Draw a topology: its instances and connections.")
    made.add_argument("topology", type=Path, help="topology file (YAML)")
    made.add_argument("--format", choices=FORMATS, help="default: by the end of FILE's name, else mermaid")
    made.add_argument(
        "--group", action="append", default=[], metavar="GROUP", help="only this group of connections; may be repeated"
    )
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: the terminal")
    return made


def main(arguments: list[str]) -> int:
    """Draws; 1 if the topology has faults or no such group."""
    return carry_out(parser(), _draw, arguments)


def _draw(options: argparse.Namespace) -> int:
    from kittiwake.topology.compile import load_topology
    from kittiwake.topology.graph import dot, make_graph, mermaid
    from kittiwake.topology.svg import svg

    by_suffix = {".dot": "dot", ".gv": "dot", ".svg": "svg"}
    suffix = options.output.suffix if options.output else ""
    graph = make_graph(load_topology(options.topology), options.group)
    draw = {"mermaid": mermaid, "dot": dot, "svg": svg}[options.format or by_suffix.get(suffix, "mermaid")]
    put_text(draw(graph), options.output)
    return 0
