"""Two entities that send each other files over a lossy link that may also be down, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cfdp.entity import DEFAULT_LIMITS, Entity
from kittiwake.cfdp.pdu import TO_RECEIVER, Header, Metadata, decode
from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.cfdp_end import MemorySink
from tests.framework.cfdp.lossy_link import PATIENCE, PDU_NS

if TYPE_CHECKING:
    from kittiwake.cfdp.entity import Limits
    from kittiwake.cfdp.pdu import Condition
    from kittiwake.cfdp.receiver import Receiver
    from kittiwake.cfdp.sender import Sender
    from tests.framework.cfdp.lossy_link import LossyLink


class Side:
    """An entity with files in memory: `files` have arrived, `ends` tells how what it sent has ended."""

    def __init__(self, entity_id: int, limits: Limits = DEFAULT_LIMITS) -> None:
        self.entity = Entity(entity_id, self, PATIENCE, limits)
        self.sinks: dict[tuple[int, int], MemorySink] = {}
        self.files: dict[str, bytes] = {}
        self.ends: dict[int, Condition] = {}
        self.order: list[int] = []
        self.closed_numbers: list[int] = []
        self.is_refusing = False

    def open_sink(self, header: Header) -> MemorySink | None:
        if self.is_refusing:
            return None
        assert header.transaction not in self.sinks, "an ended transaction began anew"
        self.sinks[header.transaction] = MemorySink()
        return self.sinks[header.transaction]

    def advanced(self, receiver: Receiver) -> None:
        assert receiver.header.transaction in self.sinks

    def sent(self, sender: Sender) -> None:
        assert sender.header.number not in self.ends
        self.ends[sender.header.number] = sender.condition
        self.order.append(sender.header.number)

    def received(self, receiver: Receiver) -> None:
        if receiver.is_complete:
            assert receiver.metadata is not None
            assert receiver.metadata.destination_name not in self.files, "told twice"
            self.files[receiver.metadata.destination_name] = bytes(self.sinks[receiver.header.transaction].data)

    def closed(self, receiver: Receiver) -> None:
        self.closed_numbers.append(receiver.header.number)

    def put(self, to: int, number: int, name: str, content: bytes, now_ns: int, priority: int = 0) -> Sender:
        return self.entity.put(
            Header(self.entity.id, number, to, TO_RECEIVER), Metadata(len(content), name, name),
            lambda offset, count: content[offset : offset + count], now_ns, priority=priority,
        )  # fmt: skip


class TwoEntities:
    """Entities 1 and 2. `outages` are the seconds in which the link is down; both know when it is."""

    def __init__(
        self, link: LossyLink, limits: Limits = DEFAULT_LIMITS, outages: tuple[tuple[float, float], ...] = ()
    ) -> None:
        self.link = link
        self.one, self.two = Side(1, limits), Side(2, limits)
        self.outages = outages
        self.pdus = 0

    def is_up(self) -> bool:
        now_s = self.link.now_ns / NS_PER_S
        return not any(start <= now_s < end for start, end in self.outages)

    def run(self, until_s: float = 4000.0) -> None:
        link, sides = self.link, (self.one, self.two)
        while link.now_ns < until_s * NS_PER_S:
            is_up = self.is_up()
            for side in sides:
                side.entity.set_link(is_up, link.now_ns)
            for is_to_two, data in link.arrived():
                if is_up:
                    (self.two if is_to_two else self.one).entity.receive(data, link.now_ns)
            sent = False
            for side in sides:
                said = side.entity.next_pdu(link.now_ns)
                if said is not None:
                    assert is_up, "a PDU was sent while the link was down"
                    decode(said)
                    self.pdus += 1
                    sent = True
                    link.send(side is self.one, said)
            nexts = [side.entity.next_ns(link.now_ns) for side in sides]
            times = [time for time in (link.next_ns(), *nexts, *self._edges()) if time]
            if not sent and not times and 0 not in nexts:
                return
            link.now_ns = link.now_ns + PDU_NS if sent or 0 in nexts else max(min(times), link.now_ns + 1)

    def _edges(self) -> list[int]:
        edges = [round(edge * NS_PER_S) for outage in self.outages for edge in outage]
        return [edge for edge in edges if edge > self.link.now_ns]
