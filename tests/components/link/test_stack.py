"""The stack as a whole: link, deframer, router, dispatcher, queue, framer and back, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.components.link.stack import COMPLETED, HOST, NO_OP, UDP, Ground, Stack

if TYPE_CHECKING:
    from pathlib import Path

FRAMINGS = ["ccsds", "fprime"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the dictionary is written."""
    return tmp_path_factory.mktemp("stack")


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_command_is_answered_within_one_turn_of_the_loop(folder: Path, framing: str) -> None:
    """REQ-LK-012: its three events leave in one frame, in F´'s order, before the loop looks at the link again."""
    stack = Stack(folder, framing=framing)
    ground = Ground(stack)
    stack.run_for(0.5)
    ground.receive()
    ground.news.clear()
    before = ground.received_bytes
    ground.send(ground.frames(NO_OP)[0])
    loop = stack.deployment.main
    loop.turn(0)  # ends with reading the frame
    loop.turn(0)
    ground.receive()
    names = [event.name.rpartition(".")[2] for event in ground.news]
    assert names == ["OpCodeDispatched", "NoOpReceived", "OpCodeCompleted"]
    if framing == "ccsds":
        assert ground.received_bytes - before == 1024


@pytest.mark.parametrize("framing", FRAMINGS)
def test_ten_thousand_pipelined_commands_are_each_answered_once(folder: Path, framing: str) -> None:
    """REQ-RT-003, REQ-RT-005, REQ-LK-008: no packet is dropped, memory stays bounded, frames are well filled."""
    stack = Stack(folder, framing=framing)
    ground = Ground(stack)
    stack.platform.network.is_segmented = True
    most = 0
    ground.send(b"".join(ground.frames(NO_OP, 10_000)))
    while len(ground.events(COMPLETED)) < 10_000 and stack.platform.clock.now_ns() < 60e9:
        ground.exchange(0.1)
        most = max(most, len(stack.component("router")._backlog))
    assert len(ground.events(COMPLETED)) == 10_000
    ground.exchange(2)
    assert ground.channel("ComCcsds.router.DroppedPackets") == 0
    assert ground.channel("ComCcsds.comQueue.PacketsDropped")[0] == 0
    assert ground.channel("ComCcsds.router.MostWaiting") is not None
    assert most < 4096
    if framing == "ccsds":
        assert ground.received_bytes < 10_000 * (27 + 33 + 31) * 1.15


def test_a_ground_that_does_not_read_gets_its_commands_done_all_the_same(folder: Path) -> None:
    """REQ-CQ-003, REQ-CQ-007: the uplink pauses for ten seconds, then goes on; what is lost is counted."""
    stack = Stack(folder)
    ground = Ground(stack)
    stack.run_for(0.1)
    stack.platform.network.buffer_size = 2048
    ground.send(b"".join(ground.frames(NO_OP, 5000)))
    for _ in range(400):
        ground.send(b"")
        stack.run_for(0.1)
    assert stack.component("router").routed_packets == 5000
    stack.platform.network.buffer_size = 1 << 20
    ground.exchange(3)
    dropped = ground.channel("ComCcsds.comQueue.PacketsDropped")[0]
    assert dropped > 0
    assert ground.events("ComCcsds.comQueue.QueueOverflow")
    completed = len(ground.events(COMPLETED))
    assert completed < 5000
    assert 15_000 <= dropped + len([one for one in ground.news if hasattr(one, "severity")]) <= 15_100


def test_a_ground_that_comes_and_goes_misses_nothing_but_what_was_on_its_way(folder: Path) -> None:
    """REQ-CQ-004, REQ-LK-003: events said while no one listened arrive, and half a command from before does no harm."""
    stack = Stack(folder)
    for round_ in range(5):
        ground = Ground(stack)
        stack.run_for(0.1)
        ground.send(ground.frames(NO_OP)[0] + ground.frames(NO_OP)[0][:7])
        ground.exchange(0.2)
        assert len(ground.events(COMPLETED)) == 1
        if round_:
            assert ground.events("ComCcsds.link.LinkLost")
        ground.stream.close()
        stack.run_for(1)


def test_what_an_uplink_by_datagrams_drops_is_counted_and_named(folder: Path) -> None:
    """REQ-RT-006, REQ-LK-010: answered, dropped by the router or lost by the system: the sum is what was sent."""
    stack = Stack(folder, link=UDP, router_backlog=100)
    ground = Ground(stack, stack.platform.network.open_udp(HOST, 6001, (HOST, 6000)))
    stack.run_for(0.1)
    for frame in ground.frames(NO_OP, 400):
        ground.send(frame)
    ground.exchange(3)
    dropped = ground.channel("ComCcsds.router.DroppedPackets")
    overruns = ground.channel("ComCcsds.link.ReceiveOverruns")
    assert dropped > 0
    assert overruns == 400 - 256
    assert len(ground.events(COMPLETED)) + dropped + overruns == 400
    named = ground.events("ComCcsds.router.PacketsDropped")[-1]
    assert named.args == (dropped, 0, 0x01000000)
    assert ground.events("ComCcsds.link.ReceiveOverrun")[-1].args == (overruns,)


def test_that_commands_are_taken_unsigned_is_on_show(folder: Path) -> None:
    """REQ-DF-006."""
    stack = Stack(folder)
    ground = Ground(stack)
    ground.exchange(2)
    assert ground.channel("ComCcsds.deframer.UplinkSecurity").name == "OPEN"
