"""Reads what a modem says line by line (3GPP TS 27.007, ITU-T V.250): whatever comes, in bounded memory."""

from __future__ import annotations

LINE_LIMIT = 512
"""A longer line is no line of a modem; it is left out to its end."""


class LineReader:
    """`add` takes bytes, `next_line` gives the lines that are whole. Empty lines are left out."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._is_skipping = False
        self.skipped = 0
        """Lines that were too long."""

    def add(self, data: bytes) -> None:
        """Takes what has come; the caller takes the lines out before more comes."""
        self._held += data

    def next_line(self) -> str | None:
        """The next whole line without its ends, or `None`. What is no ASCII is shown as question marks."""
        while (end := self._end()) >= 0:
            line = bytes(self._held[:end])
            del self._held[: end + 1]
            was_skipping, self._is_skipping = self._is_skipping, False
            if was_skipping or not line.strip():
                continue
            if len(line) > LINE_LIMIT:
                self.skipped += 1
                continue
            return line.decode("ascii", "replace").strip()
        if len(self._held) > LINE_LIMIT:
            self.skipped += not self._is_skipping
            self._is_skipping = True
        if self._is_skipping:
            self._held.clear()
        return None

    def _end(self) -> int:
        ends = [end for end in (self._held.find(b"\r"), self._held.find(b"\n")) if end >= 0]
        return min(ends, default=-1)

    def rest(self) -> bytes:
        """What came behind the last line, and is no line: the data of a call that was connected."""
        rest, self._held = bytes(self._held), bytearray()
        self._is_skipping = False
        return rest.removeprefix(b"\n")


class CallEnd:
    """Watches the data of a call for the modem's word that it ended, which nothing follows."""

    WORD = b"\r\nNO CARRIER\r\n"

    def __init__(self) -> None:
        self._tail = b""

    def take(self, data: bytes) -> bool:
        """Whether what has come until now ends with that word; if no more comes for a while, the call is over."""
        self._tail = (self._tail + data)[-len(self.WORD) :]
        return self._tail == self.WORD
