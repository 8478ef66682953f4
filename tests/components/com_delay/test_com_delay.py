"""ComDelay: a portion in many cycles, alone and in front of a downlink's queue."""

from __future__ import annotations

from typing import Any

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import ComDelay, ComQueue
from kittiwake_components.ports.link import LinkState
from tests.components.flight import Flight

Tester = ComponentTester[ComDelay]


def delay(divider: int, room: Any = 248) -> Tester:
    tester = ComponentTester(ComDelay, parameters={"DIVIDER": divider}, returns={"room": room})
    tester.call.status_in(LinkState.UP)
    tester.clear_history()
    return tester


def test_there_is_room_once_after_each_cycle_that_goes_through() -> None:
    """REQ-CD-001, REQ-CD-002."""
    with delay(2) as tester:
        rooms = []
        assert tester.call.room_in() == 0
        for _ in range(7):
            tester.call.run(0)
            rooms.append((tester.call.room_in(), tester.call.room_in()))
        assert rooms == [(248, 0), (0, 0), (0, 0), (248, 0), (0, 0), (0, 0), (248, 0)]
        assert tester.ports.status_out == [(LinkState.UP,)] * 3


def test_a_link_without_room_leaves_the_portion_for_later() -> None:
    """REQ-CD-001."""
    room = [0]
    with delay(100, lambda: room[0]) as tester:
        tester.call.run(0)
        assert tester.call.room_in() == 0
        room[0] = 248
        tester.call.status_in(LinkState.UP)
        assert tester.ports.status_out == [(LinkState.UP,)] * 2
        assert tester.call.room_in() == 248
        assert tester.call.room_in() == 0


def test_a_link_that_is_down_is_passed_on_and_one_that_is_up_in_its_turn() -> None:
    """REQ-CD-003."""
    with delay(1) as tester:
        tester.call.run(0)
        tester.call.room_in()
        tester.call.status_in(LinkState.DOWN)
        tester.call.status_in(LinkState.UP)
        assert tester.ports.status_out == [(LinkState.UP,), (LinkState.DOWN,)]
        tester.call.status_in(LinkState.DOWN)
        tester.call.run(0)
        tester.call.run(0)
        assert tester.ports.status_out[2:] == [(LinkState.DOWN,)]
        tester.call.status_in(LinkState.UP)
        assert tester.ports.status_out[3:] == [(LinkState.UP,)]


def test_a_new_divider_is_reported_and_followed_at_once() -> None:
    """REQ-CD-004."""
    with delay(299) as tester:
        tester.call.run(0)
        assert tester.send("DIVIDER_PRM_SET", 1).response is CommandResponse.OK
        assert tester.events.named("DividerSet")[0].args == (1,)
        assert tester.call.room_in() == 248
        tester.call.run(0)
        assert tester.call.room_in() == 0
        tester.call.run(0)
        assert tester.call.room_in() == 248


def test_a_queue_behind_it_sends_a_portion_a_turn() -> None:
    """REQ-CD-001, with ComQueue."""
    made = Flight({"delay": ComDelay, "queue": ComQueue}, ["delay.status_out -> queue.link_status"], ["delay.run"])
    sent: list[int] = []
    queue, gate = made["queue"], made["delay"]
    queue.room, gate.room = gate.room_in, lambda: 248
    queue.data_out = lambda data, context: sent.append(len(data))
    queue.flush_out = lambda: None
    gate.divider = 9
    gate.status_in(LinkState.UP)
    for _ in range(20):
        queue.com_packet_in(2, bytes(100), 0)
    counts = []
    for _ in range(40):
        made.run(1)
        counts.append(len(sent))
    assert counts[:10] == [3] * 10
    assert (counts[10], counts[20], counts[30]) == (6, 9, 12)
    made.stop()


def test_declined_cycles_are_counted() -> None:
    """REQ-CD-005: a group of 10 Hz that is called only when it is asked for gives the same portions."""
    with delay(9) as tester:
        given, calls, until_ns = [], 0, 0
        for tick in range(100):
            if tester.platform.clock.now_ns() >= until_ns:
                calls += 1
                told = len(tester.ports.idle_out)
                tester.call.run(0)
                until_ns = tester.ports.idle_out[-1][0] if len(tester.ports.idle_out) > told else 0
                if tester.call.room_in():
                    given.append(tick)
            tester.advance(0.1)
        assert given == list(range(0, 100, 10))
        assert calls < 15
        tester.set_parameter("DIVIDER", 1)
        assert tester.ports.idle_out[-1] == (0,)
        assert tester.call.room_in() == 0
        tester.call.run(0)
        tester.advance(0.1)
        tester.call.run(0)
        assert tester.call.room_in() == 248


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(ComDelay) == []
