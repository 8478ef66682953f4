"""Faults in a sequence's text as marks in the editor: the line, the words, and the message behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.faults import Fault

MAX_MARKS = 100


def fault_marks(text: str, faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Decorations for NiceGUI's editor; offsets count characters of the text."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    marks: list[dict[str, Any]] = []
    for fault in list(faults)[:MAX_MARKS]:
        number = min(max(fault.line, 1), len(lines))
        line, start = lines[number - 1], starts[number - 1]
        column = min(max(fault.col - 1, 0), len(line))
        word = line[column:].split(" ")[0] if line[column : column + 1].strip() else ""
        marks.append({"kind": "line", "line": number, "class": "kw-fault-line"})
        if word:
            end = start + column + len(word)
            marks.append({"kind": "mark", "from": start + column, "to": end, "class": "kw-fault-word"})
        shown = f"{fault.message} ({fault.hint})" if fault.hint else fault.message
        marks.append({"kind": "widget", "position": start + len(line), "text": shown, "class": "kw-fault-text"})
    return marks
