"""Plots as text: eight dots a character (Unicode braille patterns), or # where the terminal cannot show these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.plot.panel import time_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake_ground.commands.plot.panel import Panel

LABEL_COLUMNS = 11
LIMIT_COLUMNS = 7
LEAST_COLUMNS = 40
LEAST_ROWS = 3
MOST_COLUMNS = 1000
MOST_ROWS = 1000

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800


def plot_columns(columns: int) -> int:
    """How many of a terminal's columns are there for values."""
    return min(max(columns, LEAST_COLUMNS), MOST_COLUMNS) - LABEL_COLUMNS - LIMIT_COLUMNS


def plot_text(panels: Sequence[Panel], columns: int, rows: int, braille: bool = True) -> str:
    """The panels below one another, as wide and as high as the terminal where that is enough."""
    each = min(max((rows - 1) // max(len(panels), 1) - 2, LEAST_ROWS), MOST_ROWS)
    lines = [line for panel in panels for line in _panel_lines(panel, plot_columns(columns), each, braille)]
    return "\n".join([line.rstrip() for line in lines]) + "\n"


class _Canvas:
    """Dots, two across and four down a character."""

    def __init__(self, columns: int, rows: int) -> None:
        self.width, self.height = columns * 2, rows * 4
        self._cells = [[0] * columns for _ in range(rows)]

    def column(self, x: int, low: float, high: float) -> None:
        """Sets the dots of a column between two places from 0 (below) to 1."""
        top, bottom = [round((1 - place) * (self.height - 1)) for place in (high, low)]
        for y in range(top, bottom + 1):
            self._cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]

    def row(self, number: int, empty: str, braille: bool) -> str:
        """The text of a row, with `empty` where no dot is."""
        full = [chr(_BLANK + cell) if braille else "#" for cell in self._cells[number]]
        return "".join([shown if cell else empty for cell, shown in zip(self._cells[number], full, strict=True)])


def _panel_lines(panel: Panel, columns: int, rows: int, braille: bool) -> list[str]:
    canvas, axis = _Canvas(columns, rows), panel.axis()
    _draw(canvas, panel)
    limits = {
        round((1 - axis.place(limit.value)) * (rows - 1)): limit.colour
        for limit in panel.limits
        if axis.low <= limit.value <= axis.high
    }
    edge, dash = ("┤", "╌") if braille else ("|", "-")
    ticks = dict(zip((0, rows // 2, rows - 1), axis.ticks(3), strict=True))
    lines = [panel.title()]
    for row in range(rows):
        label = f"{ticks[row]:.4g}" if row in ticks else ""
        shown = canvas.row(row, dash if row in limits else " ", braille)
        lines.append(f"{label:>{LABEL_COLUMNS - 1}}{edge}{shown} {limits.get(row, '')}")
    return [*lines, " " * LABEL_COLUMNS + _time_line(panel, columns)]


def _draw(canvas: _Canvas, panel: Panel) -> None:
    """Draws what lies between the extremes, and joins the means where they do not meet."""
    axis, last = panel.axis(), canvas.width - 1
    for run in panel.runs():
        joined = list(zip(run, [*run[1:], None], strict=True))
        for point, after in joined:
            here = round(panel.across(point.time_us) * last)
            canvas.column(here, axis.place(point.low), axis.place(point.high))
            if after is None:
                continue
            there = round(panel.across(after.time_us) * last)
            begin, end = axis.place(point.mean), axis.place(after.mean)
            for x in range(here, there):
                first, second = [begin + (end - begin) * (at - here) / (there - here) for at in (x, x + 1)]
                canvas.column(x, min(first, second), max(first, second))


def _time_line(panel: Panel, columns: int) -> str:
    first, middle, last = time_labels(panel, 3)
    if len(first) + len(middle) + len(last) + 4 > columns:
        middle = ""
    if len(first) + len(last) + 1 > columns:
        return first[:columns]
    line = f"{first}{last:>{columns - len(first)}}"
    start = (columns - len(middle)) // 2
    if not middle or line[start - 1 : start + len(middle) + 1].strip():
        return line
    return line[:start] + middle + line[start + len(middle) :]
