"""Files up: their packets, and what is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.wire.file_packets import DataPacket, EndPacket, FileChecksum, StartPacket, decode
from kittiwake.wire.packets import event_packet
from kittiwake_ground.uplink import MAX_TRANSMISSIONS, Pace, Uplink, UplinkFailed
from tests.ground.scripted_link import make_station

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.wire.file_packets import FilePacket

TAG = 2 << 64
FAST = 0.0


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def said(dictionary: Dictionary, mnemonic: str, arguments: bytes) -> bytes:
    return event_packet(dictionary.event(f"FileHandling.fileUplink.{mnemonic}").id, TAG, arguments)


class Receiver:
    """A deployment's file uplink that gets every packet that `passes`, and says what F´'s would."""

    def __init__(self, dictionary: Dictionary, passes: Callable[[int], bool] = lambda _: True) -> None:
        self.packets: list[FilePacket] = []
        self.content: dict[int, bytes] = {}
        self._dictionary = dictionary
        self._passes = passes
        self._count = 0

    def __call__(self, packet: bytes) -> list[bytes]:
        self._count += 1
        if not self._passes(self._count):
            return []
        read = decode(packet)
        self.packets.append(read)
        if isinstance(read, StartPacket):
            self.size = read.file_size
        elif isinstance(read, DataPacket):
            self.content[read.byte_offset] = read.data
        elif isinstance(read, EndPacket):
            missing = self.size - len(self.joined())
            if missing:
                arguments = text("/x") + missing.to_bytes(4, "big") + bytes(4)
                return [said(self._dictionary, "UplinkIncomplete", arguments)]
            return [said(self._dictionary, "FileReceived", text("/x"))]
        return []

    def joined(self) -> bytes:
        return b"".join([self.content[offset] for offset in sorted(self.content)])


@given(st.binary(max_size=20_000))
def test_a_file_goes_as_start_data_and_end(dictionary: Dictionary, content: bytes) -> None:
    receiver = Receiver(dictionary)
    station, link, _ = make_station(dictionary, receiver)
    Uplink(station, 0.5, FAST, lambda _: None).send(content, "here", "/x")
    start, *data, end = receiver.packets
    assert start == StartPacket(0, len(content), "here", "/x")
    assert [packet.sequence_index for packet in data] == list(range(1, len(data) + 1))
    checksum = FileChecksum()
    checksum.update(0, content)
    assert end == EndPacket(len(data) + 1, checksum.value)
    assert receiver.joined() == content
    assert max(map(len, link.sent)) <= station.max_packet


def test_what_was_lost_is_sent_again(dictionary: Dictionary) -> None:
    content = bytes(range(256)) * 40
    receiver = Receiver(dictionary, lambda count: count != 2)
    station, _, _ = make_station(dictionary, receiver)
    Uplink(station, 0.5, FAST, lambda _: None).send(content, "here", "/x")
    assert receiver.joined() == content
    assert len([packet for packet in receiver.packets if isinstance(packet, StartPacket)]) == 2


def test_a_link_that_loses_each_time_is_given_up(dictionary: Dictionary) -> None:
    receiver = Receiver(dictionary, lambda count: count % 3 != 2)
    station, _, _ = make_station(dictionary, receiver)
    with pytest.raises(UplinkFailed, match="packets were lost each time"):
        Uplink(station, 0.5, FAST, lambda _: None).send(b"x", "here", "/x")
    starts = [packet for packet in receiver.packets if isinstance(packet, StartPacket)]
    assert len(starts) == MAX_TRANSMISSIONS


def test_a_refusal_ends_it_at_once_with_the_reason(dictionary: Dictionary) -> None:
    refusal = said(dictionary, "FileOpenError", text("/x") + text("no room"))
    station, link, _ = make_station(dictionary, lambda packet: [refusal] if packet[2] == 0 else [])
    with pytest.raises(UplinkFailed, match="Could not open file /x: no room"):
        Uplink(station, 0.5, FAST, lambda _: None).send(bytes(1_000_000), "here", "/x")
    assert len(link.sent) <= 2


def test_what_the_downlink_says_is_not_the_uplinks(dictionary: Dictionary) -> None:
    other = dictionary.event("FileHandling.fileDownlink.FileOpenError").id
    receiver = Receiver(dictionary)
    station, _, _ = make_station(
        dictionary, lambda packet: [event_packet(other, TAG, text("/y") + text("gone")), *receiver(packet)]
    )
    Uplink(station, 0.5, FAST, lambda _: None).send(b"content", "here", "/x")
    assert receiver.joined() == b"content"


def test_names_that_no_packet_holds_are_refused(dictionary: Dictionary) -> None:
    station, link, _ = make_station(dictionary)
    with pytest.raises(ValueError, match="at most 255"):
        Uplink(station, 0.5, FAST, lambda _: None).send(b"", "here", "/" + "x" * 255)
    assert link.sent == []


def test_a_pace_that_two_ways_share_bounds_both_together() -> None:
    pace = Pace(1000.0, 0.0)
    due_s = [0.0, 0.0]
    sent = 0
    while (now_s := min(due_s)) < 10.0:
        due_s[due_s.index(now_s)] = now_s + max(0.0, pace.wait_s(100, now_s))
        sent += 100
    assert 9_500 < sent < 10_500
