"""The energy that went over a rail, by the clock since boot."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1

POWER_MAX_W = 1000.0
GAP_MAX_NS = 10 * NS_PER_S
_NS_PER_MWH = 3_600_000_000.0
"""Nanoseconds of one watt that make a milliwatt-hour."""

_LAYOUT = Struct(">dd")


class RailEnergy:
    """`mwh` milliwatt-hours, added up between samples of a power in watts.

    A sample below 0 or above 1000 W, or none (NaN), counts nothing; neither does a gap of 10 s or more.
    """

    def __init__(self) -> None:
        self.mwh = 0.0
        self._power_w = 0.0
        self._sampled_ns: int | None = None

    def sample(self, power_w: float, now_ns: int) -> None:
        """Takes the power at `now_ns`; since the sample before it was their mean."""
        if not 0.0 <= power_w <= POWER_MAX_W:
            return
        if self._sampled_ns is not None and now_ns - self._sampled_ns < GAP_MAX_NS:
            self.mwh += (power_w + self._power_w) / 2.0 * (now_ns - self._sampled_ns) / _NS_PER_MWH
        self._power_w, self._sampled_ns = power_w, now_ns


class EnergyRecord:
    """Keeps the two totals over restarts."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, _LAYOUT.size)

    def read(self, *, last_try: bool = False) -> tuple[float, float, tuple[Finding, ...]]:
        """Consumed and generated mWh, 0 where there is no record, and what was found wrong. Raises `OSError`."""
        reading = self._record.read(last_try=last_try)
        if reading.payload is None or len(reading.payload) != _LAYOUT.size:
            return 0.0, 0.0, reading.findings
        consumed, generated = (max(value, 0.0) for value in _LAYOUT.unpack(reading.payload))
        return consumed, generated, reading.findings

    def write(self, consumed_mwh: float, generated_mwh: float) -> None:
        """Saves the totals. Raises `OSError`."""
        self._record.write(_LAYOUT.pack(consumed_mwh, generated_mwh))
