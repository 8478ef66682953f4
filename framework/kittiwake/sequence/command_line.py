"""One command as a line of text, as in a sequence but without its time, made into a packet on the device itself.

    CdhCore.cmdDisp.CMD_NO_OP_STRING "hello"

The names, types and ranges are those of the deployment's own instances; no dictionary file is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.dictionary.values import value_of
from kittiwake.faults import did_you_mean
from kittiwake.sequence.text import parse_call
from kittiwake.wire import packets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.model.component import Component
    from kittiwake.model.types import WireType

MAX_LINE = 1024
"""The longest command line, in characters."""


class CommandLineFault(ValueError):
    """A line that is no command of this deployment; the message says why, and what would be."""


def command_packet(line: str, instances: Mapping[str, Component]) -> bytes:
    """The command packet of a line; `instances` are the deployment's, by their qualified names.

    Raises `CommandLineFault`.
    """
    if len(line) > MAX_LINE:
        raise CommandLineFault(f"a command line has at most {MAX_LINE} characters, not {len(line)}")
    try:
        call = parse_call(line)
    except ValueError as fault:
        raise CommandLineFault(str(fault)) from None
    opcode, formals = _command(call.mnemonic, instances)
    if len(formals) != len(call.arguments):
        wanted = ", ".join(f"{name}: {form!r}" for name, form in formals) or "nothing"
        raise CommandLineFault(f"{call.mnemonic} takes {wanted}, not {len(call.arguments)} arguments")
    parts = []
    for (name, form), plain in zip(formals, call.arguments, strict=True):
        try:
            parts.append(form.pack(value_of(form, plain)))
        except (TypeError, ValueError) as fault:
            raise CommandLineFault(f"{call.mnemonic}: {name}: {fault}") from None
    return packets.command_packet(opcode, b"".join(parts))


def _command(mnemonic: str, instances: Mapping[str, Component]) -> tuple[int, list[tuple[str, WireType]]]:
    """Opcode and parameters of a full name."""
    owner, _, label = mnemonic.rpartition(".")
    component = instances.get(owner)
    if component is None:
        hint = did_you_mean(owner, instances)
        raise CommandLineFault(f"there is no instance {owner!r}" + (f" ({hint})" if hint else ""))
    known: dict[str, tuple[int, list[tuple[str, WireType]]]] = {}
    for offset, (what, declared) in type(component).__declarations__.opcodes().items():
        opcode = component._context.base_id + offset
        if what == "call":
            known[declared.label] = (opcode, declared.parameters)
        else:
            formals = [("value", declared.type)] if what == "set" else []
            known[f"{declared.label}_PRM_{what.upper()}"] = (opcode, formals)
    if label not in known:
        hint = did_you_mean(label, known)
        raise CommandLineFault(f"{owner} has no command {label!r}" + (f" ({hint})" if hint else ""))
    return known[label]
