"""Files down: nothing is kept that is not whole and right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.wire.file_packets import CancelPacket, DataPacket, EndPacket, FileChecksum, StartPacket
from kittiwake.wire.packets import event_packet
from kittiwake_ground.downlink import DownlinkFailed, download
from kittiwake_ground.link import LinkLost
from tests.ground.scripted_link import make_station

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.wire.file_packets import FilePacket

CONTENT = bytes(range(256)) * 10


def packets_of(content: bytes, name: str = "x", step: int = 1000) -> list[FilePacket]:
    checksum = FileChecksum()
    checksum.update(0, content)
    data = [
        DataPacket(index, offset, content[offset : offset + step])
        for index, offset in enumerate(range(0, len(content), step), 1)
    ]
    return [StartPacket(0, len(content), "/x", name), *data, EndPacket(len(data) + 1, checksum.value)]


def fetch(dictionary: Dictionary, path: Path, packets: list[FilePacket]) -> int:
    station, _, _ = make_station(dictionary, lambda _: [packet.encode() for packet in packets])
    return download(station, "/x", path, "x", 5.0, lambda _: None)


def test_a_file_that_comes_whole_is_kept(dictionary: Dictionary, tmp_path: Path) -> None:
    assert fetch(dictionary, tmp_path / "x", packets_of(CONTENT)) == len(CONTENT)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert fetch(dictionary, tmp_path / "x", packets_of(b"")) == 0
    assert (tmp_path / "x").read_bytes() == b""


def test_the_rest_of_somebody_elses_file_is_passed_over(dictionary: Dictionary, tmp_path: Path) -> None:
    others = packets_of(b"other" * 500, "y")
    assert fetch(dictionary, tmp_path / "x", [*others[1:], *others, *packets_of(CONTENT)]) == len(CONTENT)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def broken() -> dict[str, tuple[list[FilePacket], str]]:
    whole = packets_of(CONTENT)
    beyond = DataPacket(1, 0, bytes(len(CONTENT) + 1))
    return {
        "lost": ([whole[0], *whole[2:]], "packets were lost after byte 0 of 2560"),
        "lost at the end": ([*whole[:-2], EndPacket(3, 0)], "packets were lost after byte 2000 of 2560"),
        "too long": ([whole[0], beyond], "more than the 2560 bytes came"),
        "checksum": ([*whole[:-1], EndPacket(4, 1)], "its checksum is wrong"),
        "cancelled": ([*whole[:2], CancelPacket(2)], "the deployment gave the file up"),
        "another": ([*whole[:2], StartPacket(0, 1, "/y", "y")], "another file began"),
    }


@pytest.mark.parametrize("case", broken())
def test_a_file_that_does_not_come_right_leaves_the_old_one(case: str, dictionary: Dictionary, tmp_path: Path) -> None:
    packets, said = broken()[case]
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(DownlinkFailed, match=said):
        fetch(dictionary, tmp_path / "x", packets)
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_link_that_breaks_leaves_nothing_half_done(dictionary: Dictionary, tmp_path: Path) -> None:
    with pytest.raises(LinkLost):
        fetch(dictionary, tmp_path / "x", packets_of(CONTENT)[:2])
    assert list(tmp_path.iterdir()) == []


def test_a_refused_command_ends_it(dictionary: Dictionary, tmp_path: Path) -> None:
    opcode = dictionary.command("FileHandling.fileDownlink.SendFile").opcode
    id = dictionary.event("CdhCore.cmdDisp.InvalidCommand").id
    station, _, _ = make_station(dictionary, lambda _: [event_packet(id, 0, opcode.to_bytes(4, "big"))])
    with pytest.raises(DownlinkFailed, match="SendFile is not known"):
        download(station, "/x", tmp_path / "x", "x", 5.0, lambda _: None)
