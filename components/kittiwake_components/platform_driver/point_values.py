"""The values of all points: the last good one is kept through failures, with quality, age and history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.platform_driver.value_store import Latest, Sample, ValueStore
from kittiwake_components.platform_driver.values import packed
from kittiwake_components.ports.platform_driver import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.platform_driver.device_loop import DeviceLoop, PolledPoint
    from kittiwake_components.platform_driver.drivers.interface import Reading

    Told = Callable[[str, str, Quality, int], None]

POINT_ERROR_SIZE = 200
UNKNOWN = Latest()


class PointValues:
    """What is known of each point, in memory and in the store.

    `tell` is called with path, value as JSON, quality and time for every reading, and when a value gets stale.
    The history has a sample for each change of value or quality, and one every `sample_every_s` in between.
    """

    def __init__(self, store: ValueStore, clock: TaskClock, tell: Told, is_dirty: Callable[[str], bool]) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell
        self._is_dirty = is_dirty
        self._clean: dict[str, str] = {}
        self._latest = store.latest(clock.now_ns(), clock.wall_ns() // 1000)
        self._sampled: dict[str, tuple[str | None, Quality, int]] = {}
        self._told: dict[str, Quality] = {}
        self.stale_factor = 3.0
        self.sample_every_s = 300.0

    def latest(self, point_id: str) -> Latest:
        """The last of a point."""
        return self._latest.get(point_id, UNKNOWN)

    def clean_json(self, point_id: str) -> str | None:
        """The last value that a point had while nothing was written to it; `None` before it was read in this start."""
        return self._clean.get(point_id)

    def quality(self, point_id: str, interval_s: float) -> Quality:
        """How good its value is now."""
        return self.latest(point_id).quality(self._clock.now_ns(), self.stale_factor * interval_s)

    def brought(self, interval_s: float, readings: Sequence[tuple[PolledPoint, Reading]]) -> None:
        """Readings have come: one transaction. Raises `OSError`; they are known, and told, all the same."""
        now_ns, now_us = self._clock.now_ns(), self._clock.wall_ns() // 1000
        samples = []
        for one, reading in readings:
            id = one.point.id
            if reading.fault is None:
                value_json = packed(reading.value)
                latest = Latest(value_json, now_ns, now_us, now_us)
                if not self._is_dirty(id):
                    self._clean[id] = value_json
            else:
                error = str(reading.fault)[:POINT_ERROR_SIZE] or type(reading.fault).__name__
                latest = self.latest(id)._replace(polled_us=now_us, error=error)
            self._latest[id] = latest
            quality = latest.quality(now_ns, self.stale_factor * interval_s)
            if self._is_sample_due(id, latest.value_json, quality, now_ns):
                samples.append(Sample(id, now_us, latest.value_json, quality))
            self._told[id] = quality
            self._tell(one.path, latest.value_json or "null", quality, now_us)
        self._store.put_poll([(one.point.id, self._latest[one.point.id]) for one, _ in readings], samples)

    def _is_sample_due(self, id: str, value_json: str | None, quality: Quality, now_ns: int) -> bool:
        last = self._sampled.get(id)
        if last is not None and last[:2] == (value_json, quality) and now_ns - last[2] < self.sample_every_s * 1e9:
            return False
        self._sampled[id] = value_json, quality, now_ns
        return True

    def tell_stale(self, loops: Iterable[DeviceLoop]) -> int:
        """Tells of the values that have got stale since they were told of; how many are stale now."""
        now_ns, now_us = self._clock.now_ns(), self._clock.wall_ns() // 1000
        count = 0
        for loop in loops:
            stale_s = self.stale_factor * loop.device.scrape_interval_seconds
            for id, one in loop.points.items():
                latest = self._latest.get(id)
                if latest is None or latest.quality(now_ns, stale_s) is not Quality.STALE:
                    continue
                count += 1
                if self._told.get(id) is not Quality.STALE:
                    self._told[id] = Quality.STALE
                    self._tell(one.path, latest.value_json or "null", Quality.STALE, now_us)
        return count

    def forget(self, point_ids: Iterable[str]) -> None:
        """Forgets points. Raises `OSError`."""
        ids = list(point_ids)
        for id in ids:
            for known in (self._latest, self._clean, self._sampled, self._told):
                known.pop(id, None)
        if ids:
            self._store.forget(ids)
