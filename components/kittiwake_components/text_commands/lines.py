"""The lines of the text protocol: `start x`, `stop [x]`, `status [x]`, and a line for each in answer."""

from __future__ import annotations

from kittiwake.named_tuple import NamedTuple

MAX_LINE = 1024
"""The longest command in bytes, its line end left out; Beemon's server received as many."""

MAX_TARGET = 40
VERBS = ("start", "stop", "status")
_NAME_EXTRA = "-_."


class LineFault(ValueError):
    """What is no command; the message says why."""


class TextCommand(NamedTuple):
    """What somebody wants done; without a `target` it concerns all."""

    verb: str
    target: str = ""


def parse_command(line: bytes) -> TextCommand:
    """The command of a line. Raises `LineFault`."""
    try:
        words = line.decode().split()
    except UnicodeDecodeError:
        raise LineFault("a command is UTF-8") from None
    if not words or words[0] not in VERBS or len(words) > 2:
        raise LineFault("a command is start TARGET, stop [TARGET] or status [TARGET]")
    command = TextCommand(*words)
    if command.verb == "start" and not command.target:
        raise LineFault("start what? name a sensor or process")
    if not is_target(command.target):
        raise LineFault(f"a target has at most {MAX_TARGET} letters, digits, dots, dashes or underscores")
    return command


def is_target(text: str) -> bool:
    """Whether it can be the name of a sensor or process; it goes into command lines as it is."""
    return text.isascii() and len(text) <= MAX_TARGET and all(sign.isalnum() or sign in _NAME_EXTRA for sign in text)


class LineReader:
    """Takes the bytes of one connection in, in whatever portions they come."""

    def __init__(self) -> None:
        self._data = b""
        self._is_whole = False

    @property
    def has_begun(self) -> bool:
        """Whether something is there."""
        return bool(self._data)

    def feed(self, data: bytes) -> None:
        """Takes bytes in."""
        self._data += data

    def end(self) -> None:
        """What is there has no line end, and gets none: it is a command nevertheless."""
        self._is_whole = True

    def line(self) -> bytes | None:
        """The next line that is not blank, if it is there. Raises `LineFault` for one that is too long."""
        while self._data:
            line, is_ended, rest = self._data.partition(b"\n")
            if len(line.rstrip(b"\r")) > MAX_LINE:
                raise LineFault(f"a command has at most {MAX_LINE} bytes")
            if not is_ended and not self._is_whole:
                return None
            self._data = rest
            if line.strip():
                return line
        self._is_whole = False
        return None
