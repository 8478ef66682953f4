"""What the actuator still knows after a kill, a power cut, and damage to its file."""

from __future__ import annotations

import errno
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kittiwake.platform.simulated import WALL_START_NS
from kittiwake_components.actuator import state_file
from kittiwake_components.actuator.schedule_book import Failure
from kittiwake_components.actuator.tasks import Slot
from kittiwake_components.actuator.wire_types import Priority
from tests.components.actuator.building import ANN, BOB, EVE, MIN, Building, Tester, actuator, slot
from tests.components.actuator.slow_model import Slow
from tests.components.power_cuts import cut_everywhere

FILE = "/actuator.journal"
MIN_US = 60_000_000
START_US = WALL_START_NS // 1000


def reboot(building: Building, how: str, off_s: float = 0.0) -> None:
    """Starts the actuator anew, with its first cycle; what the devices were asked before is forgotten."""
    if how == "kill":
        building.tester.restart()
    elif how == "cut":
        building.tester.crash(off_s=off_s)
    else:
        building.tester.reboot(off_s=off_s)
    building.asked.clear()
    building.tester.call.run(0)
    building.serve()


def known(building: Building) -> dict[str, Any]:
    """All tasks as they are listed."""
    return {task["task"]: task for task in building.call(EVE, "list_schedules", 0, 1000)["tasks"]}


@pytest.mark.parametrize("how", ["kill", "cut", "clean"])
def test_a_schedule_outlives_a_restart(how: str) -> None:
    """REQ-ACT-021. Upstream: what was saved was never read again, so that each restart lost every task."""
    with actuator() as building:
        building.schedule(ANN, "runs", "LOW_PREEMPT", slot("d", -1, 60), slot("e", 30, 40), on_release="revert")
        building.schedule(BOB, "waits", "HIGH", slot("f", 10, 20))
        building.schedule(BOB, "cancelled", "HIGH", slot("g", 10, 20))
        building.call(BOB, "request_cancel_schedule", "", "cancelled")
        building.call(ANN, "set_point", "", "d/p", 1)
        before = known(building)
        reboot(building, how)
        assert known(building) == before
        assert set(before) == {"runs", "waits"}
        assert building.announced() == [("d", "runs", 3600.0)]
        assert building.events("StateRestored") == [(2, 1)]
        assert building.events("TaskStarted") == []
        assert building.took("REVERT_POINT") == []
        assert building.call(ANN, "set_point", "", "d/p", 2) == 2
        building.advance(60 * MIN)
        assert building.took("REVERT_POINT") == [{"point": "d/p"}]


def test_what_came_to_its_end_meanwhile_is_gone_and_reverted() -> None:
    """REQ-ACT-021, REQ-ACT-023"""
    with actuator() as building:
        building.schedule(ANN, "ends", "HIGH", slot("d", 0, 5), on_release="revert")
        building.call(ANN, "set_point", "", "d/p", 1)
        building.schedule(BOB, "next", "HIGH", slot("d", 5, 60))
        building.schedule(BOB, "low", "LOW", slot("f", 8, 60))
        reboot(building, "cut", off_s=10 * MIN)
        assert building.took("REVERT_POINT") == [{"point": "d/p"}]
        assert set(known(building)) == {"next", "low"}
        assert sorted(device for device, _, _ in building.announced()) == ["d", "f"]
        refused = building.schedule(EVE, "x", "HIGH", slot("f", 20, 30))
        assert refused["info"] == "CONFLICTS_WITH_EXISTING_SCHEDULES"  # it has started while nobody was there
        assert building.schedule(EVE, "ends", "LOW", slot("q", 20, 30))["result"] == "SUCCESS"


def test_grace_goes_on_over_a_restart() -> None:
    """REQ-ACT-021"""
    with actuator() as building:
        building.schedule(ANN, "old", "LOW_PREEMPT", slot("d", 0, 60))
        building.schedule(BOB, "new", "HIGH", slot("d", 0, 30))
        building.advance(20)
        reboot(building, "kill")
        assert building.announced() == [("d", "old", 40.0)]
        assert known(building)["old"]["state"] == "PREEMPTED"
        building.advance(40)
        assert building.announced() == [("d", "new", 29 * 60.0)]
        assert set(known(building)) == {"new"}


def test_a_task_in_a_gap_has_started_after_a_restart_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-ACT-021: also where the file was made anew after its first slot was over."""
    monkeypatch.setattr(state_file, "COMPACT_FROM", 0)
    with actuator() as building:
        building.schedule(ANN, "low", "LOW", slot("d", 0, 1), slot("d", 10, 20))
        building.advance(5 * MIN)
        for number in range(5):
            building.schedule(BOB, f"t{number}", "LOW", slot("e", number + 20, number + 21))
        reboot(building, "kill")
        refused = building.schedule(EVE, "x", "HIGH", slot("d", 10, 11))
        assert refused["info"] == "CONFLICTS_WITH_EXISTING_SCHEDULES"


def test_an_id_that_was_used_again_is_the_new_task() -> None:
    """REQ-ACT-021"""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("d", 0, 1))
        building.advance(2 * MIN)
        building.schedule(BOB, "t", "HIGH", slot("e", 10, 20))
        reboot(building, "kill")
        assert [(task["owner"], task["slots"][0][0]) for task in known(building).values()] == [(BOB, "e")]


def test_a_clock_that_was_ahead_brings_no_task_back_beside_those_accepted_since() -> None:
    """REQ-ACT-021, REQ-ACT-025"""
    with actuator() as building:
        building.schedule(ANN, "old", "HIGH", slot("d", 10, 20))
        building.step_clock(60 * MIN)
        building.tester.call.run(0)
        building.step_clock(-60 * MIN)
        building.tester.call.run(0)
        assert building.schedule(BOB, "new", "HIGH", slot("d", 10, 20))["result"] == "SUCCESS"
        reboot(building, "kill")
        assert set(known(building)) == {"new"}


def test_the_file_is_made_anew_when_it_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-ACT-021: it grows with what is asked, and shrinks to what there is."""
    monkeypatch.setattr(state_file, "COMPACT_FROM", 4000)
    with actuator() as building:
        building.schedule(ANN, "stays", "HIGH", slot("d", 0, 60), on_release="revert")
        building.call(ANN, "set_point", "", "d/p", 1)
        sizes = []
        for number in range(150):
            building.schedule(BOB, f"t{number}", "LOW", slot("e", 10, 20))
            building.call(BOB, "request_cancel_schedule", "", f"t{number}")
            sizes.append(len(building.tester.read_file(FILE)))
        assert max(sizes) < 4200
        assert sum(after < before for before, after in pairwise(sizes)) > 3
        reboot(building, "cut")
        assert set(known(building)) == {"stays"}
        assert building.events("StateRestored")[0][1] == 1


def test_a_journal_of_many_cancelled_tasks_is_made_anew_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-ACT-021"""
    monkeypatch.setattr(state_file, "STALE_ALLOWED", 10)
    with actuator() as building:
        for number in range(20):
            building.schedule(BOB, f"t{number}", "LOW", slot("e", 10, 20))
            building.call(BOB, "request_cancel_schedule", "", f"t{number}")
        before = len(building.tester.read_file(FILE))
        reboot(building, "clean")
        assert len(building.tester.read_file(FILE)) < before / 10


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("operation", ["write_at", "sync"])
def test_what_cannot_be_kept_is_not_accepted(code: int, operation: str) -> None:
    """REQ-ACT-031: nothing is changed, nobody preempted, nothing written; it goes on when the disk does."""
    with actuator() as building:
        building.schedule(ANN, "old", "LOW_PREEMPT", slot("d", 0, 60), on_release="revert")
        building.heard()
        before = known(building)
        building.tester.files.fail_every(operation, code)
        assert building.schedule(BOB, "new", "HIGH", slot("d", 0, 30))["info"].startswith("REQUEST_REFUSED_NOT_KEPT")
        assert building.call(ANN, "request_cancel_schedule", "", "old")["info"].startswith("REQUEST_REFUSED_NOT_KEPT")
        assert building.call(ANN, "set_point", "", "d/p", 1)[0] == "OSError"
        assert building.took("SET_POINT") == []
        assert building.heard() == []
        assert known(building) == before
        assert len(building.events("StateFault")) == 3
        building.tester.files.heal()
        assert building.schedule(BOB, "new", "HIGH", slot("d", 0, 30))["info"] == "TASK_WERE_PREEMPTED"
        reboot(building, "cut")
        assert known(building)["old"]["state"] == "PREEMPTED"


def test_a_disk_that_cannot_be_read_at_the_start_is_tried_again() -> None:
    """REQ-ACT-031: until then nothing is known, so that nothing is accepted and nobody writes."""
    building = actuator()
    building.schedule(ANN, "t", "HIGH", slot("d", 0, 60))
    building.tester.platform = building.tester.platform.restart()
    building.tester.files.fail_every("open", errno.EIO)
    building.tester._boot()
    assert building.schedule(BOB, "u", "HIGH", slot("d", 0, 60))["info"] == "REQUEST_REFUSED_NOT_KEPT"
    assert building.call(ANN, "set_point", "", "d/p", 1)[0] == "LockError"
    building.tester.files.heal()
    building.tester.call.run(0)
    assert building.announced() == [("d", "t", 3600.0)]
    assert building.call(ANN, "set_point", "", "d/p", 1) == 1
    building.tester.finish()


def damaged(building: Building, offset: int, data: bytes) -> None:
    path = building.tester.root.resolve(FILE)
    building.tester.stop()
    building.tester.files.damage(path, offset, data)
    building.tester.restart()


def test_a_damaged_file_is_kept_aside_and_reported() -> None:
    """REQ-ACT-022"""
    with actuator() as building:
        for number in range(4):
            building.schedule(ANN, f"t{number}", "LOW", slot(f"d{number}", 10, 20))
        size = len(building.tester.read_file(FILE))
        damaged(building, size // 2, b"\x00\xff\x00\xff\x00")
        survivors = set(known(building))
        assert survivors < {"t0", "t1", "t2", "t3"}
        file, reason = building.events("StateRecovered")[0]
        assert (file, "kept as" in reason) == (FILE, True)
        assert building.tester.files.exists(building.tester.root.resolve(FILE + ".bad.0"))
        assert building.schedule(BOB, "new", "LOW", slot("q", 10, 20))["result"] == "SUCCESS"


def test_a_file_of_another_kind_is_kept_aside() -> None:
    """REQ-ACT-022: so is the original's pickle, of which nothing is ever loaded."""
    for content in (b"\x80\x04\x95pickled", b"KWJL\x00\x63\x00\x00", b""):
        building = actuator()
        building.tester.stop()
        building.tester.write_file(FILE, content)
        building.tester.restart()
        assert known(building) == {}
        assert len(building.events("StateRecovered")) == 1
        assert building.schedule(BOB, "new", "LOW", slot("q", 10, 20))["result"] == "SUCCESS"
        building.tester.finish()


@pytest.mark.parametrize("record", [b"{", b"[]", b'{"tasks": [[1]]}', b'{"tasks": [["t", "o", "TOP", 0, 0, [1, 2]]]}'])
def test_a_record_that_is_none_of_ours_is_kept_aside(record: bytes) -> None:
    """REQ-ACT-022: what stands before it is used."""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("d", 10, 20))
        state: Any = building.tester.component.engine().schedules._state
        state._journal.append(record)
        reboot(building, "kill")
        assert set(known(building)) == {"t"}
        assert "record 2" in building.events("StateRecovered")[0][1]
        reboot(building, "kill")
        assert building.events("StateRecovered") == []
        assert set(known(building)) == {"t"}


def steps(building: Building) -> list[Any]:
    """A short life in which every kind of record is written."""
    return [
        lambda: building.schedule(ANN, "a", "LOW_PREEMPT", slot("d", 0, 60), slot("e", 0, 60), on_release="revert"),
        lambda: building.call(ANN, "set_point", "", "d/p", 1),
        lambda: building.schedule(BOB, "b", "HIGH", slot("d", 0, 30)),
        lambda: building.call(ANN, "request_cancel_schedule", "", "a"),
        lambda: building.schedule(ANN, "c", "LOW", slot("e", 5, 10)),
    ]


AFTER: list[dict[str, str]] = [
    {}, {"a": "RUNNING"}, {"a": "RUNNING"}, {"a": "PREEMPTED", "b": "RUNNING"}, {"b": "RUNNING"},
    {"b": "RUNNING", "c": "PRE_RUN"},
]  # fmt: skip


@pytest.mark.parametrize("compact_from", [1 << 20, 0])
def test_a_power_cut_at_any_instant_leaves_the_old_or_the_new(
    compact_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ-ACT-021: what was acknowledged is there; what was not is wholly there, or not at all."""
    monkeypatch.setattr(state_file, "COMPACT_FROM", compact_from)
    buildings: dict[int, Building] = {}

    def prepared(seed: int) -> Tester:
        building = actuator(seed=seed)
        buildings[id(building.tester)] = building
        return building.tester

    def scenario(tester: Tester, noted: list[int]) -> None:
        for step in steps(buildings[id(tester)]):
            step()
            noted.append(1)

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        building = buildings[id(tester)]
        before = building.took("REVERT_POINT")
        found = {name: task["state"] for name, task in known(building).items()}
        assert found in AFTER[len(noted) : len(noted) + 2]
        assert building.events("StateFault") == []
        building.advance(61 * MIN)
        if len(noted) >= 2:
            # The write was acknowledged, so that its revert comes, before the cut or after it.
            assert before or building.took("REVERT_POINT")

    assert cut_everywhere(prepared, scenario, judge) > 10


class RandomLives(RuleBasedStateMachine):
    """REQ-ACT-021, REQ-ACT-010: any history, with kills and power cuts, agrees with the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.building = actuator()
        self.slow = Slow(MIN_US)
        self.now_us = START_US

    @rule(seconds=st.sampled_from([0.5, 30, 60, 90, 300]))
    def wait(self, seconds: float) -> None:
        self.building.advance(seconds)
        self.now_us += round(seconds * 1e6)

    @rule(
        owner=st.sampled_from([ANN, BOB]), id=st.sampled_from("tuvwxyz"), priority=st.sampled_from(Priority),
        wanted=st.lists(
            st.tuples(st.sampled_from("DEF"), st.integers(-4, 12), st.integers(1, 6)), min_size=1, max_size=3
        ),
    )  # fmt: skip
    def request(self, owner: str, id: str, priority: Priority, wanted: list[tuple[str, int, int]]) -> None:
        minute = (self.now_us - START_US) // MIN_US
        times = [(device, minute + start, minute + start + length) for device, start, length in wanted]
        slots = [Slot(device, START_US + start * MIN_US, START_US + end * MIN_US) for device, start, end in times]
        theirs = self.slow.request(owner, id, priority, slots, self.now_us)
        ours = self.building.schedule(owner, id, priority.name, *[slot(*one) for one in times])
        if ours["result"] == "FAILURE":
            assert ours["info"] == theirs
        else:
            assert {tuple(pair) for pair in ours["data"]} == theirs

    @rule(owner=st.sampled_from([ANN, BOB]), id=st.sampled_from("tuvwxyz"))
    def cancel(self, owner: str, id: str) -> None:
        self.slow.settle(self.now_us)
        task = self.slow.named(id)
        info = self.building.call(owner, "request_cancel_schedule", "", id)["info"]
        if task is None:
            assert info == Failure.TASK_ID_DOES_NOT_EXIST
        elif task["owner"] != owner:
            assert info == Failure.AGENT_ID_TASK_ID_MISMATCH
        else:
            assert info == ""
            self.slow.tasks.remove(task)

    @rule(how=st.sampled_from(["kill", "cut", "clean"]))
    def come_back(self, how: str) -> None:
        reboot(self.building, how)

    @invariant()
    def both_say_the_same(self) -> None:
        held = self.building.call(EVE, "list_holders")
        for device in "DEF":
            ours = held.get(device)
            theirs = self.slow.holder(device, self.now_us)
            assert (None if ours is None else (ours["owner"], ours["task"])) == theirs
        assert set(known(self.building)) == {task["id"] for task in self.slow.tasks}

    def teardown(self) -> None:
        self.building.tester.finish()


RandomLives.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestRandomLives = RandomLives.TestCase
