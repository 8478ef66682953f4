"""Resets the deployment so that nothing is lost on the way, and says at the next start why it was reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

from kittiwake.model import (
    ACTIVITY_HI,
    U32,
    WARNING_HI,
    WARNING_LO,
    Channel,
    CommandError,
    CommandResponse,
    OutputPortArray,
    Parameter,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake.model.fw import Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime import exit_status
from kittiwake.storage import factory_reset
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.link import Flush, Pending
from kittiwake_components.reset_manager.causes import (
    DETAIL_SIZE,
    ResetCause,
    ResetRecord,
    seen_from_outside,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

RECORD_FILE = "/reset_reason.bin"
LISTENERS = 4
FLUSHED = 4
LOOKS_S = 0.02
"""Between two looks at what still waits; so long is waited at least, for what the command itself sets off."""

_STATUS = {
    ResetCause.COLD_RESET: exit_status.COLD_RESET,
    ResetCause.WARM_RESET: exit_status.WARM_RESET,
    ResetCause.FACTORY_RESET: exit_status.FACTORY_RESET,
}


class ResetManager(PassiveComponent):
    """Cold, warm and factory resets (PROVES ResetManager); how the process ends, its supervisor understands.

    Before the end the reason is on the disk, all who want to know were told, and what waits for the ground was given
    FLUSH_MS to get there.
    """

    # It reports the last end once a boot.
    RESTARTABLE = False

    prepare_for_reboot = OutputPortArray(Signal, LISTENERS, doc="A reset comes: ModeManager wants to know.")
    flush = OutputPortArray(Flush, FLUSHED, doc="Send what is held.")
    pending = OutputPortArray(Pending, FLUSHED, doc="What still waits to be sent.")

    last_reset = Channel(ResetCause, on_change=True, doc="Why the start before this one ended.")

    flush_ms = Parameter(
        U32, default=500, low=0, high=10_000, unit="ms", doc="How long a reset waits for what is to be sent."
    )
    arm_s = Parameter(U32, default=30, low=1, high=3600, unit="s", doc="How long ARM_FACTORY_RESET counts.")

    keep = Setting(list[str], default=["/keys"], doc="Files and folders of the root that a factory reset leaves alone.")

    _record: ResetRecord

    @event(ACTIVITY_HI, "Cold reset", name="INITIATE_COLD_RESET")
    def initiate_cold_reset(self) -> None: ...

    @event(ACTIVITY_HI, "Warm reset", name="INITIATE_WARM_RESET")
    def initiate_warm_reset(self) -> None: ...

    @event(WARNING_HI, "Factory reset", name="INITIATE_FACTORY_RESET")
    def initiate_factory_reset(self) -> None: ...

    @event(ACTIVITY_HI, "Cause of this start: {cause} {detail}")
    def reset_reason(self, cause: ResetCause, detail: Annotated[str, Size(DETAIL_SIZE)]) -> None: ...

    @event(WARNING_LO, "{pending} packets or bytes were not sent before the reset")
    def flush_incomplete(self, pending: U32) -> None: ...

    @event(WARNING_LO, "The reset: {reason}")
    def reset_fault(self, reason: Annotated[str, Size(120)]) -> None: ...

    @event(ACTIVITY_HI, "The factory reset is armed for {seconds} s")
    def factory_reset_armed(self, seconds: U32) -> None: ...

    def initialize(self) -> None:
        self._under_way: ResetCause | None = None
        self._deadline_ns = 0
        self._armed_until_ns = 0

    def start(self) -> None:
        self._record = ResetRecord(self.platform.files, self.root.resolve(RECORD_FILE))
        cause, detail = ResetCause.UNINTENDED, ""
        try:
            cause, detail, findings = self._record.read()
            for finding in findings:
                self.reset_fault(str(finding))
        except OSError as fault:
            self.reset_fault(reason_of(fault))
        if cause is ResetCause.UNINTENDED:
            cause, detail = seen_from_outside(self.platform.last_end)
        self.last_reset = cause
        self.reset_reason(cause, short(detail))
        self._write(ResetCause.UNINTENDED, "")

    def stop(self) -> None:
        if self._under_way is not None:
            return
        deployment = self._context.deployment
        cause = ResetCause.FATAL if deployment.exit_status else ResetCause.ORDERLY
        self._write(cause, deployment.exit_reason)

    # Ports and commands

    @sync_port(Signal)
    def cold_reset_in(self) -> None:
        """Another component wants a cold reset; nothing happens where one is under way."""
        self._reset(ResetCause.COLD_RESET, "by a component")

    @sync_port(Signal)
    def warm_reset_in(self) -> None:
        """Another component wants a warm reset; nothing happens where one is under way."""
        self._reset(ResetCause.WARM_RESET, "by a component")

    @command(hazardous=True)
    def cold_reset(self) -> None:
        """Starts the deployment afresh, after a power cycle where that can be had."""
        self._command(ResetCause.COLD_RESET)

    @command(hazardous=True)
    def warm_reset(self) -> None:
        """Starts the deployment afresh."""
        self._command(ResetCause.WARM_RESET)

    @command
    def arm_factory_reset(self) -> None:
        """Lets FACTORY_RESET count for ARM_S seconds."""
        self._armed_until_ns = self.clock.now_ns() + self.arm_s * NS_PER_S
        self.factory_reset_armed(self.arm_s)

    @command(hazardous=True)
    def factory_reset(self) -> None:
        """Starts the deployment afresh with nothing but what it was delivered with. Must be armed."""
        if self.clock.now_ns() >= self._armed_until_ns:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "ARM_FACTORY_RESET comes first")
        try:
            factory_reset.order(self.platform.files, self.root.path, self._kept())
        except OSError as fault:
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
        self._command(ResetCause.FACTORY_RESET)

    def _kept(self) -> list[str]:
        return [*self.keep, *[RECORD_FILE + slot for slot in (".a", ".b")]]

    def _command(self, cause: ResetCause) -> None:
        if not self._reset(cause, "by command"):
            raise CommandError(CommandResponse.BUSY, "a reset is under way")

    # The reset

    def _reset(self, cause: ResetCause, detail: str) -> bool:
        """Begins a reset; false if one is under way. It ends later, so that this command is answered before it."""
        if self._under_way is not None:
            return False
        self._under_way = cause
        tell = {
            ResetCause.COLD_RESET: self.initiate_cold_reset,
            ResetCause.WARM_RESET: self.initiate_warm_reset,
            ResetCause.FACTORY_RESET: self.initiate_factory_reset,
        }
        tell[cause]()
        self._write(cause, detail)
        for index, prepare in enumerate(self.prepare_for_reboot):
            if self.is_connected(ResetManager.prepare_for_reboot, index):
                self._contain(prepare)
        self._deadline_ns = self.clock.now_ns() + self.flush_ms * NS_PER_S // 1000
        self.clock.call_after(LOOKS_S, self._look)
        return True

    def _look(self) -> None:
        """Ends the process once nothing waits any more, or time is up."""
        for index, flush in enumerate(self.flush):
            if self.is_connected(ResetManager.flush, index):
                self._contain(flush)
        pending = 0
        for index, ask in enumerate(self.pending):
            if self.is_connected(ResetManager.pending, index):
                pending += self._contain(ask) or 0
        if pending and self.clock.now_ns() < self._deadline_ns:
            self.clock.call_after(LOOKS_S, self._look)
            return
        if pending:
            self.flush_incomplete(min(pending, 0xFFFFFFFF))
        assert self._under_way is not None
        self._context.deployment.request_stop(self._under_way.name, _STATUS[self._under_way])

    def _contain(self, step: Callable[[], T]) -> T | None:
        """What others do about a reset must not keep it from happening."""
        try:
            return step()
        except Exception as fault:  # noqa: BLE001
            self.reset_fault(f"{type(fault).__name__}: {fault}")
            return None

    def _write(self, cause: ResetCause, detail: str) -> None:
        try:
            self._record.write(cause, detail)
        except OSError as fault:
            self.reset_fault(reason_of(fault))


__all__ = ["ResetManager"]
