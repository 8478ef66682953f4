"""The power unit: it keeps the promise that no software can hold the power for ever."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.power import Battery
from kittiwake.simulation.power_unit import Change, Limits, PowerUnit
from kittiwake.wire.power_link import (
    Credit,
    HardLimit,
    Kind,
    Message,
    Powerdown,
    PowerdownAccepted,
    PowerLinkReader,
    PowerMode,
    Refusal,
    RefusalReason,
    SetMode,
    Status,
    WakeReason,
    Watchdog,
    WatchdogLeft,
    frame,
)

LIMITS = Limits()


class Bench:
    """A power unit on the bench: time in seconds, requests with numbers of their own."""

    def __init__(self, charge: float = 0.8, capacity_wh: float = 10.0, supply_w: float = 0.0) -> None:
        self.supply_w = supply_w
        self.unit = PowerUnit(Battery(capacity_wh, charge, 0.1), supply_w=lambda _: self.supply_w)
        self.now_s = 0.0
        self.sequence = 0
        self.reader = PowerLinkReader()
        self.changes: list[Change] = []
        self.go(0)

    def go(self, seconds: float) -> list[tuple[bool, WakeReason]]:
        self.now_s += seconds
        new = self.unit.advance(round(self.now_s * NS_PER_S))
        self.changes += new
        return [(change.is_on, change.reason) for change in new]

    def ask(self, kind: Kind, payload: Any = None) -> Any:
        self.sequence = (self.sequence + 1) & 0xFF
        return self.ask_again(Message(kind, self.sequence, payload))

    def ask_again(self, message: Message) -> Any:
        replies = self.reader.feed(self.unit.receive(frame(message)))
        assert len(replies) == int(self.unit.is_on)
        if not replies:
            return None
        assert replies[0].sequence == message.sequence
        return replies[0].payload


def test_it_gives_power_when_it_comes_up_and_says_so() -> None:
    bench = Bench()
    assert [(change.is_on, change.reason) for change in bench.changes] == [(True, WakeReason.POWER_ON)]
    status = bench.ask(Kind.GET_STATUS)
    assert isinstance(status, Status)
    assert (status.wake_reason, status.mode, status.slept_s) == (WakeReason.POWER_ON, PowerMode.BATTERY, 0)
    assert status.watchdog_left_s == 0xFFFF


def test_a_powerdown_is_acknowledged_then_carried_out_and_the_wake_comes_in_time() -> None:
    bench = Bench()
    bench.go(20)
    assert bench.ask(Kind.POWERDOWN, Powerdown(3600)) == PowerdownAccepted(3600, 500)
    assert bench.go(0.4) == []
    assert bench.go(0.1) == [(False, WakeReason.TIMER)]
    assert bench.go(3599) == []
    assert bench.go(1) == [(True, WakeReason.TIMER)]
    assert bench.ask(Kind.GET_STATUS).slept_s == 3600


@pytest.mark.parametrize("asked_s, granted_s", [(0, 10), (9, 10), (4_000_000_000, 172_800)])
def test_a_sleep_is_clamped_to_what_the_firmware_allows(asked_s: int, granted_s: int) -> None:
    assert Bench().ask(Kind.POWERDOWN, Powerdown(asked_s)).sleep_s == granted_s


def test_a_powerdown_can_be_cancelled_before_the_cut() -> None:
    bench = Bench()
    assert bench.ask(Kind.CANCEL_POWERDOWN) == Refusal(Kind.CANCEL_POWERDOWN, RefusalReason.NOT_NOW)
    bench.ask(Kind.POWERDOWN, Powerdown(60))
    assert bench.ask(Kind.POWERDOWN, Powerdown(70)) == Refusal(Kind.POWERDOWN, RefusalReason.NOT_NOW)
    assert bench.ask(Kind.CANCEL_POWERDOWN).powerdown_s == 0xFFFF
    assert bench.go(5) == []


def test_a_watchdog_that_is_not_renewed_cuts_and_wakes_again() -> None:
    bench = Bench()
    assert bench.ask(Kind.WATCHDOG, Watchdog(30)) == WatchdogLeft(30)
    bench.go(29)
    bench.ask(Kind.WATCHDOG, Watchdog(30))
    assert bench.go(29) == []
    assert bench.go(1) == [(False, WakeReason.WATCHDOG)]
    assert bench.go(60) == [(True, WakeReason.WATCHDOG)]


def test_nothing_stops_the_watchdog() -> None:
    """Upstream: it was stopped in a cleanup block, and the main unit ran on unwatched."""
    bench = Bench()
    bench.ask(Kind.WATCHDOG, Watchdog(30))
    assert bench.ask(Kind.WATCHDOG, Watchdog(0)) == Refusal(Kind.WATCHDOG, RefusalReason.OUT_OF_RANGE)
    assert bench.go(30) == [(False, WakeReason.WATCHDOG)]


def test_the_hard_limit_cuts_whatever_the_main_unit_does() -> None:
    bench = Bench()
    cuts: list[tuple[bool, WakeReason]] = []
    for _ in range(100):
        bench.ask(Kind.WATCHDOG, Watchdog(60))
        bench.ask(Kind.SET_MODE, SetMode(PowerMode.BATTERY))
        assert isinstance(bench.ask(Kind.HARD_LIMIT, HardLimit(901)), Refusal)
        cuts = bench.go(10)
        if cuts:
            break
    assert cuts == [(False, WakeReason.HARD_LIMIT)]
    assert bench.now_s == LIMITS.hard_limit_s


def test_the_hard_limit_can_be_made_shorter_for_this_wake() -> None:
    bench = Bench()
    bench.go(100)
    assert bench.ask(Kind.HARD_LIMIT, HardLimit(120)).awake_left_s == 20
    assert bench.go(20) == [(False, WakeReason.HARD_LIMIT)]
    bench.go(60)
    assert bench.ask(Kind.GET_STATUS).awake_left_s == LIMITS.hard_limit_s


def test_a_main_unit_that_is_cut_again_and_again_gets_longer_pauses() -> None:
    bench = Bench()
    pauses = []
    for _ in range(9):
        bench.ask(Kind.WATCHDOG, Watchdog(10))
        bench.go(10)
        began = bench.now_s
        while not bench.unit.is_on:
            bench.go(1)
        pauses.append(bench.now_s - began)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    bench.ask(Kind.POWERDOWN, Powerdown(10))
    bench.go(11)
    bench.ask(Kind.WATCHDOG, Watchdog(10))
    bench.go(10)
    assert bench.go(60) == [(True, WakeReason.WATCHDOG)]


def test_it_warns_before_it_cuts_unasked() -> None:
    bench = Bench()
    bench.ask(Kind.WATCHDOG, Watchdog(30))
    bench.go(19)
    assert bench.unit.notices() == b""
    bench.go(2)
    [warning] = bench.reader.feed(bench.unit.notices())
    assert warning.kind == Kind.CUT_WARNING
    assert warning.payload.reason is WakeReason.WATCHDOG
    assert warning.payload.left_s <= 10


def test_powered_mode_wants_a_supply_and_ends_with_it() -> None:
    bench = Bench()
    refusal = bench.ask(Kind.SET_MODE, SetMode(PowerMode.POWERED))
    assert refusal == Refusal(Kind.SET_MODE, RefusalReason.NO_SUPPLY)
    bench.supply_w = 5.0
    assert bench.ask(Kind.SET_MODE, SetMode(PowerMode.POWERED)).awake_left_s == 0xFFFFFFFF
    assert bench.go(86_400) == []
    bench.supply_w = 0.0
    assert bench.ask(Kind.GET_STATUS).awake_left_s <= LIMITS.hard_limit_s
    assert bench.go(LIMITS.hard_limit_s) == [(False, WakeReason.HARD_LIMIT)]


def test_an_empty_battery_cuts_and_wakes_only_once_it_has_recovered() -> None:
    bench = Bench(charge=0.06, capacity_wh=1.0)
    while bench.unit.is_on:
        bench.go(10)
    assert bench.unit.battery.charge == pytest.approx(LIMITS.empty, abs=0.005)
    assert bench.go(86_400) == []
    bench.supply_w = 0.2
    woken: list[tuple[bool, WakeReason]] = []
    while not woken:
        woken = bench.go(60)
    assert woken == [(True, WakeReason.RECOVERED)]
    assert bench.unit.battery.charge == pytest.approx(LIMITS.recovered, abs=0.02)


@pytest.mark.parametrize("charge", [0.8, 0.05])
def test_who_looks_only_when_something_may_be_due_misses_nothing(charge: float) -> None:
    often, seldom = (Bench(charge=charge, capacity_wh=0.2, supply_w=0.3) for _ in range(2))
    looks = 0
    for bench in (often, seldom):
        bench.ask(Kind.POWERDOWN, Powerdown(895))
        bench.go(0.5)
    while seldom.now_s < 1200:
        looks += not seldom.unit.is_on
        due_s = seldom.unit.next_ns() / NS_PER_S
        assert due_s > seldom.now_s
        seldom.go(due_s - seldom.now_s)
        while often.now_s < seldom.now_s:
            often.go(min(10, seldom.now_s - often.now_s))
    assert seldom.changes == often.changes
    assert seldom.unit.battery.charge == pytest.approx(often.unit.battery.charge)
    assert looks <= 20


def test_it_says_that_the_battery_is_low() -> None:
    bench = Bench(charge=0.09)
    bench.go(15)
    [notice] = bench.reader.feed(bench.unit.notices())
    assert notice.kind == Kind.LOW_POWER
    bench.go(30)
    assert bench.unit.notices() == b""


def test_a_request_that_comes_again_is_not_carried_out_again() -> None:
    bench = Bench()
    order = Message(Kind.POWERDOWN, 9, Powerdown(60))
    first = bench.ask_again(order)
    bench.go(0.3)
    assert bench.ask_again(order) == first
    assert bench.go(0.2) == [(False, WakeReason.TIMER)]
    assert bench.ask_again(order) is None


def test_after_a_wake_an_old_number_is_a_new_request() -> None:
    bench = Bench()
    order = Message(Kind.POWERDOWN, 1, Powerdown(60))
    bench.ask_again(order)
    bench.go(61)
    assert isinstance(bench.ask_again(order), PowerdownAccepted)
    assert bench.go(1) == [(False, WakeReason.TIMER)]


@pytest.mark.parametrize(
    "message, reason",
    [
        (Message(0x55, 1, b""), RefusalReason.UNKNOWN_KIND),
        (Message(Kind.WATCHDOG, 1, b"\1"), RefusalReason.BAD_PAYLOAD),
        (Message(Kind.GET_STATUS, 1, b"\1"), RefusalReason.BAD_PAYLOAD),
        (Message(Kind.SET_MODE, 1, b"\7"), RefusalReason.BAD_PAYLOAD),
        (Message(Kind.GET_STATUS, 1, b"", version=2), RefusalReason.WRONG_VERSION),
        (Message(Kind.WATCHDOG, 1, Watchdog(3601)), RefusalReason.OUT_OF_RANGE),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(message: Message, reason: RefusalReason) -> None:
    assert Bench().ask_again(message) == Refusal(message.kind, reason)


def test_replies_and_noise_are_not_answered() -> None:
    bench = Bench()
    echo = frame(Message(Kind.WATCHDOG_LEFT, 1, WatchdogLeft(1)))
    assert bench.unit.receive(b"\xb5\x4b noise" + echo + bytes(80)) == b""


def test_the_credit_and_the_measures_follow_the_battery() -> None:
    full, low = Bench(charge=1.0), Bench(charge=0.2)
    credit = full.ask(Kind.GET_CREDIT)
    assert isinstance(credit, Credit)
    assert credit.energy_mwh == pytest.approx(10_000, rel=0.01)
    assert credit.credit_s > low.ask(Kind.GET_CREDIT).credit_s > 0
    assert full.ask(Kind.GET_MEASURES).battery_mv > low.ask(Kind.GET_MEASURES).battery_mv > 5000
    full.supply_w = 3.0
    assert full.ask(Kind.GET_MEASURES).battery_ma < 0


class AnyMainUnit(RuleBasedStateMachine):
    """Whatever the main unit asks for, and however long it is silent, without a supply it is never on for too long."""

    @initialize(charge=st.floats(0.1, 1.0), supply=st.sampled_from([0.0, 0.0, 2.0]))
    def begin(self, charge: float, supply: float) -> None:
        self.bench = Bench(charge=charge, supply_w=supply)
        self.on_since = 0.0
        self.watchdog: float | None = None

    def note_supply(self) -> None:
        """While it is powered and there is a supply, the limit does not run."""
        if self.bench.unit.mode is PowerMode.POWERED and self.bench.supply_w > 0.0:
            self.on_since = self.bench.now_s

    @rule(seconds=st.floats(0.01, 2000))
    def wait(self, seconds: float) -> None:
        self.note_supply()
        is_limited = self.bench.unit.mode is PowerMode.BATTERY or self.bench.supply_w == 0.0
        before = len(self.bench.changes)
        self.bench.go(seconds)
        for change in self.bench.changes[before:]:
            time_s = change.time_ns / NS_PER_S
            if not change.is_on and is_limited:
                assert time_s - self.on_since <= LIMITS.hard_limit_s + 0.001
            if not change.is_on and self.watchdog is not None:
                assert time_s <= self.watchdog + 0.001
            if change.is_on:
                self.on_since = time_s
            self.watchdog = None

    @precondition(lambda self: self.bench.unit.is_on)
    @rule(limit=st.integers(0, 4000))
    def renew(self, limit: int) -> None:
        if isinstance(self.bench.ask(Kind.WATCHDOG, Watchdog(limit)), WatchdogLeft):
            self.watchdog = self.bench.now_s + limit

    @precondition(lambda self: self.bench.unit.is_on)
    @rule(sleep=st.integers(0, 400_000))
    def sleep(self, sleep: int) -> None:
        self.bench.ask(Kind.POWERDOWN, Powerdown(sleep))

    @precondition(lambda self: self.bench.unit.is_on)
    @rule(mode=st.sampled_from(PowerMode))
    def set_mode(self, mode: PowerMode) -> None:
        self.note_supply()
        self.bench.ask(Kind.SET_MODE, SetMode(mode))

    @precondition(lambda self: self.bench.unit.is_on)
    @rule(limit=st.integers(0, 2000))
    def set_limit(self, limit: int) -> None:
        self.bench.ask(Kind.HARD_LIMIT, HardLimit(limit))

    @rule(noise=st.binary(max_size=80))
    def say(self, noise: bytes) -> None:
        self.bench.unit.receive(noise)
        self.bench.reader = PowerLinkReader()
        self.bench.unit._reader = PowerLinkReader()

    @rule()
    def press(self) -> None:
        for change in self.bench.unit.press_button():
            self.on_since = change.time_ns / NS_PER_S
            self.watchdog = None

    @rule()
    def change_supply(self) -> None:
        self.note_supply()
        self.bench.supply_w = 2.0 if self.bench.supply_w == 0.0 else 0.0

    @invariant()
    def it_wakes_some_day(self) -> None:
        unit = getattr(self, "bench", None) and self.bench.unit
        if unit and not unit.is_on and unit.wake_reason is not WakeReason.RECOVERED:
            assert unit._wake_ns is not None
            assert unit._wake_ns <= unit._now_ns + LIMITS.max_sleep_s * NS_PER_S


AnyMainUnit.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyMainUnit = AnyMainUnit.TestCase
