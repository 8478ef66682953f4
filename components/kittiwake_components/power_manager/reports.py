"""What the power manager reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    F32,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Size,
    event,
)
from kittiwake.wire.power_link import PowerMode, WakeReason
from kittiwake_components.ports.file import PATH_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

REASON_SIZE = 120
Reason = Annotated[str, Size(80)]


class PowerReports(ActiveComponent):
    """The events of a power manager."""

    @event(WARNING_HI, "The battery is low: {voltage:.2f} V")
    def low_battery(self, voltage: F32) -> None: ...

    @event(WARNING_HI, "The battery is critical: {voltage:.2f} V")
    def critical_battery(self, voltage: F32) -> None: ...

    @event(ACTIVITY_HI, "The battery has recovered: {voltage:.2f} V")
    def battery_recovered(self, voltage: F32) -> None: ...

    @event(ACTIVITY_HI, "The power unit cuts the power in {cut_in_ms} ms, for {sleep_s} s")
    def powerdown_scheduled(self, cut_in_ms: U32, sleep_s: U32) -> None: ...

    @event(WARNING_LO, "Powerdown refused: {reason}", throttle=5, every_s=60.0)
    def powerdown_refused(self, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "The powerdown is cancelled")
    def powerdown_cancelled(self) -> None: ...

    @event(WARNING_HI, "The power unit is lost: {reason}", throttle=5, every_s=600.0)
    def power_module_lost(self, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "The power unit is back", throttle=5, every_s=600.0)
    def power_module_back(self) -> None: ...

    @event(ACTIVITY_HI, "Woken by {reason} after {slept_s} s; {planned_s} s were planned", name="WakeReason")
    def woken(self, reason: WakeReason, slept_s: U32, planned_s: U32) -> None: ...

    @event(ACTIVITY_HI, "Power mode is {mode}")
    def power_mode_set(self, mode: PowerMode) -> None: ...

    @event(WARNING_LO, "The power unit refused {kind}: {reason}", throttle=5, every_s=60.0)
    def request_refused(self, kind: Reason, reason: Reason) -> None: ...

    @event(WARNING_HI, "The power unit will cut the power in {left_s} s: {reason}", throttle=3, every_s=60.0)
    def cut_warning(self, left_s: U32, reason: WakeReason) -> None: ...

    @event(ACTIVITY_LO, "The battery holds {energy_mwh} mWh; it can sleep for {credit_s} s")
    def energy_budget(self, energy_mwh: U32, credit_s: U32) -> None: ...

    @event(ACTIVITY_HI, "Total power consumption reset to 0 mWh")
    def total_power_reset(self) -> None: ...

    @event(ACTIVITY_HI, "Total power generation reset to 0 mWh")
    def total_generation_reset(self) -> None: ...

    @event(ACTIVITY_LO, "Consumed {consumed:.3f} mWh, generated {generated:.3f} mWh")
    def total_power_reading(self, consumed: F32, generated: F32) -> None: ...

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: Annotated[str, Size(PATH_SIZE)], reason: Annotated[str, Size(REASON_SIZE)]) -> None: ...

    def report_findings(self, file: str, findings: Iterable[Finding]) -> None:
        """Reports what was found wrong with a file."""
        for finding in findings:
            self.file_fault(file, finding.reason)
