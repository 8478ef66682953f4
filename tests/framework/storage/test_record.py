"""The atomic record."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake.storage.finding import NotReadYet, ReadFailed
from kittiwake.storage.payload import PayloadTooLarge
from kittiwake.storage.record import AtomicRecord
from tests.framework.storage.crashes import Trace, every_cut, new_platform, old_or_new, write_all
from tests.framework.storage.kills import payload, run_until_killed

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/data/count"
LIMIT = 4096


def record_on(platform: SimulatedPlatform, version: int = 1, readable: tuple[int, ...] = ()) -> AtomicRecord:
    return AtomicRecord(platform.files, PATH, version, LIMIT, readable)


def test_a_record_that_was_never_written_is_absent_without_findings() -> None:
    reading = record_on(new_platform()).read()
    assert reading.payload is None
    assert reading.findings == ()


@given(st.lists(st.binary(max_size=LIMIT), min_size=1, max_size=6))
def test_the_newest_payload_is_read_back(payloads: list[bytes]) -> None:
    platform = new_platform()
    record = record_on(platform)
    for each in payloads:
        assert record.write(each) == ()
        assert record_on(platform).read().payload == each
    assert record.read().payload == payloads[-1]


def test_every_cut_leaves_the_old_payload_or_the_new_one() -> None:
    payloads = [b"1", b"2" * 1500, b"", b"4" * 3000, b"5" * 100]

    def scenario(platform: SimulatedPlatform, trace: Trace) -> None:
        record = record_on(platform)
        record.read()
        write_all(record.write, payloads, trace)

    for platform, trace in every_cut(scenario):
        record = record_on(platform)
        assert record.read().payload in old_or_new(trace)
        record.write(b"after")
        assert record_on(platform.crash()).read().payload == b"after"


@pytest.mark.parametrize("seed", range(40))
def test_many_lives_with_kills_and_power_cuts_never_lose_what_was_acknowledged(seed: int) -> None:
    random = SeededRandom(seed)
    platform = new_platform(seed)
    allowed: set[bytes | None] = {None}
    for life in range(25):
        platform.files.cut_at(platform.files.operations + 1 + random.below(40), after=random.chance(0.5))
        is_power_cut = random.chance(0.6)
        try:
            record = record_on(platform)
            found = record.read().payload
            assert found in allowed
            for number in range(6):
                new = bytes([life, number]) * (1 + random.below(1000))
                allowed.add(new)
                record.write(new)
                allowed = {new}
        except PowerCut:
            pass
        platform = platform.crash(random) if is_power_cut else platform.restart()


def test_a_bad_slot_is_kept_aside_and_reported_and_the_other_one_counts() -> None:
    platform = new_platform()
    record = record_on(platform)
    record.write(b"old")
    record.write(b"new")
    platform.files.damage(PATH + ".b", 23, b"\xff")
    reading = record_on(platform).read()
    assert reading.payload == b"old"
    (finding,) = reading.findings
    assert finding.kept_as == PATH + ".b.bad.0"
    assert "checksum" in finding.reason
    assert platform.files.list("/data") == ["count.a", "count.b.bad.0"]
    assert record_on(platform).read().findings == ()


@pytest.mark.parametrize(
    "damage, reason",
    [(b"XXXX", "not an atomic record"), (b"KWAR\0\1" + b"\0" * 8 + b"\xff" * 4, "limit")],
)
def test_foreign_bytes_in_a_slot_are_named_for_what_they_are(damage: bytes, reason: str) -> None:
    platform = new_platform()
    record_on(platform).write(b"only")
    platform.files.damage(PATH + ".a", 0, damage)
    reading = record_on(platform).read()
    assert reading.payload is None
    assert reason in reading.findings[0].reason


def test_bad_slots_are_kept_up_to_a_limit_and_the_oldest_go() -> None:
    platform = new_platform()
    for _ in range(7):
        record_on(platform).write(b"x")
        platform.files.damage(PATH + ".a", 0, b"?")
    record_on(platform).read()
    assert platform.files.list("/data") == [f"count.a.bad.{number}" for number in (3, 4, 5, 6)]


@pytest.mark.parametrize("code", [errno.EIO, errno.EBADMSG, errno.EACCES, errno.EMFILE])
@pytest.mark.parametrize("operation, rest", [(1, b"new"), (2, b"new"), (4, b"old"), (5, b"old")])
def test_a_slot_that_cannot_be_read_is_left_in_place_and_never_written_over(
    code: int, operation: int, rest: bytes
) -> None:
    platform = new_platform()
    record_on(platform).write(b"old")
    record = record_on(platform)
    record.write(b"new")
    platform.files.fail_at(platform.files.operations + operation, code)
    with pytest.raises(ReadFailed) as caught:
        record.read()
    assert (caught.value.errno, caught.value.rest) == (code, rest)
    assert caught.value.filename == PATH + (".a" if operation < 4 else ".b")
    assert platform.files.list("/data") == ["count.a", "count.b"]
    with pytest.raises(NotReadYet):
        record.write(b"made up")
    assert record.read().payload == b"new"
    record.write(b"newer")
    assert record_on(platform.crash()).read().payload == b"newer"


def test_a_bad_slot_stays_too_while_the_other_cannot_be_read() -> None:
    platform = new_platform()
    record_on(platform).write(b"old")
    record_on(platform).write(b"new")
    platform.files.damage(PATH + ".b", 23, b"\xff")
    platform.files.fail_at(platform.files.operations + 2, errno.EIO)
    with pytest.raises(ReadFailed) as caught:
        record_on(platform).read()
    assert caught.value.rest is None
    assert platform.files.list("/data") == ["count.a", "count.b"]
    reading = record_on(platform).read()
    assert reading.payload == b"old"
    assert "checksum" in reading.findings[0].reason


def test_a_record_that_nobody_has_read_is_read_by_the_write_and_again_by_the_next() -> None:
    platform = new_platform()
    record_on(platform).write(b"old")
    platform.files.fail_at(platform.files.operations + 2, errno.EIO)
    record = record_on(platform)
    with pytest.raises(ReadFailed):
        record.write(b"new")
    record.write(b"new")
    assert record_on(platform.crash()).read().payload == b"new"


def test_the_last_try_takes_what_cannot_be_read_for_bad() -> None:
    platform = new_platform()
    record_on(platform).write(b"old")
    record_on(platform).write(b"new")
    platform.files.fail_at(platform.files.operations + 5, errno.EIO)
    record = record_on(platform)
    reading = record.read(last_try=True)
    assert reading.payload == b"old"
    assert str(reading.findings[0]) == f"{PATH}.b: cannot be read: Input/output error (kept as count.b.bad.0)"
    record.write(b"newer")
    assert record_on(platform.crash()).read().payload == b"newer"


def test_power_cuts_around_a_reading_that_fails_lose_nothing() -> None:
    """While nothing can be read, and while that is found out and got over, the old payload or the new one is there."""

    def scenario(platform: SimulatedPlatform, trace: Trace) -> None:
        write_all(record_on(platform).write, [b"1", b"2"], trace)
        record = record_on(platform)
        platform.files.fail_every("read_at", errno.EIO)
        for _ in range(2):
            with pytest.raises(ReadFailed):
                record.read()
            with pytest.raises(NotReadYet):
                record.write(b"made up")
        platform.files.mend("read_at")
        assert record.read().payload == b"2"
        write_all(record.write, [b"3", b"4"], trace)

    for platform, trace in every_cut(scenario):
        assert record_on(platform).read().payload in old_or_new(trace)


def test_a_slot_that_cannot_be_kept_aside_is_still_reported() -> None:
    platform = new_platform()
    record_on(platform).write(b"x")
    platform.files.damage(PATH + ".a", 0, b"?")
    platform.files.fail_every("rename", errno.EROFS)
    (finding,) = record_on(platform).read().findings
    assert finding.kept_as is None
    assert "could not be kept aside" in str(finding)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6])
def test_a_write_that_fails_at_any_step_leaves_old_or_new_and_the_next_one_succeeds(code: int, step: int) -> None:
    platform = new_platform()
    record = record_on(platform)
    record.write(b"old")
    platform.files.fail_at(platform.files.operations + step, code)
    with pytest.raises(OSError, match=r"space|output"):
        record.write(b"new")
    again = platform.restart()
    assert record_on(again).read().payload in {b"old", b"new"}
    record_on(again).write(b"third")
    assert record_on(again.crash()).read().payload == b"third"


def test_writes_resume_once_a_full_disk_has_room() -> None:
    platform = new_platform()
    record = record_on(platform)
    record.write(b"old")
    platform.files.disk.capacity = 100
    with pytest.raises(OSError, match="No space left") as caught:
        record.write(b"n" * 1000)
    assert caught.value.errno == errno.ENOSPC
    assert record.read().payload == b"old"
    platform.files.disk.capacity = 10_000
    record.write(b"n" * 1000)
    assert record_on(platform.crash()).read().payload == b"n" * 1000


def test_a_payload_over_the_limit_is_refused_with_both_figures() -> None:
    with pytest.raises(PayloadTooLarge) as caught:
        record_on(new_platform()).write(bytes(LIMIT + 1))
    assert (caught.value.size, caught.value.limit) == (LIMIT + 1, LIMIT)


def test_an_older_version_is_read_where_it_is_named_and_kept_aside_where_not() -> None:
    platform = new_platform()
    record_on(platform, version=1).write(b"one")
    reading = record_on(platform, version=2, readable=(1,)).read()
    assert (reading.payload, reading.version) == (b"one", 1)
    reading = record_on(platform, version=2).read()
    assert reading.payload is None
    assert "version 1" in reading.findings[0].reason


def test_a_real_process_killed_at_any_moment_keeps_its_promises(tmp_path: Path) -> None:
    script = """
from kittiwake.storage.record import AtomicRecord
record = AtomicRecord(files, path, 1, 4096)
record.read()
while True:
    first += 1
    record.write(payload(first))
    acknowledge(first)
"""
    files = SystemPlatform().files
    path = tmp_path / "count"
    random = SeededRandom(1)
    first = 0
    for _ in range(8):
        last = run_until_killed(script, path, first, random)
        found = AtomicRecord(files, str(path), 1, LIMIT).read().payload
        assert found in (payload(last), payload(last + 1))
        first = int.from_bytes(found[:8], "big")
