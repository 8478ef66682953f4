"""The simulated disk: it behaves as the real one does, until the power goes."""

from __future__ import annotations

import errno
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.platform.system_files import SystemFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Files

NAMES = st.sampled_from(["a", "b", "f", "f/a", "f/g", "missing/a", "a/b"])
LIMIT = 1 << 20


def outcome(attempt: Callable[[], object]) -> object:
    """What an operation gives, or the kind of error."""
    try:
        return attempt()
    except OSError as error:
        return errno.errorcode[error.errno or 0]


class BothFileSystems(RuleBasedStateMachine):
    """Does the same on the machine's file system and on the simulated one."""

    def __init__(self) -> None:
        super().__init__()
        self.root = tempfile.mkdtemp()
        self.real: Files = SystemFiles()
        self.simulated: Files = SimulatedPlatform().files
        for files in (self.simulated, self.real):
            files.make_folders(f"{self.root}/f/g")
            files.open(f"{self.root}/a", "x").close()

    def both(self, operation: Callable[[Files], object]) -> None:
        assert outcome(lambda: operation(self.simulated)) == outcome(lambda: operation(self.real))

    @rule(name=NAMES, mode=st.sampled_from("rwx"), offset=st.integers(0, 2000), data=st.binary(max_size=1500))
    def write(self, name: str, mode: str, offset: int, data: bytes) -> None:
        def operation(files: Files) -> object:
            with files.open(f"{self.root}/{name}", mode) as file:
                file.write_at(offset, data)
                file.sync()
                return file.size(), file.read_at(offset // 2, 700)

        self.both(operation)

    @rule(name=NAMES, size=st.integers(0, 3000))
    def truncate(self, name: str, size: int) -> None:
        def operation(files: Files) -> object:
            with files.open(f"{self.root}/{name}", "w") as file:
                file.truncate(size)
                return file.read_at(0, LIMIT)

        self.both(operation)

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        self.both(lambda files: files.rename(f"{self.root}/{old}", f"{self.root}/{new}"))

    @rule(name=NAMES)
    def make_folder(self, name: str) -> None:
        self.both(lambda files: files.make_folder(f"{self.root}/{name}"))

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        self.both(lambda files: files.remove(f"{self.root}/{name}"))

    @rule(name=NAMES)
    def remove_folder(self, name: str) -> None:
        self.both(lambda files: files.remove_folder(f"{self.root}/{name}"))

    @rule(name=NAMES)
    def sync_folder(self, name: str) -> None:
        self.both(lambda files: files.sync_folder(f"{self.root}/{name}"))

    @rule(name=NAMES, limit=st.sampled_from([0, 100, LIMIT]))
    def look(self, name: str, limit: int) -> None:
        path = f"{self.root}/{name}"
        self.both(lambda files: (files.exists(path), files.is_folder(path)))
        self.both(lambda files: files.read(path, limit))
        self.both(lambda files: files.is_folder(path) or files.size(path))

    @invariant()
    def folders_hold_the_same_names(self) -> None:
        for folder in ("", "/f", "/f/g"):
            self.both(lambda files, folder=folder: files.list(self.root + folder))  # type: ignore[misc]

    def teardown(self) -> None:
        shutil.rmtree(self.root)


TestBothFileSystems = BothFileSystems.TestCase


def fates(write: Callable[[Files], None], look: Callable[[Files], object], count: int = 200) -> set[object]:
    """What a file may look like after a power cut that follows `write`."""
    found = set()
    for seed in range(count):
        platform = SimulatedPlatform(seed)
        write(platform.files)
        found.add(look(platform.crash().files))
    return found


def content(files: Files) -> object:
    return files.read("/a", LIMIT) if files.exists("/a") else None


def test_what_was_not_synced_may_be_lost_torn_or_kept_and_what_was_synced_stays() -> None:
    def write(files: Files) -> None:
        with files.open("/a", "x") as file:
            file.write_at(0, b"1" * 1024)
            file.sync()
            files.sync_folder("/")
            file.write_at(0, b"2" * 1024)

    found = fates(write, content)
    assert {b"1" * 1024, b"2" * 1024, b"2" * 512 + b"1" * 512, b"1" * 512 + b"2" * 512} <= found
    assert all(isinstance(image, bytes) and len(image) == 1024 for image in found)
    assert len(found) > 8  # torn at any byte, too


def test_a_new_name_is_certain_only_after_a_sync_of_its_folder() -> None:
    def write(files: Files) -> None:
        with files.open("/a", "x") as file:
            file.write_at(0, b"x")
            file.sync()

    def write_and_sync(files: Files) -> None:
        write(files)
        files.sync_folder("/")

    assert fates(write, content) == {None, b"x"}
    assert fates(write_and_sync, content) == {b"x"}


def test_a_rename_without_syncs_may_leave_an_empty_file_under_the_new_name() -> None:
    def write(files: Files) -> None:
        with files.open("/a", "x") as file:
            file.write_at(0, b"old")
            file.sync()
        files.sync_folder("/")
        with files.open("/b", "x") as file:
            file.write_at(0, b"new")
        files.rename("/b", "/a")

    assert {b"old", b"", b"new"} <= fates(write, content)


def test_names_may_change_in_another_order_than_they_were_changed() -> None:
    def write(files: Files) -> None:
        for name in ("/a", "/b"):
            files.open(name, "x").close()

    found = fates(write, lambda files: (files.exists("/a"), files.exists("/b")))
    assert found == {(False, False), (True, False), (False, True), (True, True)}


def test_what_stands_in_a_folder_that_was_lost_is_lost_with_it() -> None:
    def write(files: Files) -> None:
        files.make_folders("/f/g")
        files.open("/f/g/a", "x").close()
        files.sync_folder("/f/g")
        files.sync_folder("/f")

    assert fates(write, lambda files: (files.exists("/f"), files.exists("/f/g/a"))) == {(False, False), (True, True)}


def test_a_crash_repeats_under_its_seed() -> None:
    def image(seed: int) -> object:
        platform = SimulatedPlatform(3)
        with platform.files.open("/a", "x") as file:
            platform.files.sync_folder("/")
            file.write_at(0, platform.random.token_bytes(5000))
        return content(platform.crash(SeededRandom(seed)).files)

    assert [image(seed) for seed in range(20)] == [image(seed) for seed in range(20)]
    assert len({image(seed) for seed in range(20)}) > 3


def test_a_killed_process_loses_no_writes_but_its_files() -> None:
    platform = SimulatedPlatform()
    file = platform.files.open("/a", "x")
    file.write_at(0, b"x")
    again = platform.restart()
    assert content(again.files) == b"x"
    with pytest.raises(PowerCut):
        file.write_at(0, b"y")
    with pytest.raises(PowerCut):
        platform.files.exists("/a")


def test_after_a_power_cut_untouched_files_are_shared_and_changed_ones_are_their_disks_own() -> None:
    platform = SimulatedPlatform()
    with platform.files.open("/a", "x") as file:
        file.write_at(0, b"old")
        file.sync()
    platform.files.sync_folder("/")
    first, second = (platform.files.disk.after_power_cut(SeededRandom(seed)) for seed in (1, 2))
    third = first.after_power_cut(SeededRandom(3))
    assert third.file("/a").data is first.file("/a").data
    for disk, byte in ((first, b"1"), (third, b"3")):
        disk.file("/a").write(0, byte)
        disk.file("/a").settle()
        disk.file("/a").write(1, byte)
    assert [bytes(one.file("/a").data) for one in (platform.files.disk, first, second, third)] == [
        b"old", b"11d", b"old", b"33d"
    ]  # fmt: skip
    assert {bytes(first.after_power_cut(SeededRandom(seed)).file("/a").data) for seed in range(20)} == {b"1ld", b"11d"}


@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_comes_before_or_after_its_operation_and_nothing_follows(after: bool) -> None:
    platform = SimulatedPlatform()
    platform.files.cut_at(2, after=after)
    file = platform.files.open("/a", "x")
    with pytest.raises(PowerCut) as caught:
        file.write_at(0, b"x")
    assert caught.value.operation == 2
    assert not isinstance(caught.value, Exception)
    with pytest.raises(PowerCut):
        file.sync()
    file.close()
    assert list(platform.files.log) == [("open", "/a"), ("write_at", "/a")]
    assert content(platform.restart().files) == (b"x" if after else b"")


def test_operations_fail_by_number_or_by_name_until_healed() -> None:
    files = SimulatedPlatform().files
    files.fail_at(2, errno.ENOSPC)
    file = files.open("/a", "x")
    with pytest.raises(OSError, match="No space left"):
        file.write_at(0, b"x")
    assert file.size() == 0
    files.fail_every("sync", errno.EIO)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            file.sync()
    files.heal()
    file.sync()


@pytest.mark.parametrize("seed", range(10))
def test_what_is_free_is_what_no_file_takes_whatever_was_done(seed: int) -> None:
    random = SeededRandom(seed)
    platform = SimulatedPlatform(seed)
    names = ["/a", "/b", "/folder/a", "/folder/b"]
    platform.files.make_folder("/folder")
    for _ in range(200):
        files, name = platform.files, names[random.below(4)]
        what = random.below(6)
        if what < 2:
            with files.open(name, "w") as file:
                file.write_at(random.below(50), bytes(random.below(2000)))
        elif not files.exists(name):
            continue
        elif what == 2:
            files.rename(name, names[random.below(4)])
        elif what == 3:
            with files.open(name, "w") as file:
                files.remove(name)
                file.write_at(0, bytes(3000))
        elif what == 4:
            with files.open(name, "w") as file:
                file.truncate(random.below(1000))
        else:
            platform = platform.crash() if random.chance(0.5) else platform.restart()
            platform.files.make_folders("/folder")
        files = platform.files
        assert files.disk.capacity - files.space("/")[0] == sum(files.size(one) for one in names if files.exists(one))


def test_a_full_disk_takes_what_fits() -> None:
    platform = SimulatedPlatform()
    platform.files.disk.capacity = 1000
    with platform.files.open("/a", "x") as file:
        file.write_at(0, bytes(600))
        with pytest.raises(OSError, match="No space left"):
            file.write_at(500, b"x" * 600)
        assert file.size() == 1000
        file.write_at(0, bytes(1000))
    assert platform.files.space("/") == (0, 1000)
    platform.files.remove("/a")
    assert platform.files.space("/") == (1000, 1000)


def test_a_closed_or_read_only_file_refuses() -> None:
    files = SimulatedPlatform().files
    file = files.open("/a", "x")
    file.close()
    file.close()
    with pytest.raises(OSError, match="Bad file"):
        file.size()
    with files.open("/a", "r") as file, pytest.raises(OSError, match="Bad file"):
        file.write_at(0, b"x")


def test_a_write_leaves_the_wall_time() -> None:
    platform = SimulatedPlatform(wall_start_ns=1000)
    platform.clock.advance(5)
    with platform.files.open("/a", "x") as file:
        platform.clock.advance(5)
        file.write_at(0, b"x")
    assert platform.files.modified_ns("/a") == 1010
    assert platform.files.real_path("/f/../a") == "/a"
