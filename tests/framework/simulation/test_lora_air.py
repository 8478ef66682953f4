"""The time on air by Semtech's formula, and who hears whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.seeded import SeededRandom
from kittiwake.simulation.lora_air import Air, time_on_air_s


@pytest.mark.parametrize(
    "payload, spreading_factor, bandwidth_hz, coding_rate, milliseconds",
    [
        (10, 7, 125e3, 1, 41.216),
        (20, 7, 125e3, 1, 56.576),
        (64, 12, 125e3, 1, 2793.472),
        (51, 9, 125e3, 1, 328.704),
        (51, 7, 500e3, 4, 37.952),
    ],
)
def test_times_are_those_of_the_formula(
    payload: int, spreading_factor: int, bandwidth_hz: float, coding_rate: int, milliseconds: float
) -> None:
    """REQ-LORA-002: values worked out by hand from AN1200.13, section 4."""
    found = time_on_air_s(payload, spreading_factor, bandwidth_hz, coding_rate)
    assert found * 1e3 == pytest.approx(milliseconds)


@given(st.integers(0, 254), st.integers(7, 11), st.sampled_from([125e3, 250e3, 500e3]), st.integers(1, 3))
def test_more_is_slower(payload: int, factor: int, bandwidth_hz: float, rate: int) -> None:
    """REQ-LORA-002."""
    time_s = time_on_air_s(payload, factor, bandwidth_hz, rate)
    assert time_on_air_s(payload + 1, factor, bandwidth_hz, rate) >= time_s
    assert time_on_air_s(payload, factor + 1, bandwidth_hz, rate) > time_s
    assert time_on_air_s(payload, factor, bandwidth_hz / 2, rate) > time_s
    assert time_on_air_s(payload, factor, bandwidth_hz, rate + 1) >= time_s


@given(st.integers(0, 100), st.integers(1, 100), st.integers(0, 100), st.integers(1, 100))
def test_who_sends_hears_nothing(began: int, lasts: int, other_began: int, other_lasts: int) -> None:
    """REQ-LORA-003."""
    air = Air(SeededRandom(0), 0.0)
    air.send(True, began, began + lasts)
    air.send(False, other_began, other_began + other_lasts)
    overlap = max(began, other_began) < min(began + lasts, other_began + other_lasts)
    assert air.arrives(True, began, began + lasts) is not overlap
    assert air.arrives(False, other_began, other_began + other_lasts) is not overlap
