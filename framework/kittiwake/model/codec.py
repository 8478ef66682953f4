"""Packs and unpacks whole argument lists: the arguments of events, commands and messages."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from kittiwake.model.compounds import unpack_all
from kittiwake.model.types import Array, Float, Integer, RangeError, Struct, Text, WireError, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake.model.types import WireType


def _is_plain(forms: Sequence[WireType]) -> bool:
    return all(type(form) in (Integer, Float) for form in forms)


def packer(forms: Sequence[WireType]) -> Callable[..., bytes]:
    """A function of one argument for each type that gives their wire form.

    For values that are none of theirs it raises `TypeError`, `ValueError`, or what `struct` raises: `struct.error` and
    `OverflowError`.
    """
    if not forms:
        return lambda: b""
    if _is_plain(forms):
        return struct.Struct(">" + "".join([form.code for form in forms])).pack
    packs = [form.pack for form in forms]
    if len(packs) == 1:
        return packs[0]

    def pack(*values: Any) -> bytes:
        return b"".join([one(value) for one, value in zip(packs, values, strict=True)])

    return pack


def downlink_packer(forms: Sequence[WireType]) -> Callable[..., bytes]:
    """As `packer`, but strings, those within arrays and structs too, are made plain ASCII and cut to their size.

    The F´ ground system advances by characters behind a string, so that anything else corrupts the rest of a packet.
    """
    if not any(_holds_text(form) for form in forms):
        return packer(forms)
    packs = [_downlink_pack(form) for form in forms]

    def pack(*values: Any) -> bytes:
        return b"".join([one(value) for one, value in zip(packs, values, strict=True)])

    return pack


def _holds_text(form: WireType) -> bool:
    base = resolved(form)
    if isinstance(base, Array):
        return _holds_text(base.element)
    if isinstance(base, Struct):
        return any(_holds_text(member) for member in base.members.values())
    return isinstance(base, Text)


def _downlink_pack(form: WireType) -> Callable[[Any], bytes]:
    base = resolved(form)
    if not _holds_text(base):
        return form.pack
    if isinstance(base, Text):
        return _clipped(base)
    if isinstance(base, Array):
        forms = [base.element] * base.size
    else:
        assert isinstance(base, Struct), "strings stand alone, in arrays or in structs"
        forms = list(base.members.values())
    pack = downlink_packer(forms)
    return lambda value: pack(*value)


def clip(text: str, size: int) -> str:
    """The text as the downlink carries it: ASCII, at most `size` characters."""
    return text.encode("ascii", "replace")[:size].decode("ascii")


def _clipped(form: Text) -> Callable[[Any], bytes]:
    length = struct.Struct(">H").pack
    size = form.size

    def pack(value: Any) -> bytes:
        data = value.encode("ascii", "replace")[:size]
        return length(len(data)) + bytes(data)

    return pack


def unpacker(forms: Sequence[WireType]) -> Callable[[bytes], tuple[Any, ...]]:
    """A function that reads exactly these types from bytes.

    It raises `WireError` where bytes are missing, left over or malformed, `RangeError` where a value is out of range.
    """
    if not forms:
        return _nothing
    if _is_plain(forms):
        layout = struct.Struct(">" + "".join([form.code for form in forms]))

        def unpack_plain(data: bytes) -> tuple[Any, ...]:
            if len(data) != layout.size:
                raise WireError(f"arguments take {layout.size} bytes, {len(data)} are there")
            return layout.unpack(data)

        return unpack_plain

    def unpack(data: bytes) -> tuple[Any, ...]:
        values: list[Any] = []
        outside: RangeError | None = None
        try:
            values, end = unpack_all(forms, data, 0)
        except RangeError as fault:
            outside, end = fault, fault.end
        if end != len(data):
            raise WireError(f"arguments take {end} bytes, {len(data)} are there")
        if outside is not None:
            raise outside
        return tuple(values)

    return unpack


def _nothing(data: bytes) -> tuple[Any, ...]:
    if data:
        raise WireError(f"there are no arguments, but {len(data)} bytes")
    return ()
