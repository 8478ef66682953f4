"""A ground without a ground station: a socket, the framing and the dictionary."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedEvent, Decoder, encode_command
from kittiwake.dictionary.load import load_dictionary
from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

READ_BYTES = 1 << 16
POLL_S = 0.02


class Terminal:
    """A serial line that is read and written like a socket."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self._ended = False

    def recv(self, limit: int) -> bytes:
        """What has come; nothing after `shutdown`."""
        while not self._ended:
            readable, _, _ = select.select([self._descriptor], [], [], POLL_S)
            if readable:
                return os.read(self._descriptor, limit)
        return b""

    def sendall(self, data: bytes) -> None:
        """Writes all, however long that takes."""
        while data:
            data = data[os.write(self._descriptor, data) :]

    def shutdown(self, _how: int) -> None:
        """Ends a `recv` that waits."""
        self._ended = True

    def close(self) -> None:
        """Gives the device back."""
        os.close(self._descriptor)


class RawGround:
    """Reads in a thread of its own; `events` are what came down, `channels` the latest values by name."""

    def __init__(self, dictionary: Path, link: socket.socket | Terminal, framing: str = "ccsds") -> None:
        self.dictionary = load_dictionary(str(dictionary))
        self.link = link
        self.events: list[DecodedEvent] = []
        self.channels: dict[str, Any] = {}
        self._ended = False
        self._framer = FRAMINGS[framing].uplink_framer(FramingParameters())
        self._deframer = FRAMINGS[framing].downlink_deframer(FramingParameters())
        self._decoder = Decoder(self.dictionary)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> RawGround:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        try:
            self.link.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # a datagram socket that was never connected, or the device has gone
        self._thread.join(5)
        self.link.close()

    def _read(self) -> None:
        while not self._ended:
            try:
                data = self.link.recv(READ_BYTES)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            for packet in self._deframer.feed(data):
                for item in self._decoder.decode(packet):
                    if isinstance(item, DecodedEvent):
                        self.events.append(item)
                    else:
                        self.channels[item.name] = item.value

    def frames(self, name: str, count: int, arguments: Sequence[Any] = ()) -> list[bytes]:
        """So many framed commands."""
        packet = encode_command(self.dictionary, name, arguments)
        return [self._framer.frame(packet) for _ in range(count)]

    def count(self, name: str) -> int:
        """How many events of one full name came down."""
        return sum(event.name == name for event in list(self.events))

    def await_true(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Waits for a condition on what came down; says whether it came true."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        return True
