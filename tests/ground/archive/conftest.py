"""An archive that commits at once and whose clock the test sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.archive import Archive, Retention

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW_US = 1_800_000_000_000_000


class Clock:
    """The ground's time, which stands still until it is set."""

    def __init__(self) -> None:
        self.now_us = NOW_US

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(tmp_path: Path, clock: Clock) -> Iterator[Archive]:
    keep_all = Retention(None, None, None, None, None, None)
    with Archive(tmp_path / "archive", keep_all, clock, commit_interval_s=0.0) as made:
        yield made
