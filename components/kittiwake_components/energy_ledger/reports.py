"""What the energy ledger reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    F32,
    U32,
    U64,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Size,
    event,
    wire_array,
    wire_struct,
)
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.ports.mode import SystemMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

FAULT_SIZE = 160
CONSUMERS = 8
NAME_SIZE = 40


@wire_struct(name="Components.Consumer")
class Consumer:
    """An active component, what its handlers used of the processor since the start, and how many messages that were."""

    name: Annotated[str, Size(NAME_SIZE)]
    cpu_us: U64
    messages: U64


Consumers = wire_array("Components.Consumers", Consumer, CONSUMERS)


class EnergyReports(ActiveComponent):
    """The events of an energy ledger."""

    @event(
        ACTIVITY_HI,
        "Wake cycle {cycle}: {awake_s:.1f} s awake, {cpu_ms:.1f} ms of processor, {wakes} processor wake-ups, "
        "{energy_mwh:.3f} mWh",
    )
    def energy_report(self, cycle: U64, awake_s: F32, cpu_ms: F32, wakes: U32, energy_mwh: F32) -> None: ...

    @event(WARNING_HI, "{mode} is wanted: the battery lasts for {days:.1f} days")
    def battery_will_not_last(self, mode: SystemMode, days: F32) -> None: ...

    @event(WARNING_HI, "{mode} is wanted: {used_mwh:.1f} mWh of {budget_mwh:.1f} mWh for the day are used")
    def budget_spent(self, mode: SystemMode, used_mwh: F32, budget_mwh: F32) -> None: ...

    @event(ACTIVITY_HI, "The battery holds {charge_mwh:.0f} mWh now")
    def charge_set(self, charge_mwh: F32) -> None: ...

    @event(ACTIVITY_HI, "The ledger begins anew")
    def ledger_reset(self) -> None: ...

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: Annotated[str, Size(PATH_SIZE)], reason: Annotated[str, Size(FAULT_SIZE)]) -> None: ...

    @event(ACTIVITY_HI, "{mode} is not wanted any more: there is energy for {days:.1f} days")
    def energy_enough(self, mode: SystemMode, days: F32) -> None: ...

    def report_findings(self, file: str, findings: Iterable[Finding]) -> None:
        """Tells what was found wrong in a record."""
        for finding in findings:
            self.file_fault(file, finding.detail)
