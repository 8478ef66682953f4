"""Queues are bounded, keep their priorities, and do what each port declares when they are full."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.runtime.queue import MAX_DEPTH, MessageQueue
from kittiwake.testing.histories import Findings


def nothing(*_: Any) -> None: ...


def other(*_: Any) -> None: ...


def fill(full: str, hook: Any = None) -> tuple[MessageQueue, Any, Findings]:
    findings = Findings()
    queue = MessageQueue("worker", 2, findings, None, 0)
    put = queue.putter("port", nothing, 0, full, hook)
    assert put(1)
    assert put(2)
    return queue, put, findings


def drain(queue: MessageQueue) -> list[Any]:
    taken = []
    while (message := queue.take()) is not None:
        taken.append(message[1][0])
    return taken


@pytest.mark.parametrize("full", ["assert", "drop", "block"])
def test_a_full_queue_refuses_counts_and_reports(full: str) -> None:
    queue, put, findings = fill(full)
    assert not put(3)
    assert not put(4)
    assert queue.dropped == {"port": 2}
    assert [tuple(one) for one in findings] == [("full", "worker", "port", full)] * 2
    assert (queue.high, queue.count) == (2, 2)
    assert drain(queue) == [1, 2]


def test_drop_oldest_lets_the_oldest_of_the_same_port_go() -> None:
    queue, put, findings = fill("drop_oldest")
    assert put(3)
    assert queue.dropped == {"port": 1}
    assert [one.detail for one in findings] == ["drop_oldest"]
    assert drain(queue) == [2, 3]


def test_drop_oldest_never_takes_a_message_of_another_port() -> None:
    findings = Findings()
    queue = MessageQueue("worker", 1, findings, None, 0)
    assert queue.putter("command", other, 0, "assert")("c")
    assert not queue.putter("port", nothing, 0, "drop_oldest")("p")
    assert drain(queue) == ["c"]


def test_a_hook_gets_what_found_no_room_and_nobody_is_alarmed() -> None:
    over: list[Any] = []
    queue, put, findings = fill("hook", over.append)
    assert not put(3)
    assert over == [3]
    assert queue.dropped == {"port": 1}
    assert not findings


@pytest.mark.parametrize("depth", [0, -1, MAX_DEPTH + 1])
def test_a_depth_out_of_bounds_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="holds 1 to 100000 messages"):
        MessageQueue("worker", depth, Findings(), None, 0)


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=60), st.integers(1, 8))
def test_messages_leave_by_priority_and_each_priority_has_its_own_room(steps: list[int | None], depth: int) -> None:
    queue = MessageQueue("worker", depth, Findings(), None, 0)
    puts = {priority: queue.putter(f"p{priority}", nothing, priority, "drop") for priority in (2, 0, 3, 1)}
    model: list[tuple[int, int]] = []
    dropped = 0
    for number, step in enumerate(steps):
        if step is None:
            message = queue.take()
            if not model:
                assert message is None
                continue
            first = min(model, key=lambda one: (-one[0], one[1]))
            model.remove(first)
            assert message is not None
            assert message[1] == (first[1],)
        elif sum(1 for priority, _ in model if priority == step) < depth:
            assert puts[step](number)
            model.append((step, number))
        else:
            assert not puts[step](number)
            dropped += 1
        assert queue.count == len(model)
    assert sum(queue.dropped.values()) == dropped
