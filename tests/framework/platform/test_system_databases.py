"""Databases of the machine that cannot be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.sqlite import DatabaseFault
from kittiwake.platform.system_databases import SystemDatabases

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["", "missing/kept.sqlite", "file/kept.sqlite", "x" * 300])
def test_a_database_that_cannot_be_opened_is_a_fault_of_the_system(tmp_path: Path, name: str) -> None:
    """Components bear an `OSError`, as of a medium that has become read-only; SQLite's own would end a handler."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DatabaseFault) as raised:
        SystemDatabases().open(str(tmp_path / name), durable=True)
    assert isinstance(raised.value, OSError)
    assert raised.value.filename == str(tmp_path / name)
    assert raised.value.strerror
