"""The cost of a hunt: each place in the stream is looked at once, however much of it looks like a frame's start."""

from __future__ import annotations

from kittiwake.wire.frame_hunter import FrameFormat, FrameHunter
from kittiwake.wire.link_counters import LinkCounters


class CountingFormat(FrameFormat):
    """Frames of `size` bytes that start with SS and are never sound; it counts how often it is asked."""

    __slots__ = ("checks", "headers", "size")

    def __init__(self, size: int) -> None:
        super().__init__(b"SS", 4, 1000, self.count_header, self.count_check)
        self.size = size
        self.headers = self.checks = 0

    def count_header(self, _buffer: bytes, _offset: int) -> int:
        self.headers += 1
        return self.size

    def count_check(self, _frame: bytes) -> bool:
        self.checks += 1
        return False


def test_garbage_made_of_sync_words_is_checked_once_for_each_of_its_bytes() -> None:
    form, counters = CountingFormat(100), LinkCounters()
    assert FrameHunter(form, counters).feed(b"S" * 20_000) == []
    assert form.checks == counters.crc_errors == 20_000 - 99
    assert form.headers == form.checks + 1


def test_pieces_of_a_frame_ask_for_its_header_once_each_and_for_no_check() -> None:
    form, counters = CountingFormat(1000), LinkCounters()
    hunter = FrameHunter(form, counters)
    hunter.feed(b"SS")
    for _ in range(997):
        hunter.feed(b".")
    assert (form.headers, form.checks, hunter.held_bytes) == (996, 0, 999)
    hunter.feed(b".")
    assert (form.checks, hunter.held_bytes, counters.skipped_bytes) == (1, 0, 1000)


def test_sizes_above_the_limit_are_not_waited_for() -> None:
    form, counters = CountingFormat(1001), LinkCounters()
    hunter = FrameHunter(form, counters)
    hunter.feed(b"SS......")
    assert (counters.oversize, hunter.held_bytes) == (1, 0)
