"""The search for unused cycles during a flight."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.collection import OBJECTS_BETWEEN, collected_rarely
from kittiwake.simulation.machine import Machine
from kittiwake.simulation.minimise import flyer
from kittiwake.simulation.scenario import Scenario
from tests.framework.simulation.flights import image_of


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


def test_of_many_flights_the_last_alone_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has made some megabytes that hold each other, and a campaign flies a thousand."""
    alive: weakref.WeakSet[Machine] = weakref.WeakSet()
    boot = Machine.boot

    def seen(machine: Machine, now_ns: int, prepare: Any) -> None:
        alive.add(machine)
        boot(machine, now_ns, prepare)

    monkeypatch.setattr(Machine, "boot", seen)
    fly = flyer(image_of("building"))
    with collected_rarely():
        for seed in range(1, 5):
            assert fly(Scenario(seed=seed, length_ns=NS_PER_S)).broken is None
            assert len(alive) == 1
