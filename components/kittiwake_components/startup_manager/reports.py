"""What the startup manager reports."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U32,
    WARNING_HI,
    WARNING_LO,
    CommandResponse,
    PassiveComponent,
    Size,
    event,
)
from kittiwake.model.fw import FwSizeType
from kittiwake_components.ports.file import FileName

Reason = Annotated[str, Size(120)]


class StartupReports(PassiveComponent):
    """The events of the startup manager."""

    @event(WARNING_LO, "Boot count file could not be updated")
    def boot_count_update_failure(self) -> None: ...

    @event(WARNING_LO, "Quiescence file could not be initialized", throttle=5, every_s=600.0)
    def quiescence_file_init_failure(self) -> None: ...

    @event(ACTIVITY_LO, "Startup sequence finished")
    def startup_sequence_finished(self) -> None: ...

    @event(WARNING_LO, "Startup sequence failed: {response}")
    def startup_sequence_failed(self, response: CommandResponse) -> None: ...

    @event(ACTIVITY_LO, "This is start {count}")
    def current_boot_count(self, count: FwSizeType) -> None: ...

    @event(ACTIVITY_LO, "There is no startup sequence {file}")
    def startup_sequence_absent(self, file: FileName) -> None: ...

    @event(WARNING_HI, "{boots} starts in a row ended early; the startup sequence is left out")
    def boot_loop_detected(self, boots: U32) -> None: ...

    @event(WARNING_LO, "{file} {reason}")
    def record_recovered(self, file: FileName, reason: Reason) -> None: ...

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: FileName, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "The quiescence is over")
    def quiescence_done(self) -> None: ...

    @event(ACTIVITY_HI, "The quiescence begins anew")
    def quiescence_reset(self) -> None: ...

    @event(ACTIVITY_HI, "Quiescence imported from {file}: {elapsed} s have passed")
    def quiescence_imported(self, file: FileName, elapsed: U32) -> None: ...

    @event(WARNING_LO, "{waiting} commands wait for the quiescence already")
    def wait_refused(self, waiting: U32) -> None: ...

    @event(ACTIVITY_HI, "Early ends of the last starts are forgotten")
    def boot_history_cleared(self) -> None: ...

    @event(WARNING_LO, "{file} cannot be read: {reason}; it is left as it is, and this start counts once it can be")
    def boot_count_unread(self, file: FileName, reason: Reason) -> None: ...
