"""LimitChecker under power cuts: the old table or the new one, and no response more than the table allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.limits.table import State
from kittiwake.platform.simulated import PowerCut
from tests.components.limit_checker.checked import (
    FILE,
    VOLTS,
    Store,
    Tester,
    act,
    cycles,
    load,
    low,
    new_tester,
    responded,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OUTCOMES = 3


def cut_everywhere(
    prepare: Callable[[Tester], None], scenario: Callable[[Tester], None], judge: Callable[[Tester, bool], None]
) -> int:
    """Cuts the scenario at each file operation; `judge` sees the next boot, and whether the scenario had ended."""
    whole = new_tester(Store())
    prepare(whole)
    first: int = whole.files.operations + 1
    scenario(whole)
    last: int = whole.files.operations
    for operation in range(first, last + 1):
        for after in (False, True):
            for outcome in range(OUTCOMES):
                tester = new_tester(Store(), seed=operation * 31 + outcome)
                prepare(tester)
                tester.files.cut_at(operation, after=after)
                ended = False
                try:
                    scenario(tester)
                    ended = True
                except PowerCut:
                    pass
                if outcome == 0:
                    tester.restart()
                else:
                    tester.crash()
                cycles(tester)
                judge(tester, ended)
                tester.finish()
    return last - first + 1


def test_every_cut_leaves_the_old_table_or_the_new_one() -> None:
    """REQ-LC-003."""
    second = table([low()], [act("b")], "Second")

    def prepare(tester: Tester) -> None:
        load(tester, table([low()], [act("a")], "First"))
        tester.send("SET_ACTIONPOINT_STATE", "a", State.PASSIVE)
        tester.write_file(FILE, second)

    def scenario(tester: Tester) -> None:
        tester.send("LOAD_TABLE", FILE)

    def judge(tester: Tester, ended: bool) -> None:
        name = tester.channels["TableName"]
        assert name == "Second" if ended else name in ("First", "Second")
        tester.send("REPORT_ACTIONPOINTS", "*")
        point, state, *_ = tester.events.named("ActionpointReport")[0].args
        assert (point, state) == (("a", State.PASSIVE) if name == "First" else ("b", State.ACTIVE))

    assert cut_everywhere(prepare, scenario, judge) > 5


def test_no_cut_lets_a_point_respond_more_often_than_it_may() -> None:
    """REQ-LC-011."""

    def prepare(tester: Tester) -> None:
        load(tester, table([low()], [act(most=1)]))

    def scenario(tester: Tester) -> None:
        given.append(tester.ports.cmd_out)
        store: Store = tester._returns["tlm_get"].__self__
        store.write(VOLTS, 6.0)
        tester.call.run(0)

    given: list[list[object]] = []

    def judge(tester: Tester, ended: bool) -> None:
        assert len(given[-1]) + responded(tester) <= 1
        assert len(given[-1]) == 1 or not ended

    assert cut_everywhere(prepare, scenario, judge) >= 3
