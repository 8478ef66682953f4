"""A file on its way by CFDP, and what a restart must know of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from kittiwake.cfdp.numbers import next_number
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake_ground.server.transfer import CFDP, COMPLETED, RUNNING, Transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.storage.ledger import Ledger

KIND = "file"
MAX_KEPT = 100
"""The files that have ended which a restart still knows; those that came stay in their folder."""

REPORT_EVERY_NS = NS_PER_S // 5

_log = logging.getLogger(__name__)

_LAST_NUMBER = "number"


class CfdpFile(Transfer):
    """A file. `number` is that of its transaction, 0 while it has none.

    `attempts` have failed, and the next one is at `due_ns`.
    `is_placed` says that a file that comes is whole in its folder, durable, and that only its digest is still missing.
    """

    way = CFDP

    def __init__(self, id: int, direction: str, remote: str, name: str, by: str) -> None:
        super().__init__(id, direction, remote, name, by)
        self.number = self.source = self.attempts = self.due_ns = 0
        self.is_placed = False

    @property
    def transaction(self) -> tuple[int, int]:
        """The entity that sends it, and the number that it has there."""
        return self.source, self.number

    def packed(self) -> list[Any]:
        """What is kept."""
        return [
            self.direction, self.remote, self.name, self.by, self.source, self.number, self.attempts, self.state,
            self.reason, self.size, self.asked_us, self.ended_us, self.sha256,
        ]  # fmt: skip

    @classmethod
    def unpacked(cls, id: int, values: list[Any]) -> CfdpFile:
        """A file that was kept."""
        file = cls(id, *values[:4])
        file.source, file.number, file.attempts, state, file.reason, file.size, *rest = values[4:]
        file.asked_us, ended_us, file.sha256 = rest
        file.state = state
        if file.is_final:
            file.end(state, file.reason)
            file.ended_us = ended_us
            file.done_bytes = file.size if state == COMPLETED else 0
        return file


class FileRecords:
    """All files in memory and in the ledger. What changes something raises `OSError` as the ledger does."""

    def __init__(self, ledger: Ledger, changed: Callable[[CfdpFile], None]) -> None:
        """`changed` is told what becomes of a file."""
        self.changed = changed
        self.fault = ""
        """What the disk has refused last, or empty."""
        self._ledger = ledger
        self._reported_ns = 0
        self.by_id: dict[int, CfdpFile] = {}
        self.by_transaction: dict[tuple[int, int], CfdpFile] = {}
        """Those of them that go or come."""

    def load(self) -> None:
        """Takes in what the ledger has."""
        self.by_id = {int(key): CfdpFile.unpacked(int(key), values) for key, values in self._ledger.items(KIND)}
        going = [file for file in self.by_id.values() if not file.is_final and file.number]
        self.by_transaction = {file.transaction: file for file in going}

    def keep(self, file: CfdpFile, *, sync: bool = True) -> None:
        """Takes a file's present state into the ledger; durable on return with `sync`."""
        self.by_id[file.id] = file
        ended = [one for one in self.by_id.values() if one.is_final]
        for old in ended[:-MAX_KEPT]:
            del self.by_id[old.id]
            self._ledger.put(f"{KIND}/{old.id}", None, sync=False)
        self._ledger.put(f"{KIND}/{file.id}", file.packed(), sync=sync)

    def settle(self, file: CfdpFile, *, sync: bool = True) -> None:
        """As `keep`, where nothing can be done about a fault of the disk but to note it."""
        try:
            self.keep(file, sync=sync)
        except (OSError, ValueError) as fault:
            self.note(fault)

    def note(self, fault: Exception) -> None:
        """What the disk refuses is logged once; what was not kept for that is asked for again after a restart."""
        if reason_of(fault) != self.fault:
            self.fault = reason_of(fault)
            _log.warning("CFDP: %s", self.fault)

    def end(self, file: CfdpFile, state: str, reason: str = "") -> None:
        """It has ended."""
        self.leave(file)
        file.end(state, reason)
        self.settle(file)
        self.changed(file)

    def report(self, file: CfdpFile, now_ns: int) -> None:
        """Tells of progress, a few times a second."""
        if now_ns - self._reported_ns >= REPORT_EVERY_NS:
            self._reported_ns = now_ns
            self.changed(file)

    def begin(self, file: CfdpFile, source: int, number: int) -> None:
        """A transaction has begun for a file."""
        file.source, file.number, file.state, file.reason = source, number, RUNNING, ""
        self.by_transaction[file.transaction] = file

    def leave(self, file: CfdpFile) -> None:
        """Its transaction is over."""
        self.by_transaction.pop(file.transaction, None)

    def forget(self, file: CfdpFile) -> None:
        """Nothing is left of it, not even how it ended."""
        self.leave(file)
        del self.by_id[file.id]
        self._ledger.put(f"{KIND}/{file.id}", None, sync=False)

    def new_number(self, drawn: bytes) -> int:
        """A transaction number that was never used, durable with the next file that is kept; see `next_number`."""
        number = next_number(self._ledger[_LAST_NUMBER], drawn)
        self._ledger.put(_LAST_NUMBER, number, sync=False)
        return number
