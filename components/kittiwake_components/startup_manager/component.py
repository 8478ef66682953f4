"""Counts the starts, keeps the quiescence, and runs the startup sequence after each start."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.model import (
    U32,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    String,
    command,
    sync_port,
)
from kittiwake.model.fw import FwSizeType, Sched, TimeInterval, TimeValue
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.finding import ReadFailed
from kittiwake.storage.recall import Recall
from kittiwake.storage.root import reason_of
from kittiwake_components.deployment_time import NO_TIME, US_PER_S, present_us, time_base, time_value
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.ports.lifecycle import BootLoop, Slept
from kittiwake_components.ports.sequence import CmdSeqCancel, CmdSeqIn, SequenceDone, SequenceStarted
from kittiwake_components.startup_manager.boot_count_file import (
    COUNT_MAX,
    count_bytes,
    counted_in,
    parse_count,
    plausible_count,
)
from kittiwake_components.startup_manager.boot_history import BootHistory
from kittiwake_components.startup_manager.quiescence import Quiescence
from kittiwake_components.startup_manager.reports import StartupReports
from kittiwake_components.startup_manager.states import ResetReason, SequenceState, StartupState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.runtime.tasks import Reply
    from kittiwake.storage.finding import Finding
    from kittiwake.storage.replaced import ReplacedFile


MAX_WAITERS = 8
"""The most WAIT_FOR_QUIESCENCE that may wait at a time."""

END_TIME_SLACK_US = 500_000
"""A smaller change of the quiescence's end is drift between the clocks and no news."""

_FILE_PARAMETERS = ("quiescence_start_file", "startup_sequence_file", "boot_count_file", "boot_history_file")
_UNDER_WAY = (SequenceState.DISPATCHED, SequenceState.STARTED)


class StartupManager(StartupReports):
    """Boot count, quiescence and startup sequence (PROVES StartupManager), and a guard against boot loops.

    All files are read and written by the first `run` call; the boot count is durable before the sequence is asked for.
    """

    run_sequence = OutputPort(CmdSeqIn, doc="To the sequencer that runs the startup sequence.")
    cancel_sequence = OutputPort(CmdSeqCancel, doc="To the same sequencer, for ABORT_STARTUP.")
    boot_loop = OutputPort(BootLoop, doc="A boot loop was detected, and the startup sequence is left out.")

    boot_count = Channel(
        FwSizeType, on_change=True, doc="Starts so far, this one included; 0 while earlier ones cannot be read."
    )
    quiescence_end_time = Channel(TimeValue, on_change=True, doc="When the quiescence is, or was, over.")
    quiescence_remaining = Channel(U32, on_change=True, unit="s", doc="What is left of the quiescence.")
    startup_state = Channel(StartupState, on_change=True, doc="Where the start stands.")
    sequence_state = Channel(SequenceState, on_change=True, doc="What became of the startup sequence.")
    last_reset_reason = Channel(ResetReason, on_change=True, doc="How the start before this one ended.")
    early_boots = Channel(U32, on_change=True, doc="Starts in a row that ended early, this one until it has lasted.")

    armed = Parameter(Bool, default=True, doc="Whether WAIT_FOR_QUIESCENCE waits; if not, it is answered at once.")
    quiescence_time = Parameter(TimeInterval, default=TimeInterval(45 * 60, 0), doc="How long the quiescence lasts.")
    quiescence_start_file = Parameter(
        String(PATH_SIZE),
        default="/quiescence_start.bin",
        doc="Record of the quiescence; changes count at a restart.",
    )
    startup_sequence_file = Parameter(String(PATH_SIZE), default="/startup.bin", doc="The sequence to run at a start.")
    boot_count_file = Parameter(
        String(PATH_SIZE), default="/boot_count.bin", doc="The boot count; a change counts at a restart."
    )
    boot_history_file = Parameter(
        String(PATH_SIZE), default="/boot_history.bin", doc="Record of the last starts; a change counts at a restart."
    )
    boot_loop_count = Parameter(
        U32, default=5, low=0, high=1000, doc="So many early ends in a row are a boot loop; 0: there is none."
    )
    boot_loop_window = Parameter(
        U32, default=600, low=1, high=86400, unit="s", doc="A start that lasts so long has not ended early."
    )
    start_retries = Parameter(
        U32, default=1, low=0, high=100, doc="How often a sequence that the sequencer refuses is offered again."
    )

    _count_path: str
    _history: BootHistory
    _quiescence: Quiescence

    # It counts the boot and runs the startup sequence once.
    RESTARTABLE = False

    def initialize(self) -> None:
        self._has_begun = False
        self._boots = 0
        self._is_unread_told = False
        self._count = Recall(self.clock, self._count_boot, patience_s=None)
        self._reopening = Recall(self.clock, self._read_quiescence)
        self._began_ns = 0
        self._has_lasted = False
        self._is_over = False
        self._slept_us = 0
        self._waiting: list[Reply[None]] = []
        self._token = 0
        self._retries = 0
        self._retry_is_due = False

    def start(self) -> None:
        files = self.platform.files
        self._count_path = self._path("boot_count_file")
        self._history = BootHistory(files, self._path("boot_history_file"))
        self._quiescence = Quiescence(files, self._path("quiescence_start_file"))

    def stop(self) -> None:
        if not self._has_begun:
            return
        self._settle_count()
        if not self._is_over:
            self._save_quiescence()
        # A sequence that stops the deployment would do so again after every start.
        is_early = not self._has_lasted and self.sequence_state in _UNDER_WAY
        if self._count.is_done:
            self._try(self.boot_history_file, lambda: self._history.end(is_early=is_early))

    def parameter_updated(self, name: str) -> None:
        if name == "quiescence_time" and self.quiescence_time.useconds >= US_PER_S:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "useconds are below 1000000")
        if name in _FILE_PARAMETERS:
            try:
                self.root.resolve(getattr(self, name))
            except OSError as fault:
                raise CommandError(CommandResponse.VALIDATION_ERROR, str(fault)) from None
        if name in ("armed", "quiescence_time") and self._has_begun:
            self._follow_quiescence()

    # Commands

    @command
    async def wait_for_quiescence(self) -> None:
        """Answers once the quiescence is over or disarmed."""
        if self._has_begun:
            self._follow_quiescence()
            if self._is_over or not self.armed:
                return
        if len(self._waiting) >= MAX_WAITERS:
            self.wait_refused(len(self._waiting))
            raise CommandError(CommandResponse.BUSY, f"{MAX_WAITERS} commands wait already")
        reply: Reply[None] = self.clock.reply()
        self._waiting.append(reply)
        self._show_state()
        try:
            await reply
        finally:
            if reply in self._waiting:
                self._waiting.remove(reply)

    @command
    def get_boot_count(self) -> None:
        """Reports how many starts there were, this one included; it changes nothing."""
        self._require_begun()
        if not self._boots:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the files of earlier starts cannot be read yet")
        self.current_boot_count(self._boots)

    @command
    def run_startup(self) -> None:
        """Runs the startup sequence now, also after it was left out. Events say how it ends."""
        self._require_begun()
        if self.sequence_state in _UNDER_WAY:
            raise CommandError(CommandResponse.BUSY, "the startup sequence is under way; ABORT_STARTUP ends it")
        self._retries = self.start_retries
        self._offer()
        if self.sequence_state is SequenceState.ABSENT:
            raise CommandError(CommandResponse.EXECUTION_ERROR, f"there is no {self.startup_sequence_file}")

    @command
    def abort_startup(self) -> None:
        """Cancels the startup sequence, and no other one that the sequencer may be running."""
        if self.sequence_state not in _UNDER_WAY:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "no startup sequence is under way")
        if self._retry_is_due:
            self._retry_is_due = False
            self._fail(CommandResponse.EXECUTION_ERROR)
        elif self.is_connected(StartupManager.cancel_sequence):
            self.cancel_sequence(self._token)
        else:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "cancel_sequence is not connected to the sequencer")

    @command
    def reset_quiescence(self) -> None:
        """Begins the quiescence anew, from now."""
        self._require_begun()
        self._is_over = False
        is_saved = self._try(self.quiescence_start_file, lambda: self._quiescence.reset(self.clock.now_ns()))
        self.quiescence_reset()
        self._follow_quiescence()
        self._require(is_saved, self.quiescence_start_file)

    @command
    def clear_boot_history(self) -> None:
        """Forgets which of the last starts ended early, so that the next one runs the startup sequence."""
        self._require_begun()
        is_saved = self._try(self.boot_history_file, self._history.forget_early)
        self.boot_history_cleared()
        self.early_boots = self._history.early
        self._require(is_saved, self.boot_history_file)

    def _require_begun(self) -> None:
        if not self._has_begun:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the first cycle has not come yet")

    def _require(self, is_saved: bool, name: str) -> None:
        if not is_saved:
            raise CommandError(CommandResponse.EXECUTION_ERROR, f"{name} was not written; it holds till a restart")

    # Ports

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """The first call begins the start; every call follows the quiescence and updates the channels."""
        now = self.clock.now_ns()
        if not self._has_begun:
            self._begin(now)
        elif self._retry_is_due:
            self._retry_is_due = False
            self._offer()
        self._settle_count()
        self._count_sleep()
        self._follow_quiescence()
        if not self._has_lasted and now - self._began_ns >= self.boot_loop_window * NS_PER_S:
            self._has_lasted = True
            if self._count.is_done:
                self._try(self.boot_history_file, self._history.forget_early)
        self.boot_count = self._boots
        self.early_boots = self._history.early
        self._show_state()

    @sync_port(Slept)
    def slept_in(self, seconds: int) -> None:
        """The device was without power for so long, as its power unit says; that counts towards the quiescence."""
        self._slept_us += seconds * US_PER_S
        self._count_sleep()

    def _count_sleep(self) -> None:
        """Before the record is read there is nothing to count it to."""
        if self._slept_us and self._quiescence.is_open:
            self._quiescence.add(self._slept_us)
            self._slept_us = 0
            self._save_quiescence()
            self._follow_quiescence()

    @sync_port(SequenceStarted)
    def sequence_started(self, file: str, token: int) -> None:
        """The sequencer runs a sequence; if it is ours, a failure from now on is not tried again."""
        if token == self._token and self.sequence_state is SequenceState.DISPATCHED:
            self.sequence_state = SequenceState.STARTED

    @sync_port(SequenceDone)
    def complete_sequence(self, token: int, response: CommandResponse) -> None:
        """A run of the sequencer has ended; whether it is ours the token says."""
        if token != self._token or self.sequence_state not in _UNDER_WAY or self._retry_is_due:
            return
        if response is CommandResponse.OK:
            self.sequence_state = SequenceState.FINISHED
            self.startup_sequence_finished()
        elif self.sequence_state is SequenceState.DISPATCHED and self._retries:
            self._retries -= 1
            self._retry_is_due = True
        else:
            self._fail(response)

    # The start

    def _begin(self, now_ns: int) -> None:
        self._has_begun = True
        self._began_ns = now_ns
        self.startup_state = StartupState.INITIALIZED
        for path in (self._history.path, self._count_path, self._quiescence.path):
            self._make_folder(path)
        self._settle_count()
        self._quiescence.begin(now_ns)
        self._open_quiescence()
        early = self._history.early_before
        if self.boot_loop_count and early >= self.boot_loop_count:
            self.sequence_state = SequenceState.SKIPPED
            self.boot_loop_detected(early)
            if self.is_connected(StartupManager.boot_loop):
                self.boot_loop(early)
        else:
            self._retries = self.start_retries
            self._offer()

    def _settle_count(self) -> None:
        """Has this start counted, if it is not yet. As long as earlier ones cannot be read nothing is written."""
        if self._count.is_done:
            return
        try:
            self._count.ensure()
        except OSError as fault:
            if not self._is_unread_told:
                self._is_unread_told = True
                self.boot_count_unread(self.root.name_of(fault.filename or self._count_path), reason_of(fault))
                self.boot_count_update_failure()
            return
        if self._is_unread_told:
            self.current_boot_count(self._boots)

    def _count_boot(self, last_try: bool) -> None:
        """Makes this start count, durably. Raises `ReadFailed`: the count is what one of two files says, or unknown."""
        stored: int | None = None
        history_fault: ReadFailed | None = None
        count_fault: ReadFailed | None = None
        file = counted_in(self.platform.files, self._count_path)
        try:
            self._report(self._history.read(last_try=last_try))
        except ReadFailed as unread:
            history_fault = unread
        try:
            reading = file.read(last_try=last_try)
            self._report(reading.findings)
            stored = None if reading.payload is None else parse_count(reading.payload)
        except ReadFailed as unread:
            count_fault = unread
        fault = history_fault or count_fault
        if fault is not None:
            known = stored if history_fault is not None else self._history.boots
            self._boots = 0 if known is None else min(known + 1, COUNT_MAX)
            fault.rest = None if known is None else count_bytes(known)
            raise fault
        self._boots = self._enter(file, stored)

    def _enter(self, file: ReplacedFile, stored: int | None) -> int:
        """Enters this start into both files, and says which one it is."""
        history = self._history
        self.last_reset_reason = history.last_reset
        before, doubt = plausible_count(stored, history.boots)
        if doubt:
            self.record_recovered(self.boot_count_file, doubt)
        if history.boots is not None and before > history.boots:
            # The start before this one went dark between its two records: the file must not get two ahead.
            self._try(self.boot_history_file, lambda: history.begin(before))
        boots = min(before + 1, COUNT_MAX)
        if not self._try(self.boot_count_file, lambda: self._report(file.write(count_bytes(boots)))):
            self.boot_count_update_failure()
        self._try(self.boot_history_file, lambda: history.begin(boots))
        if self._has_lasted:
            self._try(self.boot_history_file, history.forget_early)
        return boots

    def _open_quiescence(self) -> None:
        quiescence = self._quiescence
        try:
            self._reopening.ensure()
        except OSError as fault:
            self.quiescence_file_init_failure()
            self.file_fault(self.quiescence_start_file, reason_of(fault))
        else:
            imported_us = quiescence.imported_us
            if imported_us is not None:
                self.quiescence_imported(self.quiescence_start_file, min(imported_us // US_PER_S, 0xFFFFFFFF))
        self._report(quiescence.findings)
        quiescence.findings.clear()

    def _read_quiescence(self, last_try: bool) -> None:
        in_this_start_us = (self.clock.now_ns() - self._began_ns) // 1000
        began_us = present_us(self._tags, self.clock) - in_this_start_us
        self._quiescence.open(time_base(self._tags), began_us, last_try=last_try)

    # The startup sequence

    def _offer(self) -> None:
        """Hands the startup sequence to the sequencer, if there is one."""
        name = self.startup_sequence_file
        try:
            is_there = self.platform.files.exists(self.root.resolve(name))
        except OSError as fault:
            self.file_fault(name, reason_of(fault))
            self._fail(CommandResponse.EXECUTION_ERROR)
            return
        if not is_there:
            self.sequence_state = SequenceState.ABSENT
            self.startup_sequence_absent(name)
            return
        # The answer may come within the call.
        self._token += 1
        self.sequence_state = SequenceState.DISPATCHED
        self.run_sequence(name, self._token)

    def _fail(self, response: CommandResponse) -> None:
        self.sequence_state = SequenceState.FAILED
        self.startup_sequence_failed(response)

    # The quiescence

    def _follow_quiescence(self) -> None:
        quiescence = self._quiescence
        now = self.clock.now_ns()
        remaining_us = self.quiescence_time.in_ns() // 1000 - quiescence.elapsed_us(now)
        end = time_value(self._tags, present_us(self._tags, self.clock) + remaining_us)
        if remaining_us > 0:
            self._is_over = False
            quiescence.end = NO_TIME
            if quiescence.is_save_due(now):
                self._save_quiescence()
        elif not self._is_over:
            self._is_over = True
            if quiescence.end == NO_TIME:
                quiescence.end = end
                self._save_quiescence()
                self.quiescence_done()
        if self._is_over or not self.armed:
            self._release()
        self.quiescence_remaining = min(-(min(-remaining_us, 0) // US_PER_S), 0xFFFFFFFF)
        self._show_end(quiescence.end if self._is_over else end)

    def _save_quiescence(self) -> None:
        if self._quiescence.is_open:
            self._try(self.quiescence_start_file, lambda: self._quiescence.save(self.clock.now_ns()))
        else:
            self._open_quiescence()

    def _release(self) -> None:
        for reply in self._waiting:
            reply.set(None)
        self._waiting = []
        self._show_state()

    def _show_end(self, end: TimeValue) -> None:
        shown = self.quiescence_end_time
        change_us = (end.seconds - shown.seconds) * US_PER_S + end.useconds - shown.useconds
        if end.timeBase != shown.timeBase or abs(change_us) > END_TIME_SLACK_US:
            self.quiescence_end_time = end

    def _show_state(self) -> None:
        if self._has_begun:
            self.startup_state = StartupState.WAITING_FOR_QUIESCENCE if self._waiting else StartupState.RUNNING

    # Files

    def _path(self, parameter: str) -> str:
        """The path of the file that a parameter names, or of its default if that name leads nowhere."""
        name = getattr(self, parameter)
        try:
            return self.root.resolve(name)
        except OSError as fault:
            self.file_fault(name, reason_of(fault))
            default: str = type(self).__declarations__.parameters[parameter].default
            return self.root.path.rstrip("/") + default

    def _make_folder(self, path: str) -> None:
        folder = posixpath.dirname(path)
        if folder != self.root.path:
            self._try(self.root.name_of(folder), lambda: make_folders_durably(self.platform.files, folder))

    def _try(self, name: str, step: Callable[[], object]) -> bool:
        """Takes a step that may fail for the disk's sake; a failure is reported, and the start goes on."""
        try:
            step()
        except OSError as fault:
            self.file_fault(name, reason_of(fault))
            return False
        return True

    def _report(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.record_recovered(self.root.name_of(finding.path), finding.detail)
