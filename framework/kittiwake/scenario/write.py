"""Writes a scenario as a file that `read_scenario` reads back as the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.fault_plan import KINDS

if TYPE_CHECKING:
    from kittiwake.simulation.fault_plan import Fault
    from kittiwake.simulation.scenario import Scenario


def scenario_text(scenario: Scenario, doc: str = "") -> str:
    """The file's text; `doc` is what it says it is for."""
    lines = [f"scenario: {_quoted(scenario.name)}"]
    if doc:
        lines.append(f"doc: {_quoted(doc)}")
    lines += [f"seed: {scenario.seed}", f"length: {_time(scenario.length_ns)}", f"draws: {scenario.draws}"]
    steps = [(fault.at_ns, _fault(fault)) for fault in scenario.faults]
    steps += [(order.at_ns, f"command: {_quoted(order.line)}") for order in scenario.orders]
    steps += [(change.at_ns, f"set: {change.name}, to: {change.value!r}") for change in scenario.changes]
    steps += [(contact.at_ns, f"contact_s: {contact.for_s!r}") for contact in scenario.contacts]
    if steps:
        lines.append("steps:")
    lines += [f"  - {{at: {_time(at_ns)}, {step}}}" for at_ns, step in sorted(steps)]
    return "\n".join(lines) + "\n"


def _fault(fault: Fault) -> str:
    kind = KINDS[fault.kind]
    parts = [f"fault: {fault.kind}"]
    if fault.where:
        parts.append(f"where: {_quoted(fault.where)}")
    if kind.amount is not None:
        parts.append(f"amount: {fault.amount:.15g}")
    if kind.lasts_s is not None:
        parts.append(f"for_s: {fault.for_s:.15g}")
    if fault.seed:
        parts.append(f"seed: {fault.seed}")
    return ", ".join(parts)


def _time(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, NS_PER_S)
    return f"{seconds}.{rest:09}".rstrip("0").rstrip(".") + "s"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


__all__ = ["scenario_text"]
