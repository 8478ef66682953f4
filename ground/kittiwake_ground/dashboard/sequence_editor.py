"""The editor of a sequence: its text with every fault at its line, and the times of its dry run."""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.fault_marks import fault_marks
from kittiwake_ground.dashboard.life_html import breakable, clock_text
from kittiwake_ground.dashboard.page import complain
from kittiwake_ground.dashboard.run_steps import offset_text
from kittiwake_ground.dashboard.sequence_colours import colour_marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.sequence.timeline import Step
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.sequences import CheckedSequence

SETTLE_S = 0.35
"""How long nothing is typed before the text is checked."""

MAX_STEPS = 500
"""The most steps of a dry run that are shown."""


class SequenceEditor:
    """Checks the text while it is written. `changed` is told of every change and of every check."""

    def __init__(self, context: Context, changed: Callable[[], None], save: Callable[[], object]) -> None:
        self._context = context
        self._changed = changed
        self._count = 0
        self.checked: CheckedSequence | None = None
        """What the check of the text as it stands has found; `None` until then."""
        self.name = "sequence"
        self._editor = ui.codemirror("", on_change=self._typed, line_wrapping=True, indent="  ", keymap={"Mod-s": save})
        self._editor.classes("kw-editor kw-wide")

    @property
    def text(self) -> str:
        """What is written."""
        return str(self._editor.value or "")

    async def open(self, name: str, text: str) -> None:
        """Shows another text."""
        self.name = name
        self._editor.decorations = []
        if self._editor.value == text:
            await self._check(self._count)
        else:
            self._editor.set_value(text)

    def reveal(self, line: int) -> None:
        """Scrolls to a line."""
        self._editor.reveal_line(line)

    async def _typed(self) -> None:
        self._count += 1
        count = self._count
        self.checked = None
        self._changed()
        await asyncio.sleep(SETTLE_S)
        if count == self._count:
            await self._check(count)

    async def _check(self, count: int) -> None:
        text = self.text
        try:
            checked = await asyncio.to_thread(self._context.deployment.sequences.check, text, self.name)
        except ValueError as fault:
            complain(fault)
            return
        if count == self._count:
            self.checked = checked
            self._editor.decorations = colour_marks(text) + fault_marks(text, checked.faults)
            self._changed()


def dry_run_html(steps: tuple[Step, ...]) -> str:
    """The steps of a dry run: when from the start, when by the clock if it started now, and what."""
    rows = []
    for step in steps[:MAX_STEPS]:
        late = (
            ' <span class="kw-chip kw-chip-warning" title="its time has passed by then">late</span>'
            if step.late
            else ""
        )
        rows.append(
            f"<tr><td>{step.number + 1}</td><td class='kw-mono'>{offset_text(step.offset_us)}{late}</td>"
            f"<td class='kw-mono kw-muted kw-clock'>{clock_text(step.at_us)[:8]}</td>"
            f"<td class='kw-mono kw-what'>{breakable(step.command)}</td></tr>"
        )
    more = f"<p class='kw-muted'>and {len(steps) - MAX_STEPS} more steps</p>" if len(steps) > MAX_STEPS else ""
    return (
        "<table class='kw-timeline'><thead><tr><th>#</th><th>From the start</th><th class='kw-clock'>If run now</th>"
        f"<th>Command</th></tr></thead><tbody>{''.join(rows)}</tbody></table>{more}"
    )


def faults_html(checked: CheckedSequence) -> str:
    """The faults of a text as a list."""
    rows = "".join(
        f'<button type="button" class="kw-fault" data-line="{fault.line}"><b>line {fault.line}</b> '
        f"{escape(fault.message)}{f' <i>{escape(fault.hint)}</i>' if fault.hint else ''}</button>"
        for fault in checked.faults[:MAX_STEPS]
    )
    return f'<div class="kw-faults">{rows}</div>'
