"""Opens a link's streams: connects, listens, binds, and tries again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Listener, Platform, Poller, Stream
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake.wire.link_address import LinkAddress

READ_BYTES = 16384
RETRY_MIN_S = 0.2
RETRY_MAX_S = 5.0
CONNECT_LIMIT_S = 10.0


class Opener:
    """Gives `opened` each stream, with what came with it, and `failed` each reason why there is none.

    Waits double from 0.2 s to 5 s, and are drawn from the upper half, so that many devices do not come at once.
    """

    def __init__(
        self, address: LinkAddress, platform: Platform, clock: TaskClock, poller: Poller,
        opened: Callable[[Stream, bytes], None], failed: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._address = address
        self._platform = platform
        self._clock = clock
        self._poller = poller
        self._opened = opened
        self._failed = failed
        self._connecting: Stream | None = None
        self._listener: Listener | None = None
        self._timer: Timer | None = None
        self._wait_s = RETRY_MIN_S
        self._opened_ns = 0

    @property
    def port(self) -> int:
        """The port that is listened on, 0 for none."""
        return self._listener.address()[1] if self._listener is not None else 0

    def open(self) -> None:
        """Opens the link, or tries again later."""
        address, network = self._address, self._platform.network
        self._timer = None
        try:
            if address.kind == "tcp-listen":
                self._listener = network.listen_tcp(address.host, address.port)
                self._poller.add(self._listener.fileno(), self._accept, None)
            elif address.kind == "tcp":
                self._connecting = network.connect_tcp(address.host, address.port)
                self._poller.add(self._connecting.fileno(), self._connected, self._connected)
                self._timer = self._clock.call_after(CONNECT_LIMIT_S, self._give_up, "no answer")
            elif address.kind == "udp":
                own_host = "127.0.0.1" if address.is_local else "0.0.0.0"
                self._done(network.open_udp(own_host, address.listen, (address.host, address.port)))
            else:
                self._done(network.open_serial(address.device, address.baud))
        except (OSError, ValueError) as fault:
            self._give_up(str(fault))

    def lost(self) -> None:
        """The stream is gone; a listener waits for the next one, all others open it anew.

        Only after one that lasted is the wait short again: what breaks at once is not tried at once for ever.
        """
        if self._listener is None:
            if self._clock.now_ns() - self._opened_ns >= RETRY_MAX_S * NS_PER_S:
                self._wait_s = RETRY_MIN_S
            self._retry()

    def close(self) -> None:
        """Gives up what is under way, and listens no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for endpoint in (self._connecting, self._listener):
            if endpoint is not None:
                self._poller.remove(endpoint.fileno())
                endpoint.close()
        self._connecting = self._listener = None

    def _done(self, stream: Stream, data: bytes = b"") -> None:
        self._opened_ns = self._clock.now_ns()
        self._opened(stream, data)

    def _give_up(self, reason: str) -> None:
        self._failed(f"{self._address}: {reason}")
        self._retry()

    def _retry(self) -> None:
        self.close()
        delay_s = self._wait_s * self._platform.random.uniform(0.5, 1.0)
        self._wait_s = min(self._wait_s * 2, RETRY_MAX_S)
        self._timer = self._clock.call_after(delay_s, self.open)

    def _connected(self) -> None:
        """The connexion is there or has failed; the poller may say so twice, as readable and as writable."""
        stream = self._connecting
        if stream is None:
            return
        try:
            data = stream.receive(READ_BYTES)
        except OSError as fault:
            self._give_up(str(fault))
            return
        self._connecting = None
        self._poller.remove(stream.fileno())
        self.close()
        self._done(stream, data or b"")

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            stream = self._listener.accept()
        except OSError as fault:
            # Out of descriptors, for instance: the one that waits would wake the loop without end.
            self._give_up(str(fault))
            return
        if stream is not None:
            self._done(stream)
