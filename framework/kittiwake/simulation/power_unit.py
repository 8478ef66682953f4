"""A power unit as its firmware would be: the reference of the protocol, without any hardware or clock of its own.

Whoever drives it (`kittiwake power-unit`, a simulated station) hands it the bytes of the line and the time, and does
with the main unit's power what it says. It rules out the one disaster of a battery device, software that keeps the main
unit powered: every awake time has an end, and a main unit that has to be cut off again and again is given longer and
longer pauses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake.wire.power_link import (
    NOTICE,
    REPLY,
    VERSION,
    Credit,
    CutWarning,
    HardLimit,
    Kind,
    LowPower,
    Measures,
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

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from kittiwake.simulation.power import Battery

FIRMWARE = 1
WARNING_S = 10
"""So long before it cuts the power unasked the power unit says so."""

CUT_IN_MS = 500
"""From the acceptance of a powerdown to the cut: the main unit can sync its files."""

STEP_NS = 10 * NS_PER_S
"""The battery is followed in steps of this length."""

ASLEEP_NS = 60 * NS_PER_S
"""While the main unit sleeps nobody need look more often than that whether an empty battery has recovered."""

LOW_POWER_EVERY_NS = 60 * NS_PER_S
NEVER_U32 = 0xFFFFFFFF
NEVER_U16 = 0xFFFF


class Limits(NamedTuple):
    """What the firmware was built with. `empty` and `recovered` are states of charge from 0 to 1."""

    hard_limit_s: int = 900
    min_sleep_s: int = 10
    max_sleep_s: int = 172_800
    max_watchdog_s: int = 3600
    retry_s: int = 60
    max_retry_s: int = 3600
    empty: float = 0.05
    recovered: float = 0.15
    low: float = 0.10


class Board(NamedTuple):
    """What the device draws, in watts."""

    asleep_w: float = 0.00005
    awake_w: float = 0.9


LIMITS = Limits()
BOARD = Board()


class Change(NamedTuple):
    """The main unit got its power (`is_on`) or lost it, at `time_ns` of the power unit's clock, and why."""

    time_ns: int
    is_on: bool
    reason: WakeReason


class PowerUnit:
    """The power unit and the battery behind it.

    `supply_w` gives the power of the supply or panel at a time. `awake_w` may be set anew by whoever knows what the
    main unit draws. Times are nanoseconds of the power unit's own clock, which starts at `now_ns`.
    """

    def __init__(
        self, battery: Battery, *, limits: Limits = LIMITS, board: Board = BOARD,
        supply_w: Callable[[int], float] = lambda now_ns: 0.0, now_ns: int = 0,
    ) -> None:  # fmt: skip
        self.battery = battery
        self.limits = limits
        self.board = board
        self.awake_w = board.awake_w
        self.supply_w = supply_w
        self.is_on = False
        self.mode = PowerMode.BATTERY
        self.wake_reason = WakeReason.POWER_ON
        self.unasked_cuts = 0
        """How often in a row the power was cut without having been asked for."""
        self._now_ns = now_ns
        self._since_ns = now_ns
        self._slept_s = self._wakes = 0
        self._hard_limit_s = limits.hard_limit_s
        self._hard_ns = 0
        self._watchdog_ns: int | None = None
        self._watchdog_s = 0
        self._cut_ns: int | None = None
        self._sleep_s = 0
        self._wake_ns: int | None = now_ns
        self._warned = False
        self._low_said_ns: int | None = None
        self._notices: list[bytes] = []
        self._notice_sequence = 0
        self._reader = PowerLinkReader()
        self._last: tuple[tuple[Any, ...], bytes] | None = None

    # Time

    def next_ns(self) -> int:
        """When something may be due: call `advance` then, or earlier."""
        return self._next_ns(STEP_NS if self.is_on else ASLEEP_NS)

    def _next_ns(self, longest_ns: int) -> int:
        due = [self._now_ns + longest_ns]
        if self.is_on:
            due += [time for time in (self._hard_ns, self._watchdog_ns, self._cut_ns) if time is not None]
        elif self._wake_ns is not None:
            due.append(self._wake_ns)
        return max(min(due), self._now_ns)

    def advance(self, now_ns: int) -> list[Change]:
        """Lets time pass up to `now_ns`; what became of the main unit's power, in its order."""
        changes: list[Change] = []
        while self._now_ns < now_ns or self._is_due():
            step_ns = min(self._next_ns(STEP_NS), now_ns)
            self._pass((step_ns - self._now_ns) / NS_PER_S)
            self._now_ns = step_ns
            changes += self._act()
        return changes

    def _is_due(self) -> bool:
        if self.is_on:
            times = (self._hard_ns, self._watchdog_ns, self._cut_ns)
            return any(time is not None and time <= self._now_ns for time in times)
        return self._wake_ns is not None and self._wake_ns <= self._now_ns and not self._is_empty()

    def _pass(self, duration_s: float) -> None:
        drawn_w = self.awake_w if self.is_on else self.board.asleep_w
        self.battery.draw(drawn_w - self.supply_w(self._now_ns), duration_s)

    def _is_empty(self) -> bool:
        return self.battery.charge <= self.limits.empty

    def _act(self) -> list[Change]:
        now = self._now_ns
        if not self.is_on:
            return self._act_asleep(now)
        if self.mode is PowerMode.POWERED and self.supply_w(now) > 0.0:
            self._hard_ns = now + self._hard_limit_s * NS_PER_S
        if self._cut_ns is not None and self._cut_ns <= now:
            self.unasked_cuts = 0
            return [self._cut(WakeReason.TIMER, self._sleep_s)]
        if self._watchdog_ns is not None and self._watchdog_ns <= now:
            return [self._cut_unasked(WakeReason.WATCHDOG)]
        if self._hard_ns <= now:
            return [self._cut_unasked(WakeReason.HARD_LIMIT)]
        if self._is_empty():
            return [self._cut(WakeReason.RECOVERED, 0)]
        self._warn(now)
        return []

    def _act_asleep(self, now: int) -> list[Change]:
        if self.wake_reason is WakeReason.RECOVERED:
            if self.battery.charge >= self.limits.recovered:
                return [self._wake(WakeReason.RECOVERED)]
        elif self._is_empty():
            self.wake_reason = WakeReason.RECOVERED
            self._wake_ns = None
        elif self._wake_ns is not None and self._wake_ns <= now:
            return [self._wake(self.wake_reason)]
        return []

    def _warn(self, now: int) -> None:
        deadlines = [(self._hard_ns, WakeReason.HARD_LIMIT)]
        if self._watchdog_ns is not None:
            deadlines.append((self._watchdog_ns, WakeReason.WATCHDOG))
        due_ns, reason = min(deadlines)
        if due_ns - now <= WARNING_S * NS_PER_S and not self._warned:
            self._warned = True
            self._notify(Kind.CUT_WARNING, CutWarning(reason, _seconds(due_ns - now, NEVER_U16)))
        if self.battery.charge <= self.limits.low and (
            self._low_said_ns is None or now - self._low_said_ns >= LOW_POWER_EVERY_NS
        ):
            self._low_said_ns = now
            self._notify(Kind.LOW_POWER, LowPower(self._battery_mv(), self._charge_permille()))

    # The main unit's power

    def press_button(self) -> list[Change]:
        """Wakes the main unit if it sleeps and the battery allows it."""
        if self.is_on or self._is_empty():
            return []
        return [self._wake(WakeReason.BUTTON)]

    def _wake(self, reason: WakeReason) -> Change:
        now = self._now_ns
        self.is_on = True
        self._wakes += 1
        self.wake_reason = reason
        self._slept_s = 0 if reason is WakeReason.POWER_ON else (now - self._since_ns) // NS_PER_S
        self._since_ns = now
        self._hard_limit_s = self.limits.hard_limit_s
        self._hard_ns = now + self._hard_limit_s * NS_PER_S
        self._watchdog_ns = self._cut_ns = self._wake_ns = self._low_said_ns = None
        self._warned = False
        self._last = None
        self._notices.clear()
        self._reader = PowerLinkReader()
        return Change(now, True, reason)

    def _cut_unasked(self, reason: WakeReason) -> Change:
        pause_s = min(self.limits.retry_s << min(self.unasked_cuts, 16), self.limits.max_retry_s)
        self.unasked_cuts += 1
        return self._cut(reason, pause_s)

    def _cut(self, reason: WakeReason, sleep_s: int) -> Change:
        self.is_on = False
        self.wake_reason = reason
        self._since_ns = self._now_ns
        self._wake_ns = None if reason is WakeReason.RECOVERED else self._now_ns + sleep_s * NS_PER_S
        return Change(self._now_ns, False, reason)

    # The line

    def receive(self, data: bytes) -> bytes:
        """What the power unit answers to bytes of the line; nothing while the main unit has no power."""
        if not self.is_on:
            return b""
        return b"".join([self._answer(message) for message in self._reader.feed(data)])

    def notices(self) -> bytes:
        """What the power unit says unasked since the last look."""
        said = b"".join(self._notices)
        self._notices.clear()
        return said

    def _notify(self, kind: Kind, payload: Any) -> None:
        self._notice_sequence = (self._notice_sequence + 1) & 0xFF
        self._notices.append(frame(Message(kind, self._notice_sequence, payload)))

    def _answer(self, message: Message) -> bytes:
        if message.kind >= REPLY:
            return b""  # no request: an echo, or another power unit's line
        if self._last is not None and self._last[0] == tuple(message):
            return self._last[1]
        kind, payload = self._carry_out(message)
        reply = frame(Message(kind, message.sequence, payload))
        self._last = (tuple(message), reply)
        return reply

    def _carry_out(self, message: Message) -> tuple[Kind, Any]:
        def refused(reason: RefusalReason) -> tuple[Kind, Any]:
            return Kind.REFUSAL, Refusal(message.kind, reason)

        if message.version != VERSION:
            return refused(RefusalReason.WRONG_VERSION)
        if message.kind not in (Kind.GET_STATUS, Kind.GET_MEASURES, Kind.GET_CREDIT, Kind.CANCEL_POWERDOWN):
            if message.kind not in _ORDERS:
                return refused(RefusalReason.UNKNOWN_KIND)
            if not isinstance(message.payload, _ORDERS[Kind(message.kind)]):
                return refused(RefusalReason.BAD_PAYLOAD)
        elif message.payload is not None:
            return refused(RefusalReason.BAD_PAYLOAD)
        reason = self._obey(message.payload) if message.payload is not None else None
        if message.kind == Kind.CANCEL_POWERDOWN:
            reason = self._cancel()
        return refused(reason) if reason is not None else self._reply(Kind(message.kind))

    def _obey(self, order: Any) -> RefusalReason | None:
        now = self._now_ns
        match order:
            case Watchdog(limit_s):
                if not 1 <= limit_s <= self.limits.max_watchdog_s:
                    return RefusalReason.OUT_OF_RANGE
                self._watchdog_s = limit_s
                self._watchdog_ns = now + limit_s * NS_PER_S
                self._warned = False
            case SetMode(mode):
                if mode is PowerMode.POWERED and self.supply_w(now) <= 0.0:
                    return RefusalReason.NO_SUPPLY
                self.mode = mode
            case Powerdown(sleep_s):
                if self._cut_ns is not None:
                    return RefusalReason.NOT_NOW
                self._sleep_s = min(max(sleep_s, self.limits.min_sleep_s), self.limits.max_sleep_s)
                self._cut_ns = now + CUT_IN_MS * 1_000_000
            case HardLimit(limit_s):
                if not 1 <= limit_s <= self._hard_limit_s:
                    return RefusalReason.OUT_OF_RANGE
                self._hard_limit_s = limit_s
                self._hard_ns = min(self._hard_ns, self._since_ns + limit_s * NS_PER_S)
        return None

    def _cancel(self) -> RefusalReason | None:
        if self._cut_ns is None:
            return RefusalReason.NOT_NOW
        self._cut_ns = None
        return None

    def _reply(self, request: Kind) -> tuple[Kind, Any]:
        kind = Kind(request | REPLY)
        if kind is Kind.MEASURES:
            return kind, self._measures()
        if kind is Kind.CREDIT:
            return kind, self._credit()
        if kind is Kind.WATCHDOG_LEFT:
            return kind, WatchdogLeft(self._watchdog_s)
        if kind is Kind.POWERDOWN_ACCEPTED:
            return kind, PowerdownAccepted(self._sleep_s, CUT_IN_MS)
        return kind, self._status()

    # What it knows

    def _status(self) -> Status:
        now = self._now_ns
        holds = not (self.mode is PowerMode.POWERED and self.supply_w(now) > 0.0)
        return Status(
            FIRMWARE, self.wake_reason, self.mode, (now - self._since_ns) // NS_PER_S, self._slept_s,
            _seconds(self._hard_ns - now, NEVER_U32) if holds else NEVER_U32,
            NEVER_U16 if self._watchdog_ns is None else _seconds(self._watchdog_ns - now, NEVER_U16),
            NEVER_U16 if self._cut_ns is None else _seconds(self._cut_ns - now, NEVER_U16),
            self._wakes & NEVER_U32,
        )  # fmt: skip

    def _measures(self) -> Measures:
        supply_w = self.supply_w(self._now_ns)
        net_w = self.awake_w - supply_w
        battery_v = self.battery.terminal_v(net_w)
        supply_v = 5.0 if supply_w > 0.0 else 0.0
        return Measures(
            self._battery_mv(), round(net_w / battery_v * 1000), round(supply_v * 1000),
            round(supply_w / supply_v * 1000) if supply_v else 0, 2000, self._charge_permille(),
        )  # fmt: skip

    def _credit(self) -> Credit:
        usable_wh = max(0.0, self.battery.charge - self.limits.recovered) * self.battery.capacity_wh
        credit_s = int(usable_wh * 3600 / self.board.asleep_w) if self.board.asleep_w > 0 else NEVER_U32
        return Credit(
            self.limits.min_sleep_s, self.limits.max_sleep_s, min(credit_s, NEVER_U32),
            round(self.battery.charge * self.battery.capacity_wh * 1000),
        )  # fmt: skip

    def _battery_mv(self) -> int:
        return round(self.battery.terminal_v(self.awake_w - self.supply_w(self._now_ns)) * 1000)

    def _charge_permille(self) -> int:
        return round(self.battery.charge * 1000)


_ORDERS: dict[int, Any] = {
    Kind.WATCHDOG: Watchdog, Kind.SET_MODE: SetMode, Kind.POWERDOWN: Powerdown, Kind.HARD_LIMIT: HardLimit,
}  # fmt: skip

assert NOTICE > Kind.REFUSAL, "notices are told from replies by their kind"


def _seconds(duration_ns: int, most: int) -> int:
    return min(max(0, duration_ns // NS_PER_S), most - 1)
