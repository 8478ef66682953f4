"""A ground of a socket for a device that comes and goes: it takes files by CFDP over a link that loses, in a thread."""

from __future__ import annotations

import select
import socket
import threading
import time
from typing import TYPE_CHECKING

from kittiwake.cfdp.entity import Entity
from kittiwake.cfdp.timing import Patience
from kittiwake.dictionary.decode import encode_command
from kittiwake.dictionary.load import load_dictionary
from kittiwake.platform.seeded import SeededRandom
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from tests.system.receipts import Receipts

if TYPE_CHECKING:
    from pathlib import Path

APID = b"\x00\x20"
NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
PDUS_A_TURN = 20
GREETING_S = 0.5
PATIENCE = Patience(1.0, 1.0, 60.0, segment_size=900)


class LossyGround:
    """Listens on `port` while it `is_open`, and loses a share of the packets both ways. Used in a `with`.

    It sends a no-op twice a second, so that the device hears somebody.
    """

    def __init__(self, dictionary: Path, loss: float, seed: int = 1) -> None:
        self.receipts = Receipts()
        self.entity = Entity(1, self.receipts, PATIENCE)
        self.loss = loss
        self.fault: BaseException | None = None
        self.is_open = True
        self.connexions = self.lost = 0
        self._dictionary = load_dictionary(str(dictionary))
        self._random = SeededRandom(seed)
        self._link: socket.socket | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._listener: socket.socket | None = None
        self._ends = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> LossyGround:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends = True
        self._thread.join()
        self._shut()
        if self.fault is not None:
            raise self.fault

    def _run(self) -> None:
        try:
            while not self._ends:
                self._turn()
        except BaseException as fault:  # noqa: BLE001 - it is raised where the ground ends
            self.fault = fault

    def _turn(self) -> None:
        if not self.is_open:
            self._shut()
            time.sleep(0.01)
            return
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
        waited = [one for one in (self._listener, self._link) if one is not None]
        for ready in select.select(waited, (), (), 0.01)[0]:
            if ready is self._listener:
                self._accept()
            else:
                self._receive()
        self._send()

    def _accept(self) -> None:
        assert self._listener is not None
        self._hang_up()
        self._link, _ = self._listener.accept()
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connexions += 1
        self._framer = FRAMINGS["ccsds"].uplink_framer(FramingParameters())
        self._deframer = FRAMINGS["ccsds"].downlink_deframer(FramingParameters())
        self.entity.set_link(True, time.monotonic_ns())
        self._greeted_s = 0.0

    def _receive(self) -> None:
        assert self._link is not None
        try:
            data = self._link.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        for packet in self._deframer.feed(data):
            if packet.startswith(APID) and not self._loses():
                self.entity.receive(packet[len(APID) :], time.monotonic_ns())

    def _send(self) -> None:
        if self._link is not None and time.monotonic() - self._greeted_s > GREETING_S:
            self._greeted_s = time.monotonic()
            self._transmit(encode_command(self._dictionary, NO_OP, ()))
        for _ in range(PDUS_A_TURN):
            pdu = self.entity.next_pdu(time.monotonic_ns()) if self._link is not None else None
            if pdu is None:
                return
            if not self._loses():
                self._transmit(APID + pdu)

    def _loses(self) -> bool:
        is_lost = self._random.chance(self.loss)
        self.lost += is_lost
        return is_lost

    def _transmit(self, packet: bytes) -> None:
        assert self._link is not None
        try:
            self._link.sendall(self._framer.frame(packet))
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
            self.entity.set_link(False, time.monotonic_ns())

    def _shut(self) -> None:
        self._hang_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
