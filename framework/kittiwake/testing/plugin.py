"""Pytest fixtures of the test kit. Load them with `pytest_plugins = ["kittiwake.testing.plugin"]` in a `conftest.py`.

    def test_it_counts(tester):
        startup = tester(StartupManager, settings={"boot_file": "/count"})
        startup.call.run(0)
        assert startup.channels["BootCount"] == 1

At the end of the test every tester made by the fixture is shut down and checked: exactly one response to each command,
no failed handler (a test that wants one clears `startup.monitor` after looking at it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.testing.tester import ComponentTester

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def tester() -> Iterator[Callable[..., ComponentTester[Any]]]:
    """Makes component testers, with `ComponentTester`'s arguments; checks each of them at the end of the test."""
    made: list[ComponentTester[Any]] = []

    def make(cls: type[Any], **options: Any) -> ComponentTester[Any]:
        made.append(ComponentTester(cls, **options))
        return made[-1]

    yield make
    for one in made:
        one.finish()


@pytest.fixture
def simulated_platform() -> SimulatedPlatform:
    """A machine in memory, under seed 0."""
    return SimulatedPlatform(0)
