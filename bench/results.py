"""What is kept of a run: the results file, and the ratchet that holds each figure to what was reached before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bench.measure import Figure


def write_results(path: Path, figures: Iterable[Figure]) -> None:
    """Writes the figures as a list of objects."""
    path.write_text(json.dumps([figure.as_row() for figure in figures], indent=2) + "\n")


def read_ratchet(path: Path) -> dict[str, float]:
    """The worst ratio allowed for each figure; empty if there is no such file yet."""
    if not path.exists():
        return {}
    return {str(name): float(ratio) for name, ratio in json.loads(path.read_text()).items()}


def slipped(figure: Figure, ratchet: Mapping[str, float]) -> bool:
    """Whether a figure is worse than the ratchet allows."""
    worst = ratchet.get(figure.name)
    if worst is None:
        return False
    return figure.ratio < worst if figure.more_is_better else figure.ratio > worst


def tightened(figures: Iterable[Figure], ratchet: Mapping[str, float]) -> dict[str, float]:
    """The ratchet after a run: each figure's ratio and a margin for noise, where that is better than what stood."""
    found = dict(ratchet)
    for figure in figures:
        better = max if figure.more_is_better else min
        margin = -figure.noise if figure.more_is_better else figure.noise
        worst = float(f"{figure.ratio * (1 + margin):.3g}")
        # The margin must not allow what the budget does not.
        if figure.within_budget:
            worst = better(worst, figure.budget)
        found[figure.name] = better(worst, found[figure.name]) if figure.name in found else worst
    return dict(sorted(found.items()))


def write_ratchet(path: Path, ratchet: Mapping[str, float]) -> None:
    """Writes the ratchet, one figure a line."""
    path.write_text(json.dumps(ratchet, indent=2, ensure_ascii=False) + "\n")
