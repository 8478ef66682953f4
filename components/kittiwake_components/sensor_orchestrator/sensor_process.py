"""A sensor's process as seen from its orchestrator: messages each way, over pipes that hold only so much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.sensors.protocol import LineFault, LineReader, decode_line, encode_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Child, Stream
    from kittiwake.runtime.context import Context
    from kittiwake.runtime.loop import Timer

READ_BYTES = 16_384
MAX_BYTES_A_SECOND = 65_536
"""A process that writes more has to wait: nobody reads on before the second is over."""

MAX_LAST_BYTES = 131_072
"""What is read, at its end, of what a process has left behind: more than a pipe holds."""

MAX_UNSENT_BYTES = 65_536


class Listener(Protocol):
    """Who hears of a process; each method is given what it was made with."""

    def said(self, index: int, message: dict[str, Any]) -> None:
        """It has sent a message."""

    def babbled(self, index: int, lines: int) -> None:
        """It has written so many lines that are no messages."""

    def flooded(self, index: int) -> None:
        """It writes more than it may, and has to wait."""

    def grumbled(self, index: int, text: str) -> None:
        """It has written a line to its errors."""

    def ended(self, index: int, status: int) -> None:
        """It has ended; nothing follows."""


class _Lines:
    """The lines that come over one pipe, so many bytes a second."""

    def __init__(self, pipe: Stream, take: Callable[[list[bytes]], None]) -> None:
        self.pipe = pipe
        self.reader = LineReader()
        self.allowed = MAX_BYTES_A_SECOND
        self.since_ns = 0
        self.is_open = True
        self._take = take

    def read(self) -> int:
        """Takes what has come, at most so much at a time, and says how many bytes that was."""
        data = self.pipe.receive(READ_BYTES)
        self.is_open = self.is_open and data != b""
        if not data:
            return 0
        self._take(self.reader.feed(data))
        return len(data)


class SensorProcess:
    """One process, from its start to its end. `index` is handed to the listener with all it is told.

    Raises `OSError` if it cannot be started.
    """

    name = "sensor process"
    """Whose handlers they are, if one of them should fail."""

    def __init__(self, context: Context, index: int, command: list[str], listener: Listener) -> None:
        self._index = index
        self._listener = listener
        self._clock = context.clock
        self._poller = context.loop.poller
        self._child: Child = context.platform.children.spawn(command)
        self._unsent = b""
        self._resume: Timer | None = None
        self._is_input_open = True
        self._too_long = 0
        self._is_closed = False
        self._output = _Lines(self._child.output, self._take_messages)
        self._errors = _Lines(self._child.errors, self._take_errors)
        try:
            self._watch()
            self._poller.add(self._child.end_fileno(), self._over, None)
        except OSError:
            self._child.kill()
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its number."""
        return self._child.pid

    # To it

    def send(self, message: dict[str, Any]) -> bool:
        """Sends a message; false if it is gone, or has not read for so long that no more is kept for it."""
        line = encode_line(message)
        if not self._is_input_open or len(self._unsent) + len(line) > MAX_UNSENT_BYTES:
            return False
        self._unsent += line
        self._write()
        return self._is_input_open

    def end(self) -> None:
        """Has it leave once it has done what it was told."""
        self.send({"do": "end"})

    def terminate(self) -> None:
        """Asks it to end at once."""
        self._child.terminate()

    def kill(self) -> None:
        """Ends it."""
        self._child.kill()

    def _write(self) -> None:
        try:
            sent = self._child.input.send(self._unsent) if self._unsent else 0
        except OSError:
            self._close_input()
            return
        self._unsent = self._unsent[sent:]
        self._poller.add(self._child.input.fileno(), None, self._write if self._unsent else None)

    def _close_input(self) -> None:
        if self._is_input_open:
            self._is_input_open = False
            self._unsent = b""
            self._poller.remove(self._child.input.fileno())
            self._child.input.close()

    # From it

    def _watch(self) -> None:
        """Reads on; a pipe that is watched already is so all the same."""
        self._resume = None
        for lines, read in ((self._output, self._read_output), (self._errors, self._read_errors)):
            if lines.is_open:
                self._poller.add(lines.pipe.fileno(), read, None)

    def _read_output(self) -> None:
        self._read(self._output)

    def _read_errors(self) -> None:
        self._read(self._errors)

    def _read(self, lines: _Lines) -> None:
        now_ns = self._clock.now_ns()
        if now_ns - lines.since_ns >= NS_PER_S:
            lines.since_ns, lines.allowed = now_ns, MAX_BYTES_A_SECOND
        lines.allowed -= lines.read()
        if self._is_closed or (lines.is_open and lines.allowed > 0):
            return
        self._poller.remove(lines.pipe.fileno())
        if lines.is_open:
            self._listener.flooded(self._index)
            if self._resume is None:
                self._resume = self._clock.call_at(now_ns + NS_PER_S, self._watch)

    def _take_messages(self, lines: list[bytes]) -> None:
        bad = self._output.reader.too_long - self._too_long
        self._too_long += bad
        for line in lines:
            if self._is_closed:
                return
            try:
                message = decode_line(line)
            except LineFault:
                bad += 1
            else:
                self._listener.said(self._index, message)
        if bad:
            self._listener.babbled(self._index, bad)

    def _take_errors(self, lines: list[bytes]) -> None:
        for line in lines:
            self._listener.grumbled(self._index, line.decode("utf-8", "replace"))

    # Its end

    def _over(self) -> None:
        status = self._child.status()
        if status is None:
            return
        for lines in (self._output, self._errors):
            left = MAX_LAST_BYTES
            while left > 0 and not self._is_closed and (count := lines.read()):
                left -= count
        if not self._is_closed:
            self.close()
            self._listener.ended(self._index, status)

    def close(self) -> None:
        """Gives the descriptors back, and nobody hears of it any more; one that still runs goes on to its end."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._resume is not None:
            self._resume.cancel()
        self._close_input()
        for fileno in (self._child.output.fileno(), self._child.errors.fileno(), self._child.end_fileno()):
            self._poller.remove(fileno)
        self._child.close()
