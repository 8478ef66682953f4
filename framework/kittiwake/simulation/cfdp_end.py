"""The ground's end of CFDP in simulations: it takes files whole, and remembers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cfdp.entity import Entity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.cfdp.pdu import Header, Metadata
    from kittiwake.cfdp.receiver import Receiver
    from kittiwake.cfdp.sender import Sender
    from kittiwake.cfdp.timing import Patience

APID = b"\x00\x20"
PDUS_A_TURN = 20


class MemorySink:
    """A file in memory; `refuses` lets it fail as a full disk does."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.finished: Metadata | None = None
        self.aborted = False
        self.refuses = False

    def write_at(self, offset: int, data: bytes) -> None:
        if self.refuses:
            raise OSError("no space")
        self.data.extend(bytes(max(0, offset + len(data) - len(self.data))))
        self.data[offset : offset + len(data)] = data

    def read_at(self, offset: int, count: int) -> bytes:
        return bytes(self.data[offset : offset + count])

    def finish(self, metadata: Metadata) -> None:
        self.finished = metadata

    def abort(self) -> None:
        self.aborted = True


class Receipts:
    """The user of the ground's entity: `files` have arrived, by name. What comes again must be the same."""

    def __init__(self) -> None:
        self.sinks: dict[tuple[int, int], MemorySink] = {}
        self.files: dict[str, bytes] = {}
        self.repeated = 0

    def open_sink(self, header: Header) -> MemorySink:
        self.sinks[header.transaction] = MemorySink()
        return self.sinks[header.transaction]

    def advanced(self, receiver: Receiver) -> None:
        """Nothing is made durable here."""

    def sent(self, sender: Sender) -> None:
        """Nothing is sent from here."""

    def closed(self, receiver: Receiver) -> None:
        """Nothing is kept for late answers."""

    def received(self, receiver: Receiver) -> None:
        if not receiver.is_complete:
            return
        assert receiver.metadata is not None
        name, data = receiver.metadata.destination_name, bytes(self.sinks.pop(receiver.header.transaction).data)
        self.repeated += name in self.files
        assert self.files.setdefault(name, data) == data, f"{name} came twice and differs"


class CfdpEnd:
    """An entity with its receipts, over packets whose first two bytes are CFDP's APID."""

    def __init__(self, patience: Patience) -> None:
        self.receipts = Receipts()
        self.entity = Entity(1, self.receipts, patience)

    def hear(self, packet: bytes, now_ns: int) -> None:
        """Takes a packet, if it is CFDP's."""
        if packet.startswith(APID):
            self.entity.receive(packet[len(APID) :], now_ns)

    def packets(self, now_ns: int) -> Iterator[bytes]:
        """Packets to send, a turn's worth."""
        for _ in range(PDUS_A_TURN):
            pdu = self.entity.next_pdu(now_ns)
            if pdu is None:
                return
            yield APID + pdu


__all__ = ["APID", "CfdpEnd", "MemorySink", "Receipts"]
