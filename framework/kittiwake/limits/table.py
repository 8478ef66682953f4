"""The binary table of limits: what a device watches and how it responds. Read with every check, and written.

All integers are big-endian. A table is

    magic "KWLT" | version U16 | watchpoints U16 | actionpoints U16 | name
    | the watchpoints | the actionpoints | CRC-32 of all before U32

A text is its length U8 and its ASCII bytes. A watchpoint is its name, channel id U32, offset U16 of the number in the
channel's packed value, the number's type (one character of `struct`), comparison U8, two operands of 8 bytes, samples
U16 and milliseconds U32. An actionpoint is its name, trigger U8, event id U32, rule (length U8 and bytes), initial
state U8, modes U8, most responses U16, response U8, and the command packet (length U16 and bytes).

A rule is in reverse Polish notation, as in cFS's Limit Checker: a byte below `NOT` pushes that watchpoint, the others
combine what is on the stack.
"""

from __future__ import annotations

import struct
from struct import Struct
from typing import TypeVar
from zlib import crc32

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum
from kittiwake.named_tuple import NamedTuple

E = TypeVar("E", bound=IntEnum)

VERSION = 1
WATCHPOINTS_MAX = 240
ACTIONPOINTS_MAX = 240
RULE_SIZE_MAX = 64
NAME_SIZE_MAX = 40
COMMAND_SIZE_MAX = 1024
TABLE_SIZE_MAX = 65_536
OFFSET_MAX = 1023
SAMPLES_MAX = 10_000
HOLD_MS_MAX = 7 * 86_400_000

NOT, AND, OR = 0xFD, 0xFE, 0xFF
"""The operators of a rule."""
NUMBER_CODES = "bBhHiIqQfd"
"""The types of numbers that can be compared, in `struct`'s characters: I8, U8, I16, U16 and so on to F64."""
ALL_MODES = 0xFF
"""The modes of an actionpoint that counts in every mode, an unknown one too; else bit n stands for mode n."""

_MAGIC = b"KWLT"
_HEADER = Struct(">4sHHH")
_WATCHPOINT = Struct(">IHcB8s8sHI")
_ACTIONPOINT = Struct(">BI")
_RESPONSE = Struct(">BBHBH")
_CRC = Struct(">I")
_WIDE = {"f": Struct(">d"), "d": Struct(">d"), "Q": Struct(">Q")}
_SIGNED = Struct(">q")


class Comparison(IntEnum):
    """What a watchpoint says of a number; `low` and `high` are its operands, most have one."""

    LESS = 0
    LESS_OR_EQUAL = 1
    EQUAL = 2
    NOT_EQUAL = 3
    GREATER_OR_EQUAL = 4
    GREATER = 5
    WITHIN = 6
    OUTSIDE = 7
    INVALID = 8
    """It is not a number (NaN)."""
    SILENT = 9
    """The channel was not written for as long as the watchpoint holds."""


class Trigger(IntEnum):
    """What an actionpoint looks at."""

    RULE = 0
    EVENT = 1


@wire_enum(U8, name="Components.LimitCheckerState")
class State(IntEnum):
    """What the checker, or one actionpoint, does."""

    DISABLED = 0
    """Nothing."""
    PASSIVE = 1
    """It reports violations."""
    ACTIVE = 2
    """It reports violations, and responds to them."""


class Response(IntEnum):
    """What an active actionpoint does beyond its report."""

    NONE = 0
    COMMAND = 1
    SAFE_MODE = 2


class Watchpoint(NamedTuple):
    """One comparison of one number in one channel; it turns once the contrary has held for `samples` and `hold_ms`."""

    name: str
    channel: int
    offset: int
    code: str
    comparison: Comparison
    low: float
    high: float
    samples: int = 1
    hold_ms: int = 0


class Actionpoint(NamedTuple):
    """A rule over watchpoints or an event, and the response to it. `most` is the most responses, 0 for any number."""

    name: str
    trigger: Trigger
    event: int
    rule: bytes
    state: State
    modes: int
    most: int
    response: Response
    command: bytes


class LimitTable(NamedTuple):
    """A whole table."""

    name: str
    watchpoints: tuple[Watchpoint, ...]
    actionpoints: tuple[Actionpoint, ...]


class TableFault(ValueError):
    """Bytes that are no table, or a table with something in it that cannot be."""


def operand_struct(code: str) -> Struct:
    """How an operand for a number of this type stands in the table."""
    return _WIDE.get(code, _SIGNED)


def write_table(table: LimitTable) -> bytes:
    """The bytes of a table. Raises `TableFault`."""
    parts = [_HEADER.pack(_MAGIC, VERSION, len(table.watchpoints), len(table.actionpoints))]
    try:
        parts.append(_text(table.name))
        parts += [_packed_watchpoint(one) for one in table.watchpoints]
        parts += [_packed_actionpoint(one) for one in table.actionpoints]
    except (struct.error, ValueError, OverflowError) as fault:
        raise TableFault(str(fault)) from None
    data = b"".join(parts)
    data += _CRC.pack(crc32(data))
    read_table(data)
    return data


def _text(text: str) -> bytes:
    data = text.encode("ascii")
    return bytes((len(data),)) + data


def _packed_watchpoint(one: Watchpoint) -> bytes:
    operand = operand_struct(one.code)
    low, high = operand.pack(one.low), operand.pack(one.high)
    fields = (one.channel, one.offset, one.code.encode(), one.comparison, low, high, one.samples, one.hold_ms)
    return _text(one.name) + _WATCHPOINT.pack(*fields)


def _packed_actionpoint(one: Actionpoint) -> bytes:
    rule = bytes((len(one.rule),)) + one.rule
    response = _RESPONSE.pack(one.state, one.modes, one.most, one.response, len(one.command))
    return _text(one.name) + _ACTIONPOINT.pack(one.trigger, one.event) + rule + response + one.command


def read_table(data: bytes) -> LimitTable:
    """The table in a file's bytes. Raises `TableFault`; nothing is returned of a table with a fault anywhere."""
    if not _HEADER.size + _CRC.size < len(data) <= TABLE_SIZE_MAX:
        raise TableFault(f"{len(data)} bytes are no table, which has {_HEADER.size + 6} to {TABLE_SIZE_MAX}")
    magic, version, watchpoints, actionpoints = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise TableFault("it is no table of limits")
    end = len(data) - _CRC.size
    if _CRC.unpack_from(data, end)[0] != crc32(data[:end]):
        raise TableFault("its checksum does not fit its content")
    if version != VERSION:
        raise TableFault(f"it has version {version}, this software reads {VERSION}")
    if watchpoints > WATCHPOINTS_MAX or actionpoints > ACTIONPOINTS_MAX:
        raise TableFault(f"{watchpoints} watchpoints and {actionpoints} actionpoints are more than it may have")
    return _Reader(data[:end]).table(watchpoints, actionpoints)


class _Reader:
    """Reads a table whose checksum is right; a compiler may still have written nonsense."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = _HEADER.size

    def table(self, watchpoints: int, actionpoints: int) -> LimitTable:
        try:
            name = self._name()
            watched = tuple([self._watchpoint() for _ in range(watchpoints)])
            acting = tuple([self._actionpoint(watchpoints) for _ in range(actionpoints)])
        except (struct.error, IndexError):
            raise TableFault("it is cut off") from None
        if self._at != len(self._data):
            raise TableFault(f"{len(self._data) - self._at} bytes stand behind its end")
        for names in ([one.name for one in watched], [one.name for one in acting]):
            if len(set(names)) < len(names):
                raise TableFault("two of its points have the same name")
        return LimitTable(name, watched, acting)

    def _bytes(self, size: int, most: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise TableFault("it is cut off")
        if size > most:
            raise TableFault(f"a part of {size} bytes is longer than {most}")
        self._at += size
        return taken

    def _short(self, most: int) -> bytes:
        size = self._data[self._at]
        self._at += 1
        return self._bytes(size, most)

    def _name(self) -> str:
        data = self._short(NAME_SIZE_MAX)
        if not data or not data.isascii() or not data.decode("ascii").isprintable():
            raise TableFault("a name is not of printable ASCII")
        return data.decode("ascii")

    def _watchpoint(self) -> Watchpoint:
        name = self._name()
        channel, offset, code, comparison, low, high, samples, hold_ms = _WATCHPOINT.unpack_from(self._data, self._at)
        self._at += _WATCHPOINT.size
        letter = code.decode("latin-1")
        if letter not in NUMBER_CODES:
            raise TableFault(f"watchpoint {name}: {letter!r} is no type of number")
        operand = operand_struct(letter)
        if not 1 <= samples <= SAMPLES_MAX or hold_ms > HOLD_MS_MAX or offset > OFFSET_MAX:
            raise TableFault(f"watchpoint {name}: samples, time or offset are out of range")
        lowest, highest = operand.unpack(low)[0], operand.unpack(high)[0]
        if lowest != lowest or highest != highest:
            raise TableFault(f"watchpoint {name}: nothing compares with NaN")
        kind = _member(Comparison, comparison, name)
        return Watchpoint(name, channel, offset, letter, kind, lowest, highest, samples, hold_ms)

    def _actionpoint(self, watchpoints: int) -> Actionpoint:
        name = self._name()
        trigger, event = _ACTIONPOINT.unpack_from(self._data, self._at)
        self._at += _ACTIONPOINT.size
        rule = self._short(RULE_SIZE_MAX)
        state, modes, most, response, size = _RESPONSE.unpack_from(self._data, self._at)
        self._at += _RESPONSE.size
        command = self._bytes(size, COMMAND_SIZE_MAX)
        kind = _member(Trigger, trigger, name)
        if kind is Trigger.RULE:
            check_rule(rule, watchpoints, name)
        elif rule:
            raise TableFault(f"actionpoint {name}: an event needs no rule")
        answer = _member(Response, response, name)
        if (len(command) >= 6) is not (answer is Response.COMMAND):
            raise TableFault(f"actionpoint {name}: a command goes with the response COMMAND, and with no other")
        return Actionpoint(name, kind, event, rule, _member(State, state, name), modes, most, answer, command)


def _member(kind: type[E], number: int, name: str) -> E:
    try:
        return kind(number)
    except ValueError:
        raise TableFault(f"{name}: {number} is no {kind.__name__}") from None


def check_rule(rule: bytes, watchpoints: int, name: str) -> None:
    """Raises `TableFault` for a rule that does not leave one value, or that names no watchpoint."""
    depth = 0
    for code in rule:
        if code < NOT:
            if code >= watchpoints:
                raise TableFault(f"actionpoint {name}: there is no watchpoint {code}")
            depth += 1
            continue
        if depth < (1 if code == NOT else 2):
            raise TableFault(f"actionpoint {name}: an operator of its rule has nothing to combine")
        depth -= code != NOT
    if depth != 1:
        raise TableFault(f"actionpoint {name}: its rule leaves {depth} values, not one")


def evaluate(rule: bytes, states: list[bool | None]) -> bool | None:
    """What a sound rule says; `None` where that depends on a watchpoint of which nothing is known yet.

    `None` follows Kleene's logic: `false and None` is false, `true or None` is true.
    """
    stack: list[bool | None] = []
    for code in rule:
        if code < NOT:
            stack.append(states[code])
        elif code == NOT:
            value = stack.pop()
            stack.append(None if value is None else not value)
        else:
            right, left = stack.pop(), stack.pop()
            decisive = code == OR
            if left is decisive or right is decisive:
                stack.append(decisive)
            else:
                stack.append(None if left is None or right is None else not decisive)
    return stack[0]
