"""Compiles sequence text to the binary file, checked against a dictionary.

The bytes are those of `fprime-seqgen`, with three differences: microseconds are exact (that tool truncates 2.3 s to
2 s and 299,999 µs), a missing or surplus argument and a fraction for an integer are faults, and the full name of an
event, channel, command or parameter stands for its id.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from kittiwake.dictionary.values import value_of
from kittiwake.faults import Faults, did_you_mean
from kittiwake.model.types import Enumeration, Float, Integer, resolved
from kittiwake.sequence.binary import (
    ABSOLUTE,
    ANY_TIME_BASE,
    MAX_PACKET_SIZE,
    RELATIVE,
    Form,
    Record,
    write_sequence,
)
from kittiwake.sequence.shortcut import CallShortcut, is_ranged
from kittiwake.sequence.text import read_text
from kittiwake.sequence.times import US_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from kittiwake.dictionary.entries import Command, Config, Dictionary
    from kittiwake.faults import Fault
    from kittiwake.model.types import WireType
    from kittiwake.sequence.text import Call, Sequence

    Packer = Callable[[Any], bytes]


def compile_text(text: str, name: str, dictionary: Dictionary, time_base: int = ANY_TIME_BASE) -> bytes:
    """The binary sequence of a `.seq` text; `name` stands for the file in faults.

    `time_base` is the clock's that the sequence is for, 0xFFFF for any. Raises `Faults` with everything that is wrong
    in the text, and `ValueError` for a time base that the dictionary's type cannot hold.
    """
    base = dictionary.config.time_base
    if not base.low <= time_base <= base.high:
        raise ValueError(f"time base {time_base} is outside {base.name}")
    sequence, faults = read_text(text, name, CallShortcut(dictionary.commands, form_of(dictionary.config)).packet)
    records, more = records_of(sequence, dictionary)
    faults.extend(more)
    if faults:
        raise Faults(faults, {name: text})
    return write_sequence(records, time_base=time_base, form=form_of(dictionary.config))


def form_of(config: Config) -> Form:
    """The widths of a dictionary's sequence files."""
    header = struct.Struct(f">II{config.time_base.code}{config.time_context.code}")
    command = struct.Struct(f">{config.descriptor.code}{config.opcode.code}")
    return Form(header, command, config.descriptors["FW_PACKET_COMMAND"])


def records_of(sequence: Sequence, dictionary: Dictionary) -> tuple[list[Record], list[Fault]]:
    """The records of a parsed sequence, and the faults of the lines that the dictionary refuses."""
    packet_of, new = CallCompiler(dictionary).packet, tuple.__new__
    records: list[Record] = []
    faults: list[Fault] = []
    for _, absolute, time_us, call_offset, call in sequence.statements:
        packet = call if isinstance(call, bytes) else packet_of(call)
        if isinstance(packet, bytes):
            kind = ABSOLUTE if absolute else RELATIVE
            records.append(new(Record, (kind, time_us // US_PER_S, time_us % US_PER_S, packet)))
        else:
            for offset, message, hint in packet:
                faults.append(sequence.fault(call_offset + offset, message, hint))
    return records, faults


class CallCompiler:
    """Makes command packets of calls, each distinct call once."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._form = form_of(dictionary.config)
        self._by_opcode: dict[int, tuple[bytes, list[Packer]]] = {}
        self._made: dict[int, tuple[Call, bytes | list[tuple[int, str, str]]]] = {}

    def packet(self, call: Call) -> bytes | list[tuple[int, str, str]]:
        """The command packet, or the faults: offset from the start of the call, message, hint."""
        made = self._made.get(id(call))
        if made is None:
            # The call is kept with its packet, so that its identity stays its own.
            made = self._made[id(call)] = (call, self._compile(call))
        return made[1]

    def _compile(self, call: Call) -> bytes | list[tuple[int, str, str]]:
        command = self._dictionary.commands.get(call.mnemonic)
        if command is None:
            hint = did_you_mean(call.mnemonic, self._dictionary.commands)
            return [(call.mnemonic_offset, f"the dictionary has no command {call.mnemonic}", hint)]
        faults: list[tuple[int, str, str]] = []
        if len(call.arguments) != len(command.formals):
            faults.append(_miscount(call, command))
        start, packers = self._packers(command)
        parts = [start]
        for position, (packer, plain) in enumerate(zip(packers, call.arguments, strict=False)):
            try:
                parts.append(packer(plain))
            except (TypeError, ValueError) as fault:
                faults.append((call.offsets[position], f"{command.formals[position].name}: {fault}", ""))
        packet = b"".join(parts)
        if len(packet) > MAX_PACKET_SIZE:
            message = f"the command takes {len(packet)} bytes, more than the {MAX_PACKET_SIZE} of a packet"
            faults.append((call.mnemonic_offset, message, ""))
        return faults or packet

    def _packers(self, command: Command) -> tuple[bytes, list[Packer]]:
        """The first bytes of a command's packets, and a packer for each of its parameters."""
        made = self._by_opcode.get(command.opcode)
        if made is None:
            start = self._form.command.pack(self._form.descriptor, command.opcode)
            packers = [_packer(formal.type, self._dictionary) for formal in command.formals]
            made = self._by_opcode[command.opcode] = (start, packers)
        return made


def _packer(form: WireType, dictionary: Dictionary) -> Packer:
    """What packs a plain argument: numbers and constants by the shortest way, everything else by `value_of`."""

    def pack(plain: Any) -> bytes:
        return form.pack(value_of(form, plain, dictionary.find_id))

    base = resolved(form)
    if isinstance(base, Enumeration):
        by_word = {word: base.pack(member) for word, member in base.enum.__members__.items()}

        def pack_word(plain: Any) -> bytes:
            return (by_word.get(plain) if type(plain) is str else None) or pack(plain)

        return pack_word
    if not isinstance(base, (Integer, Float)) or is_ranged(form):
        return pack
    pack_number = struct.Struct(f">{base.code}").pack
    python = base.python

    def pack_scalar(plain: Any) -> bytes:
        if type(plain) is python:
            try:
                return pack_number(plain)
            except (struct.error, OverflowError):
                return pack(plain)
        return pack(plain)

    return pack_scalar


def _miscount(call: Call, command: Command) -> tuple[int, str, str]:
    wanted, there = len(command.formals), len(call.arguments)
    shown = ", ".join([f"{formal.name}: {formal.type!r}" for formal in command.formals])
    takes = f"takes {wanted} argument{'' if wanted == 1 else 's'}" if wanted else "takes no arguments"
    message = f"{command.name} {takes}, not {there}"
    offset = call.offsets[wanted] if there > wanted else call.mnemonic_offset
    return offset, message, f"it wants {shown}" if shown else ""
