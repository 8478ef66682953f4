"""The append journal."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake.storage.journal import Journal, JournalFull
from kittiwake.storage.payload import PayloadTooLarge
from tests.framework.storage.crashes import Trace, every_cut, new_platform, write_all
from tests.framework.storage.kills import payload, run_until_killed

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake.storage.finding import Finding

PATH = "/data/log"
HEADER_SIZE = 8
RECORD_HEADER_SIZE = 10


def journal_on(platform: SimulatedPlatform, version: int = 1, size_limit: int = 1 << 20) -> Journal:
    return Journal(platform.files, PATH, version, record_limit=2048, size_limit=size_limit)


def opened(platform: SimulatedPlatform) -> tuple[list[bytes], tuple[Finding, ...], Journal]:
    journal = journal_on(platform)
    findings = journal.open()
    return list(journal.records()), findings, journal


def filled(payloads: list[bytes], seed: int = 0) -> tuple[SimulatedPlatform, Journal]:
    platform = new_platform(seed)
    journal = journal_on(platform)
    assert journal.open() == ()
    for each in payloads:
        journal.append(each)
    return platform, journal


@given(st.lists(st.binary(max_size=2048), max_size=80))
def test_records_come_back_in_order(payloads: list[bytes]) -> None:
    platform, journal = filled(payloads)
    assert list(journal.records()) == payloads
    records, findings, _ = opened(platform.crash())
    assert (records, findings) == (payloads, ())


def test_every_cut_keeps_the_acknowledged_records_and_at_most_the_one_under_way() -> None:
    payloads = [b"one", b"2" * 1500, b"", b"4" * 700, b"five"]

    def scenario(platform: SimulatedPlatform, trace: Trace) -> None:
        journal = journal_on(platform)
        journal.open()
        write_all(journal.append, payloads, trace)

    for platform, trace in every_cut(scenario):
        records, _, journal = opened(platform)
        assert records in (trace.acknowledged, trace.attempted)
        journal.append(b"after")
        again, findings, _ = opened(platform.crash())
        assert again == [*records, b"after"]
        assert findings == ()


def test_every_cut_during_compaction_leaves_the_old_records_or_the_new_ones() -> None:
    old = [bytes([number]) * 300 for number in range(9)]
    new = old[6:]

    def scenario(platform: SimulatedPlatform, trace: Trace) -> None:
        journal = journal_on(platform)
        journal.open()
        for each in old:
            journal.append(each, sync=False)
        journal.sync()
        trace.acknowledged.append(b"filled")
        journal.compact(each for number, each in enumerate(journal.records()) if number >= 6)
        trace.acknowledged.append(b"compacted")
        journal.append(b"more")
        trace.acknowledged.append(b"appended")

    for platform, trace in every_cut(scenario):
        records, _, _ = opened(platform)
        match len(trace.acknowledged):
            case 0:
                assert records == old[: len(records)]
            case 1:
                assert records in (old, new)
            case 2:
                assert records in (new, [*new, b"more"])
            case _:
                assert records == [*new, b"more"]


@pytest.mark.parametrize("seed", range(40))
def test_many_lives_with_lazy_and_synced_appends_keep_what_was_synced(seed: int) -> None:
    random = SeededRandom(seed)
    platform = new_platform(seed)
    durable: list[bytes] = []
    written: list[bytes] = []
    for life in range(20):
        platform.files.cut_at(platform.files.operations + 1 + random.below(40), after=random.chance(0.5))
        is_power_cut = random.chance(0.6)
        try:
            records, _, journal = opened(platform)
            assert records[: len(durable)] == durable
            assert records == written[: len(records)]
            written = records
            for number in range(12):
                is_synced = random.chance(0.5)
                written = [*written, bytes([life, number]) * (1 + random.below(600))]
                journal.append(written[-1], sync=is_synced)
                if is_synced:
                    durable = written
        except PowerCut:
            pass
        platform = platform.crash(random) if is_power_cut else platform.restart()


def test_a_torn_tail_is_cut_and_reported() -> None:
    platform, journal = filled([b"first", b"second"])
    size = journal.size
    platform.files.damage(PATH, size, b"\xa5\x4b\0\0")
    records, findings, journal = opened(platform)
    assert records == [b"first", b"second"]
    (finding,) = findings
    assert finding.kept_as is None
    assert finding.reason == f"the last record is torn at byte {size}: 4 bytes are cut"
    assert platform.files.size(PATH) == size
    journal.append(b"third")
    assert opened(platform)[:2] == ([b"first", b"second", b"third"], ())


def test_damage_before_valid_records_keeps_the_prefix_and_a_copy_of_everything() -> None:
    platform, _ = filled([b"first", b"second", b"third" * 100])
    whole = platform.files.read(PATH, 1 << 20)
    at = HEADER_SIZE + RECORD_HEADER_SIZE + len(b"first") + RECORD_HEADER_SIZE
    platform.files.damage(PATH, at, b"S")
    records, findings, _ = opened(platform)
    assert records == [b"first"]
    (finding,) = findings
    assert finding.kept_as == PATH + ".bad.0"
    kept = platform.files.read(PATH + ".bad.0", 1 << 20)
    assert kept == whole[:at] + b"S" + whole[at + 1 :]
    assert opened(platform)[:2] == ([b"first"], ())


@given(st.integers(0, 400), st.integers(1, 255))
def test_any_flipped_byte_leaves_a_prefix_of_the_records(place: int, flip: int) -> None:
    payloads = [bytes([number]) * 37 for number in range(8)]
    platform, journal = filled(payloads)
    place %= journal.size
    before = platform.files.read(PATH, 1 << 20)[place]
    platform.files.damage(PATH, place, bytes([before ^ flip]))
    records, findings, _ = opened(platform)
    assert records == payloads[: len(records)]
    assert len(records) < len(payloads)
    assert len(findings) == 1


def test_a_record_inside_another_records_payload_does_not_count() -> None:
    platform, inner = filled([b"inner"])
    image = platform.files.read(PATH, 1 << 20)
    platform, _ = filled([b"outer" + image])
    platform.files.damage(PATH, HEADER_SIZE + RECORD_HEADER_SIZE, b"O")
    records, findings, _ = opened(platform)
    assert records == []
    assert "torn" in findings[0].reason
    assert inner.size == len(image)


def test_a_file_that_is_no_journal_or_of_another_version_is_kept_aside() -> None:
    platform, _ = filled([b"x"])
    journal = journal_on(platform, version=2)
    assert "version 1" in journal.open()[0].reason
    assert list(journal.records()) == []
    platform.files.damage(PATH, 0, b"?")
    assert "not a journal" in journal.open()[0].reason
    assert platform.files.list("/data") == ["log", "log.bad.0", "log.bad.1"]


def test_an_unreadable_medium_is_raised_and_nothing_is_cut() -> None:
    platform, journal = filled([b"first", b"second"])
    size = journal.size
    for step in range(1, 6):
        platform.files.fail_at(platform.files.operations + step, errno.EIO)
        with pytest.raises(OSError, match="Input/output"):
            journal.open()
        with pytest.raises(OSError, match="not open"):
            journal.append(b"x")
        platform.files.heal()
        if step == 5:
            break
    assert platform.files.size(PATH) == size
    assert opened(platform)[0] == [b"first", b"second"]


def test_a_failed_append_counts_as_not_written_and_the_next_one_succeeds() -> None:
    platform, journal = filled([b"first"])
    platform.files.disk.capacity = platform.files.size(PATH) + 20
    with pytest.raises(OSError, match="No space left"):
        journal.append(b"x" * 500)
    assert list(journal.records()) == [b"first"]
    platform.files.disk.capacity = 10_000
    platform.files.fail_every("sync", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        journal.append(b"y" * 500)
    platform.files.heal()
    journal.append(b"second")
    assert opened(platform.crash())[:2] == ([b"first", b"second"], ())


def test_the_rest_of_a_failed_append_that_could_not_be_cut_is_overwritten() -> None:
    platform, journal = filled([b"first"])
    platform.files.fail_every("sync", errno.EIO)
    platform.files.fail_every("truncate", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        journal.append(b"y" * 500)
    platform.files.heal()
    journal.append(b"second")
    records, findings, _ = opened(platform.crash())
    assert records == [b"first", b"second"]
    assert "torn" in findings[0].reason


def test_after_a_compaction_whose_folder_sync_failed_an_append_syncs_the_folder_first() -> None:
    platform, journal = filled([b"first", b"second"])
    platform.files.fail_every("sync_folder", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        journal.compact([b"second"])
    with pytest.raises(OSError, match="Input/output"):
        journal.append(b"third")
    platform.files.heal()
    journal.append(b"third")
    for seed in range(10):
        platform = platform.crash(SeededRandom(seed))
        assert opened(platform)[0] == [b"second", b"third"]


def test_limits_are_errors_that_name_them_and_compaction_makes_room() -> None:
    platform = new_platform()
    journal = journal_on(platform, size_limit=100)
    journal.open()
    with pytest.raises(PayloadTooLarge):
        journal.append(bytes(2049))
    journal.append(bytes(70))
    with pytest.raises(JournalFull) as caught:
        journal.append(bytes(70))
    assert (caught.value.errno, caught.value.size, caught.value.limit) == (errno.ENOSPC, 168, 100)
    with pytest.raises(JournalFull):
        journal.compact([bytes(50), bytes(50)])
    assert list(journal.records()) == [bytes(70)]
    journal.compact([])
    journal.append(bytes(70))
    assert platform.files.list("/data") == ["log"]


def test_a_journal_must_be_opened_before_use() -> None:
    with pytest.raises(OSError, match="not open"):
        journal_on(new_platform()).append(b"x")


def test_a_real_process_killed_at_any_moment_keeps_its_promises(tmp_path: Path) -> None:
    script = """
from kittiwake.storage.journal import Journal
journal = Journal(files, path, 1, record_limit=2400, size_limit=200_000)
journal.open()
while True:
    first += 1
    if journal.size > 40_000:
        journal.compact(list(journal.records())[-3:])
    journal.append(payload(first))
    acknowledge(first)
"""
    path = tmp_path / "log"
    random = SeededRandom(2)
    first = 0
    for _ in range(8):
        last = run_until_killed(script, path, first, random)
        journal = Journal(SystemPlatform().files, str(path), 1, record_limit=2400, size_limit=200_000)
        journal.open()
        records = list(journal.records())
        journal.close()
        first = int.from_bytes(records[-1][:8], "big")
        assert first in (last, last + 1)
        assert records == [payload(number) for number in range(first - len(records) + 1, first + 1)]
