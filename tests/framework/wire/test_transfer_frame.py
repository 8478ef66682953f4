"""TC and TM transfer frames: the vectors that fprime-gds sends and reads, spanning, filling, and what is counted."""

from __future__ import annotations

import pytest
from spacepackets.ccsds.tm_frame import TmFramePrimaryHeader

from kittiwake.wire.crc import crc16
from kittiwake.wire.packet_size import PacketSizeError
from kittiwake.wire.space_packet import idle_packet
from kittiwake.wire.transfer_frame import TcDeframer, TcFramer, TmDeframer, TmFramer

EVENT = bytes.fromhex("0002 00000200 000200 65a0b0c0 0001e240 00000003")
LONG_EVENT = bytes.fromhex("0002 00000203 000200 65a0b0c0 0001e240 003c") + b"A" * 60
NO_OP_FIELD = bytes.fromhex("1000 c000 0005 000000000100")
NO_OP_FRAME = bytes.fromhex("2044 0412 00 1000 c000 0005 000000000100 b77b")

ONE_EVENT = (
    bytes.fromhex("0442 00 00 1800 0002 c000 0014") + EVENT + bytes.fromhex("07ff c000 0016") + b"D" * 23 + b"\x53\xa5"
)
SPANNING_FIRST = bytes.fromhex("0442 01 01 1800 0002 c001 004e") + LONG_EVENT[:19] + b"A" * 31 + b"\x5c\xad"
SPANNING_SECOND = (
    bytes.fromhex("0442 02 02 181d") + b"A" * 29 + bytes.fromhex("07ff c000 0014") + b"D" * 21 + b"\xaa\x3a"
)


def tm_frame(count: int, pointer: int, field: bytes, address: int = 0x0442) -> bytes:
    checked = address.to_bytes(2, "big") + bytes((count, count)) + (0x1800 | pointer).to_bytes(2, "big") + field
    return checked + crc16(checked).to_bytes(2, "big")


def test_tc_frame_is_the_one_that_the_ground_system_sends() -> None:
    assert TcFramer().frame(NO_OP_FIELD) == NO_OP_FRAME
    assert TcDeframer().feed(NO_OP_FRAME) == [NO_OP_FIELD]


def test_tc_frames_have_at_most_1024_bytes() -> None:
    framer, deframer = TcFramer(), TcDeframer()
    assert deframer.feed(framer.frame(bytes(1017))) == [bytes(1017)]
    for size in (0, 1018):
        with pytest.raises(PacketSizeError) as caught:
            framer.frame(bytes(size))
        assert (caught.value.size, caught.value.limit) == (size, 1017)


def test_tc_frames_above_the_receivers_limit_are_counted_and_hunted_through() -> None:
    deframer = TcDeframer(max_frame_size=30)
    assert deframer.feed(TcFramer().frame(bytes(24)) + NO_OP_FRAME) == [NO_OP_FIELD]
    assert deframer.counters.oversize == 1
    assert deframer.counters.skipped_bytes == 31


@pytest.mark.parametrize("scid, vcid", [(0x45, 1), (0x44, 2), (0, 0), (0x3FF, 63)])
@pytest.mark.parametrize("step", [1, 5, 100])
def test_sound_tc_frames_of_others_are_counted_and_skipped(scid: int, vcid: int, step: int) -> None:
    deframer = TcDeframer()
    stream = TcFramer(scid, vcid).frame(NO_OP_FIELD) * 3 + NO_OP_FRAME + TcFramer(scid, vcid).frame(b"x")
    fields = [field for at in range(0, len(stream), step) for field in deframer.feed(stream[at : at + step])]
    deframer.reset()
    assert fields == [NO_OP_FIELD]
    assert (deframer.counters.foreign_frames, deframer.counters.frames) == (4, 1)
    assert deframer.counters.skipped_bytes == 3 * 19 + 8


def test_damaged_tc_frames_of_others_are_not_counted_as_frames() -> None:
    deframer = TcDeframer()
    damaged = bytearray(TcFramer(0x45).frame(NO_OP_FIELD))
    damaged[7] ^= 1
    deframer.feed(bytes(damaged))
    assert deframer.counters.foreign_frames == 0


def test_tm_frames_are_those_that_the_ground_system_reads() -> None:
    framer = TmFramer(frame_size=64)
    assert framer.frame(EVENT) + framer.flush() == ONE_EVENT
    assert framer.frame(LONG_EVENT) == SPANNING_FIRST
    assert framer.flush() == SPANNING_SECOND


def test_tm_frames_are_read_back_as_runs_of_whole_space_packets() -> None:
    runs = TmDeframer(frame_size=64).feed(ONE_EVENT + SPANNING_FIRST + SPANNING_SECOND)
    assert runs == [ONE_EVENT[6:-2], SPANNING_FIRST[6:-2] + SPANNING_SECOND[6:-2]]


def test_tm_header_is_the_one_that_the_oracle_reads() -> None:
    framer = TmFramer(0x123, 5, 64)
    framer.frame(LONG_EVENT)
    header = TmFramePrimaryHeader.unpack(framer.flush()[:6])
    assert (header.master_channel_id.spacecraft_id, header.vc_id, header.ocf_flag) == (0x123, 5, False)
    assert (header.master_ch_frame_count, header.vc_frame_count) == (1, 1)
    assert header.frame_datafield_status.first_header_pointer == 0x1D


def test_flush_sends_nothing_when_nothing_waits() -> None:
    framer = TmFramer(frame_size=64)
    assert framer.flush() == b""
    with pytest.raises(PacketSizeError):
        framer.frame(b"")
    assert framer.flush() == b""
    framer.frame(EVENT)
    assert len(framer.flush()) == 64
    assert framer.flush() == b""


@pytest.mark.parametrize("room", range(7))
def test_room_too_small_for_an_idle_packet_takes_one_that_spans_and_costs_no_frame(room: int) -> None:
    framer, deframer = TmFramer(frame_size=64), TmDeframer(frame_size=64)
    packet = EVENT + bytes(56 - room - 6 - len(EVENT))
    first = framer.frame(packet) + framer.flush()
    assert len(first) == 64
    assert framer.flush() == b""
    assert [run[6 : 6 + len(packet)] for run in deframer.feed(first)] == [packet]
    second = framer.frame(EVENT) + framer.flush()
    tail = 7 - room if room else 0
    assert second[4:6] == (0x1800 | tail).to_bytes(2, "big")
    assert EVENT in deframer.feed(second)[0]
    assert deframer.counters.skipped_bytes == deframer.counters.malformed == 0


def test_a_packet_that_ends_with_a_frame_in_which_none_starts_is_followed_by_an_idle_frame() -> None:
    """fprime-gds gives such a packet out only when the next frame has come."""
    framer = TmFramer(frame_size=64)
    frames = framer.frame(bytes(2 * 56 - 6), 1)
    assert len(frames) == 128
    assert frames[68:70] == bytes.fromhex("1fff")
    assert framer.flush() == tm_frame(2, 0, idle_packet(56))
    assert framer.flush() == b""


def test_frame_counts_start_again_after_255() -> None:
    framer, deframer = TmFramer(frame_size=64), TmDeframer(frame_size=64)
    frames = [framer.frame(EVENT) + framer.flush() for _ in range(257)]
    assert [frame[2:4] for frame in frames[254:]] == [b"\xfe\xfe", b"\xff\xff", b"\0\0"]
    assert len(deframer.feed(b"".join(frames))) == 257
    assert deframer.counters.frame_gaps == 0


def test_a_lost_frame_costs_only_the_packets_that_had_a_part_in_it() -> None:
    framer, deframer = TmFramer(frame_size=64), TmDeframer(frame_size=64)
    packets = [bytes((0, 2, index)) + bytes(70) for index in range(6)]
    stream = b"".join(framer.frame(packet) for packet in packets) + framer.flush()
    frames = [stream[at : at + 64] for at in range(0, len(stream), 64)]
    received = b"".join(deframer.feed(b"".join(frames[:3] + frames[4:])))
    assert [packet[2] for packet in packets if packet in received] == [0, 1, 3, 4, 5]
    assert deframer.counters.frame_gaps == 1


def test_an_idle_frame_and_a_pointer_behind_the_field_end_what_was_started() -> None:
    for pointer, malformed in ((0x7FE, 0), (56, 1), (0x7FD, 1)):
        deframer = TmDeframer(frame_size=64)
        stream = SPANNING_FIRST + tm_frame(2, pointer, bytes(56)) + tm_frame(3, 0, idle_packet(56))
        assert deframer.feed(stream) == [idle_packet(56)]
        assert deframer.counters.malformed == malformed
        assert deframer.counters.skipped_bytes == 56


def test_a_pointer_that_disagrees_with_the_length_costs_that_packet_only() -> None:
    deframer = TmDeframer(frame_size=64)
    wrong = tm_frame(2, 0x1C, b"A" * 28 + idle_packet(28))
    assert deframer.feed(SPANNING_FIRST + wrong) == [idle_packet(28)]
    assert (deframer.counters.malformed, deframer.counters.skipped_bytes) == (1, 84)


def test_a_continuation_longer_than_its_packet_costs_that_packet_only() -> None:
    deframer = TmDeframer(frame_size=64)
    stream = SPANNING_FIRST + tm_frame(2, 0x7FF, b"A" * 56) + tm_frame(3, 0, idle_packet(56))
    assert deframer.feed(stream) == [idle_packet(56)]
    assert deframer.counters.malformed == 1


def test_a_continuation_without_a_start_is_skipped() -> None:
    deframer = TmDeframer(frame_size=64)
    assert deframer.feed(SPANNING_SECOND) == [idle_packet(27)]
    assert deframer.counters.skipped_bytes == 29


@pytest.mark.parametrize("address", [0x0452, 0x0444, 0x0443])
def test_tm_frames_of_others_and_with_operational_control_fields_are_counted_and_skipped(address: int) -> None:
    deframer = TmDeframer(frame_size=64)
    assert deframer.feed(tm_frame(0, 0, idle_packet(56), address) + ONE_EVENT) == [ONE_EVENT[6:-2]]
    assert deframer.counters.foreign_frames == 1


def test_largest_packet_comes_through_the_smallest_frames() -> None:
    framer, deframer = TmFramer(frame_size=16), TmDeframer(frame_size=16)
    packet = b"\0\2" + bytes(65534)
    runs = deframer.feed(framer.frame(packet)[:-32])
    assert runs == []
    assert 65000 < deframer.held_bytes <= 65542 + 16
    deframer.reset()
    assert deframer.held_bytes == 0
    assert deframer.counters.skipped_bytes > 65000
    framer, deframer = TmFramer(frame_size=16), TmDeframer(frame_size=16)
    runs = deframer.feed(framer.frame(packet) + framer.flush())
    assert runs[0][6:] == packet or packet in runs[0]


def test_a_cut_tc_frame_of_another_hides_no_later_one() -> None:
    deframer = TcDeframer()
    foreign = TcFramer(0x45).frame(NO_OP_FIELD)
    assert deframer.feed(foreign[:9] + NO_OP_FRAME + foreign) == [NO_OP_FIELD]
    assert deframer.counters.foreign_frames == 1


def test_after_a_reset_any_frame_count_may_come_first() -> None:
    deframer = TmDeframer(frame_size=64)
    assert deframer.feed(ONE_EVENT + SPANNING_FIRST) == [ONE_EVENT[6:-2]]
    deframer.reset()
    assert deframer.feed(tm_frame(77, 0, idle_packet(56))) == [idle_packet(56)]
    assert (deframer.counters.frame_gaps, deframer.counters.skipped_bytes) == (0, 56)


@pytest.mark.parametrize("frame_size", [15, 2049])
def test_tm_frame_sizes_out_of_range_are_refused(frame_size: int) -> None:
    for end in (TmFramer, TmDeframer):
        with pytest.raises(ValueError, match=f"TM frame size {frame_size}: must be from 16 to 2048"):
            end(frame_size=frame_size)


def test_addresses_out_of_range_are_refused() -> None:
    for end, limit in ((TcFramer, 63), (TcDeframer, 63), (TmFramer, 7), (TmDeframer, 7)):
        with pytest.raises(ValueError, match="spacecraft id 1024: must be from 0 to 1023"):
            end(1024, 1)
        with pytest.raises(ValueError, match=f"virtual channel id {limit + 1}: must be from 0 to {limit}"):
            end(1, limit + 1)
