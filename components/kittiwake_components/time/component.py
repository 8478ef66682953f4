"""The time service: what time tags count from, how far the time can be trusted, and whether the clock stepped."""

from __future__ import annotations

from kittiwake.model import (
    ACTIVITY_HI,
    F64,
    U32,
    WARNING_LO,
    Channel,
    PassiveComponent,
    Setting,
    event,
    sync_port,
)
from kittiwake.model.fw import Sched, TimeBase
from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.deployment_time import time_base
from kittiwake_components.ports.time import SetTime, TimeQuality

U32_MAX = 0xFFFFFFFF

EARLIEST_WALL_S = 1_700_000_000
"""Wall time before this (November 2023) is a clock that was never set."""

LIMIT_HIGH_MS = 3_600_000

WALL_BASES = (int(TimeBase.TB_WORKSTATION_TIME), int(TimeBase.TB_SC_TIME))

SYNCHRONISED_MARK = "/run/systemd/timesync/synchronized"


def _check_base(base: int) -> None:
    if base not in WALL_BASES:
        raise ValueError(f"{' or '.join(map(repr, WALL_BASES))} is wanted, not {base}")


class Time(PassiveComponent):
    """Watches the wall clock against the clock since boot.

    While the wall clock was never set, tags count from boot (TB_PROC_TIME); after it they count from the Unix epoch.
    A backward step begins a new epoch of tags: within one they only increase. Wall time is the machine's until
    somebody sets another one, which is then the deployment's alone.
    """

    time_quality = Channel(TimeQuality, on_change=True, doc="How far the wall time can be trusted.")
    clock_steps = Channel(U32, on_change=True, doc="Steps of the wall clock since boot.")

    step_limit_ms = Setting(
        int, default=100, low=1, high=LIMIT_HIGH_MS, doc="A smaller change between two cycles is drift, not a step."
    )

    wall_base = Setting(
        int, default=int(TimeBase.TB_WORKSTATION_TIME), check=_check_base,
        doc="The base of tags once the time is set: 2 (TB_WORKSTATION_TIME) or 3 (TB_SC_TIME).",
    )  # fmt: skip

    @event(WARNING_LO, "Wall clock stepped by {step_s:.3f} s")
    def clock_step(self, step_s: F64) -> None: ...

    @event(ACTIVITY_HI, "Time is {quality}")
    def time_quality_changed(self, quality: TimeQuality) -> None: ...

    def initialize(self) -> None:
        self._given: TimeQuality | None = None
        self._quality = TimeQuality.UNSET
        self._offset_ns = self._offset()
        self._steps = 0
        self._use(self._present_quality())

    def _offset(self) -> int:
        return self.clock.wall_ns() - self.clock.now_ns()

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Looks for steps and for a change of quality."""
        if self._given is TimeQuality.ESTIMATED and self._is_machine_synced():
            self._given = None
            self.platform.clock.follow_machine()
        offset = self._offset()
        step = offset - self._offset_ns
        self._offset_ns = offset
        if self._is_step(step):
            self._stepped(step)
        self._settle(went_back=self._is_step(step) and step < 0)
        self.time_quality = self._quality

    @sync_port(SetTime)
    def set_time(self, time_us: int, quality: TimeQuality) -> None:
        """Gives the deployment a wall time of its own. An ESTIMATED one holds until the machine's clock is synced."""
        step = time_us * 1000 - self.clock.wall_ns()
        if self._is_step(step):
            self._stepped(step)
        self.platform.clock.set_wall_ns(time_us * 1000)
        self._offset_ns = self._offset()
        self._given = quality
        self._settle(went_back=self._is_step(step) and step < 0)
        self.time_quality = self._quality

    def _is_step(self, step_ns: int) -> bool:
        return abs(step_ns) > self.step_limit_ms * 1_000_000

    def _stepped(self, step_ns: int) -> None:
        # Reported with a tag of the epoch that ends, so that the ground sees it before time turns back.
        self.clock_step(step_ns / NS_PER_S)
        self._steps = (self._steps + 1) & U32_MAX
        self.clock_steps = self._steps

    def _settle(self, *, went_back: bool) -> None:
        """Begins a new epoch where the base changes or time went back, and reports a change of quality in it."""
        quality = self._present_quality()
        if went_back or self._wanted_base(quality) != time_base(self._tags):
            self._use(quality)
        self._tags.is_estimated = quality is TimeQuality.ESTIMATED
        if quality is not self._quality:
            self._quality = quality
            self.time_quality_changed(quality)

    def _use(self, quality: TimeQuality) -> None:
        self._tags.begin_epoch(self._wanted_base(quality))

    def _wanted_base(self, quality: TimeQuality) -> int:
        return TimeBase.TB_PROC_TIME if quality is TimeQuality.UNSET else self.wall_base

    def _present_quality(self) -> TimeQuality:
        if self._given is not None:
            return self._given
        if self.clock.wall_ns() < EARLIEST_WALL_S * NS_PER_S:
            return TimeQuality.UNSET
        return TimeQuality.SYNCED if self._is_machine_synced() else TimeQuality.SET

    def _is_machine_synced(self) -> bool:
        return self.platform.files.exists(SYNCHRONISED_MARK)
