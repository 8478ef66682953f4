"""The bypass list: the few packets that are taken unsigned where all others must be signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.packets import COMMAND_HEADER_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.model.component import Component

MAX_BYPASSES = 32
MAX_PACKET_BYTES = 1024
MAX_APID = 0x7FE
MAX_OPCODE = 0xFFFFFFFF


class Bypass(NamedTuple):
    """One entry: the packet's kind, its exact size in bytes with its descriptor, and its opcode."""

    apid: int
    size: int
    opcode: int


def parse_bypass(text: str) -> Bypass:
    """Reads `APID:BYTES:OPCODE`, numbers in Python's notation, as in 0:6:0x01000000. Raises `ValueError`."""
    try:
        apid, size, opcode = [int(part, 0) for part in text.split(":")]
    except ValueError:
        raise ValueError(f"a bypass is APID:BYTES:OPCODE, as in 0:6:0x01000000, not {text!r}") from None
    if not (0 <= apid <= MAX_APID and COMMAND_HEADER_SIZE <= size <= MAX_PACKET_BYTES and 0 <= opcode <= MAX_OPCODE):
        raise ValueError(
            f"{text!r}: an APID is 0 to {MAX_APID:#x}, a size {COMMAND_HEADER_SIZE} to {MAX_PACKET_BYTES}, an opcode "
            f"0 to {MAX_OPCODE:#x}"
        )
    return Bypass(apid, size, opcode)


def check_bypass(texts: list[str]) -> None:
    """Raises `ValueError` for a list that cannot be used."""
    if len(texts) > MAX_BYPASSES:
        raise ValueError(f"at most {MAX_BYPASSES} bypasses, not {len(texts)}")
    for text in texts:
        parse_bypass(text)


def is_harmless(opcode: int, components: Iterable[Component]) -> bool:
    """Whether a command may be left to anybody: one that is hazardous or sets a parameter may not."""
    for component in components:
        found = type(component).__declarations__.opcodes().get(opcode - component._context.base_id)
        if found is not None:
            what, declared = found
            return what == "call" and not declared.hazardous
    return True
