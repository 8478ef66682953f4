"""One capture, as the sensor that records it sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from kittiwake.platform.interface import Child, Stream
    from kittiwake_components.sensors.recording import Recording

_PIECE = 65536


class Attention(Protocol):
    """Waits, and meanwhile hears what the orchestrator says."""

    def now_ns(self) -> int:
        """Nanoseconds since boot."""

    def attend(self, until_ns: int | None, fileno: int | None = None) -> None:
        """Returns at `until_ns`, when something was said, or when there is something to read from a descriptor."""


class Capture:
    """Time, file and readings of one recording. Its end has come when its time is over or it is told to stop."""

    def __init__(
        self,
        attention: Attention,
        file: Recording,
        start: datetime,
        duration_s: float,
        report: Callable[[Sequence[float]], None],
    ) -> None:
        self.file = file
        """Where the recording goes: `write`, and `seek` and `tell` for formats that need them."""

        self.start = start
        self.duration_s = duration_s
        self.last: tuple[float, ...] = ()
        """The readings that were reported last."""

        self._attention = attention
        self._report = report
        self._begin_ns = attention.now_ns()
        self._end_ns = self._begin_ns + round(duration_s * NS_PER_S)
        self._is_stopped = False

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end before its time. To ask costs microseconds."""
        self._attention.attend(self._begin_ns)
        return self._is_stopped

    @property
    def elapsed_s(self) -> float:
        """How long it has gone on."""
        return (self._attention.now_ns() - self._begin_ns) / NS_PER_S

    @property
    def remaining_s(self) -> float:
        """How long it has to go on; 0 at its end."""
        left_ns = 0 if self.is_stopping else self._end_ns - self._attention.now_ns()
        return max(0, left_ns) / NS_PER_S

    def time(self) -> datetime:
        """The time of now: what the start was labelled, with its offset from UTC, and how long that is ago."""
        from datetime import timedelta

        return self.start + timedelta(seconds=self.elapsed_s)

    def wait(self, seconds: float) -> bool:
        """Waits so long, but not beyond the end; says whether the capture goes on. A stop ends the wait at once."""
        return self._wait_until(self._attention.now_ns() + round(seconds * NS_PER_S))

    def steps(self, seconds: float) -> Iterator[int]:
        """Counts from 0, now and then each so many seconds, to the end; a step that took longer leaves out others."""
        step_ns = round(seconds * NS_PER_S)
        count = 0
        while True:
            yield count
            passed = (self._attention.now_ns() - self._begin_ns) // step_ns
            count = max(count, passed) + 1
            if not self._wait_until(self._begin_ns + count * step_ns):
                return

    def receive(self, stream: Stream) -> bytes:
        """What comes next in a stream, as a program's output; nothing at the end of it or of the capture."""
        while not self._is_over():
            data = stream.receive(_PIECE)
            if data is not None:
                return data
            self._attention.attend(self._end_ns, stream.fileno())
        return b""

    def receive_rest(self, stream: Stream, limit_s: float) -> Iterator[bytes]:
        """What still comes after the end of the capture, until the end of the stream or for so long."""
        until_ns = self._attention.now_ns() + round(limit_s * NS_PER_S)
        while self._attention.now_ns() < until_ns:
            data = stream.receive(_PIECE)
            if data == b"":
                return
            if data is None:
                self._attention.attend(until_ns, stream.fileno())
            else:
                yield data

    def await_end(self, child: Child, limit_s: float) -> int | None:
        """How a program has ended; `None` if it has not after so long."""
        until_ns = self._attention.now_ns() + round(limit_s * NS_PER_S)
        while child.status() is None and self._attention.now_ns() < until_ns:
            self._attention.attend(until_ns, child.end_fileno())
        return child.status()

    def report(self, values: Sequence[float]) -> None:
        """Reports the sensor's readings, in their order, NaN for one that failed."""
        self.last = tuple(values)
        self._report(values)

    def stop(self) -> None:
        """Tells it to end."""
        self._is_stopped = True

    def _wait_until(self, until_ns: int) -> bool:
        until_ns = min(until_ns, self._end_ns)
        while not self._is_stopped and self._attention.now_ns() < until_ns:
            self._attention.attend(until_ns)
        return not self._is_over()

    def _is_over(self) -> bool:
        return self._is_stopped or self._attention.now_ns() >= self._end_ns
