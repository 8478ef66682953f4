"""Power cuts before and after each dispatch of a simulated machine; a watched loop does what a plain one does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.component import ActiveComponent
from kittiwake.model.fw import Sched
from kittiwake.model.ports import async_port
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.loop import Loop
from kittiwake.runtime.queue import MessageQueue
from kittiwake.runtime.tags import TagSource
from kittiwake.runtime.watched_loop import WatchedLoop
from kittiwake.runtime.wiring import Entries
from kittiwake.storage.root import Root
from kittiwake.testing.histories import Findings
from tests.framework.runtime.wired import deploy


class Notes(ActiveComponent):
    """Writes each number that it gets into a file, durably."""

    def initialize(self) -> None:
        self.seen: list[int] = []

    @async_port(Sched)
    def run(self, context: int) -> None:
        """Notes the number."""
        with self.platform.files.open(f"/{context}", "w") as file:
            file.sync()
        self.platform.files.sync_folder("/")
        self.seen.append(context)


def noting(platform: SimulatedPlatform) -> tuple[Deployment, Any, Notes]:
    deployment, findings = deploy({"notes": Notes}, platform=platform)
    assert not findings
    notes = deployment.instances["notes"]
    assert isinstance(notes, Notes)
    deployment.start()
    return deployment, Entries(deployment).call(notes, "run", 0, notes._context), notes


@pytest.mark.parametrize("after", [False, True])
def test_the_power_goes_before_or_after_the_nth_dispatch_and_the_disk_is_as_it_was(after: bool) -> None:
    for number in range(1, 4):
        platform = SimulatedPlatform(counts_dispatches=True)
        deployment, run, notes = noting(platform)
        platform.dispatches.cut_at(number, after=after)
        for context in range(4):
            run(context)
        with pytest.raises(PowerCut, match=f"power cut at dispatch {number}$") as caught:
            deployment.run_for(1)
        assert (caught.value.operation, caught.value.kind) == (number, "dispatch")
        done = number if after else number - 1
        assert notes.seen == list(range(done))
        assert list(platform.dispatches.log) == [("notes", "run")] * number
        with pytest.raises(PowerCut):
            deployment.run_for(1)
        with pytest.raises(PowerCut):
            platform.files.exists("/0")
        again = platform.crash()
        assert again.files.list("/") == [str(context) for context in range(done)]
        assert again.dispatches.dispatched == 0
        again.dispatches.cut_at(1)  # the machine that comes back counts as well


def test_timers_and_calls_from_outside_count_and_cancelled_timers_do_not() -> None:
    platform = SimulatedPlatform(counts_dispatches=True)
    deployment, run, _ = noting(platform)
    deployment.main.call_at(5, run, 7)
    deployment.main.call_at(5, run, 8).cancel()
    deployment.main.post(run, 9)
    far = platform.network.attach_serial("/dev/tty")
    near = platform.network.open_serial("/dev/tty", 9600)
    deployment.main.poller.add(near.fileno(), lambda: platform.dispatches.log.append(("", str(near.receive(9)))), None)
    far.send(b"x")
    deployment.run_for(1)
    assert [instance for instance, _ in platform.dispatches.log] == ["main", "notes", "main", "", "main", "notes"]
    assert platform.dispatches.dispatched == 5
    assert platform.dispatches.calls["notes", "run"] == 2


def test_cuts_can_be_taken_back_and_are_refused_where_nobody_counts() -> None:
    platform = SimulatedPlatform(counts_dispatches=True)
    deployment, run, notes = noting(platform)
    platform.dispatches.cut_at(1)
    platform.dispatches.heal()
    run(0)
    deployment.run_for(1)
    assert notes.seen == [0]
    assert platform.restart().dispatches.is_counting
    with pytest.raises(ValueError, match="make it with counts_dispatches=True"):
        SimulatedPlatform().dispatches.cut_at(1)


def test_a_machine_that_does_not_count_has_the_plain_loop() -> None:
    platform = SimulatedPlatform()
    image: Any = {
        "name": "Empty", "version": "", "dictionary_hash": "", "instances": [], "connections": [], "services": {},
        "packets": [], "parameters": [],
    }  # fmt: skip
    assert type(Deployment(image, platform, Root(platform.files, "/")).main) is Loop


class Worker:
    """Two queues, one with priorities; what is handled may queue more, or fail."""

    def __init__(self, loop: Loop, monitor: Findings) -> None:
        self.loop = loop
        self.ran: list[Any] = []
        self.queues = [MessageQueue(f"q{place}", 5, monitor, loop, place) for place in range(2)]
        self.puts = [
            self.queues[0].putter("port", self.first, 0, "drop"),
            self.queues[1].putter("port", self.second, 0, "drop_oldest"),
            self.queues[1].putter("urgent", self.urgent, 3, "assert"),
        ]

    def _note(self, kind: str, number: int) -> None:
        self.ran.append((kind, number, self.loop.clock.now_ns()))
        if number % 7 == 6:
            raise ValueError(kind)
        if number >= 8:
            self.puts[number % 3](number // 2)

    def first(self, number: int) -> None:
        self._note("first", number)

    def second(self, number: int) -> None:
        self._note("second", number)

    def urgent(self, number: int) -> None:
        self._note("urgent", number)

    def late(self, number: int) -> None:
        self._note("late", number)


def played(counts_dispatches: bool, steps: list[tuple[int, int]]) -> Any:
    platform = SimulatedPlatform(counts_dispatches=counts_dispatches)
    findings = Findings()
    common = ("main", platform.clock, platform.poller(), TagSource(platform.clock), findings)
    loop = WatchedLoop(*common, platform.dispatches) if counts_dispatches else Loop(*common)
    worker = Worker(loop, findings)
    for what, number in steps:
        if what < 3:
            worker.puts[what](number)
        elif what == 3:
            loop.call_at(number, worker.late, number)
        elif what == 4:
            loop.post(worker.late, number)
        else:
            loop.run_until(platform.clock.now_ns() + number)
    loop.run_until(1000)
    figures = [(queue.high, queue.served, queue.dropped, queue.scheduled) for queue in worker.queues]
    assert platform.dispatches.dispatched == (len(worker.ran) if counts_dispatches else 0)
    return worker.ran, figures, [tuple(one) for one in findings]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=40))
def test_a_watched_loop_does_what_a_plain_one_does(steps: list[tuple[int, int]]) -> None:
    assert played(True, steps) == played(False, steps)
