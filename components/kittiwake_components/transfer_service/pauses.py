"""How long whoever failed waits before the next attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.interface import Random

MAX_DOUBLINGS = 16


def pause_after(failures: int, first_s: int, longest_s: int, random: Random) -> float:
    """Seconds after so many failures in a row (1 or more): `first_s`, doubled each time up to `longest_s`.

    Times 0.5 to 1 at random, so that many devices that lost the same server do not come back together; at least one.
    """
    doubled_s = min(first_s << min(failures - 1, MAX_DOUBLINGS), longest_s)
    return max(1.0, doubled_s * random.uniform(0.5, 1.0))
