"""The ground's end of CFDP over a link that loses packets, for grounds of a socket and of a simulated network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cfdp.entity import Entity
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from tests.framework.cfdp.lossy_link import MemorySink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.cfdp.pdu import Header
    from kittiwake.cfdp.receiver import Receiver
    from kittiwake.cfdp.sender import Sender
    from kittiwake.cfdp.timing import Patience
    from kittiwake.platform.seeded import SeededRandom

APID = b"\x00\x20"
PDUS_A_TURN = 20


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


class LossyEnd:
    """Takes the bytes of one connexion after the other, and says what to send; packets get lost both ways by chance."""

    def __init__(self, random: SeededRandom, loss: float, patience: Patience) -> None:
        self.receipts = Receipts()
        self.entity = Entity(1, self.receipts, patience)
        self.loss = loss
        self.connexions = self.lost = 0
        self._random = random

    def connect(self, now_ns: int) -> None:
        """A device has connected: the framing begins anew."""
        self.connexions += 1
        self._framer = FRAMINGS["ccsds"].uplink_framer(FramingParameters())
        self._deframer = FRAMINGS["ccsds"].downlink_deframer(FramingParameters())
        self.entity.set_link(True, now_ns)

    def disconnect(self, now_ns: int) -> None:
        """It has gone."""
        self.entity.set_link(False, now_ns)

    def take(self, data: bytes, now_ns: int) -> None:
        """Bytes have come."""
        for packet in self._deframer.feed(data):
            if packet.startswith(APID) and not self._loses():
                self.entity.receive(packet[len(APID) :], now_ns)

    def frames(self, now_ns: int) -> Iterator[bytes]:
        """Frames to send, a turn's worth."""
        for _ in range(PDUS_A_TURN):
            pdu = self.entity.next_pdu(now_ns)
            if pdu is None:
                return
            if not self._loses():
                yield self.frame(APID + pdu)

    def frame(self, packet: bytes) -> bytes:
        """A packet's frame; it is not lost."""
        framed: bytes = self._framer.frame(packet)
        return framed

    def _loses(self) -> bool:
        is_lost = self._random.chance(self.loss)
        self.lost += is_lost
        return is_lost
