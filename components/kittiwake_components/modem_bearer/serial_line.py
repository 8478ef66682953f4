"""The serial line to a modem: opened when it is wanted, closed when it is not, so that the modem may come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.link.outgoing import Outgoing
from kittiwake_components.link.portions import read_portions

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Network, Poller, Stream
    from kittiwake.wire.link_address import LinkAddress

READ_BYTES = 4096


class SerialLine:
    """Calls `data` with what comes, `drained` when what had to wait is sent, and `broke` when the device is gone."""

    def __init__(
        self, address: LinkAddress, network: Network, poller: Poller, data: Callable[[bytes], None],
        drained: Callable[[], None], broke: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._address = address
        self._network = network
        self._poller = poller
        self._data = data
        self._drained = drained
        self._broke = broke
        self._stream: Stream | None = None
        self._outgoing = Outgoing()

    @property
    def is_open(self) -> bool:
        """Whether there is a line."""
        return self._stream is not None

    @property
    def unsent_bytes(self) -> int:
        """How many bytes wait for room."""
        return self._outgoing.size

    def open(self) -> None:
        """Opens the device, if it is not open. Raises `OSError`, or `ValueError` for an odd baud rate."""
        if self._stream is None:
            self._stream = self._network.open_serial(self._address.device, self._address.baud)
            self._watch()

    def close(self) -> None:
        """Closes; what was not sent is forgotten."""
        self._outgoing = Outgoing()
        if self._stream is not None:
            self._poller.remove(self._stream.fileno())
            self._stream.close()
            self._stream = None

    def add(self, data: bytes) -> None:
        """Bytes to send, with the next flush."""
        self._outgoing.add(data)

    def flush(self) -> int:
        """Sends what there is room for, and says how many bytes went; the rest follows by itself."""
        stream = self._stream
        if stream is None or not self._outgoing:
            return 0
        try:
            sent = self._outgoing.send(stream)
        except OSError as fault:
            self._fail(str(fault))
            return 0
        self._watch()
        return sent

    def _watch(self) -> None:
        if self._stream is not None:
            on_writable = self._writable if self._outgoing else None
            self._poller.add(self._stream.fileno(), self._readable, on_writable)

    def _writable(self) -> None:
        self.flush()
        if self._stream is not None and not self._outgoing:
            self._drained()

    def _readable(self) -> None:
        if reason := read_portions(lambda: self._stream, READ_BYTES, self._data, "the modem is gone"):
            self._fail(reason)

    def _fail(self, reason: str) -> None:
        self.close()
        self._broke(reason)
