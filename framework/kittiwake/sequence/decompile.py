"""Turns a binary sequence back into text that compiles to the same bytes."""

from __future__ import annotations

import re
from enum import IntEnum
from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.entries import UnknownName
from kittiwake.model.types import Array, Struct, WireError, resolved
from kittiwake.sequence.binary import ABSOLUTE, ANY_TIME_CONTEXT, END, SequenceError, SequenceFault, read_sequence
from kittiwake.sequence.compile import form_of
from kittiwake.sequence.times import absolute_text, relative_text

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Command, Dictionary
    from kittiwake.model.types import WireType
    from kittiwake.sequence.binary import Form, Record

_PLAIN_QUOTED = (re.compile(r'"(?:[^"\\\n]|\\.)*"'), re.compile(r"'(?:[^'\\\n]|\\.)*'"))
_WORD = re.compile(r"[^\W\d]\w*")
_RESERVED = ("true", "True", "TRUE", "false", "False", "FALSE")


def decompile(data: bytes, dictionary: Dictionary) -> str:
    """The text of a binary sequence; the first line, a comment, states the time base to compile it with.

    Raises `SequenceError` for a file with a fault, for a command that the dictionary does not have or whose arguments
    are not its parameters' values, and for what text cannot say (an end record, a time context other than "any").
    """
    form = form_of(dictionary.config)
    file = read_sequence(data, len(data), allow_empty=True, form=form)
    if file.header.time_context != ANY_TIME_CONTEXT:
        context = file.header.time_context
        message = f"text cannot say that the sequence is for time context {context}"
        raise SequenceError(SequenceFault.TIME_CONTEXT, message, ANY_TIME_CONTEXT, context)
    lines = [f"; time base {file.header.time_base:#06x}"]
    offset = form.header.size
    for number, record in enumerate(file.records):
        if record.kind == END:
            message = f"record {number} ends the sequence, which text cannot say"
            raise SequenceError(SequenceFault.RECORD, message, number, offset)
        try:
            lines.append(f"{time_text(record)} {call_text(record, dictionary, form)}")
        except (WireError, UnknownName) as fault:
            raise SequenceError(SequenceFault.RECORD, f"record {number}: {fault}", number, offset) from None
        offset += 13 + len(record.packet)
    return "\n".join(lines) + "\n"


def time_text(record: Record) -> str:
    """A record's time as it stands in text."""
    if record.kind == ABSOLUTE:
        return f"A{absolute_text(record.seconds, record.microseconds)}"
    return f"R{relative_text(record.seconds, record.microseconds)}"


def call_text(record: Record, dictionary: Dictionary, form: Form) -> str:
    """A record's command and arguments as they stand in text. Raises `WireError` or `UnknownName`."""
    opcode = form.command.unpack_from(record.packet)[1]
    command = dictionary.command(opcode)
    arguments = arguments_of(command, record.packet, form.command.size)
    words = [literal(formal.type, value) for formal, value in zip(command.formals, arguments, strict=True)]
    return f"{command.name} {', '.join(words)}" if words else command.name


def arguments_of(command: Command, packet: bytes, offset: int) -> list[Any]:
    """The values of a command's parameters, from `offset` to the end of its packet. Raises `WireError`."""
    values = []
    for formal in command.formals:
        start = offset
        try:
            value, offset = formal.type.unpack(packet, offset)
        except WireError as fault:
            raise WireError(f"{command.name}: {formal.name}: {fault}") from None
        if formal.type.pack(value) != packet[start:offset]:
            raise WireError(f"{command.name}: {formal.name}: text cannot say the bytes {packet[start:offset].hex()}")
        values.append(value)
    if offset != len(packet):
        raise WireError(f"{command.name}: {len(packet) - offset} bytes stand behind its arguments")
    return values


def literal(form: WireType, value: Any) -> str:
    """A value as it stands in sequence text."""
    base = resolved(form)
    if isinstance(base, Array):
        return f"[{', '.join([literal(base.element, item) for item in value])}]"
    if isinstance(base, Struct):
        members = zip(base.members.items(), value, strict=True)
        return f"{{{', '.join([f'{name}: {literal(member, item)}' for (name, member), item in members])}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, IntEnum):
        return value.name if _WORD.fullmatch(value.name) and value.name not in _RESERVED else _quoted(value.name)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float) and not isfinite(value):
        return f'"{value}"'
    return repr(value)


def _quoted(text: str) -> str:
    if text.isprintable():
        for mark, pattern in zip("\"'", _PLAIN_QUOTED, strict=True):
            quoted = f"{mark}{text}{mark}"
            if pattern.fullmatch(quoted):
                return quoted
    import json

    return f"${json.dumps(text)}"
