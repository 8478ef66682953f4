"""What a component's design sheet must say: the rows of its tables, made from the declarations."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.model.state_diagram import mermaid

if TYPE_CHECKING:
    from kittiwake.model.component import ComponentType

_ROW = re.compile(r"^\| `(\w+)` \|.*\|$", re.MULTILINE)


def _arguments(parameters: list[tuple[str, Any]]) -> str:
    return ", ".join(f"{name}: {form.name}" for name, form in parameters) or "–"


def rows(cls: ComponentType) -> dict[str, str]:
    """The beginning of the row of each declaration, by its name in the dictionary (settings and ports: in Python)."""
    declared = cls.__declarations__
    found = {}
    for port in declared.inputs.values():
        found[port.name] = f"| `{port.name}` | in, {port.kind} | {port.port.name} |"
    for output in declared.outputs.values():
        found[output.name] = f"| `{output.name}` | out | {output.port.name} |"
    for command in declared.commands.values():
        found[command.label] = f"| `{command.label}` | {command.number:#04x} | {_arguments(command.parameters)} |"
    for event in declared.events.values():
        severity = event.severity.name
        found[event.label] = f"| `{event.label}` | {event.number:#04x} | {severity} | {_arguments(event.parameters)} |"
    for channel in declared.channels.values():
        found[channel.label] = f"| `{channel.label}` | {channel.number} | {channel.type.name} |"
    for parameter in declared.parameters.values():
        found[parameter.label] = (
            f"| `{parameter.label}` | {parameter.number} | {parameter.type!r} | {parameter.default} |"
        )
    for setting in declared.settings.values():
        found[setting.name] = f"| `{setting.name}` | {setting.default!r} |"
    return found


def differences(cls: ComponentType) -> list[str]:
    """Where the sheet beside a component class says something else than the class."""
    sheet = Path(inspect.getfile(cls)).with_name("README.md").read_text(encoding="utf-8")
    wanted = rows(cls)
    lines = sheet.splitlines()
    missing = [row for row in wanted.values() if not any(line.startswith(row) for line in lines)]
    diagrams = [f"```mermaid\n{mermaid(machine)}```" for machine in cls.__declarations__.machines.values()]
    missing += [diagram for diagram in diagrams if diagram not in sheet]
    return missing + [f"unknown: {name}" for name in _ROW.findall(sheet) if name not in wanted]
