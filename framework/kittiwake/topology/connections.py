"""Checks connections: names, directions and types of ports, array bounds, one target for each output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import define

from kittiwake.topology.model import Connection
from kittiwake.topology.names import declared_port, qualified, unknown_instance, unknown_port

if TYPE_CHECKING:
    from kittiwake.model.ports import InputPort
    from kittiwake.topology.draft import Draft, LineDraft
    from kittiwake.topology.model import Instance
    from kittiwake.topology.source import Report

_ARROW = "->"
_END = re.compile(r"\s*([A-Za-z_][\w.]*?)\.([A-Za-z_]\w*)\s*(?:\[\s*(\d{1,9})\s*\])?\s*", re.ASCII)


class _End(NamedTuple):
    """One end of a connection: the instance, the declared port, the index as it is written, and its column."""

    instance: Instance
    port: Any
    number: int | None
    offset: int


@define
class Line:
    """One connection as it is written, with the two ends that were found; indices left out are filled in later."""

    draft: LineDraft
    source: _End
    target: _End
    output_index: int = 0
    input_index: int = 0

    def connection(self) -> Connection:
        """The connection of the checked topology."""
        return Connection(
            self.draft.group, self.source.instance.name, self.source.port.name, self.output_index,
            self.target.instance.name, self.target.port.name, self.input_index,
        )  # fmt: skip


def check_connections(draft: Draft, instances: dict[str, Instance], report: Report) -> list[Line]:
    """The connections whose two ends are known, with all their indices; all that is wrong goes to `report`."""
    lines = []
    for written in draft.connections:
        line = _read_line(written, draft, instances, report)
        if line is not None:
            lines.append(line)
    lines = _number_outputs(lines, report)
    lines = _number_mirrors(lines, report)
    lines = _number_inputs(lines, report)
    _check_required(draft, instances, lines, report)
    return lines


def _read_line(written: LineDraft, draft: Draft, instances: dict[str, Instance], report: Report) -> Line | None:
    text = written.node.text
    if text.count(_ARROW) != 1:
        report.add(written.node, "a connection is one 'instance.output -> instance.input'")
        return None
    left, right = text.split(_ARROW)
    source = _read_end(written, left, 0, "output", draft, instances, report)
    target = _read_end(written, right, len(left) + len(_ARROW), "input", draft, instances, report)
    if source is None or target is None:
        return None
    if not _same_type(source.port.port, target.port.port):
        message = (
            f"{source.port.name} is of type {source.port.port.name}, "
            f"{target.instance.name}.{target.port.name} of type {target.port.port.name}"
        )
        report.add(written.node, message, offset=target.offset)
        return None
    return Line(written, source, target)


def _same_type(one: Any, other: Any) -> bool:
    return one is other or (one.name == other.name and repr(one.parameters) == repr(other.parameters))


def _read_end(
    written: LineDraft, text: str, start: int, side: str, draft: Draft, instances: dict[str, Instance], report: Report
) -> _End | None:
    offset = start + len(text) - len(text.lstrip())
    matched = _END.fullmatch(text)
    if matched is None:
        report.add(written.node, f"{text.strip()!r} is no port", "write instance.port or instance.port[index]", offset)
        return None
    name, port_name, index = matched.groups()
    full = qualified(name, written.namespace, draft.instances)
    if full is None:
        report.add(written.node, *unknown_instance(name, written.namespace, draft.instances), offset)
        return None
    instance = instances.get(full)
    if instance is None:
        return None
    declared = instance.declarations
    ports: dict[str, Any] = declared.outputs if side == "output" else declared.inputs
    port = declared_port(port_name, ports)
    at = start + matched.start(2)
    if port is None:
        report.add(written.node, *unknown_port(port_name, side, declared, instance.component.__name__), at)
        return None
    number = None if index is None else int(index)
    if number is not None and number >= port.size:
        last = f"0 to {port.size - 1}" if port.is_array else "0, as it is no array"
        report.add(
            written.node,
            f"{port.name}[{number}] does not exist; its indices are {last}",
            offset=start + matched.start(3),
        )
        return None
    return _End(instance, port, number, offset)


def _number_outputs(lines: list[Line], report: Report) -> list[Line]:
    """Gives outputs their indices, those written out first; an output has one target."""
    taken: dict[tuple[str, str, int], Line] = {}
    kept = []
    for line in sorted(lines, key=lambda line: line.source.port.is_array and line.source.number is None):
        end = line.source
        index: int | None = end.number or 0
        if end.port.is_array and end.number is None:
            free = (free for free in range(end.port.size) if (end.instance.name, end.port.name, free) not in taken)
            index = next(free, None)
            if index is None:
                report.add(
                    line.draft.node, f"all {end.port.size} ports of {end.instance.name}.{end.port.name} are connected"
                )
                continue
        assert index is not None
        first = taken.setdefault((end.instance.name, end.port.name, index), line)
        if first is not line:
            node = first.draft.node
            shown = f"{end.port.name}[{index}]" if end.port.is_array else end.port.name
            message = (
                f"{end.instance.name}.{shown} already goes to {first.target.instance.name}.{first.target.port.name}"
            )
            report.add(
                line.draft.node,
                message,
                f"an output has one target; the first is in {node.file}:{node.line}",
                end.offset,
            )
            continue
        line.output_index = index
        kept.append(line)
    order = {id(line): place for place, line in enumerate(lines)}
    return sorted(kept, key=lambda line: order[id(line)])


def _number_mirrors(lines: list[Line], report: Report) -> list[Line]:
    """Gives an input that mirrors an output array the index at which that array goes to who calls the input."""
    kept = []
    for line in lines:
        end, caller = line.target, line.source.instance.name
        if end.port.mirrors:
            places = [
                other.output_index
                for other in lines
                if other.source.instance is end.instance and other.source.port.name == end.port.mirrors
                and other.target.instance.name == caller
            ]  # fmt: skip
            output = f"{end.instance.name}.{end.port.mirrors}"
            if not places:
                report.add(line.draft.node, f"{output} goes nowhere to {caller}", "", end.offset)
                continue
            if end.number is not None and end.number not in places:
                message = f"{end.port.name}[{end.number}] is for who is called by {output}[{end.number}]"
                report.add(line.draft.node, message, f"{caller} is at {places[0]}", end.offset)
                continue
            line.target = end._replace(number=places[0] if end.number is None else end.number)
        kept.append(line)
    return kept


def _number_inputs(lines: list[Line], report: Report) -> list[Line]:
    """Gives inputs their indices; several outputs may share one where the index is written out."""
    taken = {(line.target.instance.name, line.target.port.name, line.target.number) for line in lines}
    kept = []
    for line in lines:
        end = line.target
        port: InputPort = end.port
        if not port.is_array or end.number is not None:
            line.input_index = end.number or 0
            kept.append(line)
            continue
        free = next((free for free in range(port.size) if (end.instance.name, port.name, free) not in taken), None)
        if free is None:
            report.add(
                line.draft.node,
                f"all {port.size} ports of {end.instance.name}.{port.name} are connected",
                "",
                end.offset,
            )
            continue
        taken.add((end.instance.name, port.name, free))
        line.input_index = free
        kept.append(line)
    return kept


def _check_required(draft: Draft, instances: dict[str, Instance], lines: list[Line], report: Report) -> None:
    """An output that must be connected is; of a required array, one port at least."""
    connected = {(line.source.instance.name, line.source.port.name) for line in lines}
    mentioned = {(name, port) for written in draft.connections for name, port in _mentioned(written, draft, instances)}
    for name, instance in instances.items():
        for port in instance.declarations.outputs.values():
            if port.required and not {(name, port.name)} & (connected | mentioned):
                message = f"{name}.{port.name} must be connected"
                report.add(draft.instances[name].key, message, f"to an input of type {port.port.name}")


def _mentioned(written: LineDraft, draft: Draft, instances: dict[str, Instance]) -> list[tuple[str, str]]:
    """The output that a connection begins with, whatever is wrong at its other end."""
    matched = _END.fullmatch(written.node.text.split(_ARROW)[0])
    full = qualified(matched[1], written.namespace, draft.instances) if matched else None
    if matched is None or full not in instances:
        return []
    port = declared_port(matched[2], instances[full].declarations.outputs)
    return [] if port is None else [(full, port.name)]
