"""The compiled dictionary of Aurora, and fprime-gds beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.load import load_dictionary
from tests.ground.foreign.aurora import GdsCoder, compile_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary


@pytest.fixture(scope="session")
def aurora_path(require_peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dictionary as FPP's tools write it."""
    require_peer("fpp-to-dict")
    return compile_model(tmp_path_factory.mktemp("aurora"))


@pytest.fixture(scope="session")
def aurora(aurora_path: Path) -> Dictionary:
    """The dictionary as we load it."""
    return load_dictionary(str(aurora_path))


@pytest.fixture(scope="session")
def gds(require_peer: Callable[[str], Path], aurora_path: Path) -> Iterator[GdsCoder]:
    """fprime-gds's classes for it."""
    require_peer("fprime-gds")
    with GdsCoder(aurora_path) as coder:
        yield coder
