"""StoreForward under power cuts: what was synced follows, in its order; what was sent may come twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.simulated import PowerCut
from tests.components.store_forward.stored import UP, Tester, cycles, new_tester, put, store, stored

if TYPE_CHECKING:
    from collections.abc import Callable

OUTCOMES = 3
SYNC_S = {"sync_s": 2}


def cut_everywhere(
    prepare: Callable[[Tester], None], scenario: Callable[[Tester, list[int]], None],
    judge: Callable[[Tester, list[int], list[int]], None],
) -> int:  # fmt: skip
    """Cuts the scenario at each file operation.

    `judge` sees the next boot, what the scenario had noted by then, and what had come from the disk before.
    """
    whole = new_tester(parameters=SYNC_S)
    prepare(whole)
    first: int = whole.files.operations + 1
    scenario(whole, [])
    last: int = whole.files.operations
    for operation in range(first, last + 1):
        for after in (False, True):
            for outcome in range(OUTCOMES):
                tester = new_tester(parameters=SYNC_S, seed=operation * 31 + outcome)
                prepare(tester)
                tester.files.cut_at(operation, after=after)
                noted: list[int] = []
                try:
                    scenario(tester, noted)
                except PowerCut:
                    pass
                before = stored(tester)
                if outcome == 0:
                    tester.restart()
                else:
                    tester.crash()
                judge(tester, noted, before)
                tester.finish()
    return last - first + 1


def test_what_was_synced_outlives_every_cut_without_a_gap() -> None:
    """REQ-SF-015: at most what came in the last SYNC_S is lost."""

    def scenario(tester: Tester, synced: list[int]) -> None:
        cycles(tester)
        for number in range(8):
            put(tester, number)
            cycles(tester, 3)
            synced.append(number)

    def judge(tester: Tester, synced: list[int], before: list[int]) -> None:
        tester.call.link_status(UP)
        cycles(tester, 3)
        came = stored(tester)
        assert came == list(range(len(came)))
        assert len(came) >= len(synced)

    assert cut_everywhere(lambda tester: None, scenario, judge) > 15


def test_what_waits_outlives_every_cut_of_its_sending() -> None:
    """REQ-SF-015: nothing is lost, and only what went since the last sync comes again."""

    def prepare(tester: Tester) -> None:
        store(tester, *range(10))
        cycles(tester, 3)

    def scenario(tester: Tester, noted: list[int]) -> None:
        tester.call.link_status(UP)
        for _ in range(5):
            cycles(tester)
            noted.append(len(stored(tester)))

    def judge(tester: Tester, noted: list[int], before: list[int]) -> None:
        tester.call.link_status(UP)
        cycles(tester, 4)
        came = stored(tester)
        assert came == list(range(10 - len(came), 10))
        assert set(before) | set(came) == set(range(10))
        assert len(noted) < 3 or came == []

    assert cut_everywhere(prepare, scenario, judge) > 3


def test_a_cut_while_the_oldest_are_dropped_leaves_the_newest() -> None:
    """REQ-SF-015."""

    def scenario(tester: Tester, noted: list[int]) -> None:
        assert tester.send("CLEAR_STORE").response is not None
        noted.append(1)

    def judge(tester: Tester, noted: list[int], before: list[int]) -> None:
        tester.call.link_status(UP)
        cycles(tester, 3)
        assert stored(tester) in ([], list(range(5)))
        assert not noted or stored(tester) == []

    def prepare(tester: Tester) -> None:
        store(tester, *range(5))
        cycles(tester, 3)

    assert cut_everywhere(prepare, scenario, judge) > 2
