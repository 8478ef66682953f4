"""The ground's end of CFDP over a link that loses packets, for grounds of a socket and of a simulated network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.simulation.cfdp_end import APID, CfdpEnd
from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.cfdp.timing import Patience
    from kittiwake.platform.seeded import SeededRandom


class LossyEnd(CfdpEnd):
    """Takes the bytes of one connexion after the other, and says what to send; packets get lost both ways by chance."""

    def __init__(self, random: SeededRandom, loss: float, patience: Patience) -> None:
        super().__init__(patience)
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
                self.hear(packet, now_ns)

    def frames(self, now_ns: int) -> Iterator[bytes]:
        """Frames to send, a turn's worth."""
        for packet in self.packets(now_ns):
            if not self._loses():
                yield self.frame(packet)

    def frame(self, packet: bytes) -> bytes:
        """A packet's frame; it is not lost."""
        framed: bytes = self._framer.frame(packet)
        return framed

    def _loses(self) -> bool:
        is_lost = self._random.chance(self.loss)
        self.lost += is_lost
        return is_lost
