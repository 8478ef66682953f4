"""The ledger on a medium that gives nothing for a while; its users test the rest."""

from __future__ import annotations

import errno

import pytest

from kittiwake.storage.ledger import Ledger
from tests.framework.storage.crashes import new_platform

PATH = "/data/journal"


def test_a_ledger_that_was_read_in_part_takes_nothing_and_loses_nothing() -> None:
    platform = new_platform()
    ledger = Ledger(platform.files, PATH)
    ledger.open()
    values = {f"job/{number}": "x" * 9000 for number in range(20)}  # more than is read ahead at once
    for key, value in values.items():
        ledger.put(key, value)
    ledger.close()
    before = bytes(platform.files.disk.file(PATH).data)
    first = platform.files.operations
    Ledger(platform.files, PATH).open()
    reads = [at for at, (what, _) in enumerate(list(platform.files.log)[first:], 1) if what == "read_at"]
    assert len(reads) > 3
    for at in reads:
        platform.files.fail_at(platform.files.operations + at, errno.EIO)
        ledger = Ledger(platform.files, PATH)
        with pytest.raises(OSError, match="Input/output"):
            ledger.open()
        with pytest.raises(OSError, match="not open"):
            ledger.put("job/new", 1)
        assert bytes(platform.files.disk.file(PATH).data) == before
        assert ledger.open() == ()
        assert dict(ledger.items("job")) == {key.removeprefix("job/"): value for key, value in values.items()}
        ledger.close()
