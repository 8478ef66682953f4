"""StartupManager's files, cut at every operation: each start counts once, and no quiescence is made up."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.testing import ComponentTester
from kittiwake_components.startup_manager.component import StartupManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = "/kittiwake"
SECONDS = 4
SAVED_AT = (1, 3)  # seconds of a start at which its quiescence is saved
EARLIER = 2

Tester = ComponentTester[StartupManager]


def life(platform: SimulatedPlatform, ticks: list[int]) -> None:
    """One start of some seconds; `ticks` gets the second of each cycle that has ended."""
    tester: Tester = ComponentTester(StartupManager, platform=platform)
    tester.call.run(0)
    assert tester.ports.run_sequence == [("/startup.bin", 1)]
    ticks.append(0)
    for second in range(1, SECONDS + 1):
        tester.advance(1)
        tester.call.run(0)
        ticks.append(second)
    tester.stop()
    ticks.append(SECONDS + 1)


def prepared(seed: int, raw: bytes = b"") -> SimulatedPlatform:
    """A machine with two starts behind it, of which the last was cut off after its second 0."""
    tester: Tester = ComponentTester(StartupManager, seed=seed)
    tester.write_file("startup.bin", b"any")
    if raw:
        tester.write_file("quiescence_start.bin", raw)
    else:
        for _ in range(EARLIER):
            tester.call.run(0)
            tester.crash()
    tester.platform.files.stop()
    platform: SimulatedPlatform = tester.platform.crash()
    return platform


def every_cut(prepare: Callable[[int], SimulatedPlatform]) -> Iterator[tuple[SimulatedPlatform, list[int]]]:
    """The machine as it starts again after each cut of one start, with the cycles that had ended."""
    whole = prepare(0)
    first = whole.files.operations + 1
    life(whole, [])
    for operation in range(first, whole.files.operations + 1):
        for after in (False, True):
            for outcome in range(3):
                platform = prepare(operation * 31 + outcome)
                platform.files.cut_at(operation, after=after)
                ticks: list[int] = []
                try:
                    life(platform, ticks)
                except PowerCut:
                    pass
                yield (platform.restart() if outcome == 0 else platform.crash()), ticks


def check_next_start(platform: SimulatedPlatform, ticks: list[int], known: int, waited: int) -> None:
    """The next start counts one more, and the quiescence stands at a second that was saved or was being saved."""
    tester: Tester = ComponentTester(StartupManager, platform=platform)
    tester.call.run(0)
    boots = tester.channels["BootCount"]
    assert boots == known + 2 if ticks else boots in (known + 1, known + 2)
    last = ticks[-1] if ticks else -1
    saved = max((second for second in SAVED_AT if second <= last), default=0)
    if last > SECONDS:
        saved = SECONDS
    under_way = SECONDS if last == SECONDS else last + 1 if last + 1 in SAVED_AT else saved
    assert 2700 - tester.channels["QuiescenceRemaining"] - waited in {saved, under_way}
    assert tester.ports.run_sequence
    tester.finish()


def test_a_start_cut_anywhere_counts_once_if_its_first_cycle_ended_and_else_once_or_not() -> None:
    """REQ-SM-008, REQ-SM-012."""
    for platform, ticks in every_cut(prepared):
        check_next_start(platform, ticks, EARLIER, 0)


def test_starts_that_are_cut_one_after_the_other_at_one_place_never_take_the_count_back() -> None:
    """REQ-SM-008. A machine that is too weak for its start goes dark at the same place again and again."""
    for place in range(1, 40):
        for after in (False, True):
            platform, counts = prepared(place), [EARLIER]
            for _ in range(4):
                platform.files.cut_at(platform.files.operations + place, after=after)
                try:
                    tester: Tester = ComponentTester(StartupManager, platform=platform)
                    tester.call.run(0)
                    tester.crash()
                except PowerCut:
                    pass
                platform.files.stop()
                platform = platform.restart()
                if platform.files.exists(f"{ROOT}/boot_count.bin"):
                    counts.append(int.from_bytes(platform.files.read(f"{ROOT}/boot_count.bin", 8), "big"))
            tester = ComponentTester(StartupManager, platform=platform)
            tester.call.run(0)
            counts.append(tester.channels["BootCount"])
            assert all(0 <= later - earlier <= 1 for earlier, later in pairwise(counts)), (place, after, counts)
            tester.finish()


def test_an_import_cut_anywhere_is_made_once() -> None:
    """REQ-SM-014."""
    start = SimulatedPlatform(0).clock.wall_ns() // 10**9 - 1000
    raw = b"\0\x02\0" + start.to_bytes(4, "big") + bytes(4)
    for platform, ticks in every_cut(lambda seed: prepared(seed, raw)):
        # What is imported after the cut has grown by the seconds of the start that was cut.
        tester: Tester = ComponentTester(StartupManager, platform=platform)
        tester.call.run(0)
        last = min(ticks[-1], SECONDS) if ticks else 0
        assert 1000 <= 2700 - tester.channels["QuiescenceRemaining"] <= 1000 + max(last + 1, 1)
        assert tester.read_file("quiescence_start.bin.imported") == raw
        tester.finish()


@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_starts_that_are_cut_off_at_random_count_as_they_must(seed: int) -> None:
    """REQ-SM-008."""
    random = SeededRandom(seed)
    tester: Tester = ComponentTester(StartupManager, seed=seed, parameters={"BOOT_LOOP_COUNT": 0})
    tester.write_file("startup.bin", b"any")
    platform = tester.platform.crash()
    low = high = 0
    for _ in range(100):
        platform.files.cut_at(platform.files.operations + 1 + random.below(60), after=random.chance(0.5))
        ticks: list[int] = []
        boots = None
        try:
            tester = ComponentTester(StartupManager, platform=platform, parameters={"BOOT_LOOP_COUNT": 0})
            tester.call.run(0)
            boots = tester.channels["BootCount"]
            ticks.append(0)
            for _ in range(random.below(5)):
                tester.advance(1)
                tester.call.run(0)
        except PowerCut:
            pass
        if ticks:
            assert boots is not None
            assert low + 1 <= boots <= high + 1
            low = high = boots
        else:
            high += 1
        platform = platform.crash(random) if random.chance(0.6) else platform.restart()
    assert low > 20
