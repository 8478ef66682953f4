"""Authenticator: what is signed and new gets through (requirements in its README.md)."""

from __future__ import annotations

import pytest

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components.authenticator.component import Authenticator
from kittiwake_components.authenticator.report import KeyState
from kittiwake_components.ports.security import UplinkSecurity
from tests.components.authenticator.signing import (
    CREATED,
    DATA,
    KEYS,
    ONE_KEY,
    SECRETS,
    TWO_KEYS,
    number_of,
    sign,
    started,
    with_keys,
    write_keys,
)

OK = CommandResponse.OK
REFUSED = b""


def test_the_sheet_says_what_is_declared() -> None:
    assert differences(Authenticator) == []


def test_without_a_key_file_it_takes_no_part() -> None:
    """REQ-AU-010."""
    with ComponentTester(Authenticator) as tester:
        operations = tester.platform.files.operations
        assert tester.call.security_get() is UplinkSecurity.OPEN
        tester.call.run(0)
        assert tester.channels["AcceptanceReport"] is None
        for name, arguments in (("GET_SEQ_NUM", ()), ("SET_SEQ_NUM", (5,)), ("KEY_SELECT", (0,))):
            sent = tester.send(name, *arguments)
            assert sent.response is CommandResponse.EXECUTION_ERROR
        assert tester.platform.files.operations == operations


def test_a_signed_new_frame_gets_through_once() -> None:
    """REQ-AU-001."""
    with started(with_keys(TWO_KEYS)) as tester:
        assert tester.call.security_get() is UplinkSecurity.AUTHENTICATED
        first = number_of(tester) + 1
        frame = sign(first)
        assert tester.call.unseal(frame) == DATA
        assert tester.call.unseal(frame) == REFUSED
        other = number_of(tester, 1) + 50_000
        assert tester.call.unseal(sign(other, 1)) == DATA
        tester.call.run(0)
        assert (number_of(tester), number_of(tester, 1)) == (first, other & 0xFFFFFFFF)
        assert tester.channels["FramesAccepted"] == 2
        assert tester.channels["CurrentSpi"] == 1


def test_refused_frames_are_counted_by_reason_and_reported() -> None:
    """REQ-AU-002. Upstream: only SPI 0 is known, and all of a frame's faults look alike in the counts."""
    with started(with_keys(TWO_KEYS)) as tester:
        last = number_of(tester)
        for frame in (
            bytes(21), sign(last + 1, 7, secret=SECRETS[0]), sign(last + 1, 2), sign(last + 1, secret=bytes(16)),
            sign(last), sign(last + 50_001), sign(last + 1)[:-1], sign(last + 1) + b"\0",
        ):  # fmt: skip
            assert tester.call.unseal(frame) == REFUSED
        tester.call.run(0)
        counts = {name: tester.channels[f"Refused{name}"] for name in (
            "TooShort", "UnknownSpi", "RetiredKey", "BadSignature", "OutOfWindow", "CounterUnknown", "NotSaved",
        )}  # fmt: skip
        assert list(counts.values()) == [1, 1, 1, 3, 2, 0, 0]
        assert [event.args for event in tester.events.named("ParsingFailed")] == [(21,)]
        assert [event.args for event in tester.events.named("SpiInvalid")] == [(7,), (2,)]
        invalid = [event.args for event in tester.events.named("SequenceNumberInvalid")]
        assert invalid == [(last, last, 50_000), (last + 50_001 & 0xFFFFFFFF, last, 50_000)]
        assert [event.args[1] for event in tester.events.named("AuthenticationFailed")] == [-149, -149]
        assert tester.call.unseal(sign(last + 1)) == DATA


def test_reports_of_refusals_are_throttled() -> None:
    """REQ-AU-002."""
    with started(with_keys(ONE_KEY)) as tester:
        for _ in range(1000):
            tester.call.unseal(bytes(30))
        assert len(tester.events.named("AuthenticationFailed")) == 2
        tester.call.run(0)
        assert tester.channels["RefusedBadSignature"] == 1000


def test_the_window_is_a_parameter() -> None:
    """REQ-AU-001."""
    with started(with_keys(ONE_KEY)) as tester:
        tester.set_parameter("SEQ_NUM_WINDOW", 10)
        last = number_of(tester)
        assert tester.call.unseal(sign(last + 11)) == REFUSED
        assert tester.call.unseal(sign(last + 10)) == DATA
        assert tester.events.named("SequenceNumberInvalid")[0].args[2] == 10


def test_a_ground_that_connects_hears_where_the_numbers_stand() -> None:
    """REQ-AU-006."""
    with started(with_keys(TWO_KEYS)) as tester:
        before = len(tester.channel("AcceptanceReport").history)
        tester.call.run(0)
        assert len(tester.channel("AcceptanceReport").history) == before
        tester.call.security_get()
        assert len(tester.channel("AcceptanceReport").history) == before + 1
        told = [event.args for event in tester.events.named("SequenceNumberReport")]
        assert told == [(0, number_of(tester)), (1, number_of(tester, 1))]
        tester.call.unseal(sign(number_of(tester)))
        tester.call.run(0)
        assert len(tester.channel("AcceptanceReport").history) == before + 2, "a ground that is behind hears it again"
        assert tester.events.named("SequenceNumberReport")[-1].args == (0, number_of(tester))
        assert len(tester.events.named("SequenceNumberReport")) == 3
        for _ in range(60):
            tester.call.run(0)
        assert len(tester.channel("AcceptanceReport").history) == before + 3, "and so does one that only listens"
        states = [one.state for one in tester.channels["AcceptanceReport"]]
        assert states == [KeyState.ACCEPTING, KeyState.ACCEPTING, KeyState.NONE, KeyState.NONE]


def test_the_number_is_told_and_set_by_command() -> None:
    """REQ-AU-007. Upstream: asking and setting go through one counter file that a second link overwrites."""
    with started(with_keys(ONE_KEY)) as tester:
        last = number_of(tester)
        assert tester.send("GET_SEQ_NUM").response is OK
        ahead = last + 1_000_000 & 0xFFFFFFFF
        assert tester.send("SET_SEQ_NUM", ahead).response is OK
        assert tester.events.named("SequenceNumberGet")[0].args == (last,)
        assert tester.events.named("SequenceNumberSet")[0].args == (ahead,)
        assert tester.channels["CurrentSequenceNumber"] == ahead
        assert tester.call.unseal(sign(last + 1)) == REFUSED
        assert tester.call.unseal(sign(ahead + 1)) == DATA


@pytest.mark.parametrize("step", [0, -1, -50_000, 0x80000000])
def test_the_number_is_never_set_back(step: int) -> None:
    """REQ-AU-007. Upstream: SET_SEQ_NUM takes any number, and all frames since that one can be played again."""
    with started(with_keys(ONE_KEY)) as tester:
        last = number_of(tester)
        sent = tester.send("SET_SEQ_NUM", last + step & 0xFFFFFFFF)
        assert sent.response is CommandResponse.VALIDATION_ERROR
        assert number_of(tester) == last


def test_a_selected_key_is_the_only_one_over_restarts_too() -> None:
    """REQ-AU-008. Upstream: there is one key, and it can be changed only with the software."""
    with started(with_keys(TWO_KEYS)) as tester:
        assert tester.send("KEY_SELECT", 1).response is CommandResponse.VALIDATION_ERROR  # nobody has used it
        assert tester.call.unseal(sign(number_of(tester, 1) + 1, 1)) == DATA
        assert tester.send("KEY_SELECT", 1).response is OK
        assert tester.events.named("KeySelected")[0].args == (1,)
        for restart in (tester.reboot, tester.crash):
            assert tester.call.unseal(sign(number_of(tester) + 1)) == REFUSED
            restart()
            tester.call.run(0)
            assert tester.channels["AcceptanceReport"][0].state is KeyState.NOT_SELECTED
        assert tester.call.unseal(sign(number_of(tester, 1) + 1, 1)) == DATA
        assert tester.send("KEY_SELECT", 0).response is CommandResponse.VALIDATION_ERROR


def test_the_selection_of_a_key_that_was_taken_away_is_void() -> None:
    """REQ-AU-008: nobody is locked out by it."""
    platform = with_keys(TWO_KEYS)
    tester = started(platform)
    tester.call.unseal(sign(number_of(tester, 1) + 1, 1))
    assert tester.send("KEY_SELECT", 1).response is OK
    tester.stop()
    write_keys(tester.platform, ONE_KEY)
    with started(tester.platform) as later:
        assert later.events.named("KeySelectionVoid")[0].args == (1,)
        assert later.call.unseal(sign(number_of(later) + 1)) == DATA


def test_keys_rotate_while_both_are_in_use() -> None:
    """REQ-AU-001: the new key is used beside the old one, then the old one is retired."""
    platform = with_keys(ONE_KEY)
    tester = started(platform)
    old = number_of(tester)
    assert tester.call.unseal(sign(old + 1)) == DATA
    tester.stop()
    write_keys(tester.platform, TWO_KEYS)
    tester = started(tester.platform)
    assert tester.call.unseal(sign(old + 2)) == DATA
    new = number_of(tester, 1)
    assert tester.call.unseal(sign(new + 1, 1)) == DATA
    tester.stop()
    write_keys(tester.platform, TWO_KEYS.replace("0 active", "0 retired"))
    with started(tester.platform) as tester:
        assert tester.call.unseal(sign(old + 3)) == REFUSED
        assert tester.call.unseal(sign(new + 2, 1)) == DATA


def test_a_link_takes_only_its_own_keys() -> None:
    """REQ-AU-001: what was sent over one link cannot be played over another that has another key."""
    with started(with_keys(TWO_KEYS), {"spis": [1]}) as tester:
        assert tester.call.unseal(sign(1)) == REFUSED
        assert tester.events.named("SpiInvalid")[0].args == (0,)
        assert tester.call.unseal(sign(number_of(tester, 1) + 1, 1)) == DATA


FIVE_KEYS = "".join([f"{spi} active {CREATED} {'ab' * 16}\n" for spi in range(5)])


@pytest.mark.parametrize(
    "text,reason",
    [("", "no key is active"), ("nonsense", "four words"), (FIVE_KEYS, "over the 4 of a link"), (None, KEYS)],
)
def test_a_key_file_that_cannot_be_used_refuses_all(text: str | None, reason: str) -> None:
    """REQ-AU-009: and the deployment starts all the same."""
    platform = with_keys(text or "")
    if text is None:
        platform.files.remove(KEYS)
    with started(platform) as tester:
        assert tester.call.security_get() is UplinkSecurity.AUTHENTICATED
        assert tester.call.unseal(sign(1)) == REFUSED
        assert reason in tester.events.named("KeysUnusable")[0].args[0]
        assert tester.send("SET_SEQ_NUM", 1).response is CommandResponse.EXECUTION_ERROR
