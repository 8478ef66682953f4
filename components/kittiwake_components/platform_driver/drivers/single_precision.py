"""Numbers of single precision as people write them."""

from __future__ import annotations

import struct


def shortest(number: float) -> float:
    """The float with the fewest digits that is the same in single precision: 21.3, and not 21.299999237060547."""
    single = struct.pack(">f", number)
    for digits in (6, 7, 8):
        short = float(f"{number:.{digits}g}")
        try:
            if struct.pack(">f", short) == single:
                return short
        except OverflowError:
            pass  # rounded up beyond the largest
    return number
