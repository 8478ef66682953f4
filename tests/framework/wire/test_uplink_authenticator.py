"""Which protected frames are accepted: each once, none that is old, changed or of another key."""

from __future__ import annotations

import pytest

from kittiwake.wire.security_association import HmacAssociation, make_association
from kittiwake.wire.uplink_authenticator import Refusal, UplinkAuthenticator
from kittiwake.wire.uplink_keys import AES_GCM, UplinkKey

KEY = bytes(range(16))
OTHER_KEY = bytes(range(1, 17))
CREATED = "2026-01-02T03:04:05Z"


class Receiver:
    """An authenticator with keys 1 and 2 in use and 3 retired, and what it saved."""

    def __init__(self, start: int = 0, window: int = 50_000) -> None:
        self.saved: list[tuple[int, int]] = []
        self.saves = True
        keys = [HmacAssociation(1, KEY), HmacAssociation(2, OTHER_KEY)]
        self.authenticator = UplinkAuthenticator(keys, [3], self._save, window)
        self.authenticator.begin(1, start)
        self.authenticator.begin(2, start)

    def _save(self, spi: int, number: int) -> bool:
        if self.saves:
            self.saved.append((spi, number))
        return self.saves

    def open(self, sequence: int, spi: int = 1, key: bytes = KEY, data: bytes = b"data") -> bytes | Refusal:
        return self.authenticator.open(HmacAssociation(spi, key).protect(sequence, b"", data))


@pytest.mark.parametrize(
    "last,sequence,accepted",
    [
        (0, 1, True), (0, 0, False), (5, 5, False), (5, 4, False), (0, 50_000, True), (0, 50_001, False),
        (0xFFFFFFFF, 0, True), (0xFFFFFFFE, 1, True), (0xFFFFFFFF, 49_999, True), (0xFFFFFFFF, 50_000, False),
        (0, 0xFFFFFFFF, False), (0x7FFFFFFF, 0x80000000, True),
    ],
)  # fmt: skip
def test_the_window_runs_ahead_of_the_last_number_around_the_circle(last: int, sequence: int, accepted: bool) -> None:
    """Upstream: the first frame of a ground that counts from 0 equals the stored 0 and is refused; ours starts at 1."""
    receiver = Receiver(last)
    assert receiver.open(sequence) == (b"data" if accepted else Refusal.OUT_OF_WINDOW)
    assert receiver.authenticator.counters[1].last == (sequence if accepted else last)


def test_a_refused_frame_changes_nothing_but_its_count() -> None:
    """Upstream: a frame that bypassed the check once moved the counter."""
    receiver = Receiver(10)
    assert receiver.open(11, spi=9) is Refusal.UNKNOWN_SPI
    assert receiver.open(11, spi=3) is Refusal.RETIRED_KEY
    assert receiver.open(11, key=OTHER_KEY) is Refusal.BAD_SIGNATURE
    assert receiver.open(10) is Refusal.OUT_OF_WINDOW
    assert receiver.authenticator.open(bytes(21)) is Refusal.TOO_SHORT
    assert receiver.authenticator.counters[1].last == 10
    assert receiver.saved == []
    assert receiver.authenticator.last_refused == (1, 10)
    assert receiver.authenticator.refusals == [1, 1, 1, 1, 0, 1, 0]
    assert receiver.open(11) == b"data"


def test_a_frame_is_accepted_once() -> None:
    receiver = Receiver()
    assert receiver.open(7) == b"data"
    assert receiver.open(7) is Refusal.OUT_OF_WINDOW
    assert receiver.open(6) is Refusal.OUT_OF_WINDOW
    assert receiver.authenticator.accepted == 1


def test_each_key_has_a_counter_of_its_own() -> None:
    """Upstream: two links share one counter file, and each overwrites what the other stored."""
    receiver = Receiver()
    assert receiver.open(30_000) == b"data"
    assert receiver.open(1, spi=2, key=OTHER_KEY) == b"data"
    assert [receiver.authenticator.counters[spi].last for spi in (1, 2)] == [30_000, 1]


def test_a_number_is_reserved_before_it_counts_and_rarely() -> None:
    """Upstream: one write for each frame wears the flash."""
    receiver = Receiver()
    for sequence in range(1, 2500):
        assert receiver.open(sequence) == b"data"
    assert receiver.saved == [(1, 1001), (1, 2002), (1, 3003)]


def test_what_cannot_be_reserved_is_refused() -> None:
    receiver = Receiver()
    receiver.saves = False
    assert receiver.open(1) is Refusal.NOT_SAVED
    receiver.saves = True
    assert receiver.open(1) == b"data"


def test_a_start_after_a_crash_accepts_nothing_that_was_accepted_before() -> None:
    """Upstream: a lost counter file begins again at 0, and all that was ever sent can be played again."""
    receiver = Receiver()
    for sequence in (1, 2, 900):
        receiver.open(sequence)
    restarted = Receiver(receiver.saved[-1][1])
    for sequence in (1, 2, 900, 1001):
        assert restarted.open(sequence) is Refusal.OUT_OF_WINDOW
    assert restarted.open(1002) == b"data"


def test_a_key_whose_counter_is_not_known_accepts_nothing() -> None:
    receiver = Receiver()
    del receiver.authenticator.counters[1]
    assert receiver.open(1) is Refusal.COUNTER_UNKNOWN
    assert not receiver.authenticator.accepts(1)
    assert receiver.authenticator.accepts(2)


def test_a_selected_key_is_the_only_one() -> None:
    receiver = Receiver()
    receiver.authenticator.selected = 2
    assert receiver.open(1) is Refusal.RETIRED_KEY
    assert receiver.open(1, spi=2, key=OTHER_KEY) == b"data"


def test_a_counter_is_set_ahead_and_never_back() -> None:
    receiver = Receiver(100)
    assert not receiver.authenticator.set_last(1, 100)
    assert not receiver.authenticator.set_last(1, 99)
    assert not receiver.authenticator.set_last(1, 100 + 0x80000000)
    assert receiver.authenticator.set_last(1, 2_000_000)
    assert receiver.saved == [(1, 2_000_000)]
    assert receiver.open(2_000_001) == b"data"
    receiver.saves = False
    assert not receiver.authenticator.set_last(1, 3_000_000)
    assert receiver.authenticator.counters[1].last == 2_000_001


def test_aes_gcm_under_the_same_rules() -> None:
    key = UplinkKey(4, True, CREATED, KEY, AES_GCM)
    sender = make_association(key)
    receiver = UplinkAuthenticator([make_association(key)], [], lambda spi, number: True)
    receiver.begin(4, 0)
    first, second = (sender.protect(sequence, b"saltsalt", b"data") for sequence in (1, 2))
    assert receiver.open(second) == b"data"
    assert receiver.open(first) is Refusal.OUT_OF_WINDOW
    assert receiver.open(second) is Refusal.OUT_OF_WINDOW
    assert receiver.open(sender.protect(3, b"other458", b"")) == b""
    assert receiver.open(bytes.fromhex("0004") + bytes(20)) is Refusal.BAD_SIGNATURE
