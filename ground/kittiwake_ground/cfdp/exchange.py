"""Files from a device and to its inbox by CFDP class 2: no input or output but files, and time as it is given."""

from __future__ import annotations

import logging
import posixpath
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cfdp.arrivals import Arrivals
from kittiwake.cfdp.entity import Entity
from kittiwake.cfdp.numbers import NUMBER_SIZE
from kittiwake.cfdp.pdu import TO_RECEIVER, Condition, Header, Metadata
from kittiwake.cfdp.timing import Patience
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import make_folders_durably, place_file
from kittiwake.storage.ledger import Ledger
from kittiwake.storage.root import reason_of
from kittiwake_ground.cfdp.file_record import CfdpFile, FileRecords
from kittiwake_ground.cfdp.received import Received
from kittiwake_ground.server.transfer import CANCELLED, COMPLETED, DOWN, FAILED, QUEUED, RUNNING, UP, TransferRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.cfdp.receiver import Receiver, Sink
    from kittiwake.cfdp.sender import Sender
    from kittiwake.platform.interface import File, Files, Random
    from kittiwake.storage.finding import Finding
    from kittiwake_ground.configuration import CfdpConfiguration

_log = logging.getLogger(__name__)

MAX_QUEUED = 50
MAX_QUEUED_BYTES = 256 << 20
"""The most bytes that may wait for their way up, on disk."""

MAX_ATTEMPTS = 5
PAUSE_S = 10.0
"""The pause after the first failed attempt of an upload; it doubles."""

FILE_DATA_OVERHEAD = 16
"""What a packet has beside its piece of a file: a header with ids of 16 and a number of 32 bits, and an offset."""

REPORT_EVERY_NS = NS_PER_S // 5
CHUNK = 262_144
"""What has come is made durable once in so many bytes: what a kill of the ground station costs."""

HOPELESS = (Condition.FILESTORE_REJECTED, Condition.CANCELLED, Condition.UNSUPPORTED_CHECKSUM)
"""How uploads end that are not tried again."""

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"

SAID = {
    Condition.FILESTORE_REJECTED: "the deployment refuses the file: its name leads out of the inbox, or it has no room",
    Condition.ACK_LIMIT: "nobody answers: is there a TransferService, and is it the entity and APID of the settings?",
    Condition.INACTIVE: "the other end fell silent",
}


class Exchange:
    """The CFDP entity of the ground for one device, and what it must know after a restart. `open` it first.

    Pull PDUs by `next_pdu`; give it what comes by `receive`. `changed` is told what becomes of a file. A file that has
    come is whole and durable in the folder `received` before its sender is told so, and is then among `undigested`
    until `conclude` has its SHA-256. Times are nanoseconds of a clock that never goes back.
    """

    def __init__(
        self,
        files: Files,
        folder: str,
        configuration: CfdpConfiguration,
        segment_size: int,
        random: Random,
        new_id: Callable[[], int],
        changed: Callable[[CfdpFile], None],
    ) -> None:
        self._files = files
        self._top = folder
        self._sending = f"{folder}/cfdp/sending"
        self._arriving = f"{folder}/cfdp/arriving"
        self._configuration = configuration
        self._random = random
        self._new_id = new_id
        self._changed = changed
        waits = configuration.answer_s, configuration.answer_s, configuration.inactivity_s
        self._patience = Patience(*waits, segment_size=segment_size)
        self._ledger = Ledger(files, f"{folder}/cfdp/journal")
        self._records = FileRecords(self._ledger)
        self._received = Received(
            files, f"{folder}/received", configuration.received_files, configuration.received_bytes,
            configuration.received_file_bytes, self._id_of,
        )  # fmt: skip
        self._arrivals = Arrivals(files, self._ledger, self._arriving, self._received)
        self._arrivals.chunk = CHUNK
        self._entity = self._new_entity(0)
        self._handles: dict[int, File] = {}
        self._is_up = False
        self._now_ns = 0
        self._reported_ns = 0
        self.undigested: list[CfdpFile] = []
        self.fault = "it is not open"
        """Why nothing goes, or empty; the last operation on the disk that failed."""
        self.is_open = False

    def _new_entity(self, now_ns: int) -> Entity:
        entity = Entity(self._configuration.entity, self, self._patience)
        entity.set_link(False, now_ns)
        return entity

    # Life

    def open(self, now_ns: int) -> tuple[Finding, ...]:
        """Takes up what a restart has interrupted, and returns what was wrong with the journal. Raises `OSError`."""
        self.close()
        self._now_ns = now_ns
        for path in (self._sending, self._arriving, self._received.top):
            make_folders_durably(self._files, path)
        findings = self._ledger.open()
        self._records.load()
        self._entity = self._new_entity(now_ns)
        self.undigested = []
        self._arrivals.resume(self._entity, now_ns)
        self._sort_out()
        self.is_open, self.fault = True, ""
        for file in self._records.by_id.values():
            self._changed(file)
        return findings

    def _sort_out(self) -> None:
        """Finds how files stand that were on their way: how an arrival has ended is kept before ours."""
        for file in list(self._records.by_id.values()):
            if file.direction == DOWN:
                self._sort_out_arrival(file)
            elif not file.is_final and not self._files.exists(self._spool(file)):
                self._end(file, FAILED, "what was to be sent is gone")
        going = {posixpath.basename(self._spool(file)) for file in self._records.by_id.values() if not file.is_final}
        for name in self._files.list(self._sending):
            if name not in going:
                self._files.remove(posixpath.join(self._sending, name))

    def _sort_out_arrival(self, file: CfdpFile) -> None:
        path = self._received.path_of(file.id, file.remote)
        if file.is_final:
            file.path = Path(path) if file.state == COMPLETED and self._files.exists(path) else None
            return
        if file.is_placed or file.transaction in self._arrivals.sinks:
            return
        finished = self._arrivals.ended(file.transaction)
        if finished is None:
            self._records.forget(file)
        elif finished.is_complete:
            self._place(file)
        else:
            self._end(file, *_end_of_arrival(finished.condition))

    def close(self) -> None:
        """Closes every file; all goes on with the next `open`."""
        self.is_open, self._is_up, self.fault = False, False, "it is not open"
        for handle in self._handles.values():
            handle.close()
        self._handles.clear()
        self._arrivals.suspend()
        self._arrivals.sinks.clear()
        self._ledger.close()

    def set_link(self, is_up: bool, now_ns: int) -> None:
        """The link came up or went down; while it is down all timers stand still."""
        if self.is_open and is_up != self._is_up:
            self._is_up = is_up
            self._entity.set_link(is_up, now_ns)

    # What is asked for

    def upload(self, content: bytes, remote: str, name: str, by: str) -> CfdpFile:
        """Takes a file for the device's inbox; it is kept until it is there. Raises `TransferRefused`."""
        if not self.is_open:
            raise TransferRefused(f"CFDP cannot be used: {self.fault}")
        waiting = [file for file in self._records.by_id.values() if file.direction == UP and not file.is_final]
        if len(waiting) >= MAX_QUEUED:
            raise TransferRefused(f"{MAX_QUEUED} files wait already")
        if sum([file.size for file in waiting]) + len(content) > MAX_QUEUED_BYTES:
            raise TransferRefused(f"the files that wait would be more than {MAX_QUEUED_BYTES} bytes")
        file = CfdpFile(self._new_id(), UP, remote, name, by)
        file.size, file.sha256 = len(content), sha256(content).hexdigest()
        try:
            place_file(self._files, self._spool(file), [content])
            self._files.sync_folder(self._sending)
            self._records.keep(file)
        except (OSError, ValueError) as fault:
            self._records.by_id.pop(file.id, None)
            raise TransferRefused(f"the file cannot be kept here: {reason_of(fault)}") from None
        self._changed(file)
        return file

    def cancel(self, file: CfdpFile, now_ns: int) -> None:
        """Gives a file up, and tells the device."""
        self._now_ns = now_ns
        if not (file.number and self._entity.cancel(file.transaction, now_ns)):
            self._end(file, CANCELLED)

    def file(self, id: int) -> CfdpFile:
        """A file by its id. Raises `LookupError`."""
        return self._records.by_id[id]

    def conclude(self, file: CfdpFile, digest: str) -> None:
        """A file that has come has this SHA-256, in hex."""
        self.undigested.remove(file)
        file.sha256 = digest
        self._end(file, COMPLETED)

    # The link's side

    def receive(self, pdu: bytes, now_ns: int) -> None:
        """Takes a PDU."""
        if self.is_open:
            self._now_ns = now_ns
            self._entity.receive(pdu, now_ns)

    def next_pdu(self, now_ns: int) -> bytes | None:
        """The bytes of the next PDU to send, or `None` while there is nothing to say."""
        if not self.is_open:
            return None
        self._now_ns = now_ns
        self._begin_waiting(now_ns)
        pdu = self._entity.next_pdu(now_ns)
        for sender in self._entity.sending:
            file = self._records.by_transaction.get(sender.header.transaction)
            if file is not None and sender.progress > file.done_bytes:
                file.done_bytes = sender.progress
                self._report(file)
        return pdu

    def next_ns(self, now_ns: int) -> int | None:
        """When there is something to say next, 0 for at once; `None` while the link is down or all is said."""
        if not (self.is_open and self._is_up):
            return None
        times = [file.due_ns for file in self._waiting()] if self._entity.has_room else []
        entity_ns = self._entity.next_ns(now_ns)
        return min([*times, *([] if entity_ns is None else [entity_ns])], default=None)

    def _report(self, file: CfdpFile) -> None:
        if self._now_ns - self._reported_ns >= REPORT_EVERY_NS:
            self._reported_ns = self._now_ns
            self._changed(file)

    # Files that go

    def _spool(self, file: CfdpFile) -> str:
        return posixpath.join(self._sending, str(file.id))

    def _waiting(self) -> list[CfdpFile]:
        files = self._records.by_id.values()
        return [one for one in files if one.direction == UP and not one.is_final and one.id not in self._handles]

    def _begin_waiting(self, now_ns: int) -> None:
        for file in self._waiting():
            if self._is_up and file.due_ns <= now_ns and self._entity.has_room:
                try:
                    self._begin(file, now_ns)
                except (OSError, ValueError) as fault:
                    self._failed(file, reason_of(fault), is_hopeless=isinstance(fault, FileNotFoundError))

    def _begin(self, file: CfdpFile, now_ns: int) -> None:
        is_resumed = bool(file.number)
        if not is_resumed:
            drawn = self._random.token_bytes(NUMBER_SIZE)
            self._records.begin(file, self._entity.id, self._records.new_number(drawn))
            self._records.keep(file)
        header = Header(self._entity.id, file.number, self._configuration.device, TO_RECEIVER)
        metadata = Metadata(file.size, file.name, file.remote)
        handle = self._files.open(self._spool(file), "r")
        try:
            self._entity.put(header, metadata, handle.read_at, now_ns, resumed=is_resumed)
        except (OSError, ValueError):
            handle.close()
            raise
        self._handles[file.id] = handle
        self._changed(file)

    def sent(self, sender: Sender) -> None:
        """A file that was sent has ended."""
        file = self._records.by_transaction.get(sender.header.transaction)
        if file is None:
            return
        handle = self._handles.pop(file.id, None)
        if handle is not None:
            handle.close()
        condition = sender.condition
        if sender.is_delivered:
            file.done_bytes = file.size
            self._end(file, COMPLETED)
        elif condition is Condition.CANCELLED:
            self._end(file, CANCELLED)
        else:
            self._failed(file, SAID.get(condition, f"CFDP: {condition.name}"), is_hopeless=condition in HOPELESS)

    def _failed(self, file: CfdpFile, reason: str, *, is_hopeless: bool) -> None:
        """An attempt has failed; the next one is a transaction of its own."""
        self._records.leave(file)
        file.number = 0
        file.attempts += 1
        if is_hopeless or file.attempts >= MAX_ATTEMPTS:
            self._end(file, FAILED, reason)
            return
        file.state, file.reason, file.done_bytes = QUEUED, f"{reason}; it is tried again", 0
        file.due_ns = self._now_ns + round(PAUSE_S * (1 << file.attempts - 1) * NS_PER_S)
        self._keep(file)
        self._changed(file)

    # Files that come

    def _id_of(self, transaction: tuple[int, int]) -> int:
        return self._records.by_transaction[transaction].id

    def open_sink(self, header: Header) -> Sink | None:
        """Where a file that begins to arrive goes."""
        if header.source != self._configuration.device:
            return None
        file = CfdpFile(self._new_id(), DOWN, "", "file", "deployment")
        try:
            sink = self._arrivals.open_sink(header)
        except OSError as fault:
            self._note(fault)
            return None
        self._records.begin(file, *header.transaction)
        self._keep(file, sync=False)  # before anything of it
        return sink

    def advanced(self, receiver: Receiver) -> None:
        """Makes durable what has come."""
        file = self._records.by_transaction[receiver.header.transaction]
        metadata, eof = receiver.metadata, receiver.eof
        is_new = metadata is not None and not file.remote
        try:
            if metadata is not None and is_new:
                file.remote = "".join(c if c.isprintable() else UNPRINTABLE for c in metadata.destination_name)
                file.name = file.remote.rpartition("/")[2] or "file"
                file.size = metadata.size
                self._records.keep(file, sync=False)
            self._arrivals.keep(receiver)
        except (OSError, ValueError) as fault:
            self._note(fault)
        if eof is not None and not file.size:
            file.size = eof.size
        file.done_bytes = receiver.coverage.size
        if is_new:
            self._changed(file)
        elif file.remote:
            self._report(file)

    def received(self, receiver: Receiver) -> None:
        """A file that arrived has ended; if it is whole, it is durable in its place."""
        file = self._records.by_transaction[receiver.header.transaction]
        try:
            if file.remote:
                self._records.keep(file, sync=False)
            self._arrivals.end(receiver)
        except (OSError, ValueError) as fault:
            self._note(fault)
        if receiver.is_complete:
            self._place(file)
        else:
            self._end(file, *_end_of_arrival(receiver.condition))

    def _place(self, file: CfdpFile) -> None:
        file.path = Path(self._received.path_of(file.id, file.remote))
        self._records.leave(file)
        file.state, file.done_bytes, file.is_placed = RUNNING, file.size, True
        self.undigested.append(file)

    def closed(self, receiver: Receiver) -> None:
        """The device knows how a file that arrived has ended."""
        try:
            self._arrivals.close(receiver)
        except (OSError, ValueError) as fault:
            self._note(fault)

    # The record

    def _end(self, file: CfdpFile, state: str, reason: str = "") -> None:
        self._records.leave(file)
        file.end(state, reason)
        self._keep(file)
        if file.direction == UP:
            try:
                self._files.remove(self._spool(file))
            except OSError:
                pass  # the next start drops it
        self._changed(file)

    def _keep(self, file: CfdpFile, *, sync: bool = True) -> None:
        try:
            self._records.keep(file, sync=sync)
        except (OSError, ValueError) as fault:
            self._note(fault)

    def _note(self, fault: Exception) -> None:
        """What the disk refuses is logged once; CFDP goes on, and asks for what was not kept after a restart."""
        if reason_of(fault) != self.fault:
            self.fault = reason_of(fault)
            _log.warning("CFDP in %s: %s", self._top, self.fault)


def _end_of_arrival(condition: Condition) -> tuple[str, str]:
    """The state in which a file ends that did not arrive, and why."""
    if condition is Condition.CANCELLED:
        return CANCELLED, "it was given up"
    if condition is Condition.FILESTORE_REJECTED:
        return FAILED, "it was refused: it is too large, or the folder of received files is full"
    return FAILED, f"CFDP: {condition.name}"
