"""The reference deployment sleeps while nothing needs its 10 Hz group, and a command wakes that again."""

from __future__ import annotations

from typing import Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.sequence.binary import ABSOLUTE, RELATIVE, Record, write_sequence
from kittiwake.wire.packets import command_packet
from kittiwake_components.idleness import REST_S, Idleness
from tests.components.reference import reference


def leave_idleness_out(image: Any) -> None:
    image["connections"] = [row for row in image["connections"] if row[1] != "idle_out"]


def work_of(deployment: Any, seconds: float) -> tuple[int, float]:
    """The cycles of the 10 Hz group in the next seconds, and how often the loop woke in one second."""
    group = deployment.instances["ReferenceDeployment.rateGroup10Hz"]._cycles
    cycles, turns = group.count, deployment.main.turns
    deployment.run_for(seconds)
    return group.count - cycles, (deployment.main.turns - turns) / seconds


def write(deployment: Any, name: str, data: bytes) -> None:
    with deployment.platform.files.open(f"/root{name}", "x") as file:
        file.write_at(0, data)


def test_the_10_hz_group_does_not_tick_while_nothing_needs_it_and_wakes_are_fewer() -> None:
    """REQ-RGD-006."""
    idle_cycles, idle_wakes = work_of(reference(5), 60)
    busy_cycles, busy_wakes = work_of(reference(5, leave_idleness_out), 60)
    assert (idle_cycles, busy_cycles) == (0, 600)
    assert idle_wakes <= busy_wakes - 9


def test_a_file_that_is_sent_wakes_it_at_once_and_it_rests_again() -> None:
    """REQ-RGD-006: a command waits no longer than a cycle."""
    deployment = reference(5)
    write(deployment, "/a.txt", b"hello")
    deployment.run_for(10)
    downlink = deployment.instances["FileHandling.fileDownlink"]
    downlink.send_file("/a.txt", "a.txt", 1)
    deployment.run_for(0.11)
    assert downlink.files_sent == 1
    assert work_of(deployment, 60)[0] <= 1


def run_sequence(deployment: Any, record: Record) -> Any:
    write(deployment, "/s.bin", write_sequence([record]))
    sequencer = deployment.instances["ReferenceDeployment.cmdSeq"]
    sequencer.seq_run_in("/s.bin", 5)
    return sequencer


def no_op_of(deployment: Any) -> bytes:
    return command_packet(deployment.instances["CdhCore.cmdDisp"]._context.base_id, b"")


def test_a_sequence_that_waits_for_a_time_of_day_wakes_it_and_ends_in_rest() -> None:
    """REQ-RGD-006."""
    deployment = reference(5)
    at_s = deployment.platform.clock.wall_ns() // NS_PER_S + 30
    sequencer = run_sequence(deployment, Record(ABSOLUTE, at_s, 0, no_op_of(deployment)))
    assert work_of(deployment, 10)[0] >= 99
    work_of(deployment, 30)
    assert sequencer.cs_sequences_completed == 1
    assert work_of(deployment, 60)[0] <= 1


def test_a_sequence_that_waits_for_a_delay_lets_it_rest() -> None:
    """REQ-RGD-006."""
    deployment = reference(5)
    sequencer = run_sequence(deployment, Record(RELATIVE, 30, 0, no_op_of(deployment)))
    assert work_of(deployment, 29)[0] <= 1
    assert sequencer.cs_sequences_completed == 0
    assert work_of(deployment, 11)[0] <= 1
    assert sequencer.cs_sequences_completed == 1


def test_what_declines_cycles_says_so_again_once_an_hour() -> None:
    """REQ-RGD-006: a group that was restarted learns it anew."""
    deployment = reference(5)
    assert work_of(deployment, 3 * REST_S)[0] in (3, 4, 5, 6)


def test_a_member_that_nobody_listens_to_is_silent() -> None:
    clock = reference(5).instances["ReferenceDeployment.cmdSeq"].clock
    told: list[int] = []
    for idleness in (Idleness(clock, None), Idleness(clock, told.append)):
        idleness.set(is_idle=True)
        idleness.set(is_idle=False)
    assert told == [clock.now_ns() + REST_S * NS_PER_S, 0]
