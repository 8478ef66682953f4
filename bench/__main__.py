"""`python -m bench [GROUP ...] [--tighten]`: measures, prints a table and writes `bench/results.json`.

The exit status is 1 if a figure is out of its budget or worse than `bench/ratchet.json` allows. `--tighten` writes what
was reached into the ratchet, where it is better. With groups named, only theirs are measured and written.
"""

from __future__ import annotations

import argparse
import gc
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench.results import read_ratchet, slipped, tightened, write_ratchet, write_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.measure import Figure

GROUPS = (
    "ports",
    "rate_group",
    "simulation",
    "missions",
    "boot",
    "round_trip",
    "decode",
    "sequence",
    "archive",
    "ground",
    "actuator",
    "building",
    "hive",
)
"""The modules of this package that have `figures()`."""

FOLDER = Path(__file__).resolve().parent


def verdict(figure: Figure, ratchet: Mapping[str, float]) -> str:
    """One word on a figure."""
    if not figure.within_budget:
        return "OVER BUDGET"
    if slipped(figure, ratchet):
        return "WORSE"
    reached = figure.ratio >= figure.stretch if figure.more_is_better else figure.ratio <= figure.stretch
    return "stretch" if reached else "ok"


def row(figure: Figure, ratchet: Mapping[str, float]) -> str:
    """One line of the table."""
    sign = ">=" if figure.more_is_better else "<="
    return (
        f"{figure.name:<48}{figure.value:>11.4g} {figure.unit:<8}{figure.reference:>10.4g}{figure.ratio:>10.4g}"
        f"  {sign}{figure.budget:<8g}{sign}{figure.stretch:<8g} {verdict(figure, ratchet)}"
    )


def measure(groups: Sequence[str], ratchet: Mapping[str, float]) -> list[Figure]:
    """The figures of the groups, each group printed as soon as it is there."""
    print(f"{'figure':<48}{'value':>11} {'unit':<8}{'reference':>10}{'ratio':>10}  {'budget':<10}{'stretch':<10}")
    found: list[Figure] = []
    for group in groups:
        module = import_module(f"bench.{group}")
        # What earlier groups have left is looked at in none of this one's collections, as in a process of its own.
        gc.collect()
        gc.freeze()
        for figure in module.figures():
            found.append(figure)
            print(row(figure, ratchet), flush=True)
    return found


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER, known: Sequence[str] = GROUPS) -> int:
    """Measures; 0 if all figures keep their budgets and the ratchet."""
    parser = argparse.ArgumentParser("python -m bench", description="Measure the budgets.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"default: all of {', '.join(known)}")
    parser.add_argument("--tighten", action="store_true", help="write what was reached into the ratchet")
    options = parser.parse_args(arguments)
    unknown = [group for group in options.groups if group not in known]
    if unknown:
        parser.error(f"there is no group {unknown[0]!r}; there are {', '.join(known)}")
    ratchet = read_ratchet(folder / "ratchet.json")
    figures = measure(options.groups or known, ratchet)
    write_results(folder / "results.json", figures)
    if options.tighten:
        write_ratchet(folder / "ratchet.json", tightened(figures, ratchet))
    missed = [figure.name for figure in figures if not figure.within_budget or slipped(figure, ratchet)]
    print("\n".join([f"{len(figures) - len(missed)} of {len(figures)} figures are as they must be", *missed]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
