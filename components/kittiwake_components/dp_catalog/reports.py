"""What the catalogue of data products reports: F´'s events, and from 0x60 its own."""

# ruff: noqa: A002 - the arguments keep F´'s names
from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    I32,
    U32,
    U64,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Bool,
    CommandResponse,
    Size,
    event,
)
from kittiwake_components.ports.file import FileName

TEXT_SIZE = 160


class CatalogReports(ActiveComponent):
    """The events of `DpCatalog`."""

    @event(WARNING_HI, "Unable to process directory {loc} status {stat}", id=0)
    def directory_open_error(self, loc: FileName, stat: I32) -> None: ...

    @event(ACTIVITY_LO, "Processing directory {directory}", id=1)
    def processing_directory(self, directory: FileName) -> None: ...

    @event(
        ACTIVITY_HI,
        "Completed processing directory {loc}. Total products: {total} Pending products: {pending} Pending bytes: "
        "{pending_bytes}",
        id=3,
    )
    def processing_directory_complete(self, loc: FileName, total: U32, pending: U32, pending_bytes: U64) -> None: ...

    @event(ACTIVITY_HI, "Catalog build complete", id=4)
    def catalog_build_complete(self) -> None: ...

    @event(WARNING_HI, "Unable to add file {file}; directory not managed", throttle=10, every_s=600.0, id=5)
    def directory_not_managed(self, file: FileName) -> None: ...

    @event(ACTIVITY_HI, "Catalog transmission started", id=10)
    def catalog_xmit_started(self) -> None: ...

    @event(ACTIVITY_HI, "Catalog transmission stopped. {bytes} bytes transmitted.", id=11)
    def catalog_xmit_stopped(self, bytes: U64) -> None: ...

    @event(ACTIVITY_HI, "Catalog transmission completed.  {bytes} bytes transmitted.", id=12)
    def catalog_xmit_completed(self, bytes: U64) -> None: ...

    @event(ACTIVITY_LO, "Sending product {file} of size {bytes} priority {prio}", id=13)
    def sending_product(self, file: FileName, bytes: U32, prio: U32) -> None: ...

    @event(ACTIVITY_LO, "Product {file} complete. Pending products: {pending} Pending bytes: {pending_bytes}", id=14)
    def product_complete(self, file: FileName, pending: U32, pending_bytes: U64) -> None: ...

    @event(WARNING_HI, "DpCatalog full during directory {dir}", throttle=10, every_s=600.0, id=22)
    def catalog_full(self, dir: FileName) -> None: ...

    @event(WARNING_HI, "Error reading DP file {file} status {stat}", throttle=10, every_s=600.0, id=24)
    def file_read_error(self, file: FileName, stat: I32) -> None: ...

    @event(WARNING_LO, "Cannot build new catalog while DPs are being transmitted", throttle=10, every_s=600.0, id=30)
    def dp_xmit_in_progress(self) -> None: ...

    @event(WARNING_LO, "DpCatalog transmit not active", id=34)
    def xmit_not_active(self) -> None: ...

    @event(WARNING_HI, "Error writing state file {file}, stat {stat}", throttle=3, every_s=600.0, id=39)
    def state_file_write_error(self, file: FileName, stat: I32) -> None: ...

    @event(
        WARNING_HI, "Error transmitting DP file {file}, stat {stat}. Halting xmit.", throttle=10, every_s=600.0, id=41
    )
    def dp_file_xmit_error(self, file: FileName, stat: CommandResponse) -> None: ...

    @event(ACTIVITY_HI, "DP file {file} added at runtime", throttle=20, every_s=60.0, id=43)
    def dp_file_added(self, file: FileName) -> None: ...

    @event(ACTIVITY_HI, "Not adding file {file} now; Catalog not yet loaded", throttle=10, every_s=600.0, id=44)
    def not_loaded(self, file: FileName) -> None: ...

    @event(WARNING_HI, "Cannot Transmit a Catalog before Building", id=46)
    def xmit_unbuilt_catalog(self) -> None: ...

    @event(WARNING_LO, "Data products {finding}", throttle=10, every_s=600.0, id=0x60)
    def catalog_finding(self, finding: Annotated[str, Size(TEXT_SIZE)]) -> None: ...

    @event(WARNING_LO, "DP file {file} removed for the quota, sent: {sent}", throttle=10, every_s=600.0, id=0x61)
    def dp_removed(self, file: FileName, sent: Bool) -> None: ...
