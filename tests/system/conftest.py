"""Fixtures of the system tests: ground stations and devices that end with the test."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.browser import BrowserMissing, find_programs
from tests.system.device import REFERENCE, Device, build
from tests.system.gds import Gds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


@pytest.fixture
def start_gds(require_peer: Callable[[str], Path]) -> Iterator[Callable[..., Gds]]:
    """Starts an fprime-gds with the arguments of `Gds`; it is closed when the test ends."""
    require_peer("fprime-gds")
    with ExitStack() as stations:

        def start(dictionary: Path, **options: Any) -> Gds:
            return stations.enter_context(Gds(dictionary, **options))

        yield start


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The image and the dictionary of the reference deployment."""
    return build(REFERENCE, tmp_path_factory.mktemp("reference"))


@pytest.fixture
def start_device(reference: tuple[Path, Path], tmp_path: Path) -> Iterator[Callable[..., Device]]:
    """Starts a reference deployment on a link; it is killed when the test ends."""
    with ExitStack() as devices:

        def start(link: str, root: Path = tmp_path / "root", options: Sequence[str] = ()) -> Device:
            return devices.enter_context(Device(reference[0], root, link, options))

        yield start


@pytest.fixture(scope="session")
def require_browser() -> None:
    """Skips what needs Chromium where there is none, or fails it where CI is set."""
    try:
        find_programs()
    except BrowserMissing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))
