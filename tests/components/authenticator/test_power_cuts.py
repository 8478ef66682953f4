"""The counters, cut at every file operation: no frame that was accepted is accepted again (REQ-AU-003)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from tests.components.authenticator.signing import DATA, TWO_KEYS, number_of, sign, started, with_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTCOMES = 3


def life(platform: SimulatedPlatform, accepted: list[bytes]) -> None:
    """A start, frames under two keys over two reserves, commands, and an orderly end."""
    tester = started(platform)
    tester.set_parameter("RESERVE_BLOCK", 2)
    first, second = number_of(tester), number_of(tester, 1)
    for step in range(1, 7):
        for spi, last in ((0, first), (1, second)):
            frame = sign(last + step, spi)
            if tester.call.unseal(frame) == DATA:
                accepted.append(frame)
    tester.send("SET_SEQ_NUM", second + 100 & 0xFFFFFFFF)
    frame = sign(second + 101, 1)
    if tester.call.unseal(frame) == DATA:
        accepted.append(frame)
    tester.send("KEY_SELECT", 1)
    tester.stop()


def prepared(seed: int, starts: int) -> tuple[SimulatedPlatform, list[bytes]]:
    """A machine that had so many starts, each of them cut off at its end, and what was accepted."""
    accepted: list[bytes] = []
    platform = with_keys(TWO_KEYS, seed)
    for _ in range(starts):
        tester = started(platform)
        frame = sign(number_of(tester, 1) + 1, 1)
        assert tester.call.unseal(frame) == DATA
        accepted.append(frame)
        tester.platform.files.stop()
        platform = tester.platform.crash()
    return platform, accepted


def every_cut(starts: int) -> Iterator[tuple[SimulatedPlatform, list[bytes]]]:
    """The machine as it starts again after each cut, and the frames that were accepted before."""
    whole, _ = prepared(0, starts)
    first = whole.files.operations + 1
    life(whole, [])
    assert whole.files.operations > first + 10
    for operation in range(first, whole.files.operations + 1):
        for after in (False, True):
            for outcome in range(OUTCOMES):
                platform, accepted = prepared(operation * 31 + outcome, starts)
                platform.files.cut_at(operation, after=after)
                try:
                    life(platform, accepted)
                except PowerCut:
                    pass
                yield (platform.restart() if outcome == 0 else platform.crash()), accepted


@pytest.mark.parametrize("starts", [0, 2])
def test_no_accepted_frame_is_accepted_again_after_any_cut(starts: int) -> None:
    for platform, accepted in every_cut(starts):
        tester = started(platform)
        assert all(tester.call.unseal(frame) == b"" for frame in accepted)
        assert tester.call.unseal(sign(number_of(tester, 1) + 1, 1)) == DATA
        tester.stop()


@pytest.mark.parametrize("starts", [0, 2])
def test_a_second_cut_while_the_first_is_got_over_changes_nothing(starts: int) -> None:
    """The start that finds a torn slot may itself be cut anywhere: before, while and after it moves the slot aside."""
    for index, (platform, accepted) in enumerate(every_cut(starts)):
        platform.files.cut_at(platform.files.operations + 1 + index % 12, after=bool(index & 1))
        try:
            tester = started(platform)
            frame = sign(number_of(tester, 1) + 1, 1)
            if tester.call.unseal(frame) == DATA:
                accepted.append(frame)
            tester.stop()
        except PowerCut:
            pass
        tester = started(platform.restart() if index & 2 else platform.crash())
        assert all(tester.call.unseal(frame) == b"" for frame in accepted)
        tester.stop()
