"""A ground of a socket for a device that comes and goes: it takes files by CFDP over a link that loses, in a thread."""

from __future__ import annotations

import select
import socket
import threading
import time
from typing import TYPE_CHECKING

from kittiwake.cfdp.timing import Patience
from kittiwake.dictionary.decode import encode_command
from kittiwake.dictionary.load import load_dictionary
from kittiwake.platform.seeded import SeededRandom
from tests.ports import free_port
from tests.system.lossy_end import LossyEnd

if TYPE_CHECKING:
    from pathlib import Path

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
GREETING_S = 0.5
PATIENCE = Patience(1.0, 1.0, 60.0, segment_size=900)


class LossyGround(LossyEnd):
    """Listens on `port` while it `is_open`. Used in a `with`.

    It sends a no-op twice a second, so that the device hears somebody.
    """

    def __init__(self, dictionary: Path, loss: float, seed: int = 1) -> None:
        super().__init__(SeededRandom(seed), loss, PATIENCE)
        self.fault: BaseException | None = None
        self.is_open = True
        self._dictionary = load_dictionary(str(dictionary))
        self._link: socket.socket | None = None
        self.port = free_port()
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
        self.connect(time.monotonic_ns())
        self._greeted_s = 0.0

    def _receive(self) -> None:
        assert self._link is not None
        try:
            data = self._link.recv(1 << 16)
        except OSError:
            data = b""
        if data:
            self.take(data, time.monotonic_ns())
        else:
            self._hang_up()

    def _send(self) -> None:
        if self._link is None:
            return
        try:
            if time.monotonic() - self._greeted_s > GREETING_S:
                self._greeted_s = time.monotonic()
                self._link.sendall(self.frame(encode_command(self._dictionary, NO_OP, ())))
            for frame in self.frames(time.monotonic_ns()):
                self._link.sendall(frame)
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
            self.disconnect(time.monotonic_ns())

    def _shut(self) -> None:
        self._hang_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
