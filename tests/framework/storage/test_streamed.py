"""The streamed file."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.storage.streamed import FileTooLarge, StreamedFile, VerificationFailed, clean_parts
from tests.framework.storage.crashes import Trace, every_cut, new_platform
from tests.framework.storage.kills import payload, run_until_killed

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/data/seq.bin"
OLD = b"old" * 500
NEW = bytes(range(256)) * 10


def streamed_on(platform: SimulatedPlatform, limit: int = 1 << 20) -> StreamedFile:
    return StreamedFile(platform.files, PATH, limit)


def send(file: StreamedFile, content: bytes, piece: int = 700) -> None:
    for offset in reversed(range(0, len(content), piece)):
        file.write_at(offset, content[offset : offset + piece])


def content_of(platform: SimulatedPlatform, path: str = PATH) -> bytes | None:
    return platform.files.read(path, 1 << 20) if platform.files.exists(path) else None


def test_pieces_in_any_order_make_the_file_and_it_appears_when_whole() -> None:
    platform = new_platform()
    file = streamed_on(platform)
    file.start()
    send(file, NEW)
    assert content_of(platform) is None
    assert file.read_at(1, 3) == NEW[1:4]
    file.finish(size=len(NEW))
    assert not file.is_open
    platform = platform.crash()
    assert content_of(platform) == NEW
    assert platform.files.list("/data") == ["seq.bin"]


@pytest.mark.parametrize("keep_previous", [False, True])
def test_every_cut_leaves_the_old_file_or_the_new_one(keep_previous: bool) -> None:
    def scenario(platform: SimulatedPlatform, trace: Trace) -> None:
        file = streamed_on(platform)
        for content in (OLD, NEW):
            trace.attempted.append(content)
            file.start()
            send(file, content)
            file.finish(keep_previous=keep_previous)
            trace.acknowledged.append(content)

    for platform, trace in every_cut(scenario):
        found = content_of(platform)
        allowed: list[bytes | None] = [*trace.acknowledged[-1:], *trace.attempted[len(trace.acknowledged) :]]
        assert found in (allowed if trace.acknowledged else [None, *allowed])
        if keep_previous and len(trace.acknowledged) == 2:
            assert content_of(platform, PATH + ".prev") == OLD
        clean_parts(platform.files, "/data")
        file = streamed_on(platform)
        assert file.resume() == 0
        send(file, b"after")
        file.finish(size=5)
        assert content_of(platform.crash()) == b"after"


def test_a_part_resumes_from_what_was_synced() -> None:
    for seed in range(20):
        platform = new_platform(seed)
        file = streamed_on(platform)
        file.start()
        file.write_at(0, NEW[:1000])
        file.sync()
        file.write_at(1000, NEW[1000:2000])
        platform = platform.crash()
        file = streamed_on(platform)
        assert file.resume() >= 1000
        assert file.read_at(0, 1000) == NEW[:1000]
        file.write_at(1000, NEW[1000:])
        file.finish(size=len(NEW))
        assert content_of(platform) == NEW


def test_a_new_start_drops_what_an_earlier_attempt_has_left() -> None:
    platform = new_platform()
    file = streamed_on(platform)
    file.start()
    file.write_at(0, b"a long piece")
    file.start()
    file.write_at(0, b"short")
    file.finish(size=5)
    assert content_of(platform) == b"short"


def test_a_suspended_part_waits_for_resume() -> None:
    platform = new_platform()
    file = streamed_on(platform)
    file.start()
    file.write_at(0, b"half")
    file.suspend()
    with pytest.raises(OSError, match="no part is in progress"):
        file.write_at(4, b"more")
    assert streamed_on(platform).resume() == 4
    assert streamed_on(platform, limit=3).resume() == 0


def test_a_file_that_fails_its_check_does_not_replace_the_old_one() -> None:
    platform = new_platform()
    file = streamed_on(platform)
    file.start()
    send(file, OLD)
    file.finish()
    file.start()
    send(file, NEW)
    with pytest.raises(VerificationFailed, match="is odd") as caught:
        file.finish(lambda part: "is odd" if part.size() == len(NEW) else None)
    assert (caught.value.path, caught.value.reason) == (PATH, "is odd")
    file.start()
    with pytest.raises(VerificationFailed, match="0 bytes have come, 5 were announced"):
        file.finish(size=5)
    assert content_of(platform) == OLD
    assert platform.files.list("/data") == ["seq.bin"]


def test_a_write_over_the_limit_is_refused_and_the_part_stays() -> None:
    file = streamed_on(new_platform(), limit=10)
    file.start()
    file.write_at(0, b"12345")
    for offset in (6, -1):
        with pytest.raises(FileTooLarge) as caught:
            file.write_at(offset, b"12345")
        assert (caught.value.errno, caught.value.limit) == (errno.EFBIG, 10)
    assert file.size() == 5


def test_an_abort_leaves_nothing_behind_and_may_be_repeated() -> None:
    platform = new_platform()
    file = streamed_on(platform)
    file.start()
    file.write_at(0, b"x")
    file.abort()
    file.abort()
    assert platform.files.list("/data") == []


def test_finish_may_be_repeated_after_an_error_and_keeps_the_right_previous_file() -> None:
    for operation in ("sync", "rename", "sync_folder"):
        platform = new_platform()
        file = streamed_on(platform)
        file.start()
        send(file, OLD)
        file.finish()
        file.start()
        send(file, NEW)
        platform.files.fail_every(operation, errno.EIO)
        with pytest.raises(OSError, match="Input/output"):
            file.finish(keep_previous=True)
        platform.files.heal()
        file.finish(keep_previous=True)
        platform = platform.crash()
        assert content_of(platform) == NEW
        assert content_of(platform, PATH + ".prev") == OLD


def test_stale_parts_are_cleaned_and_named() -> None:
    platform = new_platform()
    for name in ("a.part", "b.part", "c.bin"):
        platform.files.open(f"/data/{name}", "x").close()
    assert clean_parts(platform.files, "/data") == ["/data/a.part", "/data/b.part"]
    assert platform.files.list("/data") == ["c.bin"]


def test_a_real_process_killed_at_any_moment_keeps_its_promises(tmp_path: Path) -> None:
    script = """
from kittiwake.storage.streamed import StreamedFile
file = StreamedFile(files, path, 4096)
while True:
    first += 1
    file.start()
    content = payload(first)
    for offset in range(0, len(content), 64):
        file.write_at(offset, content[offset:offset + 64])
    file.finish()
    acknowledge(first)
"""
    path = tmp_path / "file"
    random = SeededRandom(4)
    first = 0
    for _ in range(8):
        last = run_until_killed(script, path, first, random)
        found = path.read_bytes()
        assert found in (payload(last), payload(last + 1))
        first = int.from_bytes(found[:8], "big")
