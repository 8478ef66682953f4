"""EventLog under power cuts and kills: filters are the old or the new ones, and durable events stay, in their order."""

from __future__ import annotations

from collections.abc import Callable

from kittiwake.model.events import Severity
from kittiwake.model.fw import Enabled
from kittiwake.testing import ComponentTester
from kittiwake_components.event_log.component import QueryScope
from tests.components.event_log.logged import Logged, Tester, kept, log, sent
from tests.components.power_cuts import cut_everywhere

SETTINGS = {"ring_bytes": 65_536, "query_rate": 1000}


def prepared(prepare: Callable[[Tester], None] = lambda tester: None) -> Callable[[int], Tester]:
    """Makes a tester of a seed, after what comes before the scenario."""

    def make(seed: int) -> Tester:
        tester: Tester = ComponentTester(Logged, settings=SETTINGS, seed=seed)
        prepare(tester)
        return tester

    return make


def test_every_cut_leaves_the_old_filters_or_the_new_ones() -> None:
    """REQ-EVT-015."""

    def scenario(tester: Tester, acknowledged: list[int]) -> None:
        for id in (1, 2, 3):
            tester.send("SET_ID_FILTER", id, Enabled.ENABLED)
            acknowledged.append(id)

    def judge(tester: Tester, acknowledged: list[int], ports: object) -> None:
        for id in (1, 2, 3):
            log(tester, id, id=id)
        passed = sent(tester)
        done = len(acknowledged)
        assert passed in ([1, 2, 3][done:], [1, 2, 3][done + 1 :])

    assert cut_everywhere(prepared(), scenario, judge) > 5


def test_every_cut_leaves_the_events_that_were_made_durable() -> None:
    """REQ-EVT-015."""

    def scenario(tester: Tester, acknowledged: list[int]) -> None:
        for number in range(4):
            log(tester, number, Severity.WARNING_HI)
            tester.advance(0.2)
            acknowledged.append(number)

    def judge(tester: Tester, acknowledged: list[int], ports: object) -> None:
        found = kept(tester)
        assert found == list(range(len(found)))
        assert len(found) >= len(acknowledged)

    assert cut_everywhere(prepared(), scenario, judge) > 5


def test_every_cut_while_the_ring_turns_leaves_the_newest_durable_events() -> None:
    """REQ-EVT-015."""

    def prepare(tester: Tester) -> None:
        for number in range(50):
            log(tester, number, size=1000)
            tester.call.run(0)

    def scenario(tester: Tester, acknowledged: list[int]) -> None:
        for number in range(50, 80, 10):
            for one in range(number, number + 10):
                log(tester, one, Severity.WARNING_HI, size=1000)
            tester.advance(0.2)
            acknowledged.append(number + 9)

    def judge(tester: Tester, acknowledged: list[int], ports: object) -> None:
        found = kept(tester, QueryScope.BEFORE_BOOT)
        assert found == list(range(found[0], found[0] + len(found)))
        assert found[-1] >= (acknowledged[-1] if acknowledged else -1)
        assert len(found) >= 20

    assert cut_everywhere(prepared(prepare), scenario, judge) > 10


def test_every_cut_of_clearing_keeps_this_boots_events() -> None:
    """REQ-EVT-015."""

    def prepare(tester: Tester) -> None:
        for number in range(4):
            log(tester, number, Severity.WARNING_HI)
        tester.advance(0.2)
        tester.reboot()
        log(tester, 4, Severity.WARNING_HI)
        tester.advance(0.2)

    def scenario(tester: Tester, acknowledged: list[int]) -> None:
        tester.send("CLEAR_OLD")
        acknowledged.append(1)

    def judge(tester: Tester, acknowledged: list[int], ports: object) -> None:
        assert kept(tester) in ([[4]] if acknowledged else [[4], [0, 1, 2, 3, 4]])

    assert cut_everywhere(prepared(prepare), scenario, judge) > 3
