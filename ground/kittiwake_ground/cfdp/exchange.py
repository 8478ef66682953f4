"""Files from a device and to its inbox by CFDP class 2: no input or output but files, and time as it is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cfdp.arrivals import Arrivals
from kittiwake.cfdp.entity import Entity
from kittiwake.cfdp.pdu import Condition, Header
from kittiwake.cfdp.timing import Patience
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.ledger import Ledger
from kittiwake_ground.cfdp.departures import Departures
from kittiwake_ground.cfdp.file_record import CfdpFile, FileRecords
from kittiwake_ground.cfdp.received import Received
from kittiwake_ground.server.transfer import CANCELLED, COMPLETED, DOWN, FAILED, RUNNING, UP, TransferRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.cfdp.receiver import Receiver, Sink
    from kittiwake.cfdp.sender import Sender
    from kittiwake.platform.interface import Files, Random
    from kittiwake.storage.finding import Finding
    from kittiwake_ground.configuration import CfdpConfiguration

FILE_DATA_OVERHEAD = 16
"""What a packet has beside its piece of a file: a header with ids of 16 and a number of 32 bits, and an offset."""

CHUNK = 262_144
"""What has come is made durable once in so many bytes: what a kill of the ground station costs."""

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


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
        self._arriving = f"{folder}/cfdp/arriving"
        self._configuration = configuration
        self._new_id = new_id
        waits = configuration.answer_s, configuration.answer_s, configuration.inactivity_s
        self._patience = Patience(*waits, segment_size=segment_size)
        self._ledger = Ledger(files, f"{folder}/cfdp/journal")
        self._records = FileRecords(self._ledger, changed)
        sending = f"{folder}/cfdp/sending"
        self._departures = Departures(files, sending, self._records, random, configuration.device)
        self._received = Received(
            files, f"{folder}/received", configuration.received_files, configuration.received_bytes,
            configuration.received_file_bytes, self._id_of,
        )  # fmt: skip
        self._arrivals = Arrivals(files, self._ledger, self._arriving, self._received)
        self._arrivals.chunk = CHUNK
        self._entity = self._new_entity(0)
        self._is_up = False
        self._now_ns = 0
        self.undigested: list[CfdpFile] = []
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
        for path in (self._departures.folder, self._arriving, self._received.top):
            make_folders_durably(self._files, path)
        findings = self._ledger.open()
        self._records.load()
        self._entity = self._new_entity(now_ns)
        self.undigested = []
        self._arrivals.resume(self._entity, now_ns)
        for file in [one for one in self._records.by_id.values() if one.direction == DOWN]:
            self._sort_out(file)
        self._departures.resume()
        self.is_open = True
        for file in self._records.by_id.values():
            self._records.changed(file)
        return findings

    def _sort_out(self, file: CfdpFile) -> None:
        """Finds how an arrival stands that was on its way: how it has ended is kept before that it has."""
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
            self._records.end(file, *_end_of_arrival(finished.condition))

    def close(self) -> None:
        """Closes every file; all goes on with the next `open`."""
        self.is_open = self._is_up = False
        self._departures.close()
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
            raise TransferRefused("CFDP cannot be used: its journal here is not open, and the log says why")
        file = CfdpFile(self._new_id(), UP, remote, name, by)
        self._departures.take(file, content)
        return file

    def cancel(self, file: CfdpFile, now_ns: int) -> None:
        """Gives a file up, and tells the device."""
        self._now_ns = now_ns
        if not (file.number and self._entity.cancel(file.transaction, now_ns)):
            self._departures.end(file, CANCELLED)

    def file(self, id: int) -> CfdpFile:
        """A file by its id. Raises `LookupError`."""
        return self._records.by_id[id]

    def conclude(self, file: CfdpFile, digest: str) -> None:
        """A file that has come has this SHA-256, in hex."""
        self.undigested.remove(file)
        file.sha256 = digest
        self._records.end(file, COMPLETED)

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
        if self._is_up:
            self._departures.begin(self._entity, now_ns)
        pdu = self._entity.next_pdu(now_ns)
        self._departures.advanced(self._entity, now_ns)
        return pdu

    def next_ns(self, now_ns: int) -> int | None:
        """When there is something to say next, 0 for at once; `None` while the link is down or all is said."""
        if not (self.is_open and self._is_up):
            return None
        times = [self._entity.next_ns(now_ns), self._departures.next_ns() if self._entity.has_room else None]
        return min([time for time in times if time is not None], default=None)

    def sent(self, sender: Sender) -> None:
        """A file that was sent has ended."""
        self._departures.sent(sender, self._now_ns)

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
            self._records.note(fault)
            return None
        self._records.begin(file, *header.transaction)
        self._records.settle(file, sync=False)  # before anything of it
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
            self._records.note(fault)
        if eof is not None and not file.size:
            file.size = eof.size
        file.done_bytes = receiver.coverage.size
        if is_new:
            self._records.changed(file)
        elif file.remote:
            self._records.report(file, self._now_ns)

    def received(self, receiver: Receiver) -> None:
        """A file that arrived has ended; if it is whole, it is durable in its place."""
        file = self._records.by_transaction[receiver.header.transaction]
        try:
            if file.remote:
                self._records.keep(file, sync=False)
            self._arrivals.end(receiver)
        except (OSError, ValueError) as fault:
            self._records.note(fault)
        if receiver.is_complete:
            self._place(file)
        else:
            self._records.end(file, *_end_of_arrival(receiver.condition))

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
            self._records.note(fault)


def _end_of_arrival(condition: Condition) -> tuple[str, str]:
    """The state in which a file ends that did not arrive, and why."""
    if condition is Condition.CANCELLED:
        return CANCELLED, "it was given up"
    if condition is Condition.FILESTORE_REJECTED:
        return FAILED, "it was refused: it is too large, or the folder of received files is full"
    return FAILED, f"CFDP: {condition.name}"
