"""Turns a binary table of limits back into text that compiles to the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.limits.compile import SYSTEM_MODE
from kittiwake.limits.condition import condition_text
from kittiwake.limits.rule import rule_text
from kittiwake.limits.table import ALL_MODES, Comparison, Response, State, TableFault, Trigger, read_table
from kittiwake.model.types import Array, Boolean, Enumeration, Struct, WireError, resolved
from kittiwake.sequence.binary import RELATIVE, Record
from kittiwake.sequence.compile import form_of
from kittiwake.sequence.decompile import call_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.limits.table import Actionpoint, Watchpoint
    from kittiwake.model.types import WireType


def decompile_limits(data: bytes, dictionary: Dictionary) -> str:
    """The text of a table. Raises `TableFault` for one with a fault, or with ids that the dictionary does not have."""
    table = read_table(data)
    lines = [f"limits: {table.name}"]
    try:
        if table.watchpoints:
            lines.append("watchpoints:")
        for watchpoint in table.watchpoints:
            lines += _entry(watchpoint.name, _watchpoint(watchpoint, dictionary))
        names = [one.name for one in table.watchpoints]
        lines.append("actionpoints:" if table.actionpoints else "actionpoints: {}")
        for actionpoint in table.actionpoints:
            lines += _entry(actionpoint.name, _actionpoint(actionpoint, names, dictionary))
    except (LookupError, WireError) as fault:
        raise TableFault(f"it was compiled for another dictionary: {fault}") from None
    return "\n".join(lines) + "\n"


def _entry(name: str, fields: Iterator[tuple[str, str]]) -> list[str]:
    return [f"  {name}:", *[f"    {key}: {text}" for key, text in fields]]


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _watchpoint(one: Watchpoint, dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    channel = dictionary.channel(one.channel)
    if one.comparison is Comparison.SILENT:
        yield "channel", channel.name
        yield "silent_s", _seconds(one.hold_ms)
        return
    path, form = _path(channel.type, one.offset)
    if ("B" if isinstance(form, Boolean) else getattr(form, "code", "")) != one.code:
        raise LookupError(f"{channel.name}{path} is {form!r}, watchpoint {one.name} takes it for {one.code!r}")
    yield "channel", channel.name + path
    yield "is", _quoted(condition_text(one.comparison, one.low, one.high, form))
    if one.samples != 1:
        yield "samples", str(one.samples)
    if one.hold_ms:
        yield "hold_s", _seconds(one.hold_ms)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:g}" if milliseconds % 1000 else str(milliseconds // 1000)


def _path(form: WireType, offset: int) -> tuple[str, WireType]:
    """How the number `offset` bytes into a value is reached, and its type. Raises `LookupError`."""
    base = resolved(form)
    if isinstance(base, Array):
        index = offset // base.element.max_size
        if index < base.size:
            path, found = _path(base.element, offset - index * base.element.max_size)
            return f"[{index}]{path}", found
    elif isinstance(base, Struct):
        for name, member in base.members.items():
            if offset < member.max_size:
                path, found = _path(member, offset)
                return f".{name}{path}", found
            offset -= member.max_size
    elif offset == 0:
        return "", base
    raise LookupError(f"{form!r} has no number at {offset}")


def _actionpoint(one: Actionpoint, names: list[str], dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    if one.trigger is Trigger.EVENT:
        yield "event", dictionary.event(one.event).name
    else:
        yield "when", rule_text(one.rule, names)
    if one.response is Response.COMMAND:
        yield "command", _quoted(call_text(Record(RELATIVE, 0, 0, one.command), dictionary, form_of(dictionary.config)))
    elif one.response is Response.SAFE_MODE:
        yield "safe_mode", "true"
    if one.most != 1:
        yield "most", str(one.most)
    if one.state is not State.ACTIVE:
        yield "state", one.state.name.lower()
    if one.modes != ALL_MODES:
        form = dictionary.types.get(SYSTEM_MODE)
        members = form.by_value if isinstance(form, Enumeration) else {}
        words = [member.name for number, member in members.items() if one.modes >> number & 1]
        yield "modes", f"[{', '.join(words)}]"
