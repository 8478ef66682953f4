"""The counters of the authenticator: what is durable, and what becomes of damage (requirements in its README.md)."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from kittiwake_components.authenticator.component import DAMAGE_JUMP
from kittiwake_components.authenticator.report import KeyState
from tests.components.authenticator.signing import (
    DATA,
    ONE_KEY,
    TWO_KEYS,
    Tester,
    number_of,
    sign,
    started,
    with_keys,
)

RECORD = "/kittiwake/sequence_numbers.tested"
REFUSED = b""


def used(count: int = 3, seed: int = 1) -> tuple[Tester, list[bytes]]:
    """A component that has accepted some frames, and these frames."""
    tester = started(with_keys(ONE_KEY, seed))
    first = number_of(tester) + 1
    frames = [sign(first + step) for step in range(count)]
    for frame in frames:
        assert tester.call.unseal(frame) == DATA
    return tester, frames


def refuses_all(tester: Tester, frames: list[bytes]) -> bool:
    return all(tester.call.unseal(frame) == REFUSED for frame in frames)


def test_a_new_key_does_not_begin_at_zero() -> None:
    """REQ-AU-005. Upstream: the counter begins at 0, so that a ground whose first number is 0 is refused."""
    starts = {number_of(started(with_keys(ONE_KEY, seed))) for seed in range(20)}
    assert len(starts) == 20
    assert 0 not in starts


def test_an_orderly_end_keeps_the_number_and_a_crash_skips_the_reserve() -> None:
    """REQ-AU-003. Upstream: the counter jumps at reboots without a word, and the ground guesses."""
    tester, frames = used()
    last = number_of(tester) + 3
    tester.reboot()
    tester.call.run(0)
    assert number_of(tester) == last
    assert refuses_all(tester, frames)
    frames.append(sign(last + 1))
    assert tester.call.unseal(frames[-1]) == DATA
    tester.crash()
    tester.call.run(0)
    assert number_of(tester) == last + 1 + 1000
    assert refuses_all(tester, frames)
    assert tester.call.unseal(sign(last + 1 + 1001)) == DATA


def test_a_start_without_frames_moves_and_writes_nothing() -> None:
    """REQ-AU-003: a boot loop does not use up the numbers."""
    tester, _ = used()
    tester.crash()
    tester.call.run(0)
    number = number_of(tester)
    for _ in range(5):
        tester.crash()
        tester.call.run(0)
    assert number_of(tester) == number


def test_one_write_serves_a_thousand_frames() -> None:
    """REQ-AU-003. Upstream: one write for each frame wears the flash."""
    tester, _ = used(1)
    operations = tester.platform.files.operations
    first = number_of(tester) + 2
    for step in range(1000):
        assert tester.call.unseal(sign(first + step)) == DATA
    assert tester.platform.files.operations == operations
    assert tester.call.unseal(sign(first + 1000)) == DATA
    assert tester.platform.files.operations > operations


def test_a_lost_record_lets_nothing_old_in_and_the_ground_hears_the_new_number() -> None:
    """REQ-AU-005. Upstream: an unreadable counter file counts as 0, and all that was ever sent can be played again."""
    tester, frames = used()
    tester.platform.files.stop()
    platform = tester.platform.crash()
    for slot in ("a", "b"):
        platform.files.remove(f"{RECORD}.{slot}")
    tester = started(platform)
    assert refuses_all(tester, frames)
    assert tester.events.named("SequenceNumberRestarted")[0].args == (0, number_of(tester))
    assert tester.call.unseal(sign(number_of(tester) + 1)) == DATA


@pytest.mark.parametrize("slots", ["a", "b", "ab"])
def test_a_damaged_record_lets_nothing_old_in(slots: str) -> None:
    """REQ-AU-005: whichever slot is damaged, the newest or the other. Upstream: a torn file is read as a number."""
    tester, frames = used(2500)
    number = number_of(tester) + 2500
    tester.platform.files.stop()
    platform = tester.platform.crash()
    for slot in slots:
        platform.files.damage(f"{RECORD}.{slot}", 25, b"\xaa\x55\xaa\x55")
    tester = started(platform)
    assert len(tester.events.named("SequenceNumberReadFailed")) == len(slots)
    assert refuses_all(tester, frames[-5:])
    if slots != "ab":
        assert number < number_of(tester) <= number + 1000 + DAMAGE_JUMP
    assert tester.call.unseal(sign(number_of(tester) + 1)) == DATA


def test_damage_is_not_forgotten_when_the_start_that_found_it_ends_early() -> None:
    """REQ-AU-005: the damaged slot was kept aside, and the older number must not count."""
    tester, frames = used(2500)
    tester.platform.files.stop()
    platform = tester.platform.crash()
    newest = max("ab", key=lambda slot: int.from_bytes(platform.files.read(f"{RECORD}.{slot}", 99)[6:14], "big"))
    platform.files.remove(f"{RECORD}.{newest}")
    tester = started(platform)
    assert refuses_all(tester, frames[-5:])


def test_a_record_that_cannot_be_reached_refuses_all_until_it_can() -> None:
    """REQ-AU-004: nothing is overwritten that may still be whole."""
    tester, frames = used()
    reserved = number_of(tester) + 1 + 1000
    tester.platform.files.stop()
    platform = tester.platform.crash()
    platform.files.fail_every("open", errno.EACCES)
    tester = started(platform)
    assert tester.channels["AcceptanceReport"][0].state is KeyState.COUNTER_UNKNOWN
    assert tester.call.unseal(sign(reserved + 1)) == REFUSED
    assert len(tester.events.named("SequenceNumberReadFailed")) == 2
    platform.files.heal()
    tester.advance(1)
    tester.call.run(0)
    assert tester.channels["RefusedCounterUnknown"] == 1
    assert number_of(tester) == reserved
    assert refuses_all(tester, frames)
    assert tester.call.unseal(sign(reserved + 1)) == DATA


@pytest.mark.parametrize("code", [errno.EIO, errno.EBADMSG, errno.ENODATA])
def test_a_record_that_the_medium_does_not_give_is_no_lost_record(code: int) -> None:
    """REQ-AU-004, REQ-AU-005: the number goes on where it was, and does not begin anew somewhere."""
    tester, frames = used()
    reserved = number_of(tester) + 1 + 1000
    tester.platform.files.stop()
    platform = tester.platform.crash()
    platform.files.fail_every("read_at", code)
    tester = started(platform)
    for _ in range(60):
        assert refuses_all(tester, [*frames, sign(reserved + 1)])
        tester.advance(1)
        tester.call.run(0)
    assert not any(".bad." in name for name in platform.files.list("/kittiwake"))
    platform.files.heal()
    tester.advance(60)
    tester.call.run(0)
    assert number_of(tester) == reserved
    assert refuses_all(tester, frames)
    assert tester.call.unseal(sign(reserved + 1)) == DATA


def test_a_slot_that_is_never_read_again_is_given_up_and_the_number_jumps_ahead_of_it() -> None:
    """REQ-AU-004, REQ-AU-005: one bad sector does not close the link for good, and lets nothing old in."""
    tester, frames = used(2500)
    number = number_of(tester) + 2500
    tester.platform.files.stop()
    platform = tester.platform.crash()
    lost = max("ab", key=lambda slot: int.from_bytes(platform.files.read(f"{RECORD}.{slot}", 99)[6:14], "big"))
    open_file = platform.files.open

    def silent(path: str, mode: str) -> Any:
        if path == f"{RECORD}.{lost}" and mode == "r":
            raise OSError(errno.EIO, "Input/output error", path)
        return open_file(path, mode)

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(platform.files, "open", silent)
        tester = started(platform)
        for _ in range(20):
            assert refuses_all(tester, frames[-5:])
            tester.advance(1)
            tester.call.run(0)
    assert number < number_of(tester)
    assert refuses_all(tester, frames[-5:])
    assert tester.call.unseal(sign(number_of(tester) + 1)) == DATA


def test_a_number_that_cannot_be_saved_is_refused() -> None:
    """REQ-AU-004."""
    tester = started(with_keys(ONE_KEY))
    frame = sign(number_of(tester) + 1)
    tester.platform.files.fail_every("sync", errno.ENOSPC)
    assert tester.call.unseal(frame) == REFUSED
    assert len(tester.events.named("SequenceNumberWriteFailed")) == 1
    tester.platform.files.heal()
    tester.call.run(0)
    assert tester.channels["RefusedNotSaved"] == 1
    assert tester.call.unseal(frame) == DATA


def test_links_keep_their_counters_apart() -> None:
    """REQ-AU-003. Upstream: two links share one counter file, and each overwrites what the other stored."""
    platform = with_keys(TWO_KEYS)
    one = started(platform, name="uart.authenticator")
    last = number_of(one)
    assert one.call.unseal(sign(last + 40_000)) == DATA
    one.stop()
    two = started(one.platform, name="lora.authenticator")
    assert number_of(two) != last + 40_000
    assert two.call.unseal(sign(number_of(two) + 1)) == DATA
    two.stop()
    with started(two.platform, name="uart.authenticator") as again:
        assert number_of(again) == last + 40_000 & 0xFFFFFFFF
        assert again.call.unseal(sign(last + 40_000)) == REFUSED
