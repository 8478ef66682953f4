"""A ground in a simulated network: it takes files by CFDP over a link that loses packets and is down at times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cfdp.timing import Patience
from kittiwake.platform.interface import NS_PER_S
from tests.system.lossy_end import LossyEnd

if TYPE_CHECKING:
    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.platform.simulated_network import SimulatedListener, SimulatedStream

HOST, PORT = "ground", 50_000
PATIENCE = Patience(10.0, 10.0, 3600.0, segment_size=900)
WINDOW_NS = 5400 * NS_PER_S
"""The link is there for so long and then away as long: of hourly wakes some have it, and in some it comes or goes."""


class SimulatedGround(LossyEnd):
    """Is there in every other window of time."""

    def __init__(self, random: SeededRandom, loss: float) -> None:
        super().__init__(random, loss, PATIENCE)
        self._platform: SimulatedPlatform | None = None
        self._listener: SimulatedListener | None = None
        self._stream: SimulatedStream | None = None

    def meet(self, platform: SimulatedPlatform) -> None:
        """A machine has got its power; nothing is left of what was connected to the one before it."""
        self._platform = platform
        self._listener = self._stream = None

    def lose_power(self, now_ns: int) -> None:
        """The machine has gone dark."""
        self._stream = self._listener = None
        self.disconnect(now_ns)

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
            self.connect(now_ns)
        self._receive(now_ns)
        if self._stream is not None:
            for frame in self.frames(now_ns):
                self._stream.send(frame)

    def _receive(self, now_ns: int) -> None:
        while self._stream is not None:
            try:
                data = self._stream.receive(1 << 16)
            except OSError:
                data = b""
            if data is None:
                return
            if data:
                self.take(data, now_ns)
            else:
                self._hang_up(now_ns)

    def _hang_up(self, now_ns: int) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self.disconnect(now_ns)

    def _go_away(self, now_ns: int) -> None:
        self._hang_up(now_ns)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
