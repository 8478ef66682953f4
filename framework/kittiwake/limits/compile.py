"""Compiles a file of limits (YAML) to the binary table, checked against a dictionary. All faults come at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.dictionary.entries import UnknownName
from kittiwake.faults import Fault, Faults, did_you_mean
from kittiwake.limits.condition import ConditionFault, Place, parse_condition, place_of
from kittiwake.limits.rule import RuleFault, parse_rule
from kittiwake.limits.table import (
    ACTIONPOINTS_MAX,
    ALL_MODES,
    HOLD_MS_MAX,
    NAME_SIZE_MAX,
    SAMPLES_MAX,
    WATCHPOINTS_MAX,
    Actionpoint,
    Comparison,
    LimitTable,
    Response,
    State,
    TableFault,
    Trigger,
    Watchpoint,
    write_table,
)
from kittiwake.model.types import Enumeration
from kittiwake.sequence.compile import records_of
from kittiwake.sequence.text import read_text as read_calls
from kittiwake.topology.draft import describe, read_fields
from kittiwake.topology.grammar import BOOLEAN, IDENTIFIER, INTEGER, NUMBER, TABLE, TEXT, TEXTS, Key
from kittiwake.topology.source import Items, Report, Scalar, Table, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.dictionary.entries import Channel, Dictionary
    from kittiwake.topology.source import Node

SYSTEM_MODE = "Components.SystemMode"
MOST_MAX = 0xFFFF
_TIME = "R00:00:00 "

FILE_KEYS = {
    "limits": Key(TEXT, "The table's name.", required=True),
    "doc": Key(TEXT, "What it is for."),
    "watchpoints": Key(TABLE, "Comparisons of channels, by name."),
    "actionpoints": Key(TABLE, "Rules over watchpoints or events with their responses, by name.", required=True),
}
WATCHPOINT_KEYS = {
    "channel": Key(TEXT, "The channel's full name, with [index] or .member where it is an array or a struct."),
    "is": Key(TEXT, "The condition that is watched for, such as '< 6.7'."),
    "samples": Key(INTEGER, "So many new values in a row must say the same; default 1."),
    "hold_s": Key(NUMBER, "They must go on saying it for so many seconds; default 0."),
    "silent_s": Key(NUMBER, "Instead of a condition: the channel was not written for so many seconds."),
    "doc": Key(TEXT, "What it is for."),
}
ACTIONPOINT_KEYS = {
    "when": Key(TEXT, "Watchpoints joined with and, or, not and brackets."),
    "event": Key(TEXT, "Instead of a rule: the full name of an event."),
    "command": Key(TEXT, "Response: a command with its arguments, as in a sequence."),
    "sequence": Key(TEXT, "Response: a sequence file on the device; `sequencer` runs it."),
    "sequencer": Key(TEXT, "The sequencer's instance, with `sequence`."),
    "safe_mode": Key(BOOLEAN, "Response: true enters safe mode."),
    "most": Key(INTEGER, "After so many responses it is passive; 0: never; default 1."),
    "state": Key(TEXT, "disabled, passive or active (the default)."),
    "modes": Key(TEXTS, "The modes in which it counts; default all."),
    "doc": Key(TEXT, "What it is for."),
}


def compile_limits(text: str, name: str, dictionary: Dictionary) -> bytes:
    """The binary table of a text; `name` stands for the file in faults. Raises `Faults` with all that is wrong."""
    report = Report()
    root = read_text(text, name, report)
    table = None if root is None else _Compiler(dictionary, report).table(root)
    report.finish()
    assert table is not None, "a text without faults gives a table"
    try:
        return write_table(table)
    except TableFault as fault:
        raise Faults([Fault(name, 1, 1, str(fault))], report.sources) from None


class _Compiler:
    def __init__(self, dictionary: Dictionary, report: Report) -> None:
        self._dictionary = dictionary
        self._report = report
        self._names: list[str] = []

    def table(self, root: Node) -> LimitTable | None:
        """The table, with what could be made of it where there are faults."""
        if not isinstance(root, Table):
            self._report.add(root, "a file of limits is a table of " + ", ".join(FILE_KEYS))
            return None
        first = next((key for key, _ in root.entries.values()), Scalar(root.file, root.line, root.col, "", ""))
        fields = read_fields(root, FILE_KEYS, "a file of limits", first, self._report)
        title = fields.get("limits")
        if isinstance(title, Scalar):
            self._check_name(title)
        watched = self._entries(fields.get("watchpoints"), WATCHPOINTS_MAX)
        self._names = [key.text for key, _ in watched]
        acting = self._entries(fields.get("actionpoints"), ACTIONPOINTS_MAX)
        watchpoints = [self._watchpoint(key, node) for key, node in watched]
        actionpoints = [self._actionpoint(key, node) for key, node in acting]
        return LimitTable(
            _text(title),
            tuple([one for one in watchpoints if one is not None]),
            tuple([one for one in actionpoints if one is not None]),
        )

    def _entries(self, node: Node | None, most: int) -> list[tuple[Scalar, Node]]:
        if not isinstance(node, Table):
            return []
        entries = list(node.entries.values())
        if len(entries) > most:
            self._report.add(entries[most][0], f"this is one more than the {most} that a table may have")
        for key, _ in entries:
            self._check_name(key)
        return entries[:most]

    def _check_name(self, key: Scalar) -> None:
        if IDENTIFIER.fullmatch(key.text) is None or key.text in ("and", "or", "not"):
            self._report.add(key, f"{key.text!r} is no name", "letters, digits and _, and none of and, or, not")
        elif len(key.text) > NAME_SIZE_MAX:
            self._report.add(key, f"a name has at most {NAME_SIZE_MAX} characters")

    def _number(self, node: Node | None, default: float, low: float, high: float) -> float:
        """A number between bounds, `default` where there is none or a wrong one, which is then reported."""
        value = node.value if isinstance(node, Scalar) else None
        if node is None or not isinstance(value, (int, float)):
            return default
        if not low <= value <= high:
            self._report.add(node, f"here stands a number from {low:g} to {high:g}, not {describe(node)}")
            return default
        return value

    # Watchpoints

    def _watchpoint(self, key: Scalar, node: Node) -> Watchpoint | None:
        fields = read_fields(node, WATCHPOINT_KEYS, "a watchpoint", key, self._report)
        samples = int(self._number(fields.get("samples"), 1, 1, SAMPLES_MAX))
        hold_ms = round(self._number(fields.get("hold_s"), 0, 0, HOLD_MS_MAX / 1000) * 1000)
        silent_ms = round(self._number(fields.get("silent_s"), 1, 0.1, HOLD_MS_MAX / 1000) * 1000)
        where = fields.get("channel")
        if not isinstance(where, Scalar):
            if isinstance(node, Table):
                self._report.add(key, "a watchpoint misses its key channel", WATCHPOINT_KEYS["channel"].doc)
            return None
        if ("is" in fields) is ("silent_s" in fields):
            self._report.add(key, "a watchpoint has a condition `is`, or a time `silent_s`, and not both")
            return None
        channel, path = self._channel(where)
        if channel is None:
            return None
        if "silent_s" in fields:
            return self._silent(key, fields, channel, silent_ms)
        condition = fields["is"]
        assert isinstance(condition, Scalar), "the key holds a text"
        if samples > 1 and channel.update != "always":
            self._report.add(
                fields["samples"], f"{channel.name} is written when it changes: equal values cannot be counted",
                "use hold_s",
            )  # fmt: skip
        try:
            place = place_of(channel, path)
        except ConditionFault as fault:
            self._report.add(where, fault.message, fault.hint)
            return None
        return self._compared(key, condition, channel, place, samples, hold_ms)

    def _compared(
        self, key: Scalar, condition: Scalar, channel: Channel, place: Place, samples: int, hold_ms: int
    ) -> Watchpoint | None:
        try:
            comparison, low, high = parse_condition(condition.text, channel, place)
        except ConditionFault as fault:
            self._report.add(condition, fault.message, fault.hint)
            return None
        return Watchpoint(key.text, channel.id, place.offset, place.code, comparison, low, high, samples, hold_ms)

    def _silent(
        self, key: Scalar, fields: Mapping[str, Node], channel: Channel, silent_ms: int
    ) -> Watchpoint | None:  # fmt: skip
        for other in ("samples", "hold_s"):
            if other in fields:
                self._report.add(fields[other], f"{other} does not go with silent_s")
        if channel.update != "always":
            self._report.add(fields["silent_s"], f"{channel.name} is written when it changes: its silence says nothing")
            return None
        return Watchpoint(key.text, channel.id, 0, "B", Comparison.SILENT, 0, 0, 1, silent_ms)

    def _channel(self, node: Scalar) -> tuple[Channel | None, str]:
        """The channel that a text begins with, and the rest of it, which leads to one number in its value."""
        channels = self._dictionary.channels
        name, bracket, rest = node.text.partition("[")
        path = bracket + rest
        while name not in channels and name.count(".") > 2:
            name, _, member = name.rpartition(".")
            path = f".{member}{path}"
        if name not in channels:
            name = node.text.partition("[")[0]
            self._report.add(node, f"the dictionary has no channel {name}", did_you_mean(name, channels))
            return None, ""
        return channels[name], path

    # Actionpoints

    def _actionpoint(self, key: Scalar, node: Node) -> Actionpoint | None:
        fields = read_fields(node, ACTIONPOINT_KEYS, "an actionpoint", key, self._report)
        most = int(self._number(fields.get("most"), 1, 0, MOST_MAX))
        state = self._state(fields.get("state"))
        modes = self._modes(fields.get("modes"))
        response, command = self._response(key, fields)
        if ("when" in fields) is ("event" in fields):
            self._report.add(key, "an actionpoint has a rule `when`, or an `event`, and not both")
            return None
        trigger, event, rule = self._trigger(fields)
        return Actionpoint(key.text, trigger, event, rule, state, modes, most, response, command)

    def _trigger(self, fields: Mapping[str, Node]) -> tuple[Trigger, int, bytes]:
        if "event" in fields:
            node = fields["event"]
            try:
                return Trigger.EVENT, self._dictionary.event(_text(node)).id, b""
            except UnknownName as fault:
                self._report.add(node, f"the dictionary has no event {_text(node)}", fault.hint)
                return Trigger.EVENT, 0, b""
        node = fields["when"]
        try:
            return Trigger.RULE, 0, parse_rule(_text(node), self._names)
        except RuleFault as fault:
            self._report.add(node, fault.message, fault.hint, fault.offset)
            return Trigger.RULE, 0, b""

    def _state(self, node: Node | None) -> State:
        words = {state.name.lower(): state for state in State}
        if node is None:
            return State.ACTIVE
        found = words.get(_text(node))
        if found is None:
            self._report.add(node, f"{_text(node)!r} is no state", f"one of {', '.join(words)}")
            return State.ACTIVE
        return found

    def _modes(self, node: Node | None) -> int:
        if not isinstance(node, Items):
            return ALL_MODES
        form = self._dictionary.types.get(SYSTEM_MODE)
        if not isinstance(form, Enumeration):
            self._report.add(node, "this deployment has no modes")
            return ALL_MODES
        modes = 0
        for item in node.items:
            word = _text(item)
            member = form.enum.__members__.get(word)
            if member is None:
                self._report.add(item, f"{word!r} is no mode", did_you_mean(word, form.enum.__members__))
            else:
                modes |= 1 << int(member)
        return modes

    def _response(self, key: Scalar, fields: Mapping[str, Node]) -> tuple[Response, bytes]:
        given = [name for name in ("command", "sequence", "safe_mode") if name in fields]
        if len(given) > 1:
            self._report.add(key, f"an actionpoint has one response, not {' and '.join(given)}", "a sequence does more")
        if ("sequence" in fields) is not ("sequencer" in fields):
            self._report.add(key, "sequence and sequencer go together")
        elif "sequence" in fields:
            return Response.COMMAND, self._sequence(fields["sequence"], fields["sequencer"])
        if "command" in fields:
            return Response.COMMAND, self._command(fields["command"], _text(fields["command"]), 0)
        if "safe_mode" in fields:
            value = fields["safe_mode"]
            if isinstance(value, Scalar) and value.value is not True:
                self._report.add(value, "safe_mode is true, or left out")
            return Response.SAFE_MODE, b""
        return Response.NONE, b""

    def _sequence(self, file: Node, sequencer: Node) -> bytes:
        path, instance = _text(file), _text(sequencer)
        if any(character in path for character in '"\\\n'):
            self._report.add(file, "quotes, backslashes and line ends are not for the names of sequences")
            return b""
        if f"{instance}.CS_RUN" not in self._dictionary.commands:
            known = [name.removesuffix(".CS_RUN") for name in self._dictionary.commands if name.endswith(".CS_RUN")]
            hint = did_you_mean(instance, known) or f"sequencers: {', '.join(known) or 'none'}"
            self._report.add(sequencer, f"{instance} is no sequencer", hint)
            return b""
        return self._command(file, f'{instance}.CS_RUN "{path}", BLOCK', len(instance) + len('.CS_RUN "'))

    def _command(self, node: Node, text: str, before: int) -> bytes:
        """The packet of a command as a sequence would have it; `before` characters of `text` are not the node's."""
        if "\n" in text:
            self._report.add(node, "a command stands on one line")
            return b""
        sequence, faults = read_calls(_TIME + text, node.file)
        records, more = records_of(sequence, self._dictionary)
        for fault in (*faults, *more):
            offset = fault.col - 1 - len(_TIME) - before
            self._report.add(node, fault.message, fault.hint, max(offset, 0))
        if not records and not faults and not more:
            self._report.add(node, "the command is missing")
        return records[0].packet if records else b""


def _text(node: Node | None) -> str:
    """The text of a value that the keys' table has found to be one."""
    return node.text if isinstance(node, Scalar) else ""
