"""State machines for people: as rows of a table, and as a diagram in Mermaid's notation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.model.state_machine import StateMachine


class TransitionRow(NamedTuple):
    """One transition by its names; those it does not have are empty."""

    state: str
    trigger: str
    guard: str
    target: str
    do: str


def transition_rows(machine: StateMachine[Any, Any]) -> Iterator[TransitionRow]:
    """Every transition of every state, in the order of declaration, those of `anywhere` included."""
    for state, one in machine.transitions():
        yield TransitionRow(state.name, one.trigger, one.guard, "" if one.target is None else one.target.name, one.do)


def mermaid(machine: StateMachine[Any, Any]) -> str:
    """The diagram as Mermaid's `stateDiagram-v2`: `trigger [guard] / action` on the edges, entry and exit inside."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine.initial.name}"]
    for state in machine.states:
        one = machine.by_state[state]
        for what in ("entry", "exit"):
            if getattr(one, what):
                lines.append(f"    {state.name}: {what} / {getattr(one, what)}")
    for row in transition_rows(machine):
        text = row.trigger + (f" [{row.guard}]" if row.guard else "") + (f" / {row.do}" if row.do else "")
        if row.target:
            lines.append(f"    {row.state} --> {row.target}: {text}")
        else:
            lines.append(f"    {row.state}: {text}")
    return "\n".join(lines) + "\n"
