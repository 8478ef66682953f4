"""A deployment that never rests is found, not waited for."""

from __future__ import annotations

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.simulated_dispatches import STILL_MAX, Livelock


def test_dispatches_without_end_in_no_time_are_a_livelock() -> None:
    platform = SimulatedPlatform(counts_dispatches=True)
    for _ in range(STILL_MAX - 1):
        platform.dispatches.began("one", "call")
    platform.dispatches.began("one", "call")
    platform.clock.advance(1)
    for _ in range(STILL_MAX):
        platform.dispatches.began("one", "call")
    with pytest.raises(Livelock, match=r"in no time, the last of them \('other', 'call'\)"):
        for _ in range(STILL_MAX):
            platform.dispatches.began("other", "call")
