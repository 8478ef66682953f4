"""What a medium would not give at a start is asked for again, for so long and not more often than it says."""

from __future__ import annotations

import errno
from contextlib import suppress

import pytest

from kittiwake.platform.simulated_clock import SimulatedClock
from kittiwake.storage.finding import ReadFailed
from kittiwake.storage.recall import COPY_PATIENCE_S, PATIENCE_S, Recall
from tests.framework.storage.crashes import new_platform

NS_PER_S = 1_000_000_000


class Medium:
    """A reader that fails until it is mended; it keeps when it was asked, and whether for the last time."""

    def __init__(self, clock: SimulatedClock, rest: bytes | None = None) -> None:
        self.clock = clock
        self.rest = rest
        self.is_bad = True
        self.asked: list[tuple[int, bool]] = []

    def take(self, last_try: bool) -> None:
        self.asked.append((self.clock.now_ns() // NS_PER_S, last_try))
        if self.is_bad and not last_try:
            raise ReadFailed("/data/count", OSError(errno.EIO, "Input/output error"), self.rest)


def asked_each_second(recall: Recall, medium: Medium, seconds: int) -> list[int]:
    """Asks as a component does that saves each second; the seconds in which the medium was."""
    for _ in range(seconds):
        with suppress(OSError):
            recall.ensure()
        medium.clock.advance(NS_PER_S)
    return [second for second, _ in medium.asked]


def new_clock() -> SimulatedClock:
    clock = new_platform().clock
    clock.advance(-clock.now_ns() % NS_PER_S)
    return clock


def test_a_medium_that_gives_it_is_asked_once() -> None:
    medium = Medium(new_clock())
    medium.is_bad = False
    recall = Recall(medium.clock, medium.take)
    assert len(asked_each_second(recall, medium, 20)) == 1
    assert recall.is_done


def test_it_is_asked_at_growing_intervals_and_stops_when_it_gives() -> None:
    medium = Medium(new_clock())
    recall = Recall(medium.clock, medium.take)
    begin = medium.clock.now_ns() // NS_PER_S
    asked = asked_each_second(recall, medium, 200)
    assert [second - begin for second in asked] == [0, 1, 2, 4, 8, 16, 32, 64, 124, 184]
    assert not recall.is_done
    medium.is_bad = False
    asked_each_second(recall, medium, 100)
    assert len(medium.asked) == 11
    assert recall.is_done


@pytest.mark.parametrize("rest, patience_s", [(None, PATIENCE_S), (b"older", COPY_PATIENCE_S)])
def test_after_its_patience_comes_the_last_try(rest: bytes | None, patience_s: int) -> None:
    medium = Medium(new_clock(), rest)
    recall = Recall(medium.clock, medium.take)
    begin = medium.clock.now_ns() // NS_PER_S
    asked_each_second(recall, medium, 2 * PATIENCE_S)
    assert recall.is_done
    assert [last_try for _, last_try in medium.asked[:-1]] == [False] * (len(medium.asked) - 1)
    second, last_try = medium.asked[-1]
    assert last_try
    assert patience_s <= second - begin <= patience_s + 60


def test_without_a_patience_there_is_no_last_try_but_where_a_copy_was_read() -> None:
    medium = Medium(new_clock())
    recall = Recall(medium.clock, medium.take, patience_s=None)
    asked_each_second(recall, medium, 3 * PATIENCE_S)
    assert not any(last_try for _, last_try in medium.asked)
    medium.rest = b"a copy"
    asked_each_second(recall, medium, 200)
    assert recall.is_done
