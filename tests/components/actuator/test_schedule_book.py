"""The schedule book against a slow, obvious model, and the rules one by one."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kittiwake_components.actuator.schedule_book import Accepted, Failure, Holder, Refused, ScheduleBook
from kittiwake_components.actuator.tasks import Slot, Task, TaskState, shown
from kittiwake_components.actuator.wire_types import Priority
from tests.components.actuator.slow_model import Slow

HIGH, LOW, LOW_PREEMPT = Priority.HIGH, Priority.LOW, Priority.LOW_PREEMPT
MIN = 60_000_000
GRACE = 2 * MIN


def slot(device: str, start: float, end: float) -> Slot:
    """Times in minutes."""
    return Slot(device, round(start * MIN), round(end * MIN))


def book() -> ScheduleBook:
    return ScheduleBook(GRACE)


def held(schedule: ScheduleBook, device: str, minute: float) -> str | None:
    holder = schedule.holder(device, round(minute * MIN))
    return None if holder is None else holder.task


def test_a_slot_is_held_from_its_start_to_before_its_end() -> None:
    """REQ-ACT-001"""
    schedule = book()
    assert schedule.request("ann", "t", LOW, [slot("d", 10, 20)], 0) == Accepted((), ())
    assert [held(schedule, "d", minute) for minute in (9.9, 10, 19.9, 20)] == [None, "t", "t", None]
    assert schedule.holder("d", 15 * MIN) == Holder("ann", "t", 20 * MIN)
    assert schedule.holder("d/sub", 15 * MIN) is None


def test_slots_that_touch_do_not_conflict() -> None:
    """REQ-ACT-003"""
    schedule = book()
    schedule.request("ann", "t1", LOW, [slot("d", 10, 20)], 0)
    assert isinstance(schedule.request("bob", "t2", LOW, [slot("d", 20, 30), slot("d", 5, 10)], 0), Accepted)
    assert held(schedule, "d", 20) == "t2"


def test_a_request_that_conflicts_with_itself_is_refused() -> None:
    """REQ-ACT-002"""
    schedule = book()
    answer = schedule.request("ann", "t", HIGH, [slot("d", 10, 20), slot("d", 15, 25)], 0)
    assert answer == Refused(Failure.REQUEST_CONFLICTS_WITH_SELF, {})
    assert schedule.tasks == {}


@pytest.mark.parametrize("priority", [LOW, LOW_PREEMPT])
def test_only_high_preempts(priority: Priority) -> None:
    """REQ-ACT-004, REQ-ACT-005"""
    schedule = book()
    schedule.request("ann", "old", LOW_PREEMPT, [slot("d", 10, 20), slot("e", 10, 20)], 0)
    answer = schedule.request("bob", "new", priority, [slot("e", 15, 16), slot("d", 19, 30)], 0)
    assert answer == Refused(
        Failure.CONFLICTS_WITH_EXISTING_SCHEDULES, {"ann": {"old": [slot("e", 10, 20), slot("d", 10, 20)]}}
    )


def test_high_is_never_preempted_and_low_not_once_it_has_started_even_in_a_gap() -> None:
    """REQ-ACT-004"""
    schedule = book()
    schedule.request("ann", "high", HIGH, [slot("h", 10, 20)], 0)
    schedule.request("ann", "low", LOW, [slot("a", 10, 11), slot("d", 20, 30)], 0)
    assert isinstance(schedule.request("bob", "x", HIGH, [slot("h", 12, 13)], 0), Refused)
    assert isinstance(schedule.request("bob", "y", HIGH, [slot("d", 20, 21)], 15 * MIN), Refused)
    assert schedule.request("bob", "z", HIGH, [slot("d", 20, 21)], 9 * MIN) == Accepted((("ann", "low"),), ())
    assert "low" not in schedule.tasks


def test_preemption_hits_the_whole_task_and_leaves_the_open_slots_a_grace() -> None:
    """REQ-ACT-006, REQ-ACT-002"""
    schedule = book()
    slots = [slot("d", 10, 60), slot("e", 10, 11.5), slot("f", 30, 40)]
    schedule.request("ann", "old", LOW_PREEMPT, slots, 0)
    answer = schedule.request("bob", "new", HIGH, [slot("f", 35, 36), slot("d", 11, 50)], 11 * MIN)
    assert answer == Accepted((("ann", "old"),), ("d",))
    assert held(schedule, "d", 12.9) == "old"
    assert held(schedule, "d", 13) == "new"
    assert held(schedule, "e", 11.4) == "old"
    assert held(schedule, "e", 11.5) is None
    assert held(schedule, "f", 30) is None
    assert schedule.tasks["old"].state(12 * MIN) is TaskState.PREEMPTED
    assert schedule.request("ann", "old", LOW, [slot("q", 90, 91)], 12 * MIN) == Refused(
        Failure.TASK_ID_ALREADY_EXISTS, {}
    )
    assert isinstance(schedule.request("ann", "old", LOW, [slot("q", 90, 91)], 13 * MIN), Accepted)


def test_what_grace_has_left_still_conflicts_and_a_second_high_moves_no_end() -> None:
    """REQ-ACT-006, REQ-ACT-005"""
    schedule = book()
    schedule.request("ann", "old", LOW_PREEMPT, [slot("d", 10, 60)], 0)
    schedule.request("bob", "new", HIGH, [slot("d", 20, 30)], 11 * MIN)
    refused = schedule.request("eve", "low", LOW, [slot("d", 12, 12.5)], 12 * MIN)
    assert isinstance(refused, Refused)
    assert refused.conflicts == {"ann": {"old": [slot("d", 10, 13)]}}
    again = schedule.request("eve", "high", HIGH, [slot("d", 12, 14)], 12 * MIN)
    assert again == Accepted((("ann", "old"),), ("d",))
    assert held(schedule, "d", 12.9) == "old"
    assert held(schedule, "d", 13) == "high"


def test_a_victim_may_cancel_itself_and_cancelling_the_preemptor_restores_nothing() -> None:
    """REQ-ACT-006"""
    schedule = book()
    schedule.request("ann", "old", LOW_PREEMPT, [slot("d", 10, 60)], 0)
    schedule.request("bob", "new", HIGH, [slot("d", 11, 30)], 11 * MIN)
    assert schedule.cancel("ann", "old", 12 * MIN) is None
    assert held(schedule, "d", 12) == "new"
    assert schedule.cancel("bob", "new", 13 * MIN) is None
    assert held(schedule, "d", 14) is None


def test_without_grace_the_hand_over_is_at_once() -> None:
    """REQ-ACT-006"""
    schedule = ScheduleBook(0)
    schedule.request("ann", "old", LOW_PREEMPT, [slot("d", 10, 60)], 0)
    schedule.request("bob", "new", HIGH, [slot("d", 11, 30)], 11 * MIN)
    assert held(schedule, "d", 11) == "new"
    assert "old" not in schedule.tasks
    taken = schedule.request("ann", "old", LOW, [slot("q", 90, 91)], 11 * MIN)
    assert taken == Refused(Failure.TASK_ID_ALREADY_EXISTS, {})
    assert isinstance(schedule.request("ann", "old", LOW, [slot("q", 90, 91)], 11 * MIN + 1), Accepted)


def test_a_slot_that_is_over_takes_no_part() -> None:
    """REQ-ACT-003. Upstream: a HIGH request for a time that was past preempted a task that was running."""
    schedule = book()
    schedule.request("ann", "old", LOW_PREEMPT, [slot("d", 10, 60)], 0)
    assert schedule.request("bob", "new", HIGH, [slot("d", 12, 14)], 15 * MIN) == Accepted((), ())
    assert "new" not in schedule.tasks
    assert held(schedule, "d", 15) == "old"


@pytest.mark.parametrize(
    "owner, task, why",
    [("ann", "nothing", Failure.TASK_ID_DOES_NOT_EXIST), ("bob", "t", Failure.AGENT_ID_TASK_ID_MISMATCH)],
)
def test_a_cancellation_that_makes_no_sense_is_refused(owner: str, task: str, why: Failure) -> None:
    """REQ-ACT-007"""
    schedule = book()
    schedule.request("ann", "t", LOW, [slot("d", 10, 20)], 0)
    assert schedule.cancel(owner, task, 0) is why
    assert schedule.cancel("ann", "t", 20 * MIN) is Failure.TASK_ID_DOES_NOT_EXIST


def test_the_next_edge_is_the_next_begin_or_end() -> None:
    """REQ-ACT-008"""
    schedule = book()
    assert schedule.next_edge_us(0) is None
    schedule.request("ann", "t", LOW, [slot("d", 10, 20), slot("e", 15, 30)], 0)
    assert [schedule.next_edge_us(minute * MIN) for minute in (0, 10, 15, 20, 30)] == [
        10 * MIN, 15 * MIN, 20 * MIN, 30 * MIN, None,
    ]  # fmt: skip


def test_a_cancelled_task_leaves_no_edge_however_many_come_and_go() -> None:
    """REQ-ACT-008"""
    schedule = book()
    schedule.request("ann", "stays", LOW, [slot("d", 10, 20)], 0)
    for number in range(5000):
        schedule.request("ann", "comes", LOW, [slot("d", 5, 6 + number / 5000)], 0)
        assert schedule.cancel("ann", "comes", 0) is None
    assert schedule.next_edge_us(0) == 10 * MIN
    assert held(schedule, "d", 5.5) is None


def test_a_slot_that_is_over_hides_none_that_began_before_it() -> None:
    """REQ-ACT-003"""
    schedule = book()
    schedule.request("ann", "two", LOW, [slot("d", 10, 11), slot("d", 20, 30)], 0)
    schedule.request("bob", "late", LOW, [slot("d", 9, 13)], 12 * MIN)
    assert held(schedule, "d", 12) == "late"
    assert isinstance(schedule.request("eve", "x", LOW, [slot("d", 12.5, 13)], 12 * MIN), Refused)


@pytest.mark.parametrize("end", [10, 9])
def test_a_slot_without_length_is_malformed_and_the_first_fault_counts(end: int) -> None:
    """REQ-ACT-002. Upstream: a slot of no length was accepted, and a timer re-armed itself for that instant."""
    schedule = book()
    answer = schedule.request("ann", "t", HIGH, [slot("d", 10, end), slot("e", 1, 3), slot("e", 2, 3)], 0)
    assert isinstance(answer, Refused)
    assert answer.why is Failure.MALFORMED_REQUEST
    assert answer.detail.startswith("ValueError: ")
    overlap_first = schedule.request("ann", "t", HIGH, [slot("e", 1, 3), slot("e", 2, 3), slot("d", 10, end)], 0)
    assert overlap_first == Refused(Failure.REQUEST_CONFLICTS_WITH_SELF, {})


def test_tasks_are_told_once_when_they_start_and_end() -> None:
    """REQ-ACT-009"""
    schedule = book()
    schedule.request("ann", "t", LOW, [slot("d", 10, 20), slot("d", 30, 40)], 0)
    told = []
    for minute in (5, 10, 15, 12, 9, 31, 40, 50):
        schedule.refresh(minute * MIN)
        news = schedule.take_news()
        told.append(([task.id for task in news.started], [task.id for task in news.ended]))
    # Set back to before its start, it starts once more.
    assert told == [([], []), (["t"], []), ([], []), ([], []), ([], []), (["t"], []), ([], ["t"]), ([], [])]
    assert schedule.active == 0


def test_a_task_starts_again_after_the_clock_was_set_back_though_its_first_slot_is_over() -> None:
    """REQ-ACT-009: and what comes next for all is its next slot, not its start."""
    schedule = book()
    schedule.request("ann", "t", LOW, [slot("d", 2, 3), slot("d", 6, 9)], 0)
    told = []
    for minute in (5, 1, 2, 3):
        schedule.refresh(minute * MIN)
        told.append((schedule.active, [task.id for task in schedule.take_news().started]))
    assert told == [(1, ["t"]), (0, []), (1, ["t"]), (1, [])]
    schedule.refresh(1 * MIN)
    assert schedule.next_edge_us(1 * MIN) == 6 * MIN


def test_slots_are_shown_in_the_offsets_in_which_they_were_given() -> None:
    """REQ-ACT-005"""
    given = Slot("campus/b1", 1_714_986_000_000_000, 1_714_989_600_500_000, 7200, 0)
    assert shown(given) == ["campus/b1", "2024-05-06 11:00:00+02:00", "2024-05-06 10:00:00.500000+00:00"]


class AgainstTheModel(RuleBasedStateMachine):
    """REQ-ACT-009, REQ-ACT-010: any history of requests and cancellations, with time going on and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.book, self.slow = book(), Slow(GRACE)

    @rule(minutes=st.sampled_from([0, 0.5, 1, 2, 3, 5]))
    def wait(self, minutes: float) -> None:
        self.now += round(minutes * MIN)

    @rule(
        owner=st.sampled_from("ab"), id=st.sampled_from("tuvwxyz"), priority=st.sampled_from(Priority),
        wanted=st.lists(
            st.tuples(st.sampled_from("DEF"), st.integers(-4, 12), st.integers(1, 6)), min_size=1, max_size=3
        ),
    )  # fmt: skip
    def request(self, owner: str, id: str, priority: Priority, wanted: list[tuple[str, int, int]]) -> None:
        minute = self.now // MIN
        slots = [slot(device, minute + start, minute + start + length) for device, start, length in wanted]
        ours = self.book.request(owner, id, priority, slots, self.now)
        theirs = self.slow.request(owner, id, priority, slots, self.now)
        if isinstance(ours, Refused):
            assert ours.why is theirs
        else:
            assert set(ours.preempted) == theirs

    @rule(owner=st.sampled_from("ab"), id=st.sampled_from("tuvwxyz"))
    def cancel(self, owner: str, id: str) -> None:
        self.slow.settle(self.now)
        task = self.slow.named(id)
        why = self.book.cancel(owner, id, self.now)
        if task is None:
            assert why is Failure.TASK_ID_DOES_NOT_EXIST
        elif task["owner"] != owner:
            assert why is Failure.AGENT_ID_TASK_ID_MISMATCH
        else:
            assert why is None
            self.slow.tasks.remove(task)

    @rule(minutes=st.sampled_from([1, 4, 9]))
    def set_the_clock_back(self, minutes: int) -> None:
        self.now = max(0, self.now - minutes * MIN)

    @rule()
    def restart(self) -> None:
        kept = [_kept(task) for task in self.book.tasks.values() if task.state(self.now) is not TaskState.FINISHED]
        self.book = book()
        self.book.restore(kept, self.now)

    @invariant()
    def both_say_the_same(self) -> None:
        held = self.book.holders(self.now)
        for device in "DEF":
            theirs = self.slow.holder(device, self.now)
            for ours in (self.book.holder(device, self.now), held.get(device)):
                assert (None if ours is None else (ours.owner, ours.task)) == theirs
        assert self.book.next_edge_us(self.now) == self.slow.next_edge(self.now)
        started = [task["id"] for task in self.slow.tasks if task["cut"] or task["since"] <= self.now]
        assert self.book.active == len(started)
        assert set(self.book.tasks) == {task["id"] for task in self.slow.tasks}


def _kept(task: Task) -> Task:
    hull = task.hull_start_us, task.hull_end_us
    return Task(task.id, task.owner, task.priority, list(task.slots), preempted=task.preempted, hull=hull)


AgainstTheModel.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestAgainstTheModel = AgainstTheModel.TestCase
