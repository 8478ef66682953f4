"""StoreForward under power cuts: what was synced follows, in its order; what was sent may come twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.components.power_cuts import cut_everywhere
from tests.components.store_forward.stored import UP, Tester, cycles, new_tester, numbers_of, put, store, stored

if TYPE_CHECKING:
    from collections.abc import Callable

SYNC_S = {"sync_s": 2}


def prepared(prepare: Callable[[Tester], None] = lambda tester: None) -> Callable[[int], Tester]:
    """Makes a tester of a seed, after what comes before the scenario."""

    def make(seed: int) -> Tester:
        tester = new_tester(parameters=SYNC_S, seed=seed)
        prepare(tester)
        return tester

    return make


def test_what_was_synced_outlives_every_cut_without_a_gap() -> None:
    """REQ-SF-015: at most what came in the last SYNC_S is lost."""

    def scenario(tester: Tester, synced: list[int]) -> None:
        cycles(tester)
        for number in range(8):
            put(tester, number)
            cycles(tester, 3)
            synced.append(number)

    def judge(tester: Tester, synced: list[int], ports: Any) -> None:
        tester.call.link_status(UP)
        cycles(tester, 3)
        came = stored(tester)
        assert came == list(range(len(came)))
        assert len(came) >= len(synced)

    assert cut_everywhere(prepared(), scenario, judge) > 15


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

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        tester.call.link_status(UP)
        cycles(tester, 4)
        came = stored(tester)
        assert came == list(range(10 - len(came), 10))
        assert set(numbers_of(ports.stored_out)) | set(came) == set(range(10))
        assert len(noted) < 3 or came == []

    assert cut_everywhere(prepared(prepare), scenario, judge) > 3


def test_a_cut_while_the_oldest_are_dropped_leaves_the_newest() -> None:
    """REQ-SF-015."""

    def scenario(tester: Tester, noted: list[int]) -> None:
        assert tester.send("CLEAR_STORE").response is not None
        noted.append(1)

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        tester.call.link_status(UP)
        cycles(tester, 3)
        assert stored(tester) in ([], list(range(5)))
        assert not noted or stored(tester) == []

    def prepare(tester: Tester) -> None:
        store(tester, *range(5))
        cycles(tester, 3)

    assert cut_everywhere(prepared(prepare), scenario, judge) > 2
