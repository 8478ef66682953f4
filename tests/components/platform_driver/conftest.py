"""What the tests of the drivers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.building.driver_bench import DriverBench

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench() -> Iterator[DriverBench]:
    """Drivers at work without a deployment; whatever they share is given back at the end."""
    bench = DriverBench()
    yield bench
    bench.until(lambda: not bench.services.shared)
