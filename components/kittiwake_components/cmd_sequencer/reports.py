"""What the command sequencer reports: F´'s events under their names and numbers, and its own behind them."""

# ruff: noqa: N803 - the arguments of events keep F´'s names
from __future__ import annotations

from errno import EFBIG

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    I32,
    U8,
    U16,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    event,
)
from kittiwake.sequence.binary import SequenceError, SequenceFault
from kittiwake_components.cmd_sequencer.modes import FileReadStage, SeqMode, State
from kittiwake_components.ports.file import FileName

FILE_SIZE_MAX = 256 * 1024
"""The largest sequence file, in bytes: it is held in memory while it runs."""

_I32_MAX = 0x7FFFFFFF
_U32_MAX = 0xFFFFFFFF


class SequencerReports(ActiveComponent):
    """The events of the command sequencer, and which of them says what is wrong with a file."""

    @event(ACTIVITY_LO, "Loaded sequence {fileName}", name="CS_SequenceLoaded", id=0)
    def cs_sequence_loaded(self, fileName: FileName) -> None: ...

    @event(ACTIVITY_HI, "Sequence file {fileName} canceled", name="CS_SequenceCanceled", id=1)
    def cs_sequence_canceled(self, fileName: FileName) -> None: ...

    @event(WARNING_HI, "Error reading sequence file {fileName}", name="CS_FileReadError", id=2)
    def cs_file_read_error(self, fileName: FileName) -> None: ...

    @event(WARNING_HI, "Sequence file {fileName} invalid. Stage: {stage} Error: {error}", name="CS_FileInvalid", id=3)
    def cs_file_invalid(self, fileName: FileName, stage: FileReadStage, error: I32) -> None: ...

    @event(
        WARNING_HI, "Sequence file {fileName}: Record {recordNumber} invalid. Err: {error}", name="CS_RecordInvalid",
        id=4,
    )  # fmt: skip
    def cs_record_invalid(self, fileName: FileName, recordNumber: U32, error: I32) -> None: ...

    @event(WARNING_HI, "Sequence file {fileName} too large. Size: {size}", name="CS_FileSizeError", id=5)
    def cs_file_size_error(self, fileName: FileName, size: U32) -> None: ...

    @event(WARNING_HI, "Sequence file {fileName} not found.", name="CS_FileNotFound", id=6)
    def cs_file_not_found(self, fileName: FileName) -> None: ...

    @event(
        WARNING_HI, "Sequence file {fileName} had invalid CRC. Stored 0x{storedCRC:x}, Computed 0x{computedCRC:x}.",
        name="CS_FileCrcFailure", id=7,
    )  # fmt: skip
    def cs_file_crc_failure(self, fileName: FileName, storedCRC: U32, computedCRC: U32) -> None: ...

    @event(
        ACTIVITY_LO, "Sequence file {fileName}: Command {recordNumber} (opcode 0x{opCode:x}) complete",
        name="CS_CommandComplete", id=8,
    )  # fmt: skip
    def cs_command_complete(self, fileName: FileName, recordNumber: U32, opCode: U32) -> None: ...

    @event(ACTIVITY_HI, "Sequence file {fileName} complete", name="CS_SequenceComplete", id=9)
    def cs_sequence_complete(self, fileName: FileName) -> None: ...

    @event(
        WARNING_HI,
        "Sequence file {fileName}: Command {recordNumber} (opcode 0x{opCode:x}) completed with error {errorStatus}",
        name="CS_CommandError", id=10,
    )  # fmt: skip
    def cs_command_error(self, fileName: FileName, recordNumber: U32, opCode: U32, errorStatus: U32) -> None: ...

    @event(WARNING_HI, "Invalid mode", name="CS_InvalidMode", id=11)
    def cs_invalid_mode(self) -> None: ...

    @event(
        WARNING_HI,
        "Sequence file {fileName} records mismatch: {header_records} in header, {extra_bytes} extra bytes.",
        name="CS_RecordMismatch", id=12,
    )  # fmt: skip
    def cs_record_mismatch(self, fileName: FileName, header_records: U32, extra_bytes: U32) -> None: ...

    @event(
        WARNING_HI, "Sequence file {fileName}: time base of the clock {time_base}, of the sequence {seq_time_base}",
        name="CS_TimeBaseMismatch", id=13,
    )  # fmt: skip
    def cs_time_base_mismatch(self, fileName: FileName, time_base: U16, seq_time_base: U16) -> None: ...

    @event(
        WARNING_HI, "Sequence file {fileName}: time context of the clock {currTimeBase}, of the sequence {seqTimeBase}",
        name="CS_TimeContextMismatch", id=14,
    )  # fmt: skip
    def cs_time_context_mismatch(self, fileName: FileName, currTimeBase: U8, seqTimeBase: U8) -> None: ...

    @event(ACTIVITY_HI, "Local request for sequence {filename} started.", name="CS_PortSequenceStarted", id=15)
    def cs_port_sequence_started(self, filename: FileName) -> None: ...

    @event(
        WARNING_HI, "Command status that belongs to no command under way. Opcode: 0x{opcode:x}",
        name="CS_UnexpectedCompletion", id=16, throttle=10, every_s=60.0,
    )  # fmt: skip
    def cs_unexpected_completion(self, opcode: U32) -> None: ...

    @event(ACTIVITY_HI, "Sequencer switched to {mode} step mode", name="CS_ModeSwitched", id=17)
    def cs_mode_switched(self, mode: SeqMode) -> None: ...

    @event(WARNING_LO, "No sequence active.", name="CS_NoSequenceActive", id=18)
    def cs_no_sequence_active(self) -> None: ...

    @event(ACTIVITY_HI, "Sequence {filename} is valid.", name="CS_SequenceValid", id=19)
    def cs_sequence_valid(self, filename: FileName) -> None: ...

    @event(WARNING_HI, "Sequence {filename} timed out on command {command}", name="CS_SequenceTimeout", id=20)
    def cs_sequence_timeout(self, filename: FileName, command: U32) -> None: ...

    @event(ACTIVITY_HI, "Sequence {filename} command {command} stepped", name="CS_CmdStepped", id=21)
    def cs_cmd_stepped(self, filename: FileName, command: U32) -> None: ...

    @event(ACTIVITY_HI, "Sequence {filename} started", name="CS_CmdStarted", id=22)
    def cs_cmd_started(self, filename: FileName) -> None: ...

    @event(
        ACTIVITY_HI,
        "Start waiting for sequence file {filename}: Command {recordNumber} (opcode 0x{opCode:x}) to complete",
        name="CS_JoinWaiting", id=23,
    )  # fmt: skip
    def cs_join_waiting(self, filename: FileName, recordNumber: U32, opCode: U32) -> None: ...

    @event(WARNING_HI, "Still waiting for sequence file to complete", name="CS_JoinWaitingNotComplete", id=24)
    def cs_join_waiting_not_complete(self) -> None: ...

    @event(WARNING_LO, "Sequence file {fileName} has no records. Ignoring.", name="CS_NoRecords", id=25)
    def cs_no_records(self, fileName: FileName) -> None: ...

    @event(
        WARNING_LO, "Sequence file {fileName} ended, {errors} of its commands failed",
        name="CS_SequenceEndedWithErrors", id=26,
    )  # fmt: skip
    def cs_sequence_ended_with_errors(self, fileName: FileName, errors: U32) -> None: ...

    @event(ACTIVITY_HI, "Sequence {fileName} paused before command {command}", name="CS_SequencePaused", id=27)
    def cs_sequence_paused(self, fileName: FileName, command: U32) -> None: ...

    @event(ACTIVITY_HI, "Sequence {fileName} resumed at command {command}", name="CS_SequenceResumed", id=28)
    def cs_sequence_resumed(self, fileName: FileName, command: U32) -> None: ...

    @event(
        ACTIVITY_HI, "Sequencer is {state} in mode {mode}, sequence {fileName}, command {command} of {records}",
        name="CS_Status", id=29,
    )  # fmt: skip
    def cs_status_report(self, state: State, mode: SeqMode, fileName: FileName, command: U32, records: U32) -> None: ...

    def report_unreadable(self, name: str, fault: OSError) -> None:
        """Reports a file that could not be read."""
        if isinstance(fault, FileNotFoundError):
            self.cs_file_not_found(name)
        elif fault.errno == EFBIG:
            self.cs_file_size_error(name, self._size(name))
        else:
            self.cs_file_read_error(name)

    def _size(self, name: str) -> int:
        try:
            return min(self.platform.files.size(self.root.resolve(name)), _U32_MAX)
        except OSError:
            return FILE_SIZE_MAX + 1

    def report_invalid(self, name: str, fault: SequenceError) -> None:
        """Reports a file that is no sequence; the numbers are those that `SequenceFault` lists."""
        kind, numbers = fault.fault, fault.numbers
        if kind is SequenceFault.TOO_LARGE:
            self.cs_file_size_error(name, numbers[0])
        elif kind is SequenceFault.TOO_SHORT:
            self.cs_file_invalid(name, FileReadStage.READ_HEADER_SIZE, numbers[0])
        elif kind is SequenceFault.LENGTH:
            self.cs_file_invalid(name, FileReadStage.READ_SEQ_DATA_SIZE, min(numbers[1], _I32_MAX))
        elif kind is SequenceFault.CRC:
            self.cs_file_crc_failure(name, *numbers)
        elif kind is SequenceFault.TIME_BASE:
            self.cs_time_base_mismatch(name, *numbers)
        elif kind is SequenceFault.TIME_CONTEXT:
            self.cs_time_context_mismatch(name, *numbers)
        elif kind is SequenceFault.RECORD:
            self.cs_record_invalid(name, *numbers)
        elif kind is SequenceFault.SURPLUS:
            self.cs_record_mismatch(name, *numbers)
        else:
            self.cs_no_records(name)
