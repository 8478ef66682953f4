"""What is refused about telemetry packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.framework.topology.parts import SERVICES, compiled, messages, refused

if TYPE_CHECKING:
    from pathlib import Path

HEAD = f"""
topology: Main
{SERVICES}
instances:
  worker: {{component: PARTS.Worker, id: 0x200, queue: 10}}
  bulky: {{component: PARTS.Bulky, id: 0x300}}
  all: {{component: PARTS.Services, id: 0x600}}
"""


def test_without_packets_no_channel_needs_one(tmp_path: Path) -> None:
    assert compiled(tmp_path, HEAD).packets == ()


def test_a_channel_in_no_packet_is_named_unless_it_is_omitted(tmp_path: Path) -> None:
    faults = refused(
        tmp_path, HEAD + "packets:\n  P: {id: 1, group: 1, channels: [worker.level]}\nomitted: [bulky.One]\n"
    )
    assert [(line, message) for line, _, message, _ in messages(faults)] == [
        (5, "Count of Main.worker is in no packet"),
        (6, "Two of Main.bulky is in no packet"),
    ]


def test_faults_of_packets(tmp_path: Path) -> None:
    faults = refused(
        tmp_path,
        HEAD
        + """
packets:
  A: {id: 1, group: 1, channels: [worker.Level, Main.worker.level, worker]}
  B: {id: 1, group: 256, channels: [bulky.one, bulky.two]}
  C: {id: 65536, channels: [wroker.count]}
omitted: [worker.count, worker.level, bulky.Thre]
""",
    )
    assert [(line, message, hint) for line, _, message, hint in messages(faults)] == [
        (10, "Main.worker.level is here a second time", ""),
        (10, "'worker' is no channel", "write instance.Channel, or instance.* for all of them"),
        (11, "the packet B takes 1219 bytes, and 1010 fit into a frame", "divide it into two"),
        (11, "the packet A already has the id 1", ""),
        (11, "group 256 is outside 0 to 255", ""),
        (12, "a packet misses its key group", "The packet's level: it is sent where the level is at least this."),
        (12, "id 65536 is outside 0 to 65535", ""),
        (12, "there is no instance wroker", "did you mean worker?"),
        (13, "worker.level is omitted and in the packet A", ""),
        (13, "bulky has no channel Thre", ""),
    ]


def test_a_packet_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("subtopology: A\npackets:\n  P: {id: 1, group: 1, channels: []}\n")
    (fault,) = refused(tmp_path, "topology: M\nimports: [a.yaml]\npackets:\n  P: {id: 2, group: 1, channels: []}\n")
    assert fault.message.startswith("there is already a packet P (")


def test_a_star_stands_for_all_channels_of_an_instance(tmp_path: Path) -> None:
    packets = "packets:\n  P: {id: 1, group: 1, channels: [worker.*]}\nomitted: [bulky.*]\n"
    [packet] = compiled(tmp_path, HEAD + packets).packets
    assert packet.channels == (("Main.worker", "level"), ("Main.worker", "count"))


def test_a_channel_that_no_frame_carries_is_refused_where_it_would_go_by_itself(tmp_path: Path) -> None:
    """REQ-TLM-010."""
    huge = HEAD + "  huge: {component: PARTS.Huge, id: 0x700}\n"
    (fault,) = refused(tmp_path, huge)
    assert fault.message == "Main.huge.Whole takes 1019 bytes by itself, and 1010 fit into a frame"
    worker = "packets:\n  P: {id: 1, group: 1, channels: [worker.*]}\nomitted: [bulky.*, huge.*]\n"
    compiled(tmp_path, huge + worker)
