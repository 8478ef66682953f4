"""An archive whose clock stands still, and a deployment that is never started, to be looked back at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.archive import Archive, Retention
from kittiwake_ground.configuration import DeploymentConfiguration
from kittiwake_ground.server.archive_sink import NoArchive
from kittiwake_ground.server.deployment import Deployment
from tests.ground.server.foreign import DICTIONARY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW_US = 1_700_000_000_000_000


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    keep_all = Retention(None, None, None, None, None, None)
    with Archive(tmp_path / "archive", keep_all, lambda: NOW_US, commit_interval_s=0.0) as made:
        yield made


@pytest.fixture
def live(tmp_path: Path) -> Deployment:
    path = tmp_path / "foreign.json"
    path.write_text(json.dumps(DICTIONARY))
    return Deployment(DeploymentConfiguration("ref", path, "tcp://127.0.0.1:1"), tmp_path / "files", NoArchive())
