"""The line to the power unit: a serial port (or whatever else carries bytes), or a simulated unit in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kittiwake_components.link.opener import READ_BYTES, Opener
from kittiwake_components.link.portions import read_portions

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Platform, Poller, Stream
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake.simulation.power_unit import Change, PowerUnit
    from kittiwake.wire.link_address import LinkAddress


class Line(Protocol):
    """Carries bytes to the power unit and back."""

    def open(
        self, up: Callable[[], None], data: Callable[[bytes], None], failed: Callable[[str], None],
        down: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Opens the line, and again whenever it breaks.

        `up` is called when it is there, `data` with what comes, `failed` where it cannot be opened, `down` when it
        broke.
        """

    def send(self, data: bytes) -> None:
        """Sends one frame; one that does not go out whole is as good as lost, and will be repeated."""

    def close(self) -> None:
        """Closes the line."""


class StreamLine:
    """A serial port, or a TCP connexion to a simulated unit."""

    def __init__(self, address: LinkAddress, platform: Platform, clock: TaskClock, poller: Poller) -> None:
        self._poller = poller
        self._opener = Opener(address, platform, clock, poller, self._opened, self._could_not)
        self._stream: Stream | None = None

    def open(
        self, up: Callable[[], None], data: Callable[[bytes], None], failed: Callable[[str], None],
        down: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._up, self._data, self._failed, self._down = up, data, failed, down
        self._opener.open()

    def _could_not(self, reason: str) -> None:
        self._failed(reason)

    def _opened(self, stream: Stream, data: bytes) -> None:
        self._drop()
        self._stream = stream
        self._poller.add(stream.fileno(), self._readable, None)
        self._up()
        if data:
            self._data(data)

    def _readable(self) -> None:
        if reason := read_portions(lambda: self._stream, READ_BYTES, self._data, "the other side closed"):
            self._broke(reason)

    def send(self, data: bytes) -> None:
        if self._stream is None:
            return
        try:
            self._stream.send(data)
        except OSError as fault:
            self._broke(str(fault))

    def _broke(self, reason: str) -> None:
        self._drop()
        self._down(reason)
        self._opener.lost()

    def _drop(self) -> None:
        if self._stream is not None:
            self._poller.remove(self._stream.fileno())
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        self._drop()
        self._opener.close()


class SimulatedLine:
    """A power unit in this process, by the clock since boot; `cut` is called when it cuts the power."""

    def __init__(self, unit: PowerUnit, clock: TaskClock, cut: Callable[[Change], None]) -> None:
        self._unit = unit
        self._clock = clock
        self._cut = cut
        self._timer: Timer | None = None

    def open(
        self, up: Callable[[], None], data: Callable[[bytes], None], failed: Callable[[str], None],
        down: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._data = data
        self._follow()
        up()

    def _follow(self) -> None:
        """Lets the unit's time go on to now, and looks again when something is due."""
        if self._timer is not None:
            self._timer.cancel()
        for change in self._unit.advance(self._clock.now_ns()):
            if not change.is_on:
                self._cut(change)
                return
        said = self._unit.notices()
        if said:
            self._clock.call_after(0.0, self._data, said)
        self._timer = self._clock.call_at(self._unit.next_ns(), self._follow)

    def send(self, data: bytes) -> None:
        self._follow()
        reply = self._unit.receive(data)
        if reply:
            self._clock.call_after(0.0, self._data, reply)
        self._follow()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
