"""Tables on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str = "") -> None:
    """Prints rows below their heads, in columns as wide as they need, or says `empty` where there are none.

    What would move the cursor is printed as its escape: names come from others.
    """
    if not rows:
        if empty:
            print(empty, file=sys.stderr)
        return
    shown = [
        [one if one.isprintable() else ascii(one)[1:-1] for one in map(str, row)]
        for row in (map(str.upper, heads), *rows)
    ]
    widths = [max(len(row[place]) for row in shown) for place in range(len(heads))]
    for row in shown:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
