"""LimitChecker under power cuts: the old table or the new one, and no response more than the table allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.limits.table import State
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
from tests.components.power_cuts import cut_everywhere

if TYPE_CHECKING:
    from collections.abc import Callable


def prepared(prepare: Callable[[Tester], None]) -> Callable[[int], Tester]:
    """Makes a tester of a seed, after what comes before the scenario."""

    def make(seed: int) -> Tester:
        tester = new_tester(Store(), seed=seed)
        prepare(tester)
        return tester

    return make


def test_every_cut_leaves_the_old_table_or_the_new_one() -> None:
    """REQ-LC-003."""
    second = table([low()], [act("b")], "Second")

    def prepare(tester: Tester) -> None:
        load(tester, table([low()], [act("a")], "First"))
        tester.send("SET_ACTIONPOINT_STATE", "a", State.PASSIVE)
        tester.write_file(FILE, second)

    def scenario(tester: Tester, ended: list[int]) -> None:
        tester.send("LOAD_TABLE", FILE)
        ended.append(1)

    def judge(tester: Tester, ended: list[int], ports: Any) -> None:
        cycles(tester)
        name = tester.channels["TableName"]
        assert name == "Second" if ended else name in ("First", "Second")
        tester.send("REPORT_ACTIONPOINTS", "*")
        point, state, *_ = tester.events.named("ActionpointReport")[0].args
        assert (point, state) == (("a", State.PASSIVE) if name == "First" else ("b", State.ACTIVE))

    assert cut_everywhere(prepared(prepare), scenario, judge) > 5


def test_no_cut_lets_a_point_respond_more_often_than_it_may() -> None:
    """REQ-LC-011."""

    def prepare(tester: Tester) -> None:
        load(tester, table([low()], [act(most=1)]))

    def scenario(tester: Tester, ended: list[int]) -> None:
        store: Store = tester._returns["tlm_get"].__self__
        store.write(VOLTS, 6.0)
        tester.call.run(0)
        ended.append(1)

    def judge(tester: Tester, ended: list[int], ports: Any) -> None:
        cycles(tester)
        given = len(ports.cmd_out)
        assert given + responded(tester) <= 1
        assert given == 1 or not ended

    assert cut_everywhere(prepared(prepare), scenario, judge) >= 3
