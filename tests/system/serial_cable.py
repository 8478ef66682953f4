"""A null-modem cable in software: two pseudo-terminals, and a thread that carries bytes between them."""

from __future__ import annotations

import os
import select
import threading
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

CHUNK_SIZE = 4096


class SerialCable:
    """`ends` are the paths of the two devices: what is written to one can be read from the other."""

    def __init__(self) -> None:
        self._masters: list[int] = []
        self._slaves: list[int] = []  # kept open, so that a program may close its end and open it again
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave)
            self._masters.append(master)
            self._slaves.append(slave)
        self.ends = (os.ttyname(self._slaves[0]), os.ttyname(self._slaves[1]))
        self._stop_reader, self._stop_writer = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def __enter__(self) -> SerialCable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cuts the cable and gives the devices back."""
        os.close(self._stop_writer)
        self._thread.join()
        for descriptor in (*self._masters, *self._slaves, self._stop_reader):
            os.close(descriptor)

    def _carry(self) -> None:
        first, second = self._masters
        other = {first: second, second: first}
        while True:
            readable, _, _ = select.select([first, second, self._stop_reader], [], [])
            if self._stop_reader in readable:
                return
            for source in readable:
                data = os.read(source, CHUNK_SIZE)
                while data:  # a full end is one that nobody reads: wait for room, or for the end of the cable
                    _, writable, _ = select.select([self._stop_reader], [other[source]], [])
                    if not writable:
                        return
                    data = data[os.write(other[source], data) :]
