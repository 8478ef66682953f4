"""What the transfer service reports."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    DIAGNOSTIC,
    U32,
    U64,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Bool,
    Size,
    event,
)
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.transfer import StoreName

TEXT_SIZE = 120
Text = Annotated[str, Size(TEXT_SIZE)]


class TransferReports(ActiveComponent):
    """The events of the transfer service."""

    @event(DIAGNOSTIC, "Transfer {id} started, store {store}: {file}")
    def transfer_started(self, id: U32, store: StoreName, file: FileName) -> None: ...

    @event(ACTIVITY_LO, "Transfer {id} done, store {store}: {file}, {size} bytes")
    def transfer_done(self, id: U32, store: StoreName, file: FileName, size: U64) -> None: ...

    @event(ACTIVITY_LO, "Transfer {id} resumed: {file} from byte {offset}")
    def transfer_resumed(self, id: U32, file: FileName, offset: U64) -> None: ...

    @event(WARNING_LO, "Transfer {id} failed, store {store}: {file}: {reason}; next attempt in {pause} s (0: none)")
    def transfer_failed(self, id: U32, store: StoreName, file: FileName, reason: Text, pause: U32) -> None: ...

    @event(WARNING_HI, "Transfer {id}: {reason}")
    def checksum_mismatch(self, id: U32, reason: Text) -> None: ...

    @event(WARNING_LO, "There is no store {store}")
    def store_unknown(self, store: StoreName) -> None: ...

    @event(WARNING_HI, "Put aside: {finding}")
    def quarantine_file(self, finding: Text) -> None: ...

    @event(ACTIVITY_HI, "File {file} has arrived, {size} bytes")
    def file_arrived(self, file: FileName, size: U64) -> None: ...

    @event(WARNING_LO, "A file from entity {entity} did not arrive: {reason}")
    def arrival_failed(self, entity: U32, reason: Text) -> None: ...

    @event(WARNING_LO, "{file} was delivered, but changed meanwhile or cannot be removed: it stays")
    def source_kept(self, file: FileName) -> None: ...

    @event(ACTIVITY_HI, "Transfer {id} canceled: {file}")
    def transfer_canceled(self, id: U32, file: FileName) -> None: ...

    @event(ACTIVITY_HI, "Transfer {id}, store {store}: {file}, {attempts} failed attempts, given up: {failed}")
    def transfer_listed(self, id: U32, store: StoreName, file: FileName, attempts: U32, failed: Bool) -> None: ...

    @event(ACTIVITY_LO, "Store {store}: {count} transfers queued, {left} files found no room")
    def store_synced(self, store: StoreName, count: U32, left: U32) -> None: ...

    @event(WARNING_LO, "Journal {finding}")
    def journal_finding(self, finding: Text) -> None: ...

    @event(WARNING_HI, "The journal of transfers cannot be used: {reason}", throttle=3, every_s=600.0)
    def journal_failed(self, reason: Text) -> None: ...
