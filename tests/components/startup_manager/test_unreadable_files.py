"""A medium that gives nothing at a start: no count is made up, and what was there counts once it can be read."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from kittiwake.model.commands import CommandResponse
from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut
from kittiwake.testing import ComponentTester
from kittiwake_components.startup_manager.component import StartupManager
from kittiwake_components.startup_manager.states import ResetReason

if TYPE_CHECKING:
    from kittiwake.platform.simulated import SimulatedPlatform

READS = ("read", "read_at")
ROOT = "/kittiwake"

Tester = ComponentTester[StartupManager]


def started(platform: SimulatedPlatform) -> Tester:
    tester: Tester = ComponentTester(StartupManager, platform=platform)
    tester.call.run(0)
    return tester


def after_starts(count: int, seed: int = 0) -> SimulatedPlatform:
    """A machine with so many starts behind it, each of which went dark after its first cycle."""
    tester: Tester = ComponentTester(StartupManager, seed=seed)
    for _ in range(count):
        tester.call.run(0)
        tester.crash()
    tester.platform.files.stop()
    platform: SimulatedPlatform = tester.platform.crash()
    return platform


def run(tester: Tester, seconds: int) -> None:
    for _ in range(seconds):
        tester.advance(1)
        tester.call.run(0)


def kept(platform: SimulatedPlatform) -> dict[str, bytes]:
    """The files that know of the starts, as they are on the disk, unnoticed."""
    disk = platform.files.disk
    names = [name for name in disk.names_in(ROOT) if name.startswith("boot_")]
    return {name: bytes(disk.file(f"{ROOT}/{name}").data) for name in names}


def fail(platform: SimulatedPlatform, operations: tuple[str, ...] = READS, code: int = errno.EIO) -> None:
    for operation in operations:
        platform.files.fail_every(operation, code)


def mend(platform: SimulatedPlatform) -> None:
    for operation in READS:
        platform.files.mend(operation)


@pytest.mark.parametrize("code", [errno.EIO, errno.EBADMSG, errno.ENODATA, errno.EACCES])
def test_where_nothing_can_be_read_the_count_is_unknown_and_nothing_is_touched(code: int) -> None:
    """REQ-SM-023. A medium that gives nothing was once taken for bad files, and the count began from 1."""
    platform = after_starts(3)
    before = kept(platform)
    fail(platform, code=code)
    tester = started(platform)
    run(tester, 2 * 3600)
    assert tester.component.boot_count == 0
    assert kept(platform) == before
    assert [event.args[0] for event in tester.events.named("BootCountUnread")] == ["/boot_history.bin.a"]
    assert tester.send("GET_BOOT_COUNT").response is CommandResponse.EXECUTION_ERROR
    mend(platform)
    run(tester, 60)
    assert tester.component.boot_count == 4
    assert tester.component.last_reset_reason is ResetReason.UNEXPECTED
    assert tester.events.named("CurrentBootCount")[-1].args == (4,)
    assert not any(".bad." in name for name in kept(platform))
    tester.crash()
    tester.call.run(0)
    assert tester.component.boot_count == 5
    tester.finish()


def test_starts_that_could_read_nothing_are_not_counted_and_take_nothing_back() -> None:
    """REQ-SM-023."""
    platform = after_starts(3)
    for _ in range(5):
        fail(platform)
        tester = started(platform)
        run(tester, 100)
        tester.stop()
        platform = platform.restart()
    tester = started(platform)
    assert tester.component.boot_count == 4
    assert not tester.events.named("RecordRecovered")
    tester.finish()


def test_a_start_is_counted_at_its_stop_at_the_latest() -> None:
    """REQ-SM-023."""
    platform = after_starts(3)
    fail(platform)
    tester = started(platform)
    run(tester, 100)
    mend(platform)
    tester.advance(30)
    tester.stop()
    tester = started(platform.restart())
    assert tester.component.boot_count == 5
    assert tester.component.last_reset_reason is ResetReason.ORDERLY
    tester.finish()


@pytest.mark.parametrize("operation, lost", [("read", "boot_count.bin"), ("read_at", "boot_history.bin")])
def test_the_count_of_the_other_file_is_shown_at_once_and_counts_after_a_patience(operation: str, lost: str) -> None:
    """REQ-SM-023, REQ-SM-009."""
    platform = after_starts(3)
    before = kept(platform)
    fail(platform, (operation,))
    tester = started(platform)
    run(tester, 5)
    assert tester.component.boot_count == 4
    assert kept(platform) == before
    run(tester, 30)
    assert tester.component.boot_count == 4
    assert any(event.args[0].startswith("/" + lost) for event in tester.events.named("RecordRecovered"))
    assert any(name.startswith(lost) and ".bad." in name for name in kept(platform))
    platform.files.heal()
    tester.crash()
    tester.call.run(0)
    assert tester.component.boot_count == 5
    tester.finish()


@pytest.mark.parametrize("operation", READS)
def test_a_short_silence_of_one_file_costs_nothing(operation: str) -> None:
    """REQ-SM-023."""
    platform = after_starts(3)
    fail(platform, (operation,))
    tester = started(platform)
    run(tester, 5)
    mend(platform)
    run(tester, 20)
    assert tester.component.boot_count == 4
    assert not tester.events.named("RecordRecovered")
    assert not any(".bad." in name for name in kept(platform))
    tester.finish()


def test_a_start_that_has_lasted_is_no_early_end_although_it_was_counted_late() -> None:
    """REQ-SM-019, REQ-SM-023."""
    platform = after_starts(3)
    fail(platform)
    tester = started(platform)
    run(tester, 601)
    mend(platform)
    run(tester, 60)
    tester.crash()
    tester.call.run(0)
    assert tester.component.boot_count == 5
    assert tester.component.early_boots == 1
    tester.finish()


def test_the_quiescence_goes_on_from_what_could_not_be_read_at_first() -> None:
    """REQ-SM-012, REQ-SM-023."""
    platform = after_starts(1)
    tester = started(platform)
    run(tester, 100)
    tester.stop()
    platform = platform.restart()
    fail(platform)
    tester = started(platform)
    run(tester, 50)
    assert tester.component.quiescence_remaining == 2700 - 50
    mend(platform)
    run(tester, 70)
    assert tester.component.quiescence_remaining == 2700 - 100 - 120
    tester.finish()


def test_a_quiescence_that_began_anew_does_not_come_back() -> None:
    """REQ-SM-013."""
    platform = after_starts(1)
    tester = started(platform)
    run(tester, 100)
    tester.stop()
    platform = platform.restart()
    fail(platform)
    tester = started(platform)
    run(tester, 50)
    tester.send("RESET_QUIESCENCE")
    mend(platform)
    run(tester, 70)
    assert tester.component.quiescence_remaining == 2700 - 70
    tester.finish()


def life(platform: SimulatedPlatform, operations: tuple[str, ...]) -> None:
    """A start whose medium gives nothing for ten seconds."""
    fail(platform, operations)
    tester = started(platform)
    run(tester, 6)
    mend(platform)
    run(tester, 5)
    tester.stop()


@pytest.mark.parametrize("operations", [READS, ("read",), ("read_at",)])
def test_a_power_cut_anywhere_in_such_a_start_takes_no_count_back(operations: tuple[str, ...]) -> None:
    """REQ-SM-008, REQ-SM-023."""
    whole = after_starts(3)
    first = whole.files.operations + 1
    life(whole, operations)
    for operation in range(first, whole.files.operations + 1):
        for after in (False, True):
            platform = after_starts(3, seed=operation)
            platform.files.cut_at(operation, after=after)
            with pytest.raises(PowerCut):
                life(platform, operations)
            tester = started(platform.restart() if operation % 3 == 0 else platform.crash())
            assert tester.component.boot_count in (4, 5), (operation, after)
            tester.finish()


@pytest.mark.parametrize("seed", range(10))
def test_lives_with_cuts_and_silences_of_the_medium_never_count_down_nor_ahead(seed: int) -> None:
    """REQ-SM-008, REQ-SM-023."""
    random = SeededRandom(seed)
    platform = after_starts(2, seed)
    lives, last = 2, 2
    for _ in range(60):
        lives += 1
        silent = (("read",), ("read_at",), READS, ())[random.below(4)]
        fail(platform, silent)
        platform.files.cut_at(platform.files.operations + 1 + random.below(80), after=random.chance(0.5))
        try:
            tester = started(platform)
            run(tester, 1 + random.below(6))
            mend(platform)
            run(tester, random.below(20))
            count = tester.component.boot_count
            assert count == 0 or last <= count <= lives, (lives, silent)
            last = count or last
        except PowerCut:
            pass
        platform = platform.crash(random) if random.chance(0.6) else platform.restart()
    assert last > 10
