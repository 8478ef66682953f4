"""ParameterDb under power cuts and kills: after each of them the file holds the old database or the new one."""

from __future__ import annotations

from kittiwake.platform.simulated import PowerCut
from kittiwake.testing import ComponentTester
from tests.components.parameter_db.deployed import NUMBERS, Database, packed, saved

OUTCOMES = 4


def run(tester: ComponentTester[Database], acknowledged: list[int]) -> None:
    for gain in (11, 22, 33):
        tester.call.set_prm(NUMBERS["gain"], packed("gain", gain))
        tester.call.set_prm(NUMBERS["title"], packed("title", f"with {gain}"))
        tester.send("PRM_SAVE_FILE")
        acknowledged.append(gain)


def test_every_cut_leaves_the_old_database_or_the_new_one() -> None:
    """REQ-PDB-012. Upstream: saving was not atomic (nasa/fprime #4233, #4270)."""
    whole = ComponentTester(Database)
    first = whole.files.operations + 1
    run(whole, [])
    last = whole.files.operations
    assert last - first > 20
    for operation in range(first, last + 1):
        for after in (False, True):
            for outcome in range(OUTCOMES):
                tester = ComponentTester(Database, seed=operation * 31 + outcome)
                tester.files.cut_at(operation, after=after)
                acknowledged: list[int] = []
                try:
                    run(tester, acknowledged)
                except PowerCut:
                    pass
                if outcome == 0:
                    tester.restart()
                else:
                    tester.crash()
                old = acknowledged[-1] if acknowledged else None
                new = {11: 22, 22: 33, 33: 33, None: 11}[old]
                found = saved(tester, "gain")
                assert found in (old, new)
                assert saved(tester, "title") == (None if found is None else f"with {found}")
                assert tester.events.named("RecordSkipped") == []
                tester.finish()
