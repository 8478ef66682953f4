"""Who waits for whom: circles of sync calls, threads, blocking queues. And what a handler is seen to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.model.component import PassiveComponent
from kittiwake.model.ports import OutputPort, OutputPortArray, sync_port
from kittiwake.topology.calls import outputs_called
from tests.framework.topology.parts import SERVICES, Relay, Words, compiled, refused

if TYPE_CHECKING:
    from pathlib import Path

CIRCLE = """
    topology: Main
    instances:
      a: {component: PARTS.Relay, id: 1}
      b: {component: PARTS.Relay, id: 2}
      c: {component: PARTS.Relay, id: 3}
    connections:
      Words:
        - a.words_out -> b.words_in
        - b.words_out -> c.guarded_in
        - c.words_out -> a.INPUT
"""


def test_sync_calls_that_come_back_are_refused_with_their_path(tmp_path: Path) -> None:
    (fault,) = refused(tmp_path, CIRCLE.replace("INPUT", "words_in"))
    assert fault.message == (
        "sync calls form a circle: Main.b.words_in -> Main.c.guarded_in -> Main.a.words_in -> Main.b.words_in"
    )
    assert (fault.line, fault.hint) == (9, "make one of the inputs async")


@pytest.mark.parametrize("port", ["later_in", "end_in"])
def test_a_circle_of_wires_is_none_of_calls_where_a_handler_calls_later_or_not(tmp_path: Path, port: str) -> None:
    assert len(compiled(tmp_path, CIRCLE.replace("INPUT", port)).connections) == 3


def test_an_instance_that_calls_itself_is_refused(tmp_path: Path) -> None:
    (fault,) = refused(
        tmp_path,
        """
        topology: Main
        instances:
          a: {component: PARTS.Relay, id: 1}
        connections:
          Words:
            - a.words_out -> a.words_in
        """,
    )
    assert fault.message == "sync calls form a circle: Main.a.words_in -> Main.a.words_in"


class Various(PassiveComponent):
    """Handlers that call their outputs in every way."""

    one_out = OutputPort(Words)
    two_out = OutputPort(Words)
    many_out = OutputPortArray(Words, 3)

    @sync_port(Words)
    def directly(self, text: str) -> None:
        self.one_out(text)

    @sync_port(Words)
    def through_methods(self, text: str) -> None:
        if text:
            self._first(text)

    def _first(self, text: str) -> None:
        self._second(text)

    def _second(self, text: str) -> None:
        self.two_out(text)
        self._first(text)

    @sync_port(Words)
    def by_index(self, text: str) -> None:
        self.many_out[1](text)

    @sync_port(Words)
    def in_a_loop(self, text: str) -> None:
        for index, out in enumerate(self.many_out):
            out(text + str(index))

    @sync_port(Words)
    def by_another_name(self, text: str) -> None:
        send = self.one_out
        send(text)

    @sync_port(Words)
    def as_an_argument(self, text: str) -> None:
        str(self.one_out(text))

    @sync_port(Words)
    def later(self, text: str) -> None:
        self.clock.call_after(1.0, self.one_out, text)
        self.clock.call_after(1.0, self._first, text)
        self.clock.call_after(1.0, lambda: self.one_out(text))
        self._kept = self.two_out

        def inside() -> None:
            self.two_out(text)

        self.clock.call_after(1.0, inside)


@pytest.mark.parametrize(
    "handler, outputs",
    [
        ("directly", {"one_out"}),
        ("through_methods", {"two_out"}),
        ("by_index", {"many_out"}),
        ("in_a_loop", {"many_out"}),
        ("by_another_name", {"one_out"}),
        ("as_an_argument", {"one_out"}),
        ("later", set()),
        ("absent", set()),
    ],
)
def test_what_a_handler_calls_before_it_returns(handler: str, outputs: set[str]) -> None:
    assert outputs_called(Various, handler) == outputs


def test_a_component_without_source_calls_nothing_that_is_known() -> None:
    namespace: dict[str, object] = {"Relay": Relay, "__name__": __name__}
    exec("class Made(Relay):\n    def words_in(self, text):\n        self.words_out(text)\n", namespace)
    assert outputs_called(namespace["Made"], "words_in") == frozenset()  # type: ignore[arg-type]


THREADS = f"""
    topology: Main
    {SERVICES}
    instances:
      all: {{component: PARTS.Services, id: 0x10}}
      one: {{component: PARTS.Worker, id: 0x100, queue: 1, thread: first}}
      two: {{component: PARTS.Worker, id: 0x200, queue: 1, thread: second}}
      near: {{component: PARTS.Worker, id: 0x300, queue: 1, thread: first}}
      relay: {{component: PARTS.Relay, id: 0x400}}
      end: {{component: PARTS.Relay, id: 0x500}}
    connections:
      Words:
"""


def of_lines(folder: Path, *lines: str) -> list[str]:
    text = THREADS + "".join(f"        - {line}\n" for line in lines)
    return [fault.message for fault in refused(folder, text)]


def test_a_sync_call_across_threads_is_refused(tmp_path: Path) -> None:
    assert of_lines(tmp_path, "one.words_out -> relay.end_in") == [
        "a sync call cannot go from the thread first to Main.relay.end_in on the thread main",
    ]


def test_a_guarded_call_across_threads_must_not_go_on_to_a_sync_one(tmp_path: Path) -> None:
    assert of_lines(tmp_path, "one.words_out -> relay.guarded_in", "relay.words_out -> end.end_in") == [
        "Main.end.end_in is sync, and Main.relay.guarded_in calls it on the thread first of Main.one",
    ]


def test_what_lies_behind_two_guarded_calls_is_reported_once(tmp_path: Path) -> None:
    assert of_lines(
        tmp_path,
        "one.words_out -> relay.guarded_in",
        "two.words_out -> relay.guarded_in",
        "relay.words_out -> end.guarded_in",
        "end.words_out -> all.words_in",
    ) == ["Main.all.words_in is sync, and Main.relay.guarded_in calls it on the thread first of Main.one"]


def test_blocking_waits_are_between_threads_only(tmp_path: Path) -> None:
    (message,) = of_lines(
        tmp_path,
        "one.words_out -> near.patient_in",
        "two.words_out -> near.patient_in",
        "relay.words_out -> two.patient_in",
    )
    assert message == (
        "Main.near.patient_in blocks its callers while its queue is full, "
        "and both ends run on the thread first: it would wait for itself"
    )


def test_async_and_guarded_calls_cross_threads(tmp_path: Path) -> None:
    lines = ["one.words_out -> two.words_in", "two.words_out -> relay.guarded_in", "relay.words_out -> one.words_in"]
    topology = compiled(tmp_path, THREADS + "".join(f"        - {line}\n" for line in lines))
    assert len(topology.connections) == 3


LOCKS = """
    topology: Main
    services: {command: all, event: all, telemetry: all, parameter: all}
    instances:
      all: {component: PARTS.Services, id: 0x10}
      one: {component: PARTS.Guarded, id: 0x100, queue: 1, thread: first}
      two: {component: PARTS.Guarded, id: 0x200, queue: 1, thread: second}
    connections:
      Words:
        - one.words_out -> two.guarded_in
        - two.words_out -> one.guarded_in
"""


def test_guarded_calls_in_a_circle_across_threads_are_refused(tmp_path: Path) -> None:
    faults = refused(tmp_path, LOCKS)
    assert [fault.message for fault in faults] == [
        "guarded calls across threads form a circle, which can lock for good: Main.one -> Main.two -> Main.one",
    ]
