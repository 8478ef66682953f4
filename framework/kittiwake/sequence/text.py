"""Parses the text of a sequence (`.seq`) to a tree with positions; every fault is reported at once.

One command stands on a line: `TIME MNEMONIC [,] argument [,] argument ...`. The time is `RHH:MM:SS[.ffffff]`, a delay
after the command before has completed, or `AYYYY-DDDTHH:MM:SS[.ffffff]`, UTC with the day of the year. A semicolon
outside quotes starts a comment, a backslash at the end of a line joins the next. Arguments are numbers, true and
false, words, quoted text (backslashes stay as they are), arrays `[1, 2]` and structs `{a: 1, b: ON}`.

The grammar is that of `fprime-seqgen`, with three extensions: a relative time may have any number of hours, struct
members may be quoted, and `$"..."` is text with JSON's escapes, for what plain quotes cannot hold. Two things that it
lets pass are faults here: arguments without a blank or comma between them, and more than one command on a line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from kittiwake.faults import Fault, Faults
from kittiwake.named_tuple import NamedTuple
from kittiwake.sequence.times import ABSOLUTE_TIME, RELATIVE_TIME, absolute_us, relative_us

if TYPE_CHECKING:
    from collections.abc import Callable

    Shortcut = Callable[[str], bytes | None]

MAX_TEXT_SIZE = 64 * 1024 * 1024
"""The longest sequence text, in characters."""

MAX_DEPTH = 16
"""How deep arrays and structs may nest."""

MAX_FAULTS = 1000
"""The most faults that one reading gathers."""

_SPACE = r"(?:[ \t\f\r]++|\\[ \t\f]*\r?\n)*+"
_BLANK = re.compile(rf"{_SPACE}(?:;.*)?")
_SKIP = re.compile(_SPACE)
_HEAD = re.compile(rf"{_SPACE}([RA]){_SPACE}([0-9][0-9:.T-]*)(?=[\s\\;,]|\Z)")
MNEMONIC = re.compile(rf"{_SPACE}(\$?[^\W\d]\w*(?:\.\w+)*)(?:{_SPACE},|(?=[\s\\;]|\Z))")
_DIGITS = r"[0-9](?:_?[0-9])*"
_DECIMAL = rf"(?:{_DIGITS}(?:\.{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
_VALUE = re.compile(
    rf"""(?P<number>[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|{_DECIMAL})(?![\w.+-]))
    |(?P<text>\$?"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<word>\$?[^\W\d]\w*(?:\.\w+)*)
    |(?P<open>[\[{{])""",
    re.VERBOSE,
)
_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F_]+|[1-9][0-9_]*|0[0_]*)")
_SIMPLE = re.compile(
    rf"""[ \t]*+(,?)[ \t]*+
    (?:([+-]?[1-9][0-9]{{0,30}}|0)|([+-]?{_DIGITS}\.{_DIGITS})|"([^"\\\n]*)"|([^\W\d]\w*(?:\.\w+)*))(?=[\s,;\\]|\Z)""",
    re.VERBOSE,
)
"""The commonest arguments in one step: whole numbers, fractions, text and words."""
_DELIMITERS = " \t\f\r,;\\"
_KEY = re.compile(rf"""(?:([^\W\d]\w*)|"([^\W\d]\w*)"|'([^\W\d]\w*)'){_SPACE}:{_SPACE}""")
_QUOTED_OR_COMMENT = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|;""")
_CONTINUED = re.compile(r"\\[ \t\f]*\r?\Z")
_PLAIN_LINE = re.compile(r"([RA][0-9][0-9:.T-]*)([ \t][^\\\r\n]*)\r?(?=\n|\Z)")
"""The commonest line in one step: nothing before the time, and no backslash, which may join it to the next."""
_new = tuple.__new__
"""Makes a named tuple at half the cost of a call of its class."""
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Call(NamedTuple):
    """A mnemonic and its arguments, with their offsets from the call's start. Lines of the same text share one.

    Arguments are plain: numbers, booleans, lists and dicts; words and text are `str`.
    """

    mnemonic: str
    mnemonic_offset: int
    arguments: tuple[Any, ...]
    offsets: tuple[int, ...]


class Statement(NamedTuple):
    """One line: when, what, and the offset of its call in the text. `time_us` counts from 1970 if `absolute`.

    `call` is the command packet itself where `read_text` was given a shortcut that made it.
    """

    offset: int
    absolute: bool
    time_us: int
    call_offset: int
    call: Call | bytes


class Sequence:
    """A parsed sequence: its name, its text and its statements."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.statements: list[Statement] = []
        self._lines: list[int] = []

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset in the text."""
        if not self._lines:
            self._lines = [0, *(found.end() for found in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def fault(self, offset: int, message: str, hint: str = "") -> Fault:
        """A fault at an offset in the text."""
        return Fault(self.name, *self.position(offset), message, hint)


class _Bad(ValueError):
    """What is wrong at an offset of the text that is being read."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        self.offset = offset
        self.message = message
        self.hint = hint
        super().__init__(offset, message, hint)


def parse_text(text: str, name: str) -> Sequence:
    """The tree of a sequence's text; `name` stands for the file in faults. Raises `Faults` with all of them."""
    sequence, faults = read_text(text, name)
    if faults:
        raise Faults(faults, {name: text})
    return sequence


def read_text(text: str, name: str, shortcut: Shortcut | None = None) -> tuple[Sequence, list[Fault]]:
    """The tree of the lines that are well formed, and the faults of the others; it stops at `MAX_FAULTS`.

    `shortcut` makes the command packet of the text of a call, or None of one that must be read with care. That text
    starts with a blank and holds no backslash.
    """
    sequence = Sequence(name, text)
    if len(text) > MAX_TEXT_SIZE:
        return sequence, [Fault(name, 1, 1, f"the text is longer than {MAX_TEXT_SIZE} characters")]
    faults: list[Fault] = []
    calls: dict[str, Call | bytes] = {}
    times: dict[str, int] = {}
    plain_line, add = _PLAIN_LINE.match, sequence.statements.append
    start, size = 0, len(text)
    while start < size and len(faults) < MAX_FAULTS:
        plain = plain_line(text, start)
        if plain is not None:
            clock, rest = plain.groups()
            call = calls.get(rest)
            if call is None and shortcut is not None:
                call = shortcut(rest)
                if call is not None:
                    calls[rest] = call
            if call is not None and clock in times:
                add(_new(Statement, (start, clock[0] == "A", times[clock], start + len(clock), call)))
                start = plain.end() + 1
                continue
        end = _logical_end(text, start)
        line = text[start:end]
        try:
            head = _HEAD.match(line)
            if head is not None:
                add(_statement(line, start, head, calls, times))
            elif _BLANK.fullmatch(line) is None:
                raise _headless(line)
        except _Bad as bad:
            faults.append(sequence.fault(start + bad.offset, bad.message, bad.hint))
        start = end + 1
    return sequence, faults


def parse_call(line: str) -> Call:
    """One call without its time. Raises `ValueError` that says what is wrong, and at which column."""
    try:
        return _call(line)
    except _Bad as bad:
        hint = f" ({bad.hint})" if bad.hint else ""
        raise ValueError(f"column {bad.offset + 1}: {bad.message}{hint}") from None


def _logical_end(text: str, start: int) -> int:
    """Where the line that starts here ends, with the lines that a backslash joins to it."""
    end = start
    while True:
        newline = text.find("\n", end)
        if newline < 0:
            return len(text)
        if "\\" not in text[end:newline] or not _goes_on(text[end:newline]):
            return newline
        end = newline + 1


def _goes_on(line: str) -> bool:
    position = 0
    while True:
        found = _QUOTED_OR_COMMENT.search(line, position)
        if found is None:
            return _CONTINUED.search(line) is not None
        if found[0] == ";":
            return False
        position = found.end()


def _statement(
    line: str, start: int, head: re.Match[str], calls: dict[str, Call | bytes], times: dict[str, int]
) -> Statement:
    clock = head[1] + head[2]
    time_us = times.get(clock)
    if time_us is None:
        time_us = times[clock] = _time(head)
    rest = line[head.end() :]
    call = calls.get(rest)
    if call is None:
        try:
            call = calls[rest] = _call(rest)
        except _Bad as bad:
            raise _Bad(bad.offset + head.end(), bad.message, bad.hint) from None
    return Statement(start + head.start(1), clock[0] == "A", time_us, start + head.end(), call)


def _time(head: re.Match[str]) -> int:
    letter, digits = head.groups()
    try:
        return absolute_us(digits) if letter == "A" else relative_us(digits)
    except ValueError as fault:
        raise _Bad(head.start(2), str(fault)) from None


def _headless(line: str) -> _Bad:
    found = _SKIP.match(line)
    offset = found.end() if found else 0
    letter = line[offset : offset + 1]
    if letter in ("R", "A"):
        wanted = RELATIVE_TIME if letter == "R" else ABSOLUTE_TIME
        return _Bad(offset, f"after {letter} stands a time, {wanted}")
    return _Bad(offset, "a line starts with its time", f"R and {RELATIVE_TIME}, or A and {ABSOLUTE_TIME}")


def _call(rest: str) -> Call:
    found = MNEMONIC.match(rest)
    if found is None:
        offset = _skip(rest, 0)
        if offset == len(rest) or rest[offset] == ";":
            raise _Bad(offset, "the command is missing")
        raise _Bad(offset, "here stands the command's full name, as in cmdDisp.CMD_NO_OP")
    mnemonic, offset = found[1], found.start(1)
    position, comma = found.end(), found[0].endswith(",")
    arguments: list[Any] = []
    offsets: list[int] = []
    end = len(rest)
    while position < end:
        simple = _SIMPLE.match(rest, position)
        if simple is not None and not (simple[1] and (comma or not arguments)):
            kind = simple.lastindex or 0
            arguments.append(_SIMPLE_VALUES[kind](simple[kind]))
            offsets.append(simple.start(kind) - (kind == _QUOTED))
            position, comma = simple.end(), False
        else:
            position, comma = _argument(rest, position, comma, arguments, offsets)
    if comma:
        raise _Bad(position - 1, "an argument is missing behind the comma")
    return Call(mnemonic, offset, tuple(arguments), tuple(offsets))


def _word(word: str) -> str | bool:
    return BOOLEANS.get(word, word)


_QUOTED = 4
_SIMPLE_VALUES: dict[int, Callable[[str], Any]] = {2: int, 3: float, _QUOTED: str, 5: _word}


def _argument(rest: str, position: int, comma: bool, arguments: list[Any], offsets: list[int]) -> tuple[int, bool]:
    """Reads one argument, one comma or the end; gives where to go on and whether a comma stands before it."""
    offset = _skip(rest, position)
    if offset == len(rest) or rest[offset] == ";":
        if comma:
            raise _Bad(position - 1, "an argument is missing behind the comma")
        return len(rest), False
    if rest[offset] == ",":
        if comma or not arguments:
            raise _Bad(offset, "an argument is missing before the comma")
        return offset + 1, True
    value, position = _value(rest, offset, 0)
    if position < len(rest) and rest[position] not in _DELIMITERS:
        raise _Bad(position, "a comma or a blank stands between arguments")
    arguments.append(value)
    offsets.append(offset)
    return position, False


def _skip(text: str, position: int) -> int:
    found = _SKIP.match(text, position)
    return found.end() if found else position


def _value(text: str, offset: int, depth: int) -> tuple[Any, int]:
    found = _VALUE.match(text, offset)
    if found is None:
        raise _bad_value(text, offset)
    kind = found.lastgroup
    if kind == "number":
        return _number(found[0], offset), found.end()
    if kind == "word":
        word = found[0]
        return _word(word), found.end()
    if kind == "text":
        return _text(found[0], offset), found.end()
    if depth >= MAX_DEPTH:
        raise _Bad(offset, f"arrays and structs nest deeper than {MAX_DEPTH}")
    if found[0] == "[":
        return _array(text, found.end(), depth + 1)
    return _struct(text, found.end(), depth + 1)


def _bad_value(text: str, offset: int) -> _Bad:
    character = text[offset : offset + 1]
    if character in ('"', "'") or text.startswith('$"', offset):
        return _Bad(offset, "the quoted text does not end on its line")
    if character in ("]", "}"):
        return _Bad(offset, f"{character!r} closes nothing")
    if character.isdigit() or character in ("+", "-", "."):
        return _Bad(offset, "this is no number; a text stands in quotes")
    return _Bad(offset, f"{character!r} starts no argument" if character else "an argument is missing")


def _number(text: str, offset: int) -> int | float:
    if _INTEGER.fullmatch(text):
        try:
            return int(text, 0)
        except ValueError:
            raise _Bad(offset, "the number is too long") from None
    if text.lstrip("+-").replace("_", "").isdigit():
        raise _Bad(offset, "a number has no leading zeros", f"write {text.lstrip('0+-_')}, or put quotes around a text")
    return float(text)


def _text(quoted: str, offset: int) -> str:
    if not quoted.startswith("$"):
        return quoted[1:-1]
    import json

    try:
        return str(json.loads(quoted[1:]))
    except ValueError as fault:
        raise _Bad(offset, f"the escapes are not JSON's: {fault}") from None


def _array(text: str, position: int, depth: int) -> tuple[list[Any], int]:
    values: list[Any] = []
    while True:
        position = _skip(text, position)
        if text.startswith("]", position):
            return values, position + 1
        value, position = _value(text, position, depth)
        values.append(value)
        position, closed = _next(text, position, "]")
        if closed:
            return values, position


def _struct(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while True:
        position = _skip(text, position)
        if text.startswith("}", position):
            return members, position + 1
        key = _KEY.match(text, position)
        if key is None:
            raise _Bad(position, "here stands a member's name and a colon")
        name = key[1] or key[2] or key[3]
        if name in members:
            raise _Bad(position, f"the member {name} stands here twice")
        members[name], position = _value(text, key.end(), depth)
        position, closed = _next(text, position, "}")
        if closed:
            return members, position


def _next(text: str, position: int, closing: str) -> tuple[int, bool]:
    position = _skip(text, position)
    if text.startswith(",", position):
        return position + 1, False
    if text.startswith(closing, position):
        return position + 1, True
    raise _Bad(min(position, len(text)), f"a comma or {closing!r} stands here")
