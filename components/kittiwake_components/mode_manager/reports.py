"""What the mode manager reports."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    F32,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    CommandResponse,
    Size,
    event,
)
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.ports.mode import SafeModeReason, SystemMode


class ModeReports(ActiveComponent):
    """The events of the mode manager."""

    @event(WARNING_HI, "Entering safe mode: {reason}")
    def entering_safe_mode(self, reason: Annotated[str, Size(100)]) -> None: ...

    @event(ACTIVITY_HI, "Leaving safe mode")
    def exiting_safe_mode(self) -> None: ...

    @event(ACTIVITY_HI, "Safe mode by command")
    def manual_safe_mode_entry(self) -> None: ...

    @event(WARNING_HI, "Another component asks for safe mode: {reason}")
    def external_fault_detected(self, reason: SafeModeReason) -> None: ...

    @event(WARNING_LO, "The mode could not be {operation}: {reason}", throttle=5, every_s=600.0)
    def state_persistence_failure(
        self, operation: Annotated[str, Size(20)], reason: Annotated[str, Size(120)]
    ) -> None: ...

    @event(WARNING_HI, "Safe mode without command: {reason} at {voltage:.2f} V")
    def auto_safe_mode_entry(self, reason: SafeModeReason, voltage: F32) -> None: ...

    @event(ACTIVITY_HI, "The battery has recovered to {voltage:.2f} V")
    def auto_safe_mode_exit(self, voltage: F32) -> None: ...

    @event(WARNING_HI, "The last start ended without notice")
    def unintended_reboot_detected(self) -> None: ...

    @event(ACTIVITY_HI, "A reboot was announced")
    def preparing_for_reboot(self) -> None: ...

    @event(ACTIVITY_HI, "Safe mode sequence completed")
    def safe_mode_sequence_completed(self) -> None: ...

    @event(WARNING_LO, "Safe mode sequence failed: {response}")
    def safe_mode_sequence_failed(self, response: CommandResponse) -> None: ...

    @event(WARNING_LO, "Safe mode is in force already", throttle=10, every_s=600.0)
    def safe_mode_request_ignored(self) -> None: ...

    @event(ACTIVITY_LO, "The mode is {mode}")
    def current_mode_reading(self, mode: SystemMode) -> None: ...

    @event(ACTIVITY_LO, "Safe mode's reason is {reason}")
    def current_safe_mode_reason_reading(self, reason: SafeModeReason) -> None: ...

    @event(WARNING_HI, "No authenticated traffic for {silence_s} s")
    def command_loss_detected(self, silence_s: U32) -> None: ...

    @event(WARNING_LO, "{mode} is refused in {current}: {why}")
    def mode_change_refused(self, mode: SystemMode, current: SystemMode, why: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "{file} {reason}")
    def state_recovered(self, file: Annotated[str, Size(PATH_SIZE)], reason: Annotated[str, Size(120)]) -> None: ...

    @event(WARNING_HI, "{boots} starts in a row ended early: safe mode")
    def boot_loop_safe(self, boots: U32) -> None: ...
