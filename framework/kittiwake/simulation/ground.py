"""The ground of a simulation: it calls when the device can be heard, and takes what comes down.

Times are the world's. The device's link listens; the ground connects for the length of a contact, and again whenever
the connexion breaks. Frames get lost, damaged and late as `loss`, `noise` and the network say.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.platform.simulated_network import SimulatedStream

HOST, PORT = "device", 50_000
URL = f"tcp-listen://{HOST}:{PORT}"
RETRY_NS = 500_000_000
READ_BYTES = 65_536
_WAITING_MAX = 4096


class Ground:
    """`is_calling` while a contact lasts; `is_gone` while a fault has it away. `heard` takes each packet that arrives.

    `said` is told of every byte that the device has sent, lost or not.
    """

    def __init__(
        self, random: SeededRandom, framing: str, parameters: FramingParameters, said: Callable[[bytes], None],
        heard: Callable[[bytes], None],
    ) -> None:  # fmt: skip
        self.loss = 0.0
        self.noise = 0.0
        self.is_calling = False
        self.is_gone = False
        self.contacts = self.frames_sent = self.frames_lost = self.packets_heard = self.packets_lost = 0
        self._random = random
        self._framing = FRAMINGS[framing]
        self._parameters = parameters
        self._said = said
        self._heard = heard
        self._waiting: deque[bytes] = deque()
        self._platform: SimulatedPlatform | None = None
        self._stream: SimulatedStream | None = None
        self._retry_ns = 0
        self._framer: Any = None
        self._deframer: Any = None

    def meet(self, platform: SimulatedPlatform) -> None:
        """A machine has got its power; nothing is left of what was connected to the one before it."""
        self._platform = platform
        self._stream = None

    def lose_sight(self) -> None:
        """The machine has gone dark."""
        self._platform = self._stream = None
        self._waiting.clear()

    @property
    def is_connected(self) -> bool:
        """Whether the device would hear what is sent."""
        return self._stream is not None

    def send(self, packet: bytes, apid: int | None = None) -> bool:
        """Sends a packet with the next turn; `False` while there is no connexion."""
        if self._stream is None or len(self._waiting) >= _WAITING_MAX:
            return False
        self._waiting.append(self._framer.frame(packet, apid))
        return True

    def turn(self, now_ns: int) -> None:
        """Takes what has come, and sends what waits."""
        if self._platform is None:
            return
        if not self.is_calling or self.is_gone:
            self._hang_up()
            return
        if self._stream is None and now_ns >= self._retry_ns:
            self._call(now_ns)
        self._receive()
        if self._stream is not None:
            self._send()

    def _call(self, now_ns: int) -> None:
        assert self._platform is not None
        self._retry_ns = now_ns + RETRY_NS
        network = self._platform.network
        if (HOST, PORT) not in network.listeners:
            return
        self._stream = network.connect_tcp(HOST, PORT)
        self._framer = self._framing.uplink_framer(self._parameters)
        self._deframer = self._framing.downlink_deframer(self._parameters)
        self.contacts += 1

    def _receive(self) -> None:
        while self._stream is not None:
            try:
                data = self._stream.receive(READ_BYTES)
            except OSError:
                data = b""
            if data is None:
                return
            if not data:
                self._hang_up()
                return
            self._said(data)
            for packet in self._deframer.feed(data):
                if self._random.chance(self.loss):
                    self.packets_lost += 1
                else:
                    self.packets_heard += 1
                    self._heard(packet)

    def _send(self) -> None:
        while self._waiting and self._stream is not None:
            frame = self._waiting.popleft()
            self.frames_sent += 1
            if self._random.chance(self.loss):
                self.frames_lost += 1
                continue
            try:
                self._stream.send(self._damaged(frame))
            except OSError:
                self._hang_up()

    def _damaged(self, frame: bytes) -> bytes:
        if not self.noise:
            return frame
        flipped = [byte ^ (1 << self._random.below(8)) if self._random.chance(self.noise) else byte for byte in frame]
        return bytes(flipped)

    def _hang_up(self) -> None:
        self._waiting.clear()
        if self._stream is not None:
            self._stream.close()
            self._stream = None


__all__ = ["HOST", "PORT", "URL", "Ground"]
