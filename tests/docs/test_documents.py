"""What the documents show is true: each command, program, topology and sequence in them is tried, in their order."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import Block, missing_line, read_blocks, steps_of
from tests.docs.workspace import Workspace
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCUMENTS = [
    "README.md",
    "docs/tutorial.md",
    "docs/topologies.md",
    "docs/components.md",
    "docs/authoring.md",
    "docs/device.md",
    "docs/ground.md",
    "docs/alarms.md",
    "docs/look-back.md",
    "docs/wiring.md",
    "docs/passes.md",
    "docs/client.md",
    "docs/sequences.md",
    "docs/budget.md",
    "docs/updates.md",
    "docs/transfers.md",
    "docs/limits.md",
    "docs/building.md",
    "docs/hive.md",
    "docs/simulation.md",
    "docs/satellite.md",
    "docs/station.md",
    "docs/power-unit.md",
    "docs/replay.md",
]
SHELL = ("sh", "console")
INTERRUPTED = (0, 130, -2)
"""How a program may end after Ctrl-C: by itself, or by the signal; make passes on an error of its own."""

UNTRIED = ("text", "mermaid")
HERE = "from __future__ import annotations\n"


class Story:
    """One document that is carried out from top to bottom."""

    def __init__(self, document: Path, workspace: Workspace) -> None:
        self._document = document
        self._workspace = workspace
        self._programs: list[str] = []

    def try_block(self, block: Block) -> None:
        """Carries out one block. Raises `AssertionError` with its place where it does not do what is shown."""
        place = f"{self._document.relative_to(ROOT)}:{block.line}"
        text = self._workspace.adapted(block.text)
        if block.language == "stop":
            status, printed = self._workspace.stop()
            assert status in INTERRUPTED, f"{place}: the program ended with status {status}\n{printed}"
        elif "file" in block.directive:
            path = self._workspace.path / block.directive["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif "part" in block.directive:
            whole = (ROOT / block.directive["part"]).read_text(encoding="utf-8")
            assert squeezed(block.text) in squeezed(whole), f"{place}: that is not in {block.directive['part']}"
        elif block.language in SHELL:
            self._try_shell(block, place)
        elif block.language == "diff":
            self._apply(block.text, place)
        elif block.language == "python":
            self._programs.append(text)
        elif block.language == "seq":
            (self._workspace.path / "shown.seq").write_text(text, encoding="utf-8")
            self._expect(place, "kittiwake seq compile shown.seq -o shown.bin --topology topologies/reference.yaml", 0)
        else:
            assert block.language in UNTRIED, f"{place}: nothing tries a block of {block.language or 'no language'}"

    def finish(self) -> None:
        """Runs the programs of the document, which make up one module."""
        if self._programs:
            module = HERE + "\n".join(self._programs).replace(HERE, "")
            (self._workspace.path / "test_shown.py").write_text(module, encoding="utf-8")
            runner = "python -m pytest -q -p no:cacheprovider" if "\ndef test_" in module else "python"
            self._expect(f"{self._document.name}: its programs", f"{runner} test_shown.py", 0)

    def _try_shell(self, block: Block, place: str) -> None:
        steps = steps_of(block)
        if "instead" in block.directive:
            self._expect(place, block.directive["instead"], 0)
            return
        for step in steps:
            if "until" in block.directive and step is steps[-1]:
                printed = self._workspace.start(step.command, block.directive["until"])
            else:
                printed = self._expect(place, step.command, int(block.directive.get("status", "0")))
            missing = missing_line([self._workspace.adapted(line) for line in step.output], printed)
            assert missing is None, f"{place}: {step.command!r} does not print\n{missing}\nbut\n{printed}"

    def _expect(self, place: str, command: str, status: int) -> str:
        ended, printed = self._workspace.run(command)
        assert ended == status, f"{place}: {command!r} ended with status {ended}\n{printed}"
        return printed

    def _apply(self, text: str, place: str) -> None:
        """Changes the file of the first line; each part between two `@@`, without its plus signs, stands in it once."""
        head, *lines = text.splitlines()
        path = self._workspace.path / head.removeprefix("--- ")
        content = path.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@.*$", "\n".join(lines), flags=re.MULTILINE):
            rows = [row for row in hunk.split("\n") if row]
            before = "".join(f"{row[1:]}\n" for row in rows if not row.startswith("+"))
            after = "".join(f"{row[1:]}\n" for row in rows if not row.startswith("-"))
            assert content.count(before) == 1 or not rows, f"{place}: these lines are not once in {path.name}\n{before}"
            content = content.replace(before, after) if rows else content
        path.write_text(content, encoding="utf-8")


def squeezed(text: str) -> str:
    """A text without its indentation as a whole, and without blanks at line ends."""
    return "\n".join(line.strip() for line in dedent(text).strip().splitlines())


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_does_what_it_shows(name: str, require_peer: Callable[[str], Path]) -> None:
    document = ROOT / name
    blocks = list(read_blocks(document))
    if any(".venv-peers" in block.text for block in blocks):
        require_peer("fprime-gds")
    with Workspace() as workspace:
        story = Story(document, workspace)
        for block in blocks:
            story.try_block(block)
        story.finish()


def test_no_document_is_forgotten() -> None:
    found = {str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
    assert found == set(DOCUMENTS)


def test_a_shown_line_may_differ_in_numbers_and_where_it_leaves_out() -> None:
    printed = "2026-325T03:28:33  COMMAND  Opcode 0x10 completed\nlink: tcp\n"
    assert missing_line(["2031-001T00:00:00 COMMAND ...", "link: tcp"], printed) is None
    assert (
        missing_line(["link: tcp", "... COMMAND Opcode 0x1 completed"], printed) == "... COMMAND Opcode 0x1 completed"
    )
    assert missing_line(["link: udp"], printed) == "link: udp"
