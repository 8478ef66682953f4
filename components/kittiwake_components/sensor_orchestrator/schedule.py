"""When the sensors of a hive record: one timer for the earliest of their next starts, on the wall clock."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.model import U32, Channel, Parameter
from kittiwake.model.fw import TimeValue
from kittiwake_components.daily_window import US_PER_S, local_time
from kittiwake_components.deployment_time import NO_TIME, time_is_known, time_value
from kittiwake_components.ports.hive import SensorState
from kittiwake_components.sensor_orchestrator.supervision import SensorSupervision

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer
    from kittiwake_components.sensor_orchestrator.supervised import Supervised

LATE_US = US_PER_S
"""A capture that begins later than this is reported as late."""

STEP_LIMIT_US = US_PER_S // 2
"""A smaller difference between the wall clock and the clock since boot is drift and no step."""

MAX_SAME_NAMES = 100


class SensorSchedule(SensorSupervision):
    """Begins the captures that are due, and counts those that were missed.

    The clock since boot drives the timer. Wall time is what the starts are on: until it is set none is due, and when it
    steps they are worked out anew. A capture that has begun does not heed either.
    """

    recordings: str
    """The folder of the recordings, as an absolute path."""

    host_name: str
    """The first part of the names of recordings."""

    _timer: Timer | None
    _offset_us: int
    _time_was_known: bool

    next_start = Channel(TimeValue, on_change=True, doc="The earliest start ahead of all sensors; zero without one.")

    late_limit_s = Parameter(
        U32, default=30, low=1, high=3600, unit="s", doc="A capture that could not begin for so long is missed."
    )

    def wall_us(self) -> int:
        """The wall time."""
        return self.clock.wall_ns() // 1000

    def start_schedule(self) -> None:
        """Takes the clock as it is."""
        self._timer = None
        self._offset_us = self._present_offset_us()
        self._time_was_known = time_is_known(self._tags)

    def stop_schedule(self) -> None:
        """Lets no capture begin any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def begin_times(self, index: int, *, include_elapsed: bool) -> None:
        """Has a sensor record from now on."""
        one = self.sensors[index]
        if not self._time_was_known:
            return  # once it is, they all begin
        now_us = self.wall_us()
        if include_elapsed:
            self._miss(index, one.times.begin_with_elapsed(now_us))
        else:
            one.times.begin(now_us)
        self._look_at_window(one, now_us)
        self.report_sensor(index)
        self.arm()

    def end_times(self, index: int) -> None:
        """Has a sensor record no more."""
        one = self.sensors[index]
        one.times.end()
        if one.times.is_open:
            one.times.is_open = False
            self.window_closed(one.name)
        self.report_sensor(index)
        self.arm()

    # The clocks

    def _present_offset_us(self) -> int:
        return (self.clock.wall_ns() - self.clock.now_ns()) // 1000

    def follow_clock(self) -> None:
        """Works out the starts anew if the wall clock has stepped, or was set for the first time."""
        offset_us = self._present_offset_us()
        step_us = offset_us - self._offset_us
        was_known, self._time_was_known = self._time_was_known, time_is_known(self._tags)
        if self._time_was_known and not was_known:
            self._offset_us = offset_us
            for index, one in self.sensors.items():
                if one.is_wanted:
                    self.begin_times(index, include_elapsed=one.settings.include_elapsed_times)
        elif was_known and not self._time_was_known:
            for index in self.sensors:
                self.end_times(index)
        elif abs(step_us) >= STEP_LIMIT_US:
            self._offset_us = offset_us
            self._follow_step(step_us)

    def _follow_step(self, step_us: int) -> None:
        now_us = self.wall_us()
        self.schedule_moved(step_us / US_PER_S)
        for index, one in self.sensors.items():
            if step_us < 0:
                one.times.set_back(now_us)
            if one.times.next_us is not None:
                self._look_at_window(one, now_us)
            self.report_sensor(index)
        self.arm()

    # The timer

    def arm(self) -> None:
        """Sets the timer to what comes first: a start, its end as missed, or a change of a window."""
        wakes = [wake_us for index, one in self.sensors.items() for wake_us in self._wakes(index, one)]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wakes:
            self._timer = self.clock.call_at(self.clock.now_ns() + (min(wakes) - self.wall_us()) * 1000, self.begin_due)
        starts = [one.times.next_us for one in self.sensors.values() if one.times.next_us is not None]
        self.next_start = time_value(self._tags, min(starts)) if starts else NO_TIME

    def _wakes(self, index: int, one: Supervised) -> list[int]:
        wake_us = one.times.wake_us(self._late_limit_us(), is_free=self._is_free(index))
        return [] if wake_us is None else [wake_us, one.times.change_us]

    def _late_limit_us(self) -> int:
        return self.late_limit_s * US_PER_S

    def _is_free(self, index: int) -> bool:
        return self.sensor[index].state is SensorState.WAITING

    def begin_due(self) -> None:
        """Begins the captures that are due now."""
        self._timer = None
        self.follow_clock()
        now_us = self.wall_us()
        for index, one in list(self.sensors.items()):
            if one.times.next_us is None:
                continue
            due = one.times.take(now_us, self._late_limit_us(), is_free=self._is_free(index))
            if due.missed:
                self._miss(index, due.missed)
            if due.start_us is not None:
                self._begin(index, due.start_us, now_us)
            if now_us >= one.times.change_us:
                self._look_at_window(one, now_us)
        self.arm()

    def _begin(self, index: int, start_us: int, now_us: int) -> None:
        if now_us - start_us > LATE_US:
            self.capture_late(self.sensors[index].name, (now_us - start_us) / US_PER_S)
        self.capture_now(index, start_us)

    def capture_now(self, index: int, start_us: int) -> None:
        """Has a sensor that waits record under the name of a start."""
        one = self.sensors[index]
        start = local_time(start_us, one.settings.window.zone)
        self.order_capture(index, self._free_path(one, f"{start:%Y-%m-%d}", f"{start:%H-%M-%S}"), start.isoformat())

    def _free_path(self, one: Supervised, day: str, time: str) -> str:
        """The original's name; a time that comes twice, as when clocks are set back, gets a number."""
        assert one.described is not None, "a sensor that waits has said what its files are"
        base = posixpath.join(self.recordings, one.name, day, f"{self.host_name}@{day}@{time}")
        for number in range(1, MAX_SAME_NAMES):
            path = f"{base}{f'-{number}' if number > 1 else ''}.{one.described.extension}"
            if not self.platform.files.exists(path):
                break
        return path

    def _miss(self, index: int, count: int) -> None:
        if count:
            self.count_missed(index, count)
            self.capture_missed(self.sensors[index].name, count)
            self.report_sensor(index)

    def _look_at_window(self, one: Supervised, now_us: int) -> None:
        if one.times.look(now_us):
            if one.times.is_open:
                self.window_opened(one.name)
            else:
                self.window_closed(one.name)
