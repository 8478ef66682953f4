"""ComQueue: order, bounds, pauses and what happens when the link takes nothing (requirements in its README.md)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components.com_queue.component import ComQueue
from kittiwake_components.ports.link import LinkState

SMALL: dict[str, Any] = {"depths": [8, 4, 4, 4], "patience": 2}


class FakeLink:
    """Room for so many bytes in all."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.left = room
        self.tester: ComponentTester[ComQueue] | None = None

    def __call__(self) -> int:
        """What is left."""
        taken = sum(len(data) for data, _ in self.tester.ports.data_out) if self.tester is not None else 0
        return max(self.left - taken, 0)


def _tester(room: int = 1_000_000, **settings: Any) -> tuple[ComponentTester[ComQueue], FakeLink]:
    link = FakeLink(room)
    tester = ComponentTester(ComQueue, settings=settings, returns={"room": link})
    link.tester = tester
    return tester, link


def _packets(tester: ComponentTester[ComQueue]) -> list[bytes]:
    return [data for data, _ in tester.ports.data_out]


def test_the_sheet_says_what_is_declared() -> None:
    assert differences(ComQueue) == []


def test_more_important_packets_go_first() -> None:
    """REQ-CQ-001: events 0, files 1, telemetry 2."""
    tester, _ = _tester()
    with tester, tester.held():
        for index in (3, 2, 1, 0):
            tester.call.com_packet_in[index](bytes([index]), 0)
    assert _packets(tester) == [b"\x00", b"\x01", b"\x02", b"\x03"]


def test_every_packet_that_leaves_a_queue_is_told_of_once() -> None:
    """REQ-CQ-009: handed on, dropped for want of room, or flushed."""
    tester, _ = _tester(room=3, **SMALL)
    with tester:
        with tester.held():
            for _ in range(6):
                tester.call.com_packet_in[3](b"abc", 0)
        tester.send("FLUSH_QUEUE", 3)
        told = [sum(count for (count,) in history) for history in tester.ports.gone_out]
        assert (told, len(_packets(tester))) == ([0, 0, 0, 6], 1)


def test_a_lesser_queue_is_served_after_so_many_packets_of_the_first() -> None:
    """REQ-CQ-002: no waiting queue starves."""
    tester, _ = _tester(**SMALL)
    with tester, tester.held():
        for _ in range(6):
            tester.call.com_packet_in[0](b"e", 0)
        for index in (1, 2):
            tester.call.com_packet_in[index](b"ft"[index - 1 : index], 0)
    assert b"".join(_packets(tester)) == b"eeteefee"


def test_without_patience_the_order_is_strict() -> None:
    """REQ-CQ-002: 0 turns the sharing off."""
    tester, _ = _tester(depths=[8, 4, 4, 4], patience=0)
    with tester, tester.held():
        for index in (2, 0, 1, 0, 0, 0, 0):
            tester.call.com_packet_in[index](b"eft"[index : index + 1], 0)
    assert b"".join(_packets(tester)) == b"eeeeeft"


def test_a_full_queue_loses_its_oldest_packet_which_is_counted_and_named() -> None:
    """REQ-CQ-003."""
    tester, link = _tester(room=0, **SMALL)
    with tester:
        for number in range(11):
            tester.call.com_packet_in[0](bytes([number]), 0)
        tester.call.run(0)
        assert tester.channels["PacketsDropped"] == (3, 0, 0, 0)
        assert [event.args for event in tester.events.named("QueueOverflow")] == [(0, 3)]
        assert tester.channels["ComQueueDepth"] == (8, 0, 0, 0)
        tester.call.run(0)
        assert len(tester.events.named("QueueOverflow")) == 1
        link.left = 1000
        tester.call.link_status(LinkState.UP)
        assert _packets(tester) == [bytes([number]) for number in range(3, 11)]


def test_an_overflow_is_told_once_while_nobody_hears_and_again_with_the_total_after() -> None:
    """REQ-CQ-003: each report is one more packet that waits."""
    tester, link = _tester(room=0, **SMALL)
    with tester:
        for _ in range(20):
            for _ in range(9):
                tester.call.com_packet_in[0](b"x", 0)
            tester.call.run(0)
            tester.advance(60)
        assert [event.args for event in tester.events.named("QueueOverflow")] == [(0, 1)]
        assert tester.channels["PacketsDropped"] == (172, 0, 0, 0)
        link.left = 1000
        tester.call.link_status(LinkState.UP)
        tester.call.run(0)
        assert tester.events.named("QueueOverflow")[-1].args == (0, 172)


def test_packets_wait_while_the_link_is_down() -> None:
    """REQ-CQ-004: what was said before the ground connected arrives when it does."""
    tester, link = _tester(room=0)
    with tester:
        tester.call.com_packet_in[0](b"early", 0)
        tester.call.link_status(LinkState.DOWN)
        assert _packets(tester) == []
        link.left = 1000
        tester.call.link_status(LinkState.UP)
        assert _packets(tester) == [b"early"]


def test_what_found_no_room_goes_when_there_is_room_again() -> None:
    """REQ-CQ-005: room is asked for again without a new packet, and the link is not pestered while it has none."""
    tester, link = _tester(room=25)
    with tester:
        with tester.held():
            for _ in range(6):
                tester.call.com_packet_in[0](bytes(10), 0)
        assert len(_packets(tester)) == 3
        asked = len(tester.ports.room)
        tester.call.com_packet_in[0](bytes(10), 0)
        assert len(tester.ports.room) == asked
        link.left = 1000
        tester.call.link_status(LinkState.UP)
        assert len(_packets(tester)) == 7


def test_a_link_that_forgot_to_say_so_is_asked_once_a_second() -> None:
    """REQ-CQ-005."""
    tester, link = _tester(room=0)
    with tester:
        tester.call.com_packet_in[0](b"x", 0)
        link.left = 100
        tester.call.run(0)
        assert _packets(tester) == [b"x"]


def test_a_wake_up_that_finds_no_room_in_its_own_queue_is_made_up_for() -> None:
    """REQ-CQ-005: within a second."""
    tester = ComponentTester(ComQueue, queue=1, returns={"room": 100})
    with tester:
        with tester.held():
            sent = tester.send("FLUSH_QUEUE", 1)
            tester.call.com_packet_in[0](b"x", 0)
        assert sent.response is CommandResponse.OK
        tester.call.run(0)
        assert _packets(tester) == [b"x"]


def test_one_flush_ends_each_burst() -> None:
    """REQ-CQ-006: frames are filled by all that is there, and then completed at once."""
    tester, _ = _tester()
    with tester:
        with tester.held():
            for _ in range(30):
                tester.call.com_packet_in[0](b"x", 0)
        assert len(tester.ports.flush_out) == 1
        assert [name for kind, name, _ in tester.trace if kind == "port"][-1] == "flush_out"


def test_who_fills_a_queue_is_asked_to_pause_at_half_and_to_go_on_at_a_quarter() -> None:
    """REQ-CQ-007."""
    tester, link = _tester(room=0, **SMALL)
    with tester:
        for _ in range(3):
            tester.call.com_packet_in[0](b"x", 0)
        assert tester.ports.flow_out[0] == []
        for _ in range(4):
            tester.call.com_packet_in[0](b"x", 0)
        assert tester.ports.flow_out[0] == [(True,)]
        link.left = 4
        tester.call.link_status(LinkState.UP)
        assert tester.ports.flow_out[0] == [(True,)]
        link.left = 5
        tester.call.link_status(LinkState.UP)
        assert tester.ports.flow_out[0] == [(True,), (False,)]


def test_a_ground_that_does_not_listen_cannot_lock_the_uplink() -> None:
    """REQ-CQ-007: the pause of the event queue ends after its limit, and is not asked for again until it drains."""
    tester, _ = _tester(room=0, **SMALL)
    with tester:
        for _ in range(4):
            tester.call.com_packet_in[0](b"x", 0)
        tester.advance(9.9)
        assert tester.ports.flow_out[0] == [(True,)]
        tester.advance(0.2)
        assert tester.ports.flow_out[0] == [(True,), (False,)]
        for _ in range(20):
            tester.call.com_packet_in[0](b"x", 0)
        tester.advance(100)
        assert tester.ports.flow_out[0] == [(True,), (False,)]


def test_file_packets_may_wait_for_ever() -> None:
    """REQ-CQ-007: no limit is the default for queues that lock nothing else."""
    tester, _ = _tester(room=0, **SMALL)
    with tester:
        for _ in range(2):
            tester.call.com_packet_in[1](b"x", 0)
        tester.advance(10_000)
        assert tester.ports.flow_out[1] == [(True,)]


def test_a_queue_can_be_flushed_by_command() -> None:
    """REQ-CQ-008: its filler goes on, and the packets count as dropped."""
    tester, _ = _tester(room=0, **SMALL)
    with tester:
        for _ in range(5):
            tester.call.com_packet_in[0](b"x", 0)
        assert tester.send("FLUSH_QUEUE", 0).response is CommandResponse.OK
        assert tester.ports.flow_out[0] == [(True,), (False,)]
        tester.call.run(0)
        assert tester.channels["PacketsDropped"] == (5, 0, 0, 0)
        assert [event.args for event in tester.events.named("QueueFlushed")] == [(0, 5)]
        assert tester.events.named("QueueOverflow") == []
        assert tester.send("FLUSH_QUEUE", 4).response is CommandResponse.VALIDATION_ERROR


def test_all_queues_can_be_flushed_at_once() -> None:
    """REQ-CQ-008."""
    tester, link = _tester(room=0, **SMALL)
    with tester:
        for index in range(4):
            tester.call.com_packet_in[index](b"x", 0)
        assert tester.send("FLUSH_ALL_QUEUES").response is CommandResponse.OK
        link.left = 100
        tester.call.link_status(LinkState.UP)
        assert _packets(tester) == []


@pytest.mark.parametrize(
    "name,value",
    [("depths", [1, 2, 3]), ("depths", [0, 1, 1, 1]), ("priorities", [0, 1]), ("patience", -1),
     ("flow_limits_s", [0, 0, 0, -1])],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(name: str, value: Any) -> None:
    """REQ-CQ-003: every queue is bounded."""
    check = ComQueue.__declarations__.settings[name].check
    with pytest.raises(ValueError, match=r"wanted|is outside"):
        check(value)


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 12)) | st.tuples(st.just(-1), st.integers(0, 60)), max_size=60
    )
)
def test_every_packet_is_sent_in_order_or_counted_as_dropped(steps: list[tuple[int, int]]) -> None:
    """REQ-CQ-003, REQ-CQ-005: whatever comes and whatever room there is, nothing is lost without a count."""
    tester, link = _tester(room=0, **SMALL)
    given_packets: list[list[bytes]] = [[], [], [], []]
    number = 0
    with tester:
        for index, size in steps:
            if index < 0:
                link.left += size
                tester.call.link_status(LinkState.UP)
                continue
            for _ in range(size):
                number += 1
                packet = number.to_bytes(4, "big")
                given_packets[index].append(packet)
                tester.call.com_packet_in[index](packet, 0)
        link.left = 1_000_000
        tester.call.link_status(LinkState.UP)
        tester.call.run(0)
        dropped = tester.channels["PacketsDropped"]
        for index, packets in enumerate(given_packets):
            sent = [data for data, context in tester.ports.data_out if context == index]
            assert len(sent) + dropped[index] == len(packets)
            assert sent == sorted(sent)
            assert set(sent) <= set(packets)
