"""FileDownlink, seen from the ground: which packets come, in which order, and what it says about each file."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.runtime.recovery import Recovery
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.file_packets import CancelPacket, DataPacket, EndPacket, FileChecksum, StartPacket, decode
from kittiwake_components.file_downlink.component import FileDownlink

if TYPE_CHECKING:
    from collections.abc import Iterator

Tester = ComponentTester[FileDownlink]
CONTENT = bytes(range(256)) * 20


@pytest.fixture
def tester() -> Iterator[Tester]:
    with ComponentTester(FileDownlink) as made:
        made.write_file("/down.bin", CONTENT)
        yield made


def packets(tester: Tester) -> list[Any]:
    return [decode(data) for data, _ in tester.ports.buffer_send_out]


def kinds(tester: Tester) -> str:
    """The packets by the first letter of their kind: S, D, E, C."""
    return "".join([type(packet).__name__[0] for packet in packets(tester)])


def checksum(data: bytes, offset: int = 0) -> int:
    found = FileChecksum()
    found.update(offset, data)
    return found.value


def received(tester: Tester) -> dict[str, bytes]:
    """What a ground that checks everything has received, by destination."""
    files: dict[str, bytes] = {}
    name, size, index = "", 0, 0
    content = bytearray()
    for packet in packets(tester):
        if isinstance(packet, StartPacket):
            name, size, index, content = packet.destination_path, packet.file_size, 0, bytearray()
        assert packet.sequence_index == index
        index += 1
        if isinstance(packet, DataPacket):
            assert packet.byte_offset == len(content)
            content += packet.data
        elif isinstance(packet, EndPacket):
            assert len(content) == size
            assert packet.checksum == checksum(bytes(content))
            files[name] = bytes(content)
    return files


def test_a_file_is_sent_whole_and_then_answered(tester: Tester) -> None:
    """REQ-FD-001."""
    sent = tester.send("SendFile", "/down.bin", "ground.bin")
    assert not sent.is_answered
    tester.call.run(0)
    assert received(tester) == {"ground.bin": CONTENT}
    assert packets(tester)[0].source_path == "/down.bin"
    assert sent.response is CommandResponse.OK
    assert [(one.name, one.args) for one in tester.events] == [
        ("SendStarted", (len(CONTENT), "/down.bin", "ground.bin")),
        ("FileSent", ("/down.bin", "ground.bin")),
    ]
    assert tester.channels["FilesSent"] == 1
    assert tester.channels["PacketsSent"] == len(tester.ports.buffer_send_out)


def test_the_bytes_are_those_that_the_ground_system_reads(tester: Tester) -> None:
    """REQ-FD-001: packets as F´ makes them."""
    tester.write_file("/src/a.bin", b"0123456789")
    tester.send("SendFile", "/src/a.bin", "/dst/a.bin")
    tester.call.run(0)
    assert [data.hex() for data, _ in tester.ports.buffer_send_out] == [
        "000300000000000000000a0a2f7372632f612e62696e0a2f6473742f612e62696e",
        "0003010000000100000000000a30313233343536373839",
        "000302000000029c9f686a",
    ]


@given(st.binary(max_size=3000), st.integers(512, 1200))
@settings(max_examples=30)
def test_any_content_comes_whole_in_packets_of_the_size_that_was_set(content: bytes, packet_size: int) -> None:
    """REQ-FD-001, REQ-FD-003."""
    with ComponentTester(FileDownlink, settings={"packet_size": packet_size}) as tester:
        tester.write_file("/a", content)
        tester.send("SendFile", "/a", "b")
        tester.call.run(0)
        assert received(tester) == {"b": content}
        assert max([len(data) for data, _ in tester.ports.buffer_send_out]) <= packet_size


@pytest.mark.parametrize("setting, value", [("packet_size", 511), ("packet_size", 4096), ("queue_depth", 13)])
def test_settings_outside_their_range_are_refused(setting: str, value: int) -> None:
    """REQ-FD-003."""
    check = FileDownlink.__declarations__.settings[setting].check
    with pytest.raises(ValueError, match="is outside"):
        check(value)


def test_files_follow_one_another_and_are_never_mixed(tester: Tester) -> None:
    """REQ-FD-002."""
    tester.write_file("/two", b"second")
    first = tester.send("SendFile", "/down.bin", "one")
    second = tester.send("SendFile", "/two", "two")
    tester.call.run(0)
    assert received(tester) == {"one": CONTENT, "two": b"second"}
    assert kinds(tester).count("S") == kinds(tester).count("E") == 2
    assert kinds(tester).endswith("ESDE")
    assert (first.response, second.response) == (CommandResponse.OK, CommandResponse.OK)


def test_a_full_queue_answers_busy(tester: Tester) -> None:
    """REQ-FD-002."""
    waiting = [tester.send("SendFile", "/down.bin", f"file{number}") for number in range(10)]
    refused = tester.send("SendFile", "/down.bin", "one_too_many")
    assert refused.response is CommandResponse.BUSY
    assert tester.events.names() == ["FileOpenError"]
    tester.call.run(0)
    assert len(received(tester)) == 10
    assert all(sent.response is CommandResponse.OK for sent in waiting)


def test_the_pace_is_bounded_per_cycle(tester: Tester) -> None:
    """REQ-FD-004."""
    tester.set_parameter("PACKETS_PER_CYCLE", 2)
    tester.send("SendFile", "/down.bin", "g")
    for cycle in range(1, 4):
        tester.call.run(0)
        tester.advance(1)
        assert len(tester.ports.buffer_send_out) == 2 * cycle
    while kinds(tester)[-1] != "E":
        tester.call.run(0)
    assert received(tester) == {"g": CONTENT}


def test_a_paused_link_gets_nothing_until_it_resumes(tester: Tester) -> None:
    """REQ-FD-004."""
    tester.send("SendFile", "/down.bin", "g")
    tester.call.flow_in(True)
    tester.call.run(0)
    assert kinds(tester) == ""
    tester.call.flow_in(False)
    assert received(tester) == {"g": CONTENT}


def test_a_pause_takes_effect_between_two_packets() -> None:
    """REQ-FD-004."""
    with ComponentTester(FileDownlink) as tester:
        tester.write_file("/down.bin", CONTENT)
        tester.ports.buffer_send_out.returns = lambda data, context: tester.component.flow_in(True)
        tester.send("SendFile", "/down.bin", "g")
        tester.call.run(0)
        for count in range(1, 9):
            assert len(tester.ports.buffer_send_out) == min(count, 8)
            tester.call.flow_in(False)
        assert received(tester) == {"g": CONTENT}


def test_commands_are_served_while_a_long_file_is_sent() -> None:
    """REQ-FD-004: a turn sends a bounded number of packets."""
    with ComponentTester(FileDownlink) as tester:
        tester.write_file("/long", bytes(200_000))
        sent = tester.send("SendFile", "/long", "g")
        with tester.held():
            tester.call.run(0)
            refused = tester.send("SendFile", "/long", "")
        assert refused.response is CommandResponse.VALIDATION_ERROR
        order = tester.events.names()
        assert order.index("FileOpenError") < order.index("FileSent")
        assert sent.response is CommandResponse.OK


def test_a_downlink_that_is_restarted_alone_answers_for_every_file_that_it_forgets(tester: Tester) -> None:
    """REQ-FD-010, REQ-HLTH-013: the one on its way and those that wait."""
    tester.set_parameter("PACKETS_PER_CYCLE", 1)
    sent = tester.send("SendFile", "/f", "a")
    tester.call.send_file("/f", "b", 7)
    tester.call.run(0)
    restarts: list[str] = []
    Recovery(tester.deployment, tester.deployment.main).restart(tester.component.name, restarts.append)
    tester.advance(0)
    assert restarts == [""]
    assert sent.response is CommandResponse.EXECUTION_ERROR
    assert tester.ports.send_file_done == [(7, CommandResponse.EXECUTION_ERROR)]


def test_cancel_ends_the_file_and_the_next_one_follows(tester: Tester) -> None:
    """REQ-FD-005."""
    tester.set_parameter("PACKETS_PER_CYCLE", 3)
    sent = tester.send("SendFile", "/down.bin", "one")
    after = tester.send("SendFile", "/down.bin", "two")
    tester.call.run(0)
    assert kinds(tester) == "SDD"
    cancelled = tester.send("Cancel")
    tester.set_parameter("PACKETS_PER_CYCLE", 0)
    tester.call.run(0)
    assert kinds(tester).startswith("SDDCSDD")
    assert packets(tester)[3] == CancelPacket(3)
    assert received(tester) == {"two": CONTENT}
    assert cancelled.response is CommandResponse.OK
    assert sent.response is CommandResponse.EXECUTION_ERROR
    assert after.response is CommandResponse.OK
    assert tester.events.names() == ["SendStarted", "DownlinkCanceled", "SendStarted", "FileSent"]


def test_cancel_with_nothing_on_its_way_is_fine(tester: Tester) -> None:
    """REQ-FD-005."""
    assert tester.send("Cancel").response is CommandResponse.OK
    tester.call.run(0)
    assert kinds(tester) == ""


def test_a_link_that_stays_paused_times_the_file_out(tester: Tester) -> None:
    """REQ-FD-006: the CANCEL goes out as soon as the link takes packets, before the next file."""
    tester.set_parameter("PACKETS_PER_CYCLE", 2)
    tester.set_parameter("TIMEOUT_S", 30)
    sent = tester.send("SendFile", "/down.bin", "one")
    tester.call.run(0)
    tester.call.flow_in(True)
    for _ in range(29):
        tester.advance(1)
        tester.call.run(0)
    assert not sent.is_answered
    tester.advance(1)
    tester.call.run(0)
    assert sent.response is CommandResponse.EXECUTION_ERROR
    assert tester.events.names() == ["SendStarted", "DownlinkTimeout"]
    assert kinds(tester) == "SD"
    tester.call.flow_in(False)
    assert kinds(tester) == "SDC"


def test_timeout_zero_waits_for_ever(tester: Tester) -> None:
    """REQ-FD-006."""
    tester.set_parameter("TIMEOUT_S", 0)
    tester.set_parameter("PACKETS_PER_CYCLE", 2)
    sent = tester.send("SendFile", "/down.bin", "one")
    tester.call.run(0)
    tester.call.flow_in(True)
    tester.advance(1_000_000)
    tester.set_parameter("PACKETS_PER_CYCLE", 0)
    tester.call.run(0)
    tester.call.flow_in(False)
    assert sent.response is CommandResponse.OK


@pytest.mark.parametrize("name, says", [("/absent", "No such file"), ("../x", "outside the root"), ("/", "directory")])
def test_a_source_that_cannot_be_read_is_refused(tester: Tester, name: str, says: str) -> None:
    """REQ-FD-007."""
    sent = tester.send("SendFile", name, "g")
    tester.call.run(0)
    assert sent.response is CommandResponse.EXECUTION_ERROR
    assert tester.events.names() == ["FileOpenError"]
    assert says in tester.events[0].args[1]
    assert kinds(tester) == ""


def test_a_destination_without_a_name_is_refused(tester: Tester) -> None:
    """REQ-FD-007."""
    assert tester.send("SendFile", "/down.bin", "").response is CommandResponse.VALIDATION_ERROR


def test_a_file_that_no_packet_can_describe_is_refused(tester: Tester, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-FD-007."""
    monkeypatch.setattr("kittiwake_components.file_downlink.component.MAX_FILE_SIZE", len(CONTENT) - 1)
    sent = tester.send("SendFile", "/down.bin", "g")
    tester.call.run(0)
    assert sent.response is CommandResponse.EXECUTION_ERROR
    assert "more than a file packet can say" in tester.events[0].args[1]


@pytest.mark.parametrize("grown", [b"", CONTENT + b"more", b"x" * len(CONTENT)])
def test_a_file_that_changes_is_given_up(tester: Tester, grown: bytes) -> None:
    """REQ-FD-008."""
    tester.set_parameter("PACKETS_PER_CYCLE", 2)
    sent = tester.send("SendFile", "/down.bin", "g")
    tester.call.run(0)
    tester.advance(1)
    file = tester.files.open(tester.root.resolve("/down.bin"), "w")
    file.write_at(0, grown)
    file.truncate(len(grown))
    file.close()
    tester.set_parameter("PACKETS_PER_CYCLE", 0)
    tester.call.run(0)
    assert sent.response is CommandResponse.EXECUTION_ERROR
    assert tester.events.names() == ["SendStarted", "FileChanged"]
    assert kinds(tester)[-1] == "C"
    assert "E" not in kinds(tester)


def test_a_file_that_grows_within_one_tick_of_the_clock_is_given_up(tester: Tester) -> None:
    """REQ-FD-008."""
    tester.set_parameter("PACKETS_PER_CYCLE", 2)
    tester.send("SendFile", "/down.bin", "g")
    tester.call.run(0)
    with tester.files.open(tester.root.resolve("/down.bin"), "w") as file:
        file.write_at(len(CONTENT), b"more")
    tester.set_parameter("PACKETS_PER_CYCLE", 0)
    tester.call.run(0)
    assert tester.events.names() == ["SendStarted", "FileChanged"]


def test_a_file_that_cannot_be_read_on_is_given_up(tester: Tester) -> None:
    """REQ-FD-008."""
    tester.files.fail_every("read_at", errno.EIO)
    sent = tester.send("SendFile", "/down.bin", "g")
    tester.call.run(0)
    assert sent.response is CommandResponse.EXECUTION_ERROR
    assert [(one.name, one.args[:2]) for one in tester.events[1:]] == [
        ("FileReadError", ("/down.bin", errno.EIO)),
        ("SendDataFail", ("/down.bin", 0)),
    ]
    assert kinds(tester) == "SC"
    assert tester.channels["Warnings"] == 2


def test_a_part_of_a_file_is_sent_at_its_place(tester: Tester) -> None:
    """REQ-FD-009."""
    sent = tester.send("SendPartial", "/down.bin", "g", 1001, 1500)
    tester.call.run(0)
    assert sent.response is CommandResponse.OK
    begin, *data, end = packets(tester)
    assert begin.file_size == len(CONTENT)
    assert b"".join([packet.data for packet in data]) == CONTENT[1001:2501]
    assert data[0].byte_offset == 1001
    assert end.checksum == checksum(CONTENT[1001:2501], 1001)


@pytest.mark.parametrize("offset, length, warned", [(5000, 0, False), (5000, 121, True)])
def test_a_part_that_goes_beyond_the_end_is_cut(tester: Tester, offset: int, length: int, warned: bool) -> None:
    """REQ-FD-009."""
    tester.send("SendPartial", "/down.bin", "g", offset, length)
    tester.call.run(0)
    assert [packet.data for packet in packets(tester)[1:-1]] == [CONTENT[5000:]]
    assert ("DownlinkPartialWarning" in tester.events.names()) is warned


def test_a_part_that_begins_behind_the_end_is_refused(tester: Tester) -> None:
    """REQ-FD-009."""
    sent = tester.send("SendPartial", "/down.bin", "g", len(CONTENT), 1)
    tester.call.run(0)
    assert sent.response is CommandResponse.VALIDATION_ERROR
    assert tester.events[0].args == ("/down.bin", "g", len(CONTENT), len(CONTENT))
    assert kinds(tester) == ""


def test_components_ask_through_a_port_and_hear_the_end(tester: Tester) -> None:
    """REQ-FD-010."""
    tester.call.send_file("/down.bin", "g", 41)
    tester.call.send_file("/absent", "h", 42)
    tester.call.run(0)
    assert received(tester) == {"g": CONTENT}
    assert tester.ports.send_file_done == [(41, CommandResponse.OK), (42, CommandResponse.EXECUTION_ERROR)]


def test_a_request_that_finds_no_room_is_answered_busy() -> None:
    """REQ-FD-010."""
    with ComponentTester(FileDownlink, queue=1) as tester:
        with tester.held():
            tester.call.send_file("/a", "g", 1)
            tester.call.send_file("/b", "h", 2)
        assert tester.ports.send_file_done == [(2, CommandResponse.BUSY)]


def test_nobody_need_listen_to_the_end() -> None:
    """REQ-FD-010."""
    with ComponentTester(FileDownlink, open_ports=["send_file_done"]) as tester:
        tester.write_file("/a", b"a")
        tester.call.send_file("/a", "g", 1)
        tester.call.run(0)
        assert received(tester) == {"g": b"a"}


def test_a_wake_up_that_finds_the_queue_full_is_made_up_for() -> None:
    """REQ-FD-004."""
    with ComponentTester(FileDownlink, queue=1) as tester:
        tester.write_file("/long", bytes(200_000))
        with tester.held():
            tester.call.send_file("/long", "g", 1)
            tester.call.flow_in(False)
        tester.call.run(0)
        assert received(tester) == {"g": bytes(200_000)}


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(FileDownlink) == []
