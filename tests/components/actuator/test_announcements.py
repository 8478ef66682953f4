"""When holders are announced: any history of requests and cancellations against the rule as one would write it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import WALL_START_NS
from kittiwake_components.actuator.tasks import Slot
from kittiwake_components.actuator.wire_types import Priority
from tests.components.actuator.building import ANN, BOB, actuator, slot
from tests.components.actuator.slow_model import Slow

START_US = WALL_START_NS // 1000
SECOND_US = 1_000_000
DEVICES = "DEF"
INTERVAL_S = 60
GRACE_S = 60
UNIT_S = 15


class Timer:
    """One timer: due at the next edge, or an interval after it was last due, and never put off."""

    def __init__(self) -> None:
        self.slow = Slow(GRACE_S * SECOND_US)
        self.now_us = START_US
        self.due_us = START_US + INTERVAL_S * SECOND_US
        self.announced: list[tuple[str, str, float]] = []

    def announce(self, devices: Any) -> None:
        for device in devices:
            holder = self.slow.holder(device, self.now_us)
            if holder is not None:
                self.announced.append((device, holder[1], self._window_s(device, holder[1])))

    def _window_s(self, device: str, id: str) -> float:
        task = self.slow.named(id)
        assert task is not None
        ends: list[int] = [
            one.end_us for one in task["slots"] if one.device == device and one.start_us <= self.now_us < one.end_us
        ]
        return (ends[0] - self.now_us) / SECOND_US

    def wait(self, seconds: int) -> None:
        until_us = self.now_us + seconds * SECOND_US
        while self.due_us <= until_us:
            self.now_us = self.due_us
            self.slow.settle(self.now_us)
            self.announce(DEVICES)
            self.due_us = self.now_us + INTERVAL_S * SECOND_US
            self.edges_may_be_earlier()
        self.now_us = until_us

    def edges_may_be_earlier(self) -> None:
        self.slow.settle(self.now_us)
        edge_us = self.slow.next_edge(self.now_us)
        if edge_us is not None:
            self.due_us = min(self.due_us, edge_us)


WAIT = st.tuples(st.just("wait"), st.integers(1, 12))
REQUEST = st.tuples(
    st.just("request"), st.sampled_from([ANN, BOB]), st.sampled_from("tuvw"), st.sampled_from(Priority),
    st.lists(st.tuples(st.sampled_from(DEVICES), st.integers(-3, 12), st.integers(1, 8)), min_size=1, max_size=3),
)  # fmt: skip
CANCEL = st.tuples(st.just("cancel"), st.sampled_from([ANN, BOB]), st.sampled_from("tuvw"))


@given(st.lists(WAIT | REQUEST | CANCEL, max_size=14))
def test_any_history_is_announced_by_the_rule(steps: list[tuple[Any, ...]]) -> None:
    """REQ-ACT-015"""
    timer = Timer()
    with actuator(parameters={"PREEMPT_GRACE_S": GRACE_S}) as building:
        for kind, *arguments in steps:
            if kind == "wait":
                timer.wait(arguments[0] * UNIT_S)
                building.advance(arguments[0] * UNIT_S)
            elif kind == "cancel":
                if building.call(arguments[0], "request_cancel_schedule", "", arguments[1])["result"] == "SUCCESS":
                    timer.slow.settle(timer.now_us)
                    timer.slow.tasks = [task for task in timer.slow.tasks if task["id"] != arguments[1]]
            else:
                owner, task, priority, wanted = arguments
                now_s = (timer.now_us - START_US) // SECOND_US
                times = [
                    (device, now_s + start * UNIT_S, now_s + (start + length) * UNIT_S)
                    for device, start, length in wanted
                ]
                slots = [Slot(name, *[START_US + second * SECOND_US for second in span]) for name, *span in times]
                theirs = timer.slow.request(owner, task, priority, slots, timer.now_us)
                ours = building.schedule(
                    owner, task, priority.name, *[slot(name, begin / 60, end / 60) for name, begin, end in times]
                )
                assert (ours["result"] == "SUCCESS") == isinstance(theirs, set)
                if isinstance(theirs, set):
                    opened = [name for name, begin, end in times if begin <= now_s < end]
                    timer.announce(dict.fromkeys(opened))
                    timer.edges_may_be_earlier()
        assert building.announced() == timer.announced
