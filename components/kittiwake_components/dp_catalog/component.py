"""Knows which data products there are, sends them to the ground in their order, and keeps to a quota."""

# ruff: noqa: N803 - the arguments of commands and events keep F´'s names
from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.model import (
    U32,
    U64,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    async_port,
    command,
)
from kittiwake.model.fw import Sched, Wait
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake_components.dp_catalog.catalogue import PRODUCTS_MAX, SUFFIX, Catalogue
from kittiwake_components.dp_catalog.reports import CatalogReports
from kittiwake_components.ports.file import SendFile, SendFileDone
from kittiwake_components.ports.product import DpWritten

if TYPE_CHECKING:
    from kittiwake.runtime.tasks import Reply
    from kittiwake.storage.finding import Finding
    from kittiwake_components.dp_catalog.catalogue import Entry

U32_MAX = 0xFFFFFFFF
U64_MAX = 0xFFFFFFFFFFFFFFFF
TOKEN_BASE = 0x44500000
"""Our tokens for the file downlink begin here, so that its other users' answers are told apart."""
TOKENS = 0x10000

_FAILED = CommandResponse.EXECUTION_ERROR


class DpCatalog(CatalogReports):
    """F´'s data product catalogue, which outlives restarts.

    Products are sent one after the other through the file downlink, the lowest priority number first, then the oldest.
    What was sent is noted durably. Beyond the quota products go from the disk, those that were sent first.
    """

    file_out = OutputPort(SendFile, required=True, doc="Products for the file downlink.")

    catalog_dps = Channel(U32, on_change=True, doc="Products in the catalogue.")
    dps_sent = Channel(U32, on_change=True, doc="Products sent since boot.")
    dps_pending = Channel(U32, on_change=True, doc="Products that were not sent.")
    catalog_bytes = Channel(U64, on_change=True, unit="B", doc="What the products take on the disk.")
    dps_removed = Channel(U32, on_change=True, doc="Products removed for the quota since boot.")
    dps_lost = Channel(U32, on_change=True, doc="Products among them that were never sent.")

    retry_s = Parameter(
        U32, default=60, low=1, high=86_400, unit="s",
        doc="After a file that failed, a transmission that remains active pauses for so long.",
    )  # fmt: skip

    folder = Setting(str, default="/dp", doc="Folder in the root with the products.")
    quota_bytes = Setting(int, default=16_777_216, low=1 << 16, high=1 << 40, doc="Most bytes of all products.")
    build_at_start = Setting(bool, default=True, doc="Build the catalogue at the first cycle, without a command.")
    send_at_start = Setting(bool, default=False, doc="Then send as START_XMIT_CATALOG NO_WAIT true does.")

    def initialize(self) -> None:
        self._folder = self.root.resolve(self.folder)
        self._catalogue = Catalogue(self.platform.files, self._folder)
        self._was_begun = False
        self._must_rebuild = False
        self._is_active = self._remains = False
        self._under_way: Entry | None = None
        self._retry_ns: int | None = None
        self._token = 0
        self._waiting: Reply[CommandResponse] | None = None
        self._bytes = self._sent = self._removed = self._lost = 0

    def stop(self) -> None:
        self._catalogue.close()

    # The catalogue

    def _build(self) -> None:
        """Reads the folder. Raises `OSError`."""
        name = self.root.name_of(self._folder)
        self.processing_directory(name)
        try:
            self._report(self._catalogue.build())
        except OSError as fault:
            self.directory_open_error(name, fault.errno or 0)
            raise
        self._must_rebuild = False
        if self._catalogue.count >= PRODUCTS_MAX:
            self.catalog_full(name)
        pending = self._catalogue.pending
        pending_bytes = sum([entry.size for entry in pending])
        self.processing_directory_complete(name, self._catalogue.count, len(pending), pending_bytes & U64_MAX)
        self.catalog_build_complete()
        self._keep_quota("")
        self._show()

    def _report(self, findings: list[Finding]) -> None:
        for finding in findings:
            self.catalog_finding(str(finding).removeprefix(self.root.path))

    @async_port(DpWritten, full="hook")
    def add_to_cat(self, fileName: str, priority: int, size: int) -> None:
        """A product was written."""
        folder, _, name = fileName.rpartition("/")
        if self.root.path.rstrip("/") + folder != self._folder or not name.endswith(SUFFIX):
            self.directory_not_managed(fileName)
        elif not self._catalogue.is_built:
            self.not_loaded(fileName)
        elif self._catalogue.count >= PRODUCTS_MAX:
            self.catalog_full(folder)
        else:
            self._add(fileName, name)

    def _add(self, file: str, name: str) -> None:
        try:
            self._catalogue.add(name)
        except OSError as fault:
            self.file_read_error(file, fault.errno or 0)
            return
        except ValueError as fault:
            self.catalog_finding(f"{file}: {fault}")
            return
        self.dp_file_added(file)
        self._keep_quota(name)
        self._show()
        self._send_next()

    def add_to_cat_overflow(self, fileName: str, priority: int, size: int) -> None:
        """A product for whose announcement there is no room: the folder is read again."""
        self._must_rebuild = True

    def _keep_quota(self, newest: str) -> None:
        """Removes what is missed least until all fits; the newest stays, and the one that is under way."""
        keep = {newest} if self._under_way is None else {newest, self._under_way.name}
        while self._catalogue.size > self.quota_bytes:
            entry = self._catalogue.dispensable(keep)
            if entry is None:
                return
            was_sent = self._catalogue.is_sent(entry.name)
            try:
                self._catalogue.remove(entry.name)
            except OSError as fault:
                self.file_read_error(self._file_of(entry), fault.errno or 0)
            self._removed += 1
            self._lost += not was_sent
            self.dp_removed(self._file_of(entry), was_sent)

    def _file_of(self, entry: Entry) -> str:
        return posixpath.join(self.root.name_of(self._folder), entry.name)

    def _show(self) -> None:
        self.catalog_dps = self._catalogue.count & U32_MAX
        self.dps_pending = len(self._catalogue.pending) & U32_MAX
        self.catalog_bytes = self._catalogue.size & U64_MAX
        self.dps_sent = self._sent & U32_MAX
        self.dps_removed = self._removed & U32_MAX
        self.dps_lost = self._lost & U32_MAX

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Builds the catalogue once after the start, and tries again what found no room."""
        if not self._was_begun:
            self._was_begun = True
            self._must_rebuild = self.build_at_start
        if self._must_rebuild and self._under_way is None:
            try:
                self._build()
            except OSError:
                return
            if self.send_at_start and not self._is_active:
                self._start(remains=True)
        if self._retry_ns is not None and self.clock.now_ns() >= self._retry_ns:
            self._retry_ns = None
            self._send_next()

    # Sending

    def _start(self, *, remains: bool) -> None:
        self._is_active, self._remains, self._retry_ns = True, remains, None
        self._bytes = 0
        self.catalog_xmit_started()
        self._send_next()

    def _send_next(self) -> None:
        """Sends the next product, if none is under way; with none left, the transmission is complete."""
        if not self._is_active or self._under_way is not None or self._retry_ns is not None:
            return
        entry = self._catalogue.next()
        if entry is None:
            if self._bytes or not self._remains:
                self.catalog_xmit_completed(self._bytes & U64_MAX)
            self._bytes = 0
            self._is_active = self._remains
            self._answer(CommandResponse.OK)
            return
        self._under_way = entry
        self._token = (self._token + 1) % TOKENS
        self.sending_product(self._file_of(entry), entry.size & U32_MAX, entry.header.priority)
        self.file_out(self._file_of(entry), entry.name, TOKEN_BASE + self._token)

    def _answer(self, response: CommandResponse) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.set(response)

    @async_port(SendFileDone, full="hook")
    def file_done(self, token: int, response: CommandResponse) -> None:
        """A file was handed to the link, or could not be."""
        entry = self._under_way
        if entry is None or token != TOKEN_BASE + self._token:
            return
        self._under_way = None
        if response is CommandResponse.OK:
            self._sent_one(entry)
        elif response is CommandResponse.BUSY:
            self._retry_ns = self.clock.now_ns()
        elif not self.platform.files.exists(posixpath.join(self._folder, entry.name)):
            self._catalogue.forget(entry.name)
        else:
            self.dp_file_xmit_error(self._file_of(entry), response)
            self._halt()
        self._show()
        self._send_next()

    def _halt(self) -> None:
        """Ends the transmission, or pauses one that stays active."""
        if self._remains:
            self._retry_ns = self.clock.now_ns() + self.retry_s * NS_PER_S
        else:
            self._is_active = False
        self._answer(_FAILED)

    def file_done_overflow(self, token: int, response: CommandResponse) -> None:
        """An answer is never dropped: without room in the queue it is taken at once."""
        self.file_done(token, response)

    def _sent_one(self, entry: Entry) -> None:
        self._sent += 1
        self._bytes += entry.size
        try:
            self._catalogue.mark_sent(entry.name)
        except OSError as fault:
            # Without the note it would be sent for ever: the transmission ends instead.
            self.state_file_write_error(self._file_of(entry), fault.errno or 0)
            self._is_active = False
            self._answer(_FAILED)
            return
        pending = self._catalogue.pending
        self.product_complete(self._file_of(entry), len(pending), sum([one.size for one in pending]) & U64_MAX)

    # Commands

    @command(name="BUILD_CATALOG", opcode=0)
    def build_catalog(self) -> None:
        """Reads the folder of the data products."""
        self._refuse_while_active()
        try:
            self._build()
        except OSError as fault:
            raise CommandError(_FAILED, reason_of(fault)) from None

    @command(name="START_XMIT_CATALOG", opcode=1)
    async def start_xmit_catalog(self, wait: Wait, remainActive: Bool) -> None:
        """Sends all products that were not sent; with `remainActive` also those that come later.

        WAIT answers when all has been handed to the link, NO_WAIT at once.
        """
        if not self._catalogue.is_built:
            self.xmit_unbuilt_catalog()
            raise CommandError(_FAILED, "the catalogue is not built")
        self._refuse_while_active()
        reply: Reply[CommandResponse] = self.clock.reply()
        self._waiting = reply
        self._start(remains=remainActive)
        if wait is Wait.NO_WAIT:
            self._waiting = None
            return
        response = await reply
        if response is not CommandResponse.OK:
            raise CommandError(response, "the transmission has ended early")

    @command(name="STOP_XMIT_CATALOG", opcode=2)
    def stop_xmit_catalog(self) -> None:
        """Sends no further product; the one under way goes on to its end."""
        if not self._is_active:
            self.xmit_not_active()
            return
        self._is_active = self._remains = False
        self.catalog_xmit_stopped(self._bytes & U64_MAX)
        self._answer(_FAILED)

    @command(name="CLEAR_CATALOG", opcode=3)
    def clear_catalog(self) -> None:
        """Forgets the catalogue until it is built again; files, and what was sent, stay."""
        self._refuse_while_active()
        self._catalogue.clear()
        self._show()

    def _refuse_while_active(self) -> None:
        if self._is_active or self._under_way is not None:
            self.dp_xmit_in_progress()
            raise CommandError(CommandResponse.BUSY, "products are being sent")
