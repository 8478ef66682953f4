"""The loop: timers, priorities, batches, other threads, conditions."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.loop import INBOX_LIMIT, MESSAGES_A_BATCH, ROUNDS_A_TURN, Loop
from kittiwake.runtime.queue import MessageQueue
from kittiwake.runtime.tags import TagSource
from kittiwake.runtime.tasks import Reply, Task
from kittiwake.testing.histories import Findings


def make_loop(platform: Any = None) -> tuple[Loop, Findings]:
    platform = platform or SimulatedPlatform(0)
    findings = Findings()
    return Loop("main", platform.clock, platform.poller(), TagSource(platform.clock), findings), findings


def drop_stop(loop: Loop) -> None:
    loop.stop()


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=30))
def test_timers_run_in_the_order_of_their_deadlines_and_then_of_asking(asked: list[tuple[int, bool]]) -> None:
    loop, _ = make_loop()
    ran: list[tuple[int, int]] = []
    for place, (due, keep) in enumerate(asked):
        timer = loop.call_at(due, lambda due=due, place=place: ran.append((due, place)))
        if not keep:
            timer.cancel()
    loop.run_until(100)
    assert ran == sorted((due, place) for place, (due, keep) in enumerate(asked) if keep)
    assert loop.next_deadline_ns() is None


def test_a_timer_runs_at_its_deadline_and_absolute_deadlines_do_not_drift() -> None:
    loop, _ = make_loop()
    seen: list[int] = []

    def tick(due: int) -> None:
        seen.append(loop.clock.now_ns())
        loop.clock.advance(3)  # type: ignore[attr-defined]
        if due < 1000:
            loop.call_at(due + 100, tick, due + 100)

    loop.call_at(100, tick, 100)
    loop.run_until(2000)
    assert seen == list(range(100, 1001, 100))
    assert loop.clock.now_ns() == 2000


def test_cancelled_timers_do_not_pile_up() -> None:
    loop, _ = make_loop()
    ran: list[int] = []
    for number in range(10_000):
        kept = loop.call_at(1_000_000 - number, ran.append, number)
        if number % 1000:
            kept.cancel()
    assert len(loop._timers) < 1100
    loop.run_until(1_000_000)
    assert ran == list(range(9000, -1, -1000))


def test_a_failing_timer_is_reported_and_the_next_one_runs() -> None:
    loop, findings = make_loop()
    ran: list[int] = []

    def broken() -> None:
        raise ValueError("no")

    loop.call_at(1, broken)
    loop.call_at(2, ran.append, 2)
    loop.run_until(5)
    assert ran == [2]
    [finding] = findings
    assert (finding.kind, finding.where) == ("failed", "broken")
    assert finding.detail.startswith("ValueError: no (test_loop.py:")


def queue_on(loop: Loop, name: str, priority: int, findings: Findings, depth: int = 1000) -> MessageQueue:
    return MessageQueue(name, depth, findings, loop, priority)


def test_instances_and_messages_of_higher_priority_are_served_first() -> None:
    loop, findings = make_loop()
    served: list[str] = []
    low, high = queue_on(loop, "low", 1, findings), queue_on(loop, "high", 9, findings)
    low.putter("p", served.append, 0, "assert")("low")
    high.putter("p", served.append, 0, "assert")("high second")
    high.putter("q", served.append, 5, "assert")("high first")
    high.putter("p", served.append, 0, "assert")("high third")
    assert loop.has_ready()
    assert loop.settle()
    assert served == ["high first", "high second", "high third", "low"]


def test_a_batch_is_bounded_so_that_equals_take_turns() -> None:
    loop, findings = make_loop()
    served: list[str] = []
    for name in "ab":
        put = queue_on(loop, name, 0, findings).putter("p", served.append, 0, "assert")
        for _ in range(MESSAGES_A_BATCH + 1):
            put(name)
    loop.settle()
    assert MESSAGES_A_BATCH == 64
    assert "".join(served) == "a" * 64 + "b" * 64 + "a" + "b"


def test_a_message_that_queues_another_does_not_keep_timers_from_running() -> None:
    loop, findings = make_loop()
    put: Any = None
    count = 0

    def again() -> None:
        nonlocal count
        count += 1
        put()

    put = queue_on(loop, "a", 0, findings).putter("p", again, 0, "assert")
    put()
    done: list[int] = []
    loop.call_at(0, done.append, 1)
    loop.turn()
    loop.turn()
    assert done == [1]
    assert not loop.settle(3)
    assert count > 64


def test_calls_from_other_threads_wake_a_sleeping_loop() -> None:
    loop, _ = make_loop(SystemPlatform())
    heard: list[int] = []
    asleep = Event()
    loop.call_at(0, asleep.set)

    def speak() -> None:
        asleep.wait(10)
        for number in range(1000):
            loop.post(heard.append, number)
        loop.post(drop_stop, loop)

    thread = Thread(target=speak)
    thread.start()
    loop.run()
    thread.join()
    loop.poller.close()
    assert heard == list(range(1000))


def test_the_inbox_is_bounded() -> None:
    loop, _ = make_loop()
    posted = sum(loop.post(int) for _ in range(INBOX_LIMIT + 5))
    assert posted == INBOX_LIMIT
    loop.settle()
    assert loop.post(int)


def test_a_condition_is_asked_after_each_turn_until_it_is_done() -> None:
    loop, _ = make_loop()
    asked: list[int] = []

    def third() -> bool:
        asked.append(loop.turns)
        return len(asked) == 3

    loop.when(third)
    for _ in range(5):
        loop.turn(0)
    assert asked == [1, 2, 3]


def test_a_condition_that_another_condition_makes_true_is_asked_again_before_the_loop_sleeps() -> None:
    loop, _ = make_loop()
    done: list[str] = []
    loop.when(lambda: "b" in done and not done.append("a"))  # type: ignore[func-returns-value]
    loop.when(lambda: not done.append("b"))  # type: ignore[func-returns-value]
    loop.run_until(1_000)
    assert done == ["b", "a"]
    assert loop.turns <= 4


def test_stop_ends_the_run_after_the_present_turn() -> None:
    loop, _ = make_loop()
    ran: list[int] = []
    loop.call_at(5, loop.stop)
    loop.call_at(5, ran.append, 1)
    loop.call_at(6, ran.append, 2)
    loop.run()
    assert ran == [1]
    assert loop.clock.now_ns() == 5


@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_process_passes_through_and_the_rest_can_still_be_flushed(ending: type[BaseException]) -> None:
    loop, findings = make_loop()
    served: list[int] = []

    def leave() -> None:
        raise ending

    queue = queue_on(loop, "a", 0, findings)
    queue.putter("p", leave, 0, "assert")()
    queue.putter("q", served.append, 0, "assert")(1)
    with pytest.raises(ending):
        loop.turn()
    assert not findings
    assert loop.settle()
    assert served == [1]


def test_a_timer_that_asks_for_a_time_that_is_past_keeps_nothing_from_running() -> None:
    loop, _ = make_loop()
    calls = 0

    def again() -> None:
        nonlocal calls
        calls += 1
        if calls > 1000:
            loop.stop()
        loop.call_at(-1, again)

    heard: list[int] = []
    loop.call_at(0, again)
    loop.call_at(0, heard.append, 1)
    loop.post(heard.append, 2)
    loop.turn()
    assert (calls, heard) == (ROUNDS_A_TURN, [1, 2])


def test_a_timer_that_an_earlier_one_of_the_same_time_cancels_does_not_run() -> None:
    loop, findings = make_loop()
    loop.call_at(0, lambda: late.cancel())
    late = loop.call_at(0, findings.append, None)
    loop.turn(0)
    assert not findings


def test_a_condition_that_fails_is_reported_once_and_the_loop_goes_on() -> None:
    loop, findings = make_loop()
    asked: list[int] = []
    loop.when(lambda: 1 // 0 == 0)
    loop.when(lambda: len(asked) > 1 or bool(asked.append(1)))  # type: ignore[func-returns-value]
    loop.settle()
    loop.turn(0)
    loop.turn(0)
    assert len(asked) == 2
    assert ["ZeroDivisionError" in one.detail for one in findings] == [True]


def test_a_priority_that_never_runs_dry_does_not_starve_a_lower_one() -> None:
    loop, findings = make_loop()
    put: Any = None

    def again() -> None:
        put()

    put = queue_on(loop, "busy", 9, findings).putter("p", again, 0, "assert")
    put()
    heard: list[int] = []
    queue_on(loop, "quiet", 1, findings).putter("p", heard.append, 0, "assert")(1)
    loop.turn(0)
    assert heard == [1]


def test_a_timer_that_another_thread_asks_for_wakes_the_loop() -> None:
    loop, _ = make_loop(SystemPlatform())
    started = loop.clock.now_ns()
    asleep = Event()
    loop.call_at(0, asleep.set)
    loop.call_at(started + 20_000_000_000, loop.stop)

    def ask() -> None:
        asleep.wait(10)
        loop.call_at(loop.clock.now_ns() + 10_000_000, loop.stop)

    thread = Thread(target=ask)
    thread.start()
    loop.run()
    thread.join()
    loop.poller.close()
    assert loop.clock.now_ns() - started < 10_000_000_000


def test_the_step_of_a_task_finds_room_in_a_full_inbox() -> None:
    loop, _ = make_loop()
    while loop.post(int):
        pass
    answered: list[Any] = []
    reply: Reply[int] = Reply(loop)

    async def wait() -> None:
        answered.append(await reply)

    Task(wait(), lambda fault: None).step()
    reply.set(7)
    loop.settle()
    assert answered == [7]
