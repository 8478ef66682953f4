"""What the connexion manager reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    I16,
    U8,
    U32,
    U64,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Size,
    event,
)
from kittiwake_components.ports.bearer import REASON_SIZE, LinkPurpose
from kittiwake_components.ports.file import PATH_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

NAME_SIZE = 20
FAULT_SIZE = 160

Name = Annotated[str, Size(NAME_SIZE)]
Why = Annotated[str, Size(REASON_SIZE)]


class ConnexionReports(ActiveComponent):
    """The events of a connexion manager."""

    @event(ACTIVITY_HI, "{bearer} is up", name="LinkUp", throttle=20, every_s=3600.0)
    def link_up_reported(self, bearer: Name) -> None: ...

    @event(
        WARNING_LO, "{bearer} is down: {reason}; it is left alone for {wait_s} s", name="LinkDown",
        throttle=20, every_s=3600.0,
    )  # fmt: skip
    def link_down_reported(self, bearer: Name, reason: Why, wait_s: U32) -> None: ...

    @event(ACTIVITY_HI, "In use is {bearer} instead of {before}", throttle=20, every_s=3600.0)
    def bearer_switched(self, bearer: Name, before: Name) -> None: ...

    @event(WARNING_HI, "No bearer can be had: all {bearers} that are allowed have failed", throttle=5, every_s=3600.0)
    def all_links_down(self, bearers: U8) -> None: ...

    @event(WARNING_HI, "{bearer} is brought up for recovery: no contact for {silence_s} s")
    def recovery_link_used(self, bearer: Name, silence_s: U32) -> None: ...

    @event(WARNING_LO, "{purpose} of {size_bytes} bytes: no bearer may carry it: {reason}", throttle=5, every_s=3600.0)
    def budget_exceeded(self, purpose: LinkPurpose, size_bytes: U64, reason: Why) -> None: ...

    @event(ACTIVITY_LO, "{bearer}: {rssi_dbm} dBm")
    def bearer_scanned(self, bearer: Name, rssi_dbm: I16) -> None: ...

    @event(ACTIVITY_HI, "The configuration of {file} is on trial for {trial_s} s")
    def config_on_trial(self, file: Annotated[str, Size(PATH_SIZE)], trial_s: U32) -> None: ...

    @event(ACTIVITY_HI, "The configuration on trial led to contact and is kept")
    def config_kept(self) -> None: ...

    @event(WARNING_HI, "No contact in {trial_s} s: the configuration before it is in force again")
    def config_rolled_back(self, trial_s: U32) -> None: ...

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: Annotated[str, Size(PATH_SIZE)], reason: Annotated[str, Size(FAULT_SIZE)]) -> None: ...

    def report_findings(self, file: str, findings: Iterable[Finding]) -> None:
        """Tells what was found wrong in a record."""
        for finding in findings:
            self.file_fault(file, finding.detail)
