"""How long a bearer that failed is left alone: twice as long each time, with a jitter."""

from __future__ import annotations

MAX_DOUBLINGS = 40


def backoff_s(failures: int, uniform: float, minimum_s: float, maximum_s: float, jitter: float) -> float:
    """The wait after so many failures in a row (1 or more), always from `minimum_s` to `maximum_s`.

    `uniform` is a random number from -1 to 1, `jitter` the share of the wait that it moves: many devices that lost the
    same access point do not come back together.
    """
    wait_s = min(minimum_s * 2.0 ** min(failures - 1, MAX_DOUBLINGS), maximum_s)
    return max(minimum_s, min(wait_s * (1.0 + jitter * uniform), maximum_s))
