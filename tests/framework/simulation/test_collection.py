"""The search for unused cycles during a flight."""

from __future__ import annotations

import gc

import pytest

from kittiwake.simulation.collection import OBJECTS_BETWEEN, collected_rarely


def _fail_rarely_collected() -> None:
    with collected_rarely():
        assert gc.get_threshold()[0] == OBJECTS_BETWEEN
        raise RuntimeError("broken")


def test_python_s_own_pace_comes_back_after_a_flight_that_fails() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError, match="broken"):
        _fail_rarely_collected()
    assert gc.get_threshold() == before


def test_where_nothing_is_collected_nothing_is_in_a_flight() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with collected_rarely():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
