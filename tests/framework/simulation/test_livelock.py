"""A deployment that never rests is found, not waited for."""

from __future__ import annotations

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.simulated_dispatches import STILL_MAX, Livelock


def dispatch(platform: SimulatedPlatform, times: int, instance: str) -> None:
    for _ in range(times):
        platform.dispatches.began(instance, "call")


def test_dispatches_without_end_in_no_time_are_a_livelock() -> None:
    platform = SimulatedPlatform(counts_dispatches=True)
    dispatch(platform, STILL_MAX, "one")
    platform.clock.advance(1)
    dispatch(platform, STILL_MAX, "one")
    with pytest.raises(Livelock, match=r"in no time, the last of them \('other', 'call'\)"):
        dispatch(platform, STILL_MAX, "other")
