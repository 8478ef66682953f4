"""The ground's counter: numbers that are never used twice, and reports that put it right."""

from __future__ import annotations

import pytest

from kittiwake.wire.security_association import HmacAssociation
from kittiwake.wire.uplink_signer import UplinkSigner

ASSOCIATION = HmacAssociation(1, bytes(16))


def signer(last: int | None, saved: list[int]) -> UplinkSigner:
    return UplinkSigner(ASSOCIATION, last, saved.append, bytes)


def number(frame: bytes) -> int:
    return ASSOCIATION.sequence_of(frame)


def test_numbers_begin_at_one_and_are_reserved_before_use() -> None:
    saved: list[int] = []
    ground = signer(None, saved)
    assert [number(ground.seal(b"x")) for _ in range(1001)] == list(range(1, 1002))
    assert saved == [1000, 2000]
    ground.close()
    assert saved == [1000, 2000, 1001]
    ground.close()
    assert len(saved) == 3


def test_after_a_crash_no_number_comes_again() -> None:
    saved: list[int] = []
    used = {number(signer(None, saved).seal(b"x"))}
    assert number(signer(saved[-1], saved).seal(b"x")) not in used


def test_nothing_is_sealed_under_a_number_that_could_not_be_saved() -> None:
    def fail(_: int) -> None:
        raise OSError("no room")

    ground = UplinkSigner(ASSOCIATION, 5, fail, bytes)
    with pytest.raises(OSError, match="no room"):
        ground.seal(b"x")
    assert ground.last == 5


def test_numbers_go_round() -> None:
    ground = signer(0xFFFFFFFE, [])
    assert [number(ground.seal(b"x")) for _ in range(3)] == [0xFFFFFFFF, 0, 1]


@pytest.mark.parametrize(
    "last,accepted,following",
    [
        (100, 100, None), (100, 90, None), (100, 100 - 49_999, None),  # what is under way is no reason to move
        (100, 1100, 1101), (100, 101, 102),  # the device has gone ahead, as after a crash
        (100_000, 100, 101),  # too much was lost on the way
        (5, 0xFFFFFFFF, None), (0xFFFFFFFF, 0, 1),
    ],
)  # fmt: skip
def test_a_report_moves_the_signer_only_if_its_next_frame_would_be_refused(
    last: int, accepted: int, following: int | None
) -> None:
    ground = signer(last, [])
    assert ground.take_report(accepted) == (following is not None)
    assert number(ground.seal(b"x")) == (last + 1 if following is None else following) & 0xFFFFFFFF
    assert ground.resynchronisations == (following is not None)


def test_a_move_takes_a_new_salt() -> None:
    """Numbers may come again after a move; an initialisation vector of AES-GCM must not."""
    salts = iter([b"first...", b"second.."])
    ground = UplinkSigner(ASSOCIATION, 100_000, lambda _: None, lambda _: next(salts))
    ground.take_report(5)
    assert next(salts, None) is None
