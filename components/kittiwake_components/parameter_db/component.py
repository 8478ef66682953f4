"""Keeps the saved values of all parameters, in memory and in a file in F´'s format."""

# ruff: noqa: N803 - the arguments of commands and events keep F´'s names
from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING, Annotated, NoReturn

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    I32,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    Setting,
    Size,
    command,
    event,
    guarded_port,
)
from kittiwake.model.fw import FwPrmIdType
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.finding import ReadFailed
from kittiwake.storage.replaced import ReplacedFile
from kittiwake.storage.root import reason_of
from kittiwake_components.parameter_db.application import ValueRefused, apply_values
from kittiwake_components.parameter_db.catalogue import Catalogue, Entry
from kittiwake_components.parameter_db.constants import (
    Merge,
    PrmDbFileLoadState,
    PrmLoadAction,
    PrmReadError,
    PrmSource,
    PrmWriteError,
)
from kittiwake_components.parameter_db.database_file import (
    BadChecksum,
    DatabaseFault,
    pack_database,
    parse_database,
    size_limit,
)
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.value import PrmSet

if TYPE_CHECKING:
    from typing import Any

ALL = 0
REPORTED_MAX = 10
TEXT_SIZE = 120

Name = Annotated[str, Size(80)]
Text = Annotated[str, Size(TEXT_SIZE)]
DatabaseName = Annotated[str, Size(40)]


class ParameterDb(ActiveComponent):
    """F´'s parameter database.

    <PARAMETER>_PRM_SET changes a running component, <PARAMETER>_PRM_SAVE takes its value into the database in memory,
    PRM_SAVE_FILE makes the database durable. A file from the ground is staged as a whole and committed as a whole.
    """

    records = Channel(U32, on_change=True, doc="Records in the database.")
    unsaved = Channel(Bool, on_change=True, doc="The database in memory is not what the file holds.")
    file_errors = Channel(U32, on_change=True, doc="Parameter files that could not be read or written.")

    parameter_file = Setting(str, default="/prm/PrmDb.dat", doc="The database's file in the root.")
    max_records = Setting(int, default=1024, low=1, high=65_535, doc="Most records of the database.")
    dump_rate = Setting(int, default=20, low=1, high=1000, doc="Parameters that PRM_DUMP reports a second.")

    @event(WARNING_LO, "Parameter ID 0x{Id:x} not found", throttle=5, every_s=60.0, id=0)
    def prm_id_not_found(self, Id: FwPrmIdType) -> None: ...

    @event(ACTIVITY_HI, "Parameter ID 0x{Id:x} updated", id=1)
    def prm_id_updated(self, Id: FwPrmIdType) -> None: ...

    @event(WARNING_HI, "Parameter DB full when adding ID 0x{Id:x}", id=2)
    def prm_db_full(self, Id: FwPrmIdType) -> None: ...

    @event(ACTIVITY_HI, "Parameter ID 0x{Id:x} added", id=3)
    def prm_id_added(self, Id: FwPrmIdType) -> None: ...

    @event(WARNING_HI, "Parameter write failed in stage {stage} with record {record} and error {error}", id=4)
    def prm_file_write_error(self, stage: PrmWriteError, record: I32, error: I32) -> None: ...

    @event(ACTIVITY_HI, "Parameter file save completed. Wrote {records} records.", id=5)
    def prm_file_save_complete(self, records: U32) -> None: ...

    @event(WARNING_HI, "Parameter file read failed in stage {stage} with record {record} and error {error}", id=6)
    def prm_file_read_error(self, stage: PrmReadError, record: I32, error: I32) -> None: ...

    @event(
        ACTIVITY_HI,
        "Parameter file load completed. Database: {databaseString}, Records: {recordsTotal} ({recordsAdded} added and "
        "{recordsUpdated} updated).",
        id=7,
    )
    def prm_file_load_complete(
        self, databaseString: DatabaseName, recordsTotal: U32, recordsAdded: U32, recordsUpdated: U32
    ) -> None: ...

    @event(ACTIVITY_HI, "Parameter DB commit complete, staged updates are now active.", id=8)
    def prm_db_commit_complete(self) -> None: ...

    @event(WARNING_HI, "Parameter file load failed. Nothing is staged.", id=10)
    def prm_db_file_load_failed(self) -> None: ...

    @event(WARNING_LO, "Invalid action. Current state: {currentState}, action: {attemptedAction}.", id=11)
    def prm_db_file_load_invalid_action(
        self, currentState: PrmDbFileLoadState, attemptedAction: PrmLoadAction
    ) -> None: ...

    @event(WARNING_HI, "Parameter file failed CRC. Read: 0x{readCrc:x} Computed: 0x{compCrc:x}", id=12)
    def prm_file_bad_crc(self, readCrc: U32, compCrc: U32) -> None: ...

    @event(WARNING_HI, "Record of parameter ID 0x{Id:x} skipped: {reason}", throttle=20, every_s=60.0, id=0x20)
    def record_skipped(self, Id: FwPrmIdType, reason: Text) -> None: ...

    @event(WARNING_HI, "Record {record} of parameter ID 0x{Id:x} refused: {reason}", id=0x21)
    def record_refused(self, record: U32, Id: FwPrmIdType, reason: Text) -> None: ...

    @event(ACTIVITY_LO, "{parameters} parameters have no record and use their defaults", id=0x22)
    def default_used(self, parameters: U32) -> None: ...

    @event(WARNING_HI, "Parameter file {finding}", id=0x23)
    def prm_file_finding(self, finding: Text) -> None: ...

    @event(WARNING_HI, "Staged parameters not committed: {reason}", id=0x24)
    def prm_db_commit_failed(self, reason: Text) -> None: ...

    @event(ACTIVITY_HI, "Parameter ID 0x{Id:x} {name} = {value} ({source})", id=0x25)
    def prm_value(self, Id: FwPrmIdType, name: Name, value: Name, source: PrmSource) -> None: ...

    @event(ACTIVITY_HI, "{parameters} parameters reset, {records} records removed", id=0x26)
    def prm_reset(self, parameters: U32, records: U32) -> None: ...

    def initialize(self) -> None:
        self._catalogue = Catalogue(self._context.deployment)
        self._values: dict[int, bytes] = {}
        self._staged: tuple[dict[int, bytes], Merge] | None = None
        self._size_limit = size_limit(self.max_records)
        self._faults: list[DatabaseFault] = []
        self._is_unread = False
        self._older: dict[int, bytes] = {}
        """What stood in the previous copy, while the file cannot be read."""
        self._path = self.root.resolve(self.parameter_file)
        self._file = ReplacedFile(self.platform.files, self._path, self._size_limit, self._check_file)
        self._load()

    # The file at start

    def _check_file(self, content: bytes) -> str | None:
        try:
            parse_database(content)
        except DatabaseFault as fault:
            self._faults.append(fault)
            return str(fault)
        return None

    def _load(self) -> None:
        try:
            reading = self._file.read()
        except OSError as fault:
            self._is_unread = True
            self._count_file_error()
            self.prm_file_read_error(PrmReadError.OPEN, 0, fault.errno or errno.EIO)
            if isinstance(fault, ReadFailed) and fault.rest is not None:
                self._take_valid(parse_database(fault.rest))
                self._older = dict(self._values)
        else:
            self._report_findings(reading.findings)
            if reading.payload is not None:
                self._take_valid(parse_database(reading.payload))
        unsaved = len(self._catalogue.entries) - len(self._values)
        if unsaved:
            self.default_used(unsaved)
        self.records = len(self._values)
        self.unsaved = False

    def _take_valid(self, read: list[tuple[int, bytes]]) -> None:
        for id, value in read:
            reason = self._catalogue.refusal(id, value)
            if reason is not None:
                self.record_skipped(id, reason)
            elif id not in self._values and len(self._values) >= self.max_records:
                self.prm_db_full(id)
            else:
                self._values[id] = value
        self.prm_file_load_complete("ACTIVE", len(read), len(self._values), 0)

    def _report_findings(self, findings: Any) -> None:
        """One event for each fault that reading met, and for each file that was kept aside or replaced."""
        for fault in self._faults:
            self._report_fault(fault)
        self._faults.clear()
        for finding in findings:
            self.prm_file_finding(str(finding).removeprefix(self.root.path))

    def _report_fault(self, fault: DatabaseFault) -> None:
        self._count_file_error()
        if isinstance(fault, BadChecksum):
            self.prm_file_bad_crc(fault.read, fault.computed)
        else:
            self.prm_file_read_error(fault.stage, fault.record, fault.error)

    def _count_file_error(self) -> None:
        self.file_errors = self.file_errors + 1 & 0xFFFFFFFF

    # What the runtime asks

    def get_prm(self, id: int) -> bytes | None:
        """A parameter's saved value, packed, or `None` if there is no record of it."""
        return self._values.get(id)

    @guarded_port(PrmSet)
    def set_prm(self, id: int, value: bytes) -> None:
        """Takes a value into the database. Raises `CommandError` if it does not fit a parameter, or has no room."""
        if id not in self._catalogue.entries:
            self.prm_id_not_found(id)
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"no instance has a parameter {id:#x}")
        reason = self._catalogue.refusal(id, value)
        if reason is not None:
            self.record_skipped(id, reason)
            raise CommandError(CommandResponse.VALIDATION_ERROR, reason)
        is_known = id in self._values
        if not is_known and len(self._values) >= self.max_records:
            self.prm_db_full(id)
            raise CommandError(CommandResponse.EXECUTION_ERROR, f"the database holds {self.max_records} records")
        if not is_known or self._values[id] != value:
            self.unsaved = True
        self._values[id] = bytes(value)
        self.records = len(self._values)
        (self.prm_id_updated if is_known else self.prm_id_added)(id)

    def record_unusable(self, id: int, why: str) -> None:
        """Drops a record that its component could not take, and reports it."""
        self._values.pop(id, None)
        self.records = len(self._values)
        self.record_skipped(id, why)

    # Commands

    @command(name="PRM_SAVE_FILE", opcode=0)
    def prm_save_file(self) -> None:
        """Writes the database to its file, of which a previous copy is kept."""
        stage = PrmWriteError.OPEN
        try:
            make_folders_durably(self.platform.files, posixpath.dirname(self._path))
            if self._is_unread:
                self._take_what_boot_could_not_read()
            stage = PrmWriteError.PARAMETER_VALUE
            findings = self._file.write(pack_database(self._values))
        except OSError as fault:
            self._count_file_error()
            self.prm_file_write_error(stage, 0, fault.errno or errno.EIO)
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
        self._report_findings(findings)
        self.unsaved = False
        self.prm_file_save_complete(len(self._values))

    def _take_what_boot_could_not_read(self) -> None:
        """Takes the records that are only in the file, which would else be lost with it. Raises `OSError`.

        What this start has from the previous copy counts for less than the file. Where that cannot be read yet, the
        file counts as lost.
        """
        reading = self._file.read(last_try=bool(self._older))
        self._is_unread = False
        self._report_findings(reading.findings)
        if reading.payload is not None:
            here = {id: value for id, value in self._values.items() if self._older.get(id) != value}
            self._values = {}
            self._take_valid(parse_database(reading.payload))
            self._values.update(here)
        self._older.clear()

    @command(name="PRM_LOAD_FILE", opcode=1)
    def prm_load_file(self, fileName: FileName, merge: Merge) -> None:
        """Stages a file, if every record of it fits a parameter of this deployment; nothing changes yet."""
        self._staged = None
        read = self._read_staged(fileName)
        staged: dict[int, bytes] = {}
        refused = 0
        for record, (id, value) in enumerate(read):
            reason = self._catalogue.refusal(id, value)
            if reason is not None:
                refused += 1
                if refused <= REPORTED_MAX:
                    self.record_refused(record, id, reason)
            staged[id] = value
        if refused:
            self._refuse_load(f"{refused} of {len(read)} records do not fit")
        kept = self._values.keys() if merge is Merge.MERGE else set()
        beyond = len(kept | staged.keys()) - self.max_records
        if beyond > 0:
            self.prm_db_full(max(staged))
            self._refuse_load(f"{beyond} records over the limit of {self.max_records}")
        self._staged = (staged, merge)
        updated = len(kept & staged.keys())
        self.prm_file_load_complete("STAGING", len(read), len(staged) - updated, updated)

    def _read_staged(self, name: str) -> list[tuple[int, bytes]]:
        try:
            return parse_database(self.platform.files.read(self.root.resolve(name), self._size_limit))
        except OSError as fault:
            self._count_file_error()
            self.prm_file_read_error(PrmReadError.OPEN, 0, fault.errno or errno.EIO)
            self._refuse_load(reason_of(fault))
        except DatabaseFault as fault:
            self._report_fault(fault)
            self._refuse_load(f"the file {fault}")

    def _refuse_load(self, why: str) -> NoReturn:
        self.prm_db_file_load_failed()
        raise CommandError(CommandResponse.EXECUTION_ERROR, why)

    @command(name="PRM_COMMIT_STAGED", opcode=2, exclusive=True)
    async def prm_commit_staged(self) -> None:
        """Makes what is staged the database, and gives the values to the running components: all of it or nothing."""
        if self._staged is None:
            self.prm_db_file_load_invalid_action(PrmDbFileLoadState.IDLE, PrmLoadAction.COMMIT_STAGED_COMMAND)
            raise CommandError(CommandResponse.VALIDATION_ERROR, "nothing is staged: send PRM_LOAD_FILE first")
        staged, merge = self._staged
        dropped = self._values.keys() - staged.keys() if merge is Merge.RESET else set()
        entries = self._catalogue.entries
        values = [(entries[id], entries[id].unpack(data)) for id, data in sorted(staged.items())]
        values += [(entries[id], entries[id].initial) for id in sorted(dropped)]
        await self._apply(values)
        after = {**self._values, **staged} if merge is Merge.MERGE else dict(staged)
        self._swap(after)
        self._staged = None
        self.prm_db_commit_complete()

    async def _apply(self, values: list[tuple[Entry, Any]]) -> None:
        try:
            await apply_values(values, self._context.loop, self.clock)
        except ValueRefused as fault:
            self.prm_db_commit_failed(str(fault))
            raise CommandError(CommandResponse.EXECUTION_ERROR, str(fault)) from None

    def _swap(self, after: dict[int, bytes]) -> None:
        if after != self._values:
            self.unsaved = True
        self._values = after
        self.records = len(after)

    @command(name="PRM_DUMP", opcode=3, exclusive=True)
    async def prm_dump(self) -> None:
        """Reports every parameter's running value, and how it stands to the database, at a bounded rate."""
        for id, entry in sorted(self._catalogue.entries.items()):
            text = _typed_text(entry.declared.type.to_plain(entry.value))
            self.prm_value(id, entry.name, text, self._source(entry))
            await self.clock.sleep(1 / self.dump_rate)

    def _source(self, entry: Entry) -> PrmSource:
        form = entry.declared.type
        data = self._values.get(entry.id)
        if form.pack(entry.value) != (form.pack(entry.initial) if data is None else data):
            return PrmSource.CHANGED
        return PrmSource.DEFAULT if data is None else PrmSource.SAVED

    @command(name="PRM_RESET_DEFAULT", opcode=4, exclusive=True)
    async def prm_reset_default(self, id: FwPrmIdType) -> None:
        """Gives one parameter, or with 0 all of them, the topology's value or the default, and removes the record."""
        entries = self._catalogue.entries
        if id != ALL and id not in entries:
            self.prm_id_not_found(id)
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"no instance has a parameter {id:#x}")
        chosen = list(entries.values()) if id == ALL else [entries[id]]
        await self._apply([(entry, entry.initial) for entry in chosen])
        gone = {entry.id for entry in chosen} & self._values.keys()
        self._swap({known: data for known, data in self._values.items() if known not in gone})
        self.prm_reset(len(chosen), len(gone))


def _typed_text(plain: Any) -> str:
    """A plain value as an operator would type it for PRM_SET: JSON, where it is no text."""
    import json

    return plain if isinstance(plain, str) else json.dumps(plain, separators=(",", ":"))
