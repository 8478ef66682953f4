"""FileUplink against the ground's packets: what arrives, what is refused, and what it says about it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.storage.coverage import MAX_PIECES
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.file_packets import CancelPacket, DataPacket, EndPacket, FileChecksum, StartPacket
from kittiwake_components.file_uplink.component import FileUplink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Tester = ComponentTester[FileUplink]
CONTENT = bytes(range(256)) * 5 + b"tail"
CHUNK = 100


@pytest.fixture
def tester() -> Iterator[Tester]:
    with ComponentTester(FileUplink) as made:
        yield made


def checksum(data: bytes) -> int:
    found = FileChecksum()
    found.update(0, data)
    return found.value


def chunks(content: bytes, size: int = CHUNK) -> list[tuple[int, bytes]]:
    return [(offset, content[offset : offset + size]) for offset in range(0, len(content), size)]


def put(tester: Tester, *packets: Any) -> None:
    for packet in packets:
        tester.call.buffer_send_in(packet.encode(), 0, True)


def start(name: str = "/up.bin", size: int = len(CONTENT)) -> StartPacket:
    return StartPacket(0, size, "/tmp/source", name)


def upload(
    tester: Tester, content: bytes, name: str = "/up.bin", *, pieces: Iterable[tuple[int, bytes]] | None = None,
    end: int | None = None,
) -> None:  # fmt: skip
    """One transmission: START, the pieces (by default all), END with the checksum of the whole (or `end`)."""
    put(tester, start(name, len(content)))
    index = 0
    for index, (offset, data) in enumerate(chunks(content) if pieces is None else pieces, 1):
        put(tester, DataPacket(index, offset, data))
    put(tester, EndPacket(index + 1, checksum(content) if end is None else end))


def names_in(tester: Tester, folder: str = "/") -> list[str]:
    return list(tester.files.list(tester.root.resolve(folder)))


def test_a_whole_file_is_stored_and_announced(tester: Tester) -> None:
    """REQ-FU-001."""
    upload(tester, CONTENT)
    assert tester.read_file("/up.bin") == CONTENT
    assert tester.events.names() == ["FileReceived"]
    assert tester.events[0].args == ("/up.bin",)
    assert tester.ports.file_announce == [("/up.bin",)]
    assert names_in(tester) == ["up.bin"]
    assert (tester.channels["FilesReceived"], tester.channels["PacketsReceived"]) == (1, len(chunks(CONTENT)) + 2)


def test_the_bytes_of_the_ground_system_are_understood(tester: Tester) -> None:
    """REQ-FU-001: packets as fprime-gds makes them."""
    tester.files.make_folder(tester.root.resolve("/dst"))
    for packet in (
        "0003 00 00000000 0000000a 0a 2f7372632f612e62696e 0a 2f6473742f612e62696e",
        "0003 01 00000001 00000000 0006 303132333435",
        "0003 01 00000002 00000006 0004 36373839",
        "0003 02 00000003 9c9f686a",
    ):
        tester.call.buffer_send_in(bytes.fromhex(packet), 0, False)
    assert tester.events.names() == ["FileReceived"]
    assert tester.read_file("/dst/a.bin") == b"0123456789"


def test_an_empty_file_is_stored(tester: Tester) -> None:
    """REQ-FU-001."""
    upload(tester, b"")
    assert tester.read_file("/up.bin") == b""
    assert tester.events.names() == ["FileReceived"]


@given(
    content=st.binary(max_size=400),
    chunk=st.integers(1, 90),
    order=st.randoms(use_true_random=False),
    repeats=st.lists(st.integers(0, 400), max_size=5),
)
@settings(max_examples=40)
def test_packets_in_any_order_and_repeated_give_the_same_file(
    content: bytes, chunk: int, order: Any, repeats: list[int]
) -> None:
    """REQ-FU-001, REQ-FU-004."""
    with ComponentTester(FileUplink) as tester:
        pieces = chunks(content, chunk)
        pieces += [pieces[number % len(pieces)] for number in repeats if pieces]
        order.shuffle(pieces)
        upload(tester, content, pieces=pieces)
        assert tester.read_file("/up.bin") == content
        assert "FileReceived" in tester.events.names()


def test_nothing_has_the_files_name_before_its_end(tester: Tester) -> None:
    """REQ-FU-002."""
    tester.write_file("/up.bin", b"old")
    put(tester, start())
    for index, (offset, data) in enumerate(chunks(CONTENT), 1):
        put(tester, DataPacket(index, offset, data))
        assert tester.read_file("/up.bin") == b"old"
    assert tester.events == []
    put(tester, EndPacket(len(chunks(CONTENT)) + 1, checksum(CONTENT)))
    assert tester.read_file("/up.bin") == CONTENT


def test_a_bad_checksum_leaves_the_old_file(tester: Tester) -> None:
    """REQ-FU-003."""
    tester.write_file("/up.bin", b"old")
    upload(tester, CONTENT, end=1)
    assert tester.events.names() == ["BadChecksum"]
    assert tester.events[0].args == ("/up.bin", checksum(CONTENT), 1)
    assert tester.read_file("/up.bin") == b"old"
    assert names_in(tester) == ["up.bin"]
    assert tester.channels["FilesReceived"] is None
    assert tester.ports.file_announce == []


def test_holes_are_reported_and_a_second_transmission_fills_them(tester: Tester) -> None:
    """REQ-FU-004: the second END carries the checksum of the packets that it follows, as the ground system sends it."""
    pieces = chunks(CONTENT)
    lost = [pieces[3], pieces[7]]
    upload(tester, CONTENT, pieces=[piece for piece in pieces if piece not in lost])
    assert tester.events.names() == ["UplinkIncomplete"]
    assert tester.events[0].args == ("/up.bin", 2 * CHUNK, 3 * CHUNK)
    assert not tester.files.exists(tester.root.resolve("/up.bin"))
    partial = FileChecksum()
    for offset, data in lost:
        partial.update(offset, data)
    upload(tester, CONTENT, pieces=lost, end=partial.value)
    assert tester.read_file("/up.bin") == CONTENT
    assert tester.events.names()[-1] == "FileReceived"


def test_filled_holes_do_not_excuse_a_wrong_whole(tester: Tester) -> None:
    """REQ-FU-003, REQ-FU-004: what the first END announced still counts."""
    pieces = chunks(CONTENT)
    upload(tester, CONTENT, pieces=pieces[1:], end=7)
    first = FileChecksum()
    first.update(*pieces[0])
    upload(tester, CONTENT, pieces=pieces[:1], end=first.value)
    assert tester.events.names() == ["UplinkIncomplete", "BadChecksum"]
    assert names_in(tester) == []


def test_a_new_content_of_the_same_size_replaces_what_had_come(tester: Tester) -> None:
    """REQ-FU-004."""
    upload(tester, CONTENT, pieces=chunks(CONTENT)[:4])
    changed = bytes(reversed(CONTENT))
    upload(tester, changed)
    assert tester.read_file("/up.bin") == changed


def test_a_file_of_another_name_drops_the_unfinished_one(tester: Tester) -> None:
    """REQ-FU-002."""
    put(tester, start("/a"), DataPacket(1, 0, b"x"))
    upload(tester, CONTENT, "/b")
    assert tester.events.names() == ["InvalidReceiveMode", "FileReceived"]
    assert names_in(tester) == ["b"]


def test_data_outside_the_file_is_reported_and_left_out(tester: Tester) -> None:
    """REQ-FU-005."""
    put(tester, start(size=10), DataPacket(1, 5, b"123456"), DataPacket(2, 0, b"0123456789"))
    put(tester, EndPacket(3, checksum(b"0123456789")))
    assert tester.events.names() == ["PacketOutOfBounds", "FileReceived"]
    assert tester.events[0].args == (1, "/up.bin")
    assert tester.read_file("/up.bin") == b"0123456789"


def test_a_repeated_packet_is_reported_and_tolerated(tester: Tester) -> None:
    """REQ-FU-006."""
    put(tester, start(size=4), DataPacket(1, 0, b"ab"), DataPacket(1, 0, b"ab"), DataPacket(2, 2, b"cd"))
    put(tester, EndPacket(3, checksum(b"abcd")))
    assert tester.events.names() == ["PacketDuplicate", "FileReceived"]


def test_a_gap_in_the_sequence_is_reported_with_both_indices(tester: Tester) -> None:
    """REQ-FU-006."""
    put(tester, start(size=4), DataPacket(2, 0, b"abcd"), EndPacket(3, checksum(b"abcd")))
    assert tester.events.names() == ["PacketOutOfOrder", "FileReceived"]
    assert tester.events[0].args == (2, 0)


@pytest.mark.parametrize(
    "name, size, says",
    [
        ("../outside", 1, "leads outside the root"),
        ("", 1, "is empty"),
        ("/folder", 1, "a folder has that name"),
        ("/absent/up.bin", 1, "No such file"),
        ("/x.part", 1, "unfinished"),
        ("/big", (64 << 20) + 1, "FILE_SIZE_MAX"),
    ],
)
def test_a_destination_that_cannot_be_is_refused_at_its_start(tester: Tester, name: str, size: int, says: str) -> None:
    """REQ-FU-007."""
    tester.write_file("/folder/inside", b"")
    put(tester, start(name, size))
    assert tester.events.names() == ["FileOpenError"]
    assert says in tester.events[0].args[1]
    put(tester, DataPacket(1, 0, b"a"))
    assert tester.events.names() == ["FileOpenError", "InvalidReceiveMode"]
    assert names_in(tester) == ["folder"]


def test_a_file_larger_than_the_free_space_is_refused(tester: Tester) -> None:
    """REQ-FU-007."""
    tester.files.disk.capacity = 1000
    put(tester, start(size=1001))
    assert tester.events.names() == ["FileOpenError"]
    assert "do not fit" in tester.events[0].args[1]


def test_cancel_drops_the_file(tester: Tester) -> None:
    """REQ-FU-008."""
    tester.write_file("/up.bin", b"old")
    put(tester, start(), DataPacket(1, 0, b"new"), CancelPacket(2))
    assert tester.events.names() == ["UplinkCanceled"]
    assert names_in(tester) == ["up.bin"]
    assert tester.read_file("/up.bin") == b"old"
    put(tester, EndPacket(3, 0))
    assert tester.events.names() == ["UplinkCanceled", "InvalidReceiveMode"]


def test_a_stalled_file_is_dropped_after_the_timeout(tester: Tester) -> None:
    """REQ-FU-009."""
    tester.set_parameter("TIMEOUT_S", 60)
    put(tester, start())
    tester.advance(50)
    put(tester, DataPacket(1, 0, b"x"))
    tester.advance(59)
    assert tester.events == []
    tester.advance(2)
    assert tester.events.names() == ["UplinkTimeout"]
    assert tester.events[0].args == ("/up.bin", 60)
    assert names_in(tester) == []


def test_a_timeout_that_is_set_while_a_file_is_on_its_way_counts_at_once(tester: Tester) -> None:
    """REQ-FU-009."""
    tester.set_parameter("TIMEOUT_S", 0)
    put(tester, start())
    tester.advance(86400)
    assert tester.events == []
    tester.set_parameter("TIMEOUT_S", 100)
    assert tester.events.names() == ["UplinkTimeout"]


def test_a_file_with_holes_is_dropped_after_the_timeout_too(tester: Tester) -> None:
    """REQ-FU-009."""
    upload(tester, CONTENT, pieces=[])
    tester.advance(121)
    assert tester.events.names() == ["UplinkIncomplete", "UplinkTimeout"]
    assert names_in(tester) == []


@given(st.binary(max_size=60).map(lambda rest: b"\x00\x03" + rest))
def test_no_bytes_break_it_and_undecodable_ones_are_named(data: bytes) -> None:
    """REQ-FU-010."""
    with ComponentTester(FileUplink) as tester:
        tester.call.buffer_send_in(data, 0, True)
        assert len(tester.events) <= 1


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x03", b"\x00\x03\x09\x00\x00\x00\x00", start().encode()[:-1]])
def test_a_packet_that_cannot_be_decoded_changes_nothing(tester: Tester, data: bytes) -> None:
    """REQ-FU-010."""
    put(tester, start(size=2), DataPacket(1, 0, b"a"))
    tester.call.buffer_send_in(data, 0, True)
    put(tester, DataPacket(2, 1, b"b"), EndPacket(3, checksum(b"ab")))
    assert tester.events.names() == ["DecodeError", "FileReceived"]
    assert tester.channels["Warnings"] == 1


def test_a_packet_of_another_kind_is_named(tester: Tester) -> None:
    """REQ-FU-010."""
    tester.call.buffer_send_in(b"\x00\x02\x00", 0, True)
    assert tester.events.names() == ["InvalidPacketReceived"]
    assert tester.events[0].args == (2,)


@pytest.mark.parametrize("packet, kind", [(DataPacket(1, 0, b"x"), 1), (EndPacket(1, 0), 2)])
def test_a_packet_without_a_start_is_reported(tester: Tester, packet: Any, kind: int) -> None:
    """REQ-FU-011."""
    put(tester, packet)
    assert [(one.name, one.args) for one in tester.events] == [("InvalidReceiveMode", (kind, 0))]


def test_a_flood_without_a_start_is_throttled_until_the_next_start(tester: Tester) -> None:
    """REQ-FU-011."""
    put(tester, *[DataPacket(1, 0, b"x")] * 20)
    assert len(tester.events) == 5
    assert tester.channels["Warnings"] == 20
    upload(tester, CONTENT)
    put(tester, DataPacket(1, 0, b"x"))
    assert tester.events.names()[-1] == "InvalidReceiveMode"


def test_too_many_holes_leave_packets_out(tester: Tester) -> None:
    """REQ-FU-012."""
    put(tester, start(size=4 * MAX_PIECES))
    put(tester, *[DataPacket(1 + number, 2 * number, b"x") for number in range(MAX_PIECES + 1)])
    assert tester.events.names() == ["TooManyHoles"]
    assert tester.events[0].args == (MAX_PIECES + 1, "/up.bin")


def test_a_write_that_fails_ends_the_uplink_and_gives_the_room_back(tester: Tester) -> None:
    """REQ-FU-013."""
    tester.write_file("/up.bin", b"old")
    put(tester, start())
    tester.files.fail_every("write_at", errno.ENOSPC)
    put(tester, DataPacket(1, 0, b"new"))
    assert tester.events.names() == ["FileWriteError"]
    assert "No space" in tester.events[0].args[1]
    assert names_in(tester) == ["up.bin"]
    assert tester.read_file("/up.bin") == b"old"


@pytest.mark.parametrize("operation", ["sync", "rename"])
def test_a_file_that_cannot_be_made_durable_is_not_received(tester: Tester, operation: str) -> None:
    """REQ-FU-013."""
    tester.write_file("/up.bin", b"old")
    tester.files.fail_every(operation, errno.EIO)
    upload(tester, CONTENT)
    assert tester.events.names() == ["FileWriteError"]
    assert tester.read_file("/up.bin") == b"old"
    assert tester.ports.file_announce == []


def test_a_part_that_somebody_removed_is_not_received(tester: Tester) -> None:
    """REQ-FU-013."""
    put(tester, start(size=1), DataPacket(1, 0, b"x"))
    tester.files.remove(tester.root.resolve("/up.bin.part"))
    put(tester, EndPacket(2, checksum(b"x")))
    assert tester.events.names() == ["FileWriteError"]
    assert "removed or moved" in tester.events[0].args[1]


def test_unfinished_files_of_an_earlier_run_are_removed_at_start(tester: Tester) -> None:
    """REQ-FU-014."""
    put(tester, start(), DataPacket(1, 0, b"x"))
    tester.restart()
    assert names_in(tester) == []
    assert [(one.name, one.args) for one in tester.events] == [("UnfinishedRemoved", (1, "/"))]


def test_a_folder_that_cannot_be_cleaned_is_reported() -> None:
    """REQ-FU-014."""
    with ComponentTester(FileUplink, settings={"cleaned_folders": ["/absent", "/"]}) as tester:
        assert tester.events.names() == ["FileOpenError"]
        upload(tester, CONTENT)
        assert tester.read_file("/up.bin") == CONTENT


def test_a_shutdown_drops_the_unfinished_file() -> None:
    """REQ-FU-002."""
    tester = ComponentTester(FileUplink)
    put(tester, start(), DataPacket(1, 0, b"x"))
    tester.stop()
    assert names_in(tester) == []


def test_without_a_listener_files_are_received_as_well() -> None:
    """REQ-FU-001."""
    with ComponentTester(FileUplink, open_ports=["file_announce"]) as tester:
        upload(tester, CONTENT)
        assert tester.events.names() == ["FileReceived"]


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(FileUplink) == []
