"""Ends the deployment after a FATAL event, so that its supervisor starts it afresh; reports how the last run ended."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import U32, WARNING_HI, Channel, PassiveComponent, Setting, Size, event, sync_port
from kittiwake.storage.finding import move_aside
from kittiwake_components.fatal_handler.crash_record import FRAMES_SIZE, REASON_SIZE, RECORD_LIMIT_BYTES, read_crash
from kittiwake_components.ports.lifecycle import FatalEvent

GRACE_HIGH_MS = 60_000
STALL_HIGH_S = 3600
_U32_MAX = 0xFFFFFFFF


class FatalHandler(PassiveComponent):
    """On a FATAL event the deployment stops in order: queues are flushed, files closed, and `run` exits with an error.

    It is not stopped at once: the event itself, and what led to it, shall reach the ground first. A loop that is stuck
    reports nothing; its stacks are left in `crash_file`, the process ends, and the next start reports them.
    """

    fatal_events = Channel(U32, on_change=True, doc="FATAL events since boot.")
    crashes_reported = Channel(U32, on_change=True, doc="Crash records that were found at this boot: 0 or 1.")

    stop_on_fatal = Setting(bool, default=True, doc="Stop the deployment; else FATAL events are only counted.")
    grace_ms = Setting(int, default=500, low=0, high=GRACE_HIGH_MS, doc="Time from the first FATAL event to the stop.")
    stall_limit_s = Setting(
        int, default=10, low=0, high=STALL_HIGH_S, doc="A main loop stuck for this long ends the process; 0: never."
    )
    crash_file = Setting(str, default="/crash_record", doc="File in the root that takes the stacks.")

    @event(WARNING_HI, "The last run crashed: {reason}, in {frames}")
    def crash_found(
        self, reason: Annotated[str, Size(REASON_SIZE)], frames: Annotated[str, Size(FRAMES_SIZE)]
    ) -> None: ...

    @event(WARNING_HI, "Crash record {file} cannot be used: {reason}")
    def crash_record_unusable(
        self, file: Annotated[str, Size(80)], reason: Annotated[str, Size(REASON_SIZE)]
    ) -> None: ...

    def initialize(self) -> None:
        self._count = 0

    def start(self) -> None:
        try:
            path = self.root.resolve(self.crash_file)
            self._report_crash(path)
        except OSError as fault:
            self.crash_record_unusable(self.crash_file, str(fault))
            return
        if self.stall_limit_s:
            self._context.deployment.watch_stalls(path, self.stall_limit_s)

    def _report_crash(self, path: str) -> None:
        files = self.platform.files
        if not files.exists(path) or not files.size(path):
            return
        with files.open(path, "r") as record:
            crash = read_crash(record.read_at(0, RECORD_LIMIT_BYTES))
        self.crash_found(*crash)
        self.crashes_reported = 1
        aside = move_aside(files, path, "crash record")
        if aside.kept_as is None:
            self.crash_record_unusable(self.crash_file, aside.reason)
        else:
            files.sync_folder(path.rpartition("/")[0])

    @sync_port(FatalEvent)
    def fatal_receive(self, id: int) -> None:
        """A FATAL event was reported."""
        self._count += 1
        self.fatal_events = self._count & _U32_MAX
        if self.stop_on_fatal and self._count == 1:
            self.clock.call_after(self.grace_ms / 1000, self._context.deployment.request_stop, f"FATAL event {id:#x}")
