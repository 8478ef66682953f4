"""What a ground has got from a device by CFDP, for grounds of a socket and of a simulated network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.framework.cfdp.lossy_link import MemorySink

if TYPE_CHECKING:
    from kittiwake.cfdp.pdu import Header
    from kittiwake.cfdp.receiver import Receiver
    from kittiwake.cfdp.sender import Sender


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
