"""Drives a dialogue with a modem, without any input or output of its own.

A dialogue is a generator: it yields what is to be asked (`Ask`), sent (`Say`) or waited for (`Pause`), and is sent the
modem's `Answer`. Times are nanoseconds of the clock since boot, and are given from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.modem_bearer.lines import LineReader

if TYPE_CHECKING:
    from collections.abc import Generator

ANSWER_LINES = 16
"""The most lines of one answer that are kept."""

DIAL = "ATD"
SILENCE = ""
_FINAL = ("OK", "ERROR")
_FINAL_BEGINNINGS = ("+CME ERROR:", "+CMS ERROR:")
_FINAL_OF_CALL = ("NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE", "NO DIAL TONE")
LOSSES = ("NO CARRIER", "+CGEV:", "+CREG:", "+CEREG:", "+CGREG:")
"""Unsolicited lines behind which the connexion may be gone: it is looked at without delay."""


class ModemFault(Exception):
    """Why a dialogue ended without what it was for."""


class Ask(NamedTuple):
    """A command, and how long the modem may take for its final result code."""

    command: str
    timeout_s: float


class Say(NamedTuple):
    """Bytes to which no answer is expected."""

    data: bytes


class Pause(NamedTuple):
    """A wait. One that `is_short` is ended by an unsolicited line of LOSSES, and by `hurry`."""

    seconds: float
    is_short: bool = False


class Answer(NamedTuple):
    """What came: the final result code (`SILENCE` if none came in time) and the lines before it."""

    final: str = SILENCE
    lines: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether it was done."""
        return self.final == "OK"

    @property
    def is_connected(self) -> bool:
        """Whether a call was connected: from here on bytes are data."""
        return self.final.startswith("CONNECT")

    def value(self, name: str) -> str | None:
        """What follows `name:` in the first line that begins so."""
        beginning = f"{name}:"
        return next((line[len(beginning) :].strip() for line in self.lines if line.startswith(beginning)), None)

    def why(self) -> str:
        """The final result code, for people."""
        return self.final or "the modem does not answer"


def _is_final(line: str, *, is_call: bool) -> bool:
    if is_call and (line in _FINAL_OF_CALL or line.startswith("CONNECT")):
        return True
    return line in _FINAL or line.startswith(_FINAL_BEGINNINGS)


class Exchange:
    """One dialogue, from its beginning to its end.

    `deadline_ns` is when `tick` is due, `output` what is to be sent, `is_done` whether it ended, `fault` why it failed.
    """

    def __init__(self, dialogue: Generator[Ask | Say | Pause, Answer, None], now_ns: int) -> None:
        self._dialogue = dialogue
        self._reader = LineReader()
        self._asked: Ask | None = None
        self._pause: Pause | None = None
        self._lines: list[str] = []
        self.output = bytearray()
        self.deadline_ns = 0
        self.is_done = False
        self.fault = ""
        self.unsolicited = 0
        """Lines that belong to no answer."""
        self._is_begun = False
        self._go_on(Answer(), now_ns)

    def receive(self, data: bytes, now_ns: int) -> None:
        """What the modem said."""
        self._reader.add(data)
        while not self.is_done and (line := self._reader.next_line()) is not None:
            self._take(line, now_ns)

    def rest(self) -> bytes:
        """What came behind the line that ended the dialogue."""
        return self._reader.rest()

    def tick(self, now_ns: int) -> None:
        """Time has passed: what is overdue is silence."""
        while not self.is_done and now_ns >= self.deadline_ns:
            self._go_on(Answer(SILENCE, tuple(self._lines)), now_ns)

    def hurry(self, now_ns: int) -> None:
        """Ends a pause that may be short; an answer that is awaited is awaited on."""
        if self._pause is not None and self._pause.is_short:
            self._go_on(Answer(), now_ns)

    def _take(self, line: str, now_ns: int) -> None:
        asked = self._asked
        if asked is None:
            self._take_unasked(line, now_ns)
            return
        if line == asked.command:
            return  # its echo
        if _is_final(line, is_call=asked.command.startswith(DIAL)):
            self._go_on(Answer(line, tuple(self._lines)), now_ns)
        elif len(self._lines) < ANSWER_LINES:
            self._lines.append(line)
        else:
            self.unsolicited += 1

    def _take_unasked(self, line: str, now_ns: int) -> None:
        self.unsolicited += 1
        if line.startswith(LOSSES):
            self.hurry(now_ns)

    def _go_on(self, answer: Answer, now_ns: int) -> None:
        """Has the dialogue say what comes next."""
        self._asked = self._pause = None
        self._lines.clear()
        while self._asked is None and self._pause is None:
            try:
                step = self._dialogue.send(answer) if self._is_begun else next(self._dialogue)
                self._is_begun = True
            except StopIteration:
                self.is_done = True
                return
            except ModemFault as fault:
                self.is_done, self.fault = True, str(fault)
                return
            if isinstance(step, Ask):
                self._asked = step
                self.output += f"{step.command}\r".encode("ascii", "replace")
                self.deadline_ns = now_ns + round(step.timeout_s * NS_PER_S)
            elif isinstance(step, Pause):
                self._pause = step
                self.deadline_ns = now_ns + round(step.seconds * NS_PER_S)
            else:
                self.output += step.data
                answer = Answer()
