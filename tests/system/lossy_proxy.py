"""A TCP connection between a ground station and a device that loses CFDP packets both ways, and can be cut."""

from __future__ import annotations

import select
import socket
import threading
from typing import TYPE_CHECKING

from kittiwake.platform.seeded import SeededRandom
from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from kittiwake.wire.framing import Deframer, Framer

TURN_S = 0.05


class LossyProxy:
    """Listens for both ends, the device and the ground; both connect to it, as often as they like.

    What is no packet of CFDP passes; of those with `apid` a share of `loss` is lost. `pdus` counts what came, to the
    device and from it.
    """

    def __init__(self, loss: float = 0.0, apid: bytes = b"\x00\x20", seed: int = 1) -> None:
        self.loss = loss
        self.pdus = {"up": 0, "down": 0}
        self._apid = apid
        self._random = SeededRandom(seed)
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self._ends: list[socket.socket | None] = [None, None]
        self._is_cut = self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def for_device(self) -> str:
        """The device's link."""
        return f"tcp://127.0.0.1:{self._listeners[0].getsockname()[1]}"

    @property
    def for_ground(self) -> str:
        """The ground's link."""
        return f"tcp://127.0.0.1:{self._listeners[1].getsockname()[1]}"

    def __enter__(self) -> LossyProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join(10.0)
        for one in (*self._listeners, *self._ends):
            if one is not None:
                one.close()

    def cut(self) -> None:
        """Breaks the link; nobody gets through until `mend`."""
        self._is_cut = True

    def mend(self) -> None:
        """Lets both ends through again."""
        self._is_cut = False

    def _run(self) -> None:
        while not self._is_over:
            if None in self._ends or self._is_cut:
                self._meet()
            else:
                self._carry()

    def _meet(self) -> None:
        """Waits for both ends, and begins their framing anew. One that comes alone waits for the other."""
        readable, _, _ = select.select(self._listeners, [], [], TURN_S)
        for number, listener in enumerate(self._listeners):
            if listener in readable:
                newer, _ = listener.accept()
                self._hang_up(number)
                self._ends[number] = newer
        if self._is_cut:
            self._hang_up(0, 1)
        self._up = self._half("up")
        self._down = self._half("down")

    def _half(self, way: str) -> tuple[str, Deframer, Framer]:
        ends, parameters = FRAMINGS["ccsds"], FramingParameters()
        if way == "up":
            return way, ends.uplink_deframer(parameters), ends.uplink_framer(parameters)
        return way, ends.downlink_deframer(parameters), ends.downlink_framer(parameters)

    def _hang_up(self, *numbers: int) -> None:
        for number in numbers:
            end = self._ends[number]
            if end is not None:
                end.close()
                self._ends[number] = None

    def _carry(self) -> None:
        device, ground = self._ends
        assert device is not None
        assert ground is not None
        readable, _, _ = select.select([device, ground, *self._listeners], [], [], TURN_S)
        if self._is_cut or any(listener in readable for listener in self._listeners):
            self._hang_up(0, 1)  # whoever was there notices, and comes again
            return
        for here, there, half in ((device, ground, self._down), (ground, device, self._up)):
            if here in readable and not self._pass_on(here, there, *half):
                self._hang_up(0, 1)
                return

    def _pass_on(self, here: socket.socket, there: socket.socket, way: str, deframer: Deframer, framer: Framer) -> bool:
        try:
            data = here.recv(1 << 16)
            passed = b"".join([framer.frame(packet) for packet in deframer.feed(data) if not self._loses(way, packet)])
            there.sendall(passed + framer.flush())
        except OSError:
            return False
        return bool(data)

    def _loses(self, way: str, packet: bytes) -> bool:
        if not packet.startswith(self._apid):
            return False
        self.pdus[way] += 1
        return self._random.chance(self.loss)
