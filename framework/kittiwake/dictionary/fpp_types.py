"""Types, constants and ports in FPP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.dictionary.export_types import TypeCatalogue, is_inline, type_doc
from kittiwake.dictionary.fpp_text import (
    BUFFER,
    ModuleTree,
    annotation_lines,
    indented,
    literal,
    remarks,
    type_name,
    word,
)
from kittiwake.model.types import Alias, Array, Enumeration, Octets, Ranged, Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake.dictionary.fields import FaultList
    from kittiwake.dictionary.standard_types import Constant
    from kittiwake.model.ports import PortType
    from kittiwake.model.types import WireType
    from kittiwake.topology.model import Topology

SPECIAL_PORTS = (
    "Fw.Cmd", "Fw.CmdReg", "Fw.CmdResponse", "Fw.DpGet", "Fw.DpSend", "Fw.Log", "Fw.LogText", "Fw.PrmGet", "Fw.PrmSet",
    "Fw.Time", "Fw.Tlm",
)  # fmt: skip
"""The port types that FPP's special ports have, whether a component names them or not."""


def ranges(parts: Iterable[tuple[str, WireType]]) -> list[str]:
    """A remark on each name whose type has a range."""
    lines = []
    for name, form in parts:
        if isinstance(form, Ranged):
            lines += remarks(f"{name} lies between {form.low} and {form.high}")
    return lines


def port_types(topology: Topology, types: TypeCatalogue, faults: FaultList) -> dict[str, PortType[..., object]]:
    """The port types that the topology's components have, by name; their types are added to `types`."""
    found: dict[str, PortType[..., object]] = {}
    for instance in topology.instances:
        declared = instance.declarations
        for port in (*declared.inputs.values(), *declared.outputs.values()):
            form = port.port
            known = found.setdefault(form.name, form)
            if known is form:
                for name, part in form.parameters:
                    types.add(part, f"{form.name}: {name}")
                if form.returns is not None:
                    types.add(form.returns, f"{form.name}, its return value")
            elif _signature(known) != _signature(form):
                faults.add(f"{instance.name}.{port.name}", f"{form.name} is another port here than elsewhere")
    return found


def _signature(port: PortType[..., object]) -> list[object]:
    parts: list[object] = [(name, type_name(form)) for name, form in port.parameters]
    return [*parts, None if port.returns is None else type_name(port.returns)]


def types_file(forms: Mapping[str, WireType], shown: Iterable[str], constants: Iterable[Constant]) -> str:
    """All types and constants. Those whose names are in `shown` are the dictionary's, the others only ports have."""
    tree = ModuleTree()
    for constant in constants:
        line = f"dictionary constant {word(constant.name.rpartition('.')[2])} = {constant.value}"
        tree.add(constant.name, [*annotation_lines(constant.doc), line])
    in_dictionary = frozenset(shown)
    for name, form in forms.items():
        head, *rest = _definition(word(name.rpartition(".")[2]), form)
        mark = "dictionary " if name in in_dictionary else ""
        tree.add(name, [*_notes(form), f"{mark}{head}", *rest])
    tree.add(BUFFER, [*remarks("Bytes, at most as many as the port says."), "type Buffer"])
    return tree.text("The types and constants of the deployment, F´'s own among them.")


def _notes(form: WireType) -> list[str]:
    notes = []
    if isinstance(form, Struct):
        notes = ranges(form.members.items())
        if literal(form, form.default) is None:
            notes += remarks("The default is FPP's: it cannot write the declared one.")
    elif isinstance(form, (Alias, Array)):
        notes = ranges([("The value", form.underlying if isinstance(form, Alias) else form.element)])
    return [*notes, *annotation_lines(type_doc(form))]


def _definition(name: str, form: WireType) -> list[str]:
    if isinstance(form, Alias):
        return [f"type {name} = {type_name(form.underlying)}"]
    default = literal(form, form.default)
    end = (
        ""
        if default is None
        else f" default {default.rpartition('.')[2] if isinstance(form, Enumeration) else default}"
    )
    if isinstance(form, Array):
        return [f"array {name} = [{form.size}] {type_name(form.element)}{end}"]
    if isinstance(form, Enumeration):
        body = [f"{word(member.name)} = {int(member)}" for member in form.enum]
        return [f"enum {name}: {form.representation.name} {{", *indented(body), f"}}{end}"]
    assert isinstance(form, Struct), "aliases, arrays, enums and structs are all that has a name"
    body = [f"{word(member)}: {_member_type(part)}" for member, part in form.members.items()]
    return [f"struct {name} {{", *indented(body), f"}}{end}"]


def _member_type(form: WireType) -> str:
    if isinstance(form, Array) and is_inline(form):
        return f"[{form.size}] {type_name(form.element)}"
    return type_name(form)


def ports_file(ports: Mapping[str, PortType[..., object]]) -> str:
    """All port types."""
    tree = ModuleTree()
    for name, port in ports.items():
        returns = "" if port.returns is None else f" -> {type_name(port.returns)}"
        line = f"port {word(name.rpartition('.')[2])}{formals(port.parameters)}{returns}"
        sizes = [f"{part} is at most {form.size} bytes" for part, form in port.parameters if isinstance(form, Octets)]
        notes = [*remarks("; ".join(sizes)), *ranges(port.parameters)]
        tree.add(name, [*notes, *annotation_lines(port.doc), line])
    for name in SPECIAL_PORTS:
        if name not in ports:
            tree.add(name, [f"port {word(name.rpartition('.')[2])}"])
    return tree.text("The ports of the deployment. Those without arguments are F´'s, which the framework wires itself.")


def formals(parameters: Iterable[tuple[str, WireType]]) -> str:
    """A parameter list, or nothing for an empty one."""
    shown = [f"{word(name)}: {type_name(form)}" for name, form in parameters]
    return f"({', '.join(shown)})" if shown else ""
