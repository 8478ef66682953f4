"""Files on their way to a device's inbox: kept here until they are there, and tried again with patience."""

from __future__ import annotations

import posixpath
from hashlib import sha256
from typing import TYPE_CHECKING

from kittiwake.cfdp.numbers import NUMBER_SIZE
from kittiwake.cfdp.pdu import TO_RECEIVER, Condition, Header, Metadata
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import place_file
from kittiwake.storage.root import reason_of
from kittiwake_ground.server.transfer import CANCELLED, COMPLETED, FAILED, QUEUED, UP, TransferRefused

if TYPE_CHECKING:
    from kittiwake.cfdp.entity import Entity
    from kittiwake.cfdp.sender import Sender
    from kittiwake.platform.interface import File, Files, Random
    from kittiwake_ground.cfdp.file_record import CfdpFile, FileRecords

MAX_QUEUED = 50
MAX_QUEUED_BYTES = 256 << 20
"""The most bytes that may wait for their way up, on disk."""

MAX_ATTEMPTS = 5
PAUSE_S = 10.0
"""The pause after the first failed attempt; it doubles."""

HOPELESS = (Condition.FILESTORE_REJECTED, Condition.UNSUPPORTED_CHECKSUM)
"""How attempts end that are not made again."""

SAID = {
    Condition.FILESTORE_REJECTED: "the deployment refuses the file: its name leads out of the inbox, or it has no room",
    Condition.ACK_LIMIT: "nobody answers: is there a TransferService, and is it the entity and APID of the settings?",
    Condition.INACTIVE: "the other end fell silent",
}


class Departures:
    """Sends what waits to `device`. `folder` keeps the files meanwhile, each under its id."""

    def __init__(self, files: Files, folder: str, records: FileRecords, random: Random, device: int) -> None:
        self.folder = folder
        self._files = files
        self._records = records
        self._random = random
        self._device = device
        self._open: dict[int, File] = {}

    def take(self, file: CfdpFile, content: bytes) -> None:
        """Keeps a file, durable on return, until it is there. Raises `TransferRefused`."""
        waiting = [one for one in self._records.by_id.values() if one.direction == UP and not one.is_final]
        if len(waiting) >= MAX_QUEUED:
            raise TransferRefused(f"{MAX_QUEUED} files wait already")
        if sum([one.size for one in waiting]) + len(content) > MAX_QUEUED_BYTES:
            raise TransferRefused(f"the files that wait would be more than {MAX_QUEUED_BYTES} bytes")
        file.size, file.sha256 = len(content), sha256(content).hexdigest()
        try:
            place_file(self._files, self._path(file), [content])
            self._files.sync_folder(self.folder)
            self._records.keep(file)
        except (OSError, ValueError) as fault:
            self._records.by_id.pop(file.id, None)
            raise TransferRefused(f"the file cannot be kept here: {reason_of(fault)}") from None
        self._records.changed(file)

    def resume(self) -> None:
        """Looks after a restart at what is there. Raises `OSError`."""
        going = set()
        for file in list(self._records.by_id.values()):
            if file.direction != UP or file.is_final:
                continue
            if self._files.exists(self._path(file)):
                going.add(str(file.id))
            else:
                self._records.end(file, FAILED, "what was to be sent is gone")
        for name in self._files.list(self.folder):
            if name not in going:
                self._files.remove(posixpath.join(self.folder, name))

    def close(self) -> None:
        """Closes the files; they stay."""
        for handle in self._open.values():
            handle.close()
        self._open.clear()

    def _path(self, file: CfdpFile) -> str:
        return posixpath.join(self.folder, str(file.id))

    # On their way

    def _waiting(self) -> list[CfdpFile]:
        files = self._records.by_id.values()
        return [one for one in files if one.direction == UP and not one.is_final and one.id not in self._open]

    def next_ns(self) -> int | None:
        """When the next file that waits may go."""
        return min([file.due_ns for file in self._waiting()], default=None)

    def begin(self, entity: Entity, now_ns: int) -> None:
        """Hands the entity what waits, as long as it has room."""
        for file in self._waiting():
            if file.due_ns <= now_ns and entity.has_room:
                try:
                    self._begin(file, entity, now_ns)
                except (OSError, ValueError) as fault:
                    self._failed(file, reason_of(fault), now_ns, is_hopeless=isinstance(fault, FileNotFoundError))

    def _begin(self, file: CfdpFile, entity: Entity, now_ns: int) -> None:
        is_resumed = bool(file.number)
        if not is_resumed:
            number = self._records.new_number(self._random.token_bytes(NUMBER_SIZE))
            self._records.begin(file, entity.id, number)
            self._records.keep(file)
        header = Header(entity.id, file.number, self._device, TO_RECEIVER)
        metadata = Metadata(file.size, file.name, file.remote)
        handle = self._files.open(self._path(file), "r")
        try:
            entity.put(header, metadata, handle.read_at, now_ns, resumed=is_resumed)
        except (OSError, ValueError):
            handle.close()
            raise
        self._open[file.id] = handle
        self._records.changed(file)

    def advanced(self, entity: Entity, now_ns: int) -> None:
        """Tells how much has been sent."""
        for sender in entity.sending:
            file = self._records.by_transaction.get(sender.header.transaction)
            if file is not None and sender.progress > file.done_bytes:
                file.done_bytes = sender.progress
                self._records.report(file, now_ns)

    def sent(self, sender: Sender, now_ns: int) -> None:
        """The transaction of a file has ended."""
        file = self._records.by_transaction.get(sender.header.transaction)
        if file is None:
            return
        handle = self._open.pop(file.id, None)
        if handle is not None:
            handle.close()
        condition = sender.condition
        if sender.is_delivered:
            file.done_bytes = file.size
            self.end(file, COMPLETED)
        elif condition is Condition.CANCELLED:
            self.end(file, CANCELLED)
        else:
            said = SAID.get(condition, f"CFDP: {condition.name}")
            self._failed(file, said, now_ns, is_hopeless=condition in HOPELESS)

    def _failed(self, file: CfdpFile, reason: str, now_ns: int, *, is_hopeless: bool) -> None:
        """An attempt has failed; the next one is a transaction of its own."""
        self._records.leave(file)
        file.number = 0
        file.attempts += 1
        if is_hopeless or file.attempts >= MAX_ATTEMPTS:
            self.end(file, FAILED, reason)
            return
        file.state, file.reason, file.done_bytes = QUEUED, f"{reason}; it is tried again", 0
        file.due_ns = now_ns + round(PAUSE_S * (1 << file.attempts - 1) * NS_PER_S)
        self._records.settle(file)
        self._records.changed(file)

    def end(self, file: CfdpFile, state: str, reason: str = "") -> None:
        """It has ended, and is not kept any longer."""
        self._records.end(file, state, reason)
        try:
            self._files.remove(self._path(file))
        except OSError:
            pass  # the next start drops it
