"""Fixtures of the system tests: ground stations that end with the test."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.gds import Gds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def start_gds(require_peer: Callable[[str], Path]) -> Iterator[Callable[..., Gds]]:
    """Starts an fprime-gds with the arguments of `Gds`; it is closed when the test ends."""
    require_peer("fprime-gds")
    with ExitStack() as stations:

        def start(dictionary: Path, **options: Any) -> Gds:
            return stations.enter_context(Gds(dictionary, **options))

        yield start
