"""Two ends of a transaction over a link that loses, doubles and reorders, in virtual time."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from kittiwake.cfdp.pdu import TO_RECEIVER, TO_SENDER, FileData, Header, Metadata, decode, encode
from kittiwake.cfdp.receiver import Receiver
from kittiwake.cfdp.sender import Sender
from kittiwake.cfdp.timing import Patience
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.simulation.cfdp_end import MemorySink

if TYPE_CHECKING:
    from kittiwake.cfdp.pdu import Pdu

PATIENCE = Patience(ack_s=2.0, nak_s=2.0, inactivity_s=600.0, limit=50, segment_size=1024)
DELAY_NS = NS_PER_S // 4
PDU_NS = NS_PER_S // 200


class LossyLink:
    """Carries PDUs as bytes both ways; one goes each 5 ms, and arrives a quarter of a second later or not at all."""

    def __init__(self, seed: int, loss: float = 0.0, doubled: float = 0.0, late: float = 0.0) -> None:
        self.random = SeededRandom(seed)
        self.loss, self.doubled, self.late = loss, doubled, late
        self.now_ns = 0
        self._order = 0
        self._under_way: list[tuple[int, int, bool, bytes]] = []

    def send(self, to_receiver: bool, data: bytes) -> None:
        copies = 2 if self.random.chance(self.doubled) else 1
        for _ in range(copies):
            if self.random.chance(self.loss):
                continue
            delay_ns = DELAY_NS * (4 if self.random.chance(self.late) else 1)
            self._order += 1
            heappush(self._under_way, (self.now_ns + delay_ns, self._order, to_receiver, data))

    def arrived(self) -> list[tuple[bool, bytes]]:
        found = []
        while self._under_way and self._under_way[0][0] <= self.now_ns:
            _, _, to_receiver, data = heappop(self._under_way)
            found.append((to_receiver, data))
        return found

    def next_ns(self) -> int | None:
        return self._under_way[0][0] if self._under_way else None


class Transfer:
    """One file over a lossy link."""

    def __init__(self, content: bytes, link: LossyLink, patience: Patience = PATIENCE, **header: bool) -> None:
        self.content = content
        self.link = link
        self.to_receiver = Header(1, 7, 2, TO_RECEIVER, **header)
        self.to_sender = self.to_receiver._replace(direction=TO_SENDER)
        self.sink = MemorySink()
        metadata = Metadata(len(content), "a.bin", "b.bin")
        self.sender = Sender(self.to_receiver, metadata, self.read_at, patience, 0)
        self.receiver = Receiver(self.to_sender, self.sink, patience, 0)
        self.pdus = self.data_bytes = 0

    def read_at(self, offset: int, count: int) -> bytes:
        return self.content[offset : offset + count]

    def run(self, until_s: float = 4000.0) -> None:
        """Until both ends have ended, or the time is over."""
        link = self.link
        while link.now_ns < until_s * NS_PER_S:
            for is_to_receiver, data in link.arrived():
                _, pdu = decode(data)
                (self.receiver if is_to_receiver else self.sender).receive(pdu, link.now_ns)
            sent = self._send(True, self.sender.next_pdu(link.now_ns))
            sent = self._send(False, self.receiver.next_pdu(link.now_ns)) or sent
            if self.sender.state == 3 and self.receiver.state == 3 and link.next_ns() is None:
                return
            times = [time for time in (link.next_ns(), self.sender.next_ns(), self.receiver.next_ns()) if time]
            link.now_ns = link.now_ns + PDU_NS if sent else max(min(times, default=1 << 62), link.now_ns + 1)

    def _send(self, to_receiver: bool, pdu: Pdu | None) -> bool:
        if pdu is None:
            return False
        self.pdus += 1
        self.data_bytes += len(pdu.data) if isinstance(pdu, FileData) else 0
        self.link.send(to_receiver, encode(self.to_receiver if to_receiver else self.to_sender, pdu))
        return True
