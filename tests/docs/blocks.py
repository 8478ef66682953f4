"""The blocks of a Markdown document that can be tried, and what an invisible comment says of each.

A comment `<!-- test: ... -->` in the line before a block says how to try it:

- `background until "TEXT"`: the last command goes on in the background once its output has TEXT; `stop` ends it
- `file PATH`: the block is that file's content
- `part of PATH`: the block stands in that file of the repository
- `as "COMMAND"`: that command is run instead of the ones shown
- `status N`: the commands end with status N
- `stop`, without a block: the program started last in the background is interrupted, and ends without an error
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DIRECTIVE = re.compile(r"\s*<!-- test: (.+) -->\s*")
_FENCE = re.compile(r"( *)```(\w*)\s*")
_DIRECTIVE_FORM = re.compile(
    r'background until "(?P<until>.+)"|file (?P<file>\S+)|part of (?P<part>\S+)|as "(?P<instead>.+)"'
    r"|status (?P<status>\d+)|(?P<stop>stop)"
)


class Block(NamedTuple):
    """One fenced block, or a `stop` without one (`language` is then "stop"). `line` is where it stands."""

    line: int
    language: str
    text: str
    directive: dict[str, str]


class Step(NamedTuple):
    """One command of a block and the lines of output that are shown behind it."""

    command: str
    output: list[str]


def read_blocks(document: Path) -> Iterator[Block]:
    """The blocks of a document in their order. Raises `ValueError` for a directive that says nothing known."""
    lines = iter(enumerate(document.read_text(encoding="utf-8").splitlines(), start=1))
    directive: dict[str, str] = {}
    for number, line in lines:
        said = _DIRECTIVE.fullmatch(line)
        if said is not None:
            form = _DIRECTIVE_FORM.fullmatch(said[1])
            if form is None:
                raise ValueError(f"{document}:{number}: no such test: {said[1]}")
            directive = {key: value for key, value in form.groupdict().items() if value is not None}
            if "stop" in directive:
                yield Block(number, "stop", "", {})
                directive = {}
            continue
        fence = _FENCE.fullmatch(line)
        if fence is None:
            if line.strip() and directive:
                raise ValueError(f"{document}:{number}: a directive belongs to the block that follows it")
            continue
        content = []
        for _, inner in lines:
            if inner.strip() == "```":
                break
            content.append(inner.removeprefix(fence[1]))
        yield Block(number, fence[2], "\n".join(content) + "\n", directive)
        directive = {}


def steps_of(block: Block) -> list[Step]:
    """The commands of a shell block: of `sh` the whole as one, of `console` each line behind a dollar sign."""
    if block.language == "sh":
        return [Step(block.text, [])]
    steps: list[Step] = []
    continued = False
    for line in block.text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:], []))
        elif continued:
            steps[-1] = Step(f"{steps[-1].command}\n{line}", [])
        else:
            steps[-1].output.append(line)
        continued = line.endswith("\\") and (continued or line.startswith("$ "))
    return steps


def missing_line(shown: list[str], printed: str) -> str | None:
    """The first shown line that does not occur in what was printed, behind those before it; `None` if all do.

    Blanks count as one, any number stands for any other, and `...` for anything.
    """
    rest = iter([" ".join(line.split()) for line in printed.splitlines()])
    for line in shown:
        if not line.strip() or line.strip() == "...":
            continue
        pattern = re.compile(loose(" ".join(line.split())))
        if not any(pattern.fullmatch(candidate) for candidate in rest):
            return line
    return None


def loose(text: str) -> str:
    """The pattern of texts that differ from this one in numbers and where it has `...`."""
    parts = re.split(r"(\d+|\.\.\.)", text)
    return "".join([r".*" if part == "..." else r"\d+" if part.isdigit() else re.escape(part) for part in parts])
