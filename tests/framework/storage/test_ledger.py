"""The ledger: on a medium that gives nothing for a while, and how it stays short; its users test the rest."""

from __future__ import annotations

import errno

import pytest

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.storage.ledger import LEAST_RECORDS, Ledger
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


def _filled(platform: SimulatedPlatform) -> Ledger:
    """A ledger whose next record is one more than are kept."""
    ledger = Ledger(platform.files, PATH)
    ledger.open()
    for number in range(LEAST_RECORDS):
        ledger.put("counter", number)
    return ledger


def test_what_does_not_count_any_more_is_left_out_before_a_start_would_read_much_of_it() -> None:
    platform = new_platform()
    ledger = _filled(platform)
    long = len(platform.files.disk.file(PATH).data)
    ledger.put("other", "kept")
    assert len(platform.files.disk.file(PATH).data) < long // 8
    for number in range(10 * LEAST_RECORDS):
        ledger.put("counter", number)
        assert len(platform.files.disk.file(PATH).data) < 2 * long
    ledger.close()
    ledger = Ledger(platform.files, PATH)
    assert ledger.open() == ()
    assert (ledger["counter"], ledger["other"]) == (10 * LEAST_RECORDS - 1, "kept")


def test_values_that_all_count_are_not_written_again_and_again() -> None:
    platform = new_platform()
    ledger = Ledger(platform.files, PATH)
    ledger.open()
    before = platform.files.operations
    for number in range(5 * LEAST_RECORDS):
        ledger.put(f"job/{number}", number)
    renames = [what for what, _ in list(platform.files.log)[before:] if what == "rename"]
    assert renames == []


def test_a_power_cut_while_it_is_shortened_leaves_every_value() -> None:
    platform = new_platform()
    ledger = _filled(platform)
    began = platform.files.operations
    ledger.put("other", "new")
    count = platform.files.operations - began
    assert count > 5
    for operation in range(1, count + 1):
        for seed in range(4):
            platform = new_platform()
            ledger = _filled(platform)
            platform.files.cut_at(platform.files.operations + operation)
            with pytest.raises(PowerCut):
                ledger.put("other", "new")
            platform = platform.crash(SeededRandom(seed))
            ledger = Ledger(platform.files, PATH)
            ledger.open()
            assert ledger["counter"] == LEAST_RECORDS - 1
            assert ledger["other"] in (None, "new")


def test_without_room_to_shorten_it_takes_values_all_the_same_and_tries_again_later() -> None:
    platform = new_platform()
    ledger = _filled(platform)
    platform.files.fail_every("rename", errno.ENOSPC)
    for number in range(LEAST_RECORDS // 2):
        ledger.put("other", number)
    platform.files.mend("rename")
    assert [what for what, _ in platform.files.log].count("rename") == 1
    long = len(platform.files.disk.file(PATH).data)
    for number in range(LEAST_RECORDS):
        ledger.put("other", number)
    assert len(platform.files.disk.file(PATH).data) < long
    assert (ledger["counter"], ledger["other"]) == (LEAST_RECORDS - 1, LEAST_RECORDS - 1)
