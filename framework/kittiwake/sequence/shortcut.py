"""The commonest calls of sequence text, turned straight into command packets.

A call takes the shortcut if its arguments stand behind a comma and a blank each, and are whole numbers, fractions,
quoted text, constants and booleans for parameters of just these types. Everything else, and everything that may be at
fault, is left to `kittiwake.sequence.text` and `CallCompiler`, which say what is wrong and where.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING

from kittiwake.dictionary.typedefs import ForeignText
from kittiwake.model.types import Alias, Boolean, Enumeration, Float, Integer, Ranged, Text, resolved
from kittiwake.sequence.binary import MAX_PACKET_SIZE
from kittiwake.sequence.text import BOOLEANS, MNEMONIC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.dictionary.entries import Command
    from kittiwake.model.types import WireType
    from kittiwake.sequence.binary import Form

    WordPacker = Callable[[str], bytes]

_MAX_KNOWN_NUMBERS = 256
"""How many numbers of each parameter are kept with their bytes: the same ones come again and again."""

_WHOLE = re.compile(r"-?(?:[1-9][0-9]*|0)")
_FRACTION = re.compile(r"-?[0-9]+\.[0-9]+")


class CallShortcut:
    """Makes the packets of one dictionary's commands."""

    def __init__(self, commands: Mapping[str, Command], form: Form) -> None:
        self._commands = commands
        self._form = form
        self._known: dict[str, tuple[bytes, list[WordPacker]] | None] = {}

    def packet(self, rest: str) -> bytes | None:
        """The packet of a call, a blank before it and no backslash in it; None if it must be read with care."""
        mnemonic, _, tail = rest[1:].partition(" ")
        try:
            known = self._known[mnemonic]
        except KeyError:
            known = self._known[mnemonic] = self._look_up(mnemonic)
        if known is None:
            return None
        packet, packers = known
        if packers or tail:
            words = tail.split(", ")
            if len(words) != len(packers):
                return None
            try:
                for pack, word in zip(packers, words, strict=True):
                    packet += pack(word)
            except (KeyError, ValueError, OverflowError, struct.error):
                return None
        return packet if len(packet) <= MAX_PACKET_SIZE else None

    def _look_up(self, mnemonic: str) -> tuple[bytes, list[WordPacker]] | None:
        """The first bytes of a command's packets and what packs its arguments, if all of them can be packed so."""
        command = self._commands.get(mnemonic)
        if command is None or MNEMONIC.fullmatch(mnemonic) is None:
            return None
        packers = [packer for formal in command.formals if (packer := _word_packer(formal.type)) is not None]
        if len(packers) < len(command.formals):
            return None
        return self._form.command.pack(self._form.descriptor, command.opcode), packers


def is_ranged(form: WireType) -> bool:
    """Whether not all values of the type beneath are allowed."""
    while isinstance(form, Alias):
        form = form.underlying
    return isinstance(form, Ranged)


def _word_packer(form: WireType) -> WordPacker | None:
    """What packs the text of an argument; it raises what `CallShortcut.packet` catches for all but the commonest."""
    base = resolved(form)
    if isinstance(base, Enumeration):
        words = [word for word in base.enum.__members__ if word.isascii() and word.isidentifier()]
        return {word: base.pack(base.enum[word]) for word in words if word not in BOOLEANS}.__getitem__
    if isinstance(base, Boolean):
        return {word: base.pack(value) for word, value in BOOLEANS.items()}.__getitem__
    if isinstance(base, Text):
        return _text_packer(base)
    if is_ranged(form):
        return None
    if isinstance(base, Integer):
        return _number_packer(base.code, _WHOLE, int)
    if isinstance(base, Float):
        return _number_packer(base.code, _FRACTION, float)
    return None


def _number_packer(code: str, digits: re.Pattern[str], number: type[int | float]) -> WordPacker:
    pack, is_number = struct.Struct(f">{code}").pack, digits.fullmatch

    @lru_cache(_MAX_KNOWN_NUMBERS)
    def pack_number(word: str) -> bytes:
        if is_number(word):
            return pack(number(word))
        raise ValueError(word)

    return pack_number


def _text_packer(form: Text) -> WordPacker:
    size = form.size
    pack_length = struct.Struct(f">{form.prefix.code}" if isinstance(form, ForeignText) else ">H").pack

    def pack_text(word: str) -> bytes:
        content = word[1:-1].encode()
        if word[:1] == word[-1:] == '"' and len(word) > 1 and b'"' not in content and len(content) <= size:
            return pack_length(len(content)) + content
        raise ValueError(word)

    return pack_text
