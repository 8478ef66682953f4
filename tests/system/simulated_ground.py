"""A ground in a simulated network: it takes files by CFDP over a link that loses packets and is down at times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cfdp.entity import Entity
from kittiwake.cfdp.timing import Patience
from kittiwake.platform.interface import NS_PER_S
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from tests.system.receipts import Receipts

if TYPE_CHECKING:
    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.platform.simulated_network import SimulatedListener, SimulatedStream

HOST, PORT = "ground", 50_000
APID = b"\x00\x20"
PATIENCE = Patience(10.0, 10.0, 3600.0, segment_size=900)
WINDOW_NS = 5400 * NS_PER_S
"""The link is there for so long and then away as long: of hourly wakes some have it, and in some it comes or goes."""


class SimulatedGround:
    """Is there in every other window of time. Packets get lost both ways with the chance `loss`."""

    def __init__(self, random: SeededRandom, loss: float) -> None:
        self.receipts = Receipts()
        self.entity = Entity(1, self.receipts, PATIENCE)
        self.loss = loss
        self.connexions = self.lost = 0
        self._random = random
        self._platform: SimulatedPlatform | None = None
        self._listener: SimulatedListener | None = None
        self._stream: SimulatedStream | None = None

    def meet(self, platform: SimulatedPlatform) -> None:
        """A machine has got its power; nothing is left of what was connected to the one before it."""
        self._platform = platform
        self._listener = self._stream = None

    def turn(self, now_ns: int) -> None:
        """Takes what has come, and sends what there is to say. Times are those of the world, not of the machine."""
        assert self._platform is not None
        if now_ns // WINDOW_NS % 2:
            self._go_away(now_ns)
            return
        if self._listener is None:
            self._listener = self._platform.network.listen_tcp(HOST, PORT)
        stream = self._listener.accept()
        if stream is not None:
            self._hang_up(now_ns)
            self._stream = stream
            self.connexions += 1
            self._framer = FRAMINGS["ccsds"].uplink_framer(FramingParameters())
            self._deframer = FRAMINGS["ccsds"].downlink_deframer(FramingParameters())
            self.entity.set_link(True, now_ns)
        self._receive(now_ns)
        self._send(now_ns)

    def lose_power(self, now_ns: int) -> None:
        """The machine has gone dark."""
        self._stream = self._listener = None
        self.entity.set_link(False, now_ns)

    def _receive(self, now_ns: int) -> None:
        while self._stream is not None:
            try:
                data = self._stream.receive(1 << 16)
            except OSError:
                data = b""
            if data is None:
                return
            if not data:
                self._hang_up(now_ns)
                return
            for packet in self._deframer.feed(data):
                if packet.startswith(APID) and not self._loses():
                    self.entity.receive(packet[len(APID) :], now_ns)

    def _send(self, now_ns: int) -> None:
        while self._stream is not None:
            pdu = self.entity.next_pdu(now_ns)
            if pdu is None:
                return
            if not self._loses():
                self._stream.send(self._framer.frame(APID + pdu))

    def _loses(self) -> bool:
        is_lost = self._random.chance(self.loss)
        self.lost += is_lost
        return is_lost

    def _hang_up(self, now_ns: int) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self.entity.set_link(False, now_ns)

    def _go_away(self, now_ns: int) -> None:
        self._hang_up(now_ns)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
