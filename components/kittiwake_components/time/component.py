"""The time service: what time tags count from, how far the time can be trusted, and whether the clock stepped."""

from __future__ import annotations

from enum import IntEnum

from kittiwake.model import (
    ACTIVITY_HI,
    F64,
    U8,
    U32,
    WARNING_LO,
    Channel,
    PassiveComponent,
    Setting,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.fw import Sched, TimeBase
from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.deployment_time import time_base

U32_MAX = 0xFFFFFFFF

EARLIEST_WALL_S = 1_700_000_000
"""Wall time before this (November 2023) is a clock that was never set."""

LIMIT_HIGH_MS = 3_600_000

SYNCHRONISED_MARK = "/run/systemd/timesync/synchronized"


@wire_enum(U8, name="Kittiwake.TimeQuality")
class TimeQuality(IntEnum):
    """How far the wall time can be trusted; ESTIMATED is for a clock that was restored from a record."""

    UNSET = 0
    ESTIMATED = 1
    SET = 2
    SYNCED = 3


def _check_limit(limit_ms: int) -> None:
    if not 1 <= limit_ms <= LIMIT_HIGH_MS:
        raise ValueError(f"1 to {LIMIT_HIGH_MS} ms are wanted, not {limit_ms}")


class Time(PassiveComponent):
    """Watches the wall clock against the clock since boot.

    While the wall clock was never set, tags count from boot (TB_PROC_TIME); after it they count from the Unix epoch
    (TB_WORKSTATION_TIME). A backward step begins a new epoch of tags: within one they only increase.
    """

    time_quality = Channel(TimeQuality, on_change=True, doc="How far the wall time can be trusted.")
    clock_steps = Channel(U32, on_change=True, doc="Steps of the wall clock since boot.")

    step_limit_ms = Setting(
        int, default=100, check=_check_limit, doc="A smaller change between two cycles is drift, not a step."
    )

    @event(WARNING_LO, "Wall clock stepped by {step_s:.3f} s")
    def clock_step(self, step_s: F64) -> None: ...

    @event(ACTIVITY_HI, "Time is {quality}")
    def time_quality_changed(self, quality: TimeQuality) -> None: ...

    def initialize(self) -> None:
        self._quality = TimeQuality.UNSET
        self._offset_ns = self._offset()
        self._steps = 0
        self._tags.begin_epoch(self._wanted_base())

    def _offset(self) -> int:
        return self.clock.wall_ns() - self.clock.now_ns()

    def _is_set(self) -> bool:
        return self.clock.wall_ns() >= EARLIEST_WALL_S * NS_PER_S

    def _wanted_base(self) -> TimeBase:
        return TimeBase.TB_WORKSTATION_TIME if self._is_set() else TimeBase.TB_PROC_TIME

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Looks for steps and for a change of quality."""
        offset = self._offset()
        step = offset - self._offset_ns
        self._offset_ns = offset
        if abs(step) > self.step_limit_ms * 1_000_000:
            self._stepped(step)
        if self._wanted_base() != time_base(self._tags):
            self._tags.begin_epoch(self._wanted_base())
        quality = self._present_quality()
        if quality is not self._quality:
            self._quality = quality
            self.time_quality_changed(quality)
        self.time_quality = quality

    def _present_quality(self) -> TimeQuality:
        if not self._is_set():
            return TimeQuality.UNSET
        return TimeQuality.SYNCED if self.platform.files.exists(SYNCHRONISED_MARK) else TimeQuality.SET

    def _stepped(self, step_ns: int) -> None:
        # Reported with a tag of the epoch that ends, so that the ground sees it before time turns back.
        self.clock_step(step_ns / NS_PER_S)
        self._steps = (self._steps + 1) & U32_MAX
        self.clock_steps = self._steps
        if step_ns < 0:
            self._tags.begin_epoch(self._wanted_base())
