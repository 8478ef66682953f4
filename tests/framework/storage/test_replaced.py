"""Files of other tools' formats, replaced in one step."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake.storage.finding import NotReadYet, ReadFailed
from kittiwake.storage.payload import PayloadTooLarge
from kittiwake.storage.replaced import ReplacedFile
from tests.framework.storage.crashes import Trace, every_cut, new_platform, old_or_new, write_all
from tests.framework.storage.kills import payload, run_until_killed

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/data/boot.dat"


def whole(content: bytes) -> str | None:
    return None if content.startswith(b"<") and content.endswith(b">") else "is not whole"


def file_on(platform: SimulatedPlatform) -> ReplacedFile:
    return ReplacedFile(platform.files, PATH, 4096, whole)


def test_a_file_that_was_never_written_is_absent_without_findings() -> None:
    reading = file_on(new_platform()).read()
    assert (reading.payload, reading.findings) == (None, ())


def test_every_cut_leaves_the_old_content_or_the_new_one_under_the_name_itself() -> None:
    contents = [b"<1>", b"<" + b"2" * 1500 + b">", b"<>", b"<" + b"4" * 3000 + b">"]

    def scenario(platform: SimulatedPlatform, trace: Trace) -> None:
        write_all(file_on(platform).write, contents, trace)

    for platform, trace in every_cut(scenario):
        if trace.acknowledged:  # tools that know nothing of the previous copy find a whole file
            assert platform.files.read(PATH, 4096) in old_or_new(trace)
        reading = file_on(platform).read()
        assert reading.payload in old_or_new(trace)
        file_on(platform).write(b"<after>")
        reading = file_on(platform.crash()).read()
        assert (reading.payload, reading.findings) == (b"<after>", ())


@pytest.mark.parametrize("seed", range(20))
def test_many_lives_with_kills_and_power_cuts_never_lose_what_was_acknowledged(seed: int) -> None:
    random = SeededRandom(seed)
    platform = new_platform(seed)
    allowed: set[bytes | None] = {None}
    for life in range(20):
        platform.files.cut_at(platform.files.operations + 1 + random.below(60), after=random.chance(0.5))
        is_power_cut = random.chance(0.6)
        try:
            assert file_on(platform).read().payload in allowed
            for number in range(6):
                new = b"<" + bytes([life, number]) * (1 + random.below(1000)) + b">"
                allowed.add(new)
                file_on(platform).write(new)
                allowed = {new}
        except PowerCut:
            pass
        platform = platform.crash(random) if is_power_cut else platform.restart()


def test_a_bad_file_is_kept_aside_and_the_previous_copy_is_read() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    file_on(platform).write(b"<new>")
    platform.files.damage(PATH, 0, b"?")
    reading = file_on(platform).read()
    assert reading.payload == b"<old>"
    assert [str(finding) for finding in reading.findings] == [
        f"{PATH}: is not whole (kept as boot.dat.bad.0)",
        f"{PATH}: is bad or missing; the previous copy is used",
    ]
    assert platform.files.list("/data") == ["boot.dat.bad.0", "boot.dat.prev"]
    assert file_on(platform).read().payload == b"<old>"


def test_a_bad_file_does_not_become_the_previous_copy() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    file_on(platform).write(b"<new>")
    platform.files.damage(PATH, 0, b"?")
    (finding,) = file_on(platform).write(b"<newer>")
    assert finding.kept_as == PATH + ".bad.0"
    platform.files.damage(PATH, 0, b"?")
    assert file_on(platform).read().payload == b"<old>"


def test_with_both_copies_bad_nothing_is_made_up() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    file_on(platform).write(b"<new>")
    platform.files.damage(PATH, 0, b"?")
    platform.files.damage(PATH + ".prev", 0, b"?")
    reading = file_on(platform).read()
    assert reading.payload is None
    assert len(reading.findings) == 2


def test_a_file_over_the_limit_is_bad() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    file_on(platform).write(b"<new>")
    platform.files.damage(PATH, 5000, b">")
    reading = file_on(platform).read()
    assert reading.payload == b"<old>"
    assert "too large" in reading.findings[0].reason


@pytest.mark.parametrize("code", [errno.EIO, errno.EBADMSG, errno.EACCES])
def test_a_file_that_cannot_be_read_is_left_in_place_and_never_written_over(code: int) -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    file_on(platform).write(b"<new>")
    file = file_on(platform)
    platform.files.fail_at(platform.files.operations + 1, code)
    with pytest.raises(ReadFailed) as caught:
        file.read()
    assert (caught.value.errno, caught.value.filename, caught.value.rest) == (code, PATH, b"<old>")
    assert platform.files.list("/data") == ["boot.dat", "boot.dat.prev"]
    with pytest.raises(NotReadYet):
        file.write(b"<made up>")
    assert file.read().payload == b"<new>"
    file.write(b"<newer>")
    assert file_on(platform.crash()).read().payload == b"<newer>"


def test_a_previous_copy_that_cannot_be_read_is_left_in_place_as_well() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    file_on(platform).write(b"<new>")
    platform.files.remove(PATH)
    file = file_on(platform)
    platform.files.fail_at(platform.files.operations + 2, errno.EIO)
    with pytest.raises(ReadFailed) as caught:
        file.read()
    assert caught.value.rest is None
    with pytest.raises(NotReadYet):
        file.write(b"<made up>")
    assert file.read().payload == b"<old>"


def test_the_last_try_takes_what_cannot_be_read_for_bad() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    file_on(platform).write(b"<new>")
    platform.files.fail_at(platform.files.operations + 1, errno.EIO)
    file = file_on(platform)
    reading = file.read(last_try=True)
    assert reading.payload == b"<old>"
    assert reading.findings[0].kept_as == PATH + ".bad.0"
    file.write(b"<newer>")
    assert file_on(platform.crash()).read().payload == b"<newer>"


def test_a_write_over_a_file_that_cannot_be_read_fails_and_leaves_it() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    platform.files.fail_every("read", errno.EIO)
    with pytest.raises(ReadFailed):
        file_on(platform).write(b"<new>")
    platform.files.heal()
    assert file_on(platform.crash()).read().payload == b"<old>"


def test_content_that_is_too_large_or_fails_the_check_is_not_written() -> None:
    platform = new_platform()
    with pytest.raises(PayloadTooLarge):
        file_on(platform).write(b"<" + bytes(5000) + b">")
    with pytest.raises(ValueError, match="is not whole"):
        file_on(platform).write(b"half")
    assert platform.files.list("/data") == []


def test_a_full_disk_leaves_the_old_content_and_nothing_beside_it() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    platform.files.disk.capacity = 100
    with pytest.raises(OSError, match="No space left"):
        file_on(platform).write(b"<" + bytes(500) + b">")
    assert platform.files.list("/data") == ["boot.dat", "boot.dat.prev"]
    assert file_on(platform.crash()).read().payload == b"<old>"


def test_a_removed_file_does_not_come_back() -> None:
    platform = new_platform()
    file_on(platform).write(b"<old>")
    file_on(platform).write(b"<new>")
    file_on(platform).remove()
    file_on(platform).remove()
    assert file_on(platform.crash()).read().payload is None


def test_a_real_process_killed_at_any_moment_keeps_its_promises(tmp_path: Path) -> None:
    script = """
from kittiwake.storage.replaced import ReplacedFile
file = ReplacedFile(files, path, 4096)
while True:
    first += 1
    file.write(payload(first))
    acknowledge(first)
"""
    files = SystemPlatform().files
    path = tmp_path / "prm.dat"
    random = SeededRandom(3)
    first = 0
    for _ in range(8):
        last = run_until_killed(script, path, first, random)
        found = path.read_bytes()
        assert found in (payload(last), payload(last + 1))
        assert ReplacedFile(files, str(path), 4096).read().payload == found
        first = int.from_bytes(found[:8], "big")
