"""F´ frames."""

from __future__ import annotations

import pytest

from kittiwake.wire.fprime_frame import FprimeDeframer, FprimeFramer
from kittiwake.wire.packet_size import PacketSizeError

NO_OP = bytes.fromhex("000000000100")
NO_OP_FRAME = bytes.fromhex("deadbeef 00000006 000000000100 b9b9df44")
EVENT = bytes.fromhex("0002 00000200 000200 65a0b0c0 0001e240 00000003")
EVENT_FRAME = bytes.fromhex("deadbeef 00000015") + EVENT + bytes.fromhex("0f70b39e")


@pytest.mark.parametrize("packet, frame", [(NO_OP, NO_OP_FRAME), (EVENT, EVENT_FRAME)])
def test_frames_are_those_of_the_ground_system(packet: bytes, frame: bytes) -> None:
    assert FprimeFramer().frame(packet) == frame
    assert FprimeDeframer().feed(frame) == [packet]


def test_4095_bytes_of_data_pass_and_no_more() -> None:
    framer, deframer = FprimeFramer(), FprimeDeframer()
    assert deframer.feed(framer.frame(bytes(4095))) == [bytes(4095)]
    for size in (0, 4096):
        with pytest.raises(PacketSizeError) as caught:
            framer.frame(bytes(size))
        assert (caught.value.size, caught.value.limit) == (size, 4095)
    too_large = FprimeFramer(5000).frame(bytes(4096))
    assert deframer.feed(too_large + NO_OP_FRAME) == [NO_OP]
    assert (deframer.counters.oversize, deframer.counters.skipped_bytes) == (1, len(too_large))


def test_a_start_word_inside_garbage_delays_no_frame_beyond_its_own_size() -> None:
    deframer = FprimeDeframer()
    assert deframer.feed(bytes.fromhex("deadbeef 00000020") + NO_OP_FRAME) == []
    assert deframer.feed(NO_OP_FRAME[:-1]) == []
    assert deframer.feed(NO_OP_FRAME[-1:]) == [NO_OP, NO_OP]
    assert (deframer.counters.crc_errors, deframer.counters.skipped_bytes) == (1, 8)


def test_a_frame_of_no_data_is_skipped() -> None:
    deframer = FprimeDeframer()
    assert deframer.feed(bytes.fromhex("deadbeef 00000000 deadbeef") + NO_OP_FRAME) == [NO_OP]
    assert deframer.counters.skipped_bytes == 12
