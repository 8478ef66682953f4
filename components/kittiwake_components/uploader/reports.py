"""What the uploader of a hive's captures reports."""

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

TEXT_SIZE = 120

Text = Annotated[str, Size(TEXT_SIZE)]


class UploaderReports(ActiveComponent):
    """The events of an uploader."""

    @event(ACTIVITY_LO, "{file} is uploaded, {size} bytes")
    def upload_done(self, file: FileName, size: U64) -> None: ...

    @event(ACTIVITY_LO, "{file}: the upload goes on from byte {offset}")
    def upload_resumed(self, file: FileName, offset: U64) -> None: ...

    @event(WARNING_LO, "{file} is not uploaded: {reason}; again in {pause} s (0: never)", throttle=20, every_s=600.0)
    def upload_failed(self, file: FileName, reason: Text, pause: U32) -> None: ...

    @event(WARNING_HI, "{file}: {reason}; put aside")
    def manifest_mismatch(self, file: FileName, reason: Text) -> None: ...

    @event(
        WARNING_HI,
        "Room is low: {used} bytes of captures (quota {quota}), {free} bytes free of {wanted} wanted",
        name="DiskLow",
    )
    def disk_is_low(self, used: U64, quota: U64, free: U64, wanted: U64) -> None: ...

    @event(ACTIVITY_HI, "There is room again: {used} bytes of captures, {free} bytes free")
    def disk_is_well(self, used: U64, free: U64) -> None: ...

    @event(WARNING_HI, "{file} was dropped for its room: {size} bytes, not uploaded", throttle=20, every_s=600.0)
    def capture_dropped(self, file: FileName, size: U64) -> None: ...

    @event(WARNING_LO, "{file} was uploaded, but changed meanwhile or cannot be removed: it stays")
    def source_kept(self, file: FileName) -> None: ...

    @event(ACTIVITY_HI, "Uploads are started")
    def uploads_started(self) -> None: ...

    @event(ACTIVITY_HI, "Uploads are stopped")
    def uploads_stopped(self) -> None: ...

    @event(ACTIVITY_HI, "{file}, {size} bytes, {attempts} failed attempts, given up: {failed}")
    def capture_listed(self, file: FileName, size: U64, attempts: U32, failed: Bool) -> None: ...

    @event(ACTIVITY_HI, "{status}")
    def uploader_status(self, status: Annotated[str, Size(480)]) -> None: ...

    @event(WARNING_LO, "The output folder has {count} captures too many: they wait", throttle=1, every_s=3600.0)
    def captures_left(self, count: U32) -> None: ...

    @event(WARNING_LO, "The output folder cannot be read: {reason}", throttle=3, every_s=3600.0)
    def output_failed(self, reason: Text) -> None: ...

    @event(DIAGNOSTIC, "No capture is {file}")
    def capture_unknown(self, file: FileName) -> None: ...

    @event(WARNING_LO, "The hive's configuration is not read: {reason}")
    def configuration_unread(self, reason: Text) -> None: ...

    @event(WARNING_LO, "Journal {finding}")
    def journal_finding(self, finding: Text) -> None: ...

    @event(WARNING_HI, "The journal of uploads cannot be used: {reason}", throttle=3, every_s=600.0)
    def journal_failed(self, reason: Text) -> None: ...

    @event(WARNING_HI, "What lies in {folder} is not uploaded: more folders than that were recorded into since")
    def output_forgotten(self, folder: FileName) -> None: ...
