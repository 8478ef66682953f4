"""Faults in files that people write: where, what, and the name that was probably meant.

The readers of topologies and sequences gather every fault of a file and raise them together as `Faults`; `render`
shows each with its line and a caret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_RENDERED = 200
"""The most faults that `render` shows; the rest are counted."""

_WIDTH = 120
"""The most characters of a source line that `render` shows."""


class Fault(NamedTuple):
    """One fault at a place in a file. `line` and `col` count from 1; `hint` says what to do, or is empty."""

    file: str
    line: int
    col: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.col}: {self.message}"
        return f"{text} ({self.hint})" if self.hint else text


class Faults(ValueError):
    """Every fault that was found, in the order of the files' lines; never none.

    `sources` holds the text of the files by name, so that whoever catches the exception can `render` it.
    """

    def __init__(self, faults: Iterable[Fault], sources: Mapping[str, str] | None = None) -> None:
        self.faults: list[Fault] = sorted(faults, key=lambda fault: (fault.file, fault.line, fault.col))
        self.sources: dict[str, str] = dict(sources or {})
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))

    def render(self) -> str:
        """The faults as `render` shows them, each with its source line."""
        return render(self.faults, self.sources)


def render(faults: Iterable[Fault], sources: Mapping[str, str]) -> str:
    """The faults as text: `file:line:col: message`, the line with a caret beneath the column, and the hint.

    `sources` maps file names to their text; a fault in a file that is not there is shown without its line.
    """
    listed = list(faults)
    lines = {name: text.split("\n") for name, text in sources.items()}
    parts = []
    for fault in listed[:MAX_RENDERED]:
        parts.append(f"{fault.file}:{fault.line}:{fault.col}: {fault.message}")
        source = lines.get(fault.file, [])
        if 1 <= fault.line <= len(source):
            parts.extend(_excerpt(source[fault.line - 1].rstrip("\r"), fault.col))
        if fault.hint:
            parts.append(f"    {fault.hint}")
    if len(listed) > MAX_RENDERED:
        parts.append(f"and {len(listed) - MAX_RENDERED} more faults")
    return "\n".join(parts)


def _excerpt(line: str, col: int) -> tuple[str, str]:
    """The part of a line around a column, and a line with the caret beneath it."""
    start = max(0, col - 1 - _WIDTH // 2) if len(line) > _WIDTH else 0
    shown = line[start : start + _WIDTH]
    before = "".join("\t" if character == "\t" else " " for character in shown[: col - 1 - start])
    return f"    {shown}", f"    {before}^"


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `name` is most likely a misspelling of, or `None` if none is near."""
    from difflib import get_close_matches

    by_folded: dict[str, str] = {}
    for candidate in names:
        by_folded.setdefault(candidate.lower(), candidate)
    found = get_close_matches(name.lower(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`did you mean X?` with the nearest of `names`, or the empty string."""
    nearest = nearest_name(name, names)
    return f"did you mean {nearest}?" if nearest is not None else ""
