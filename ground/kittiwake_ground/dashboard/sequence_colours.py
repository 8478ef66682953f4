"""Colours for a sequence's text in the editor: times, commands, quoted texts and comments."""

from __future__ import annotations

import re
from typing import Any

MAX_LINES = 1000
"""Lines that are coloured; the rest of a longer text stays plain."""

_PIECES = re.compile(
    r"""(?P<time>^[ \t]*[RA][0-9][0-9:.T-]*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<comment>;.*)
    |(?P<command>[A-Za-z_]\w*(?:\.\w+)+)""",
    re.VERBOSE,
)


def colour_marks(text: str) -> list[dict[str, Any]]:
    """Decorations for NiceGUI's editor; offsets count characters of the text."""
    marks: list[dict[str, Any]] = []
    start = 0
    for line in text.split("\n")[:MAX_LINES]:
        for found in _PIECES.finditer(line):
            kind = found.lastgroup
            marks.append(
                {
                    "kind": "mark",
                    "from": start + found.start(),
                    "to": start + found.end(),
                    "class": f"kw-sequence-{kind}",
                }
            )
        start += len(line) + 1
    return marks
