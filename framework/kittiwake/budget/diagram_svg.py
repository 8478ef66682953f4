"""The wire diagram of a packet as SVG: 32 bits a row, a colour for each layer, types and places as tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from kittiwake.budget.fields import BITS, FILL, FRAME, PACKET, SPACE, VALUE
from kittiwake.budget.rows import ROW_BITS, label_cells, rows_of, short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake.budget.fields import Field
    from kittiwake.budget.rows import Cell

BIT_WIDTH = 26
ROW_HEIGHT = 30
LEFT = 56
TOP = 76
CHARACTER_WIDTH = 7
MIN_SHORTENED = 4
"""Fewer letters than these name nothing; the tooltip does."""

COLOURS = {FRAME: "#dbe7f0", SPACE: "#e3ecd9", PACKET: "#f6ecd2", VALUE: "#ffffff", FILL: "#ececec"}

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1c2733}.paper{fill:#fff}.title{font-weight:bold;font-size:15px}"
    ".bit,.byte{font-size:10px;fill:#51606c}rect.cell{stroke:#51606c}.cut{stroke-dasharray:4 3}"
)


def diagram_svg(title: str, fields: Sequence[Field], remark: str = "") -> str:
    """The diagram of fields that follow one another, as one SVG document."""
    rows = rows_of(fields)
    named = {place: index for index, place in label_cells(rows).items()}
    starts = _starts(fields)
    width = LEFT + ROW_BITS * BIT_WIDTH + 20
    height = TOP + len(rows) * ROW_HEIGHT + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}" rx="10"/>',
        f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>',
        f'<text class="byte" x="{LEFT}" y="46">{escape(remark)}</text>',
        *[_bit_number(bit) for bit in range(ROW_BITS)],
    ]
    for number, row in enumerate(rows):
        y = TOP + number * ROW_HEIGHT
        parts.append(f'<text class="byte" x="{LEFT - 8}" y="{y + 19}" text-anchor="end">{row.byte}</text>')
        for place, cell in enumerate(row.cells):
            parts.append(_cell(cell, fields[cell.field], starts[cell.field], y, named=(number, place) in named))
    parts += [*_legend(fields, TOP + len(rows) * ROW_HEIGHT + 14), "</svg>"]
    return "\n".join(parts) + "\n"


def _bit_number(bit: int) -> str:
    middle = LEFT + bit * BIT_WIDTH + BIT_WIDTH // 2
    return f'<text class="bit" x="{middle}" y="{TOP - 8}" text-anchor="middle">{bit}</text>'


def _starts(fields: Sequence[Field]) -> list[int]:
    starts = []
    bit = 0
    for field in fields:
        starts.append(bit)
        bit += field.bits
    return starts


def _cell(cell: Cell, field: Field, start: int, y: int, *, named: bool) -> str:
    x = LEFT + cell.start * BIT_WIDTH
    width = cell.bits * BIT_WIDTH
    kind = "cell cut" if cell.is_cut else "cell"
    text = ""
    if named:
        label = _fitting(field, width)
        text = f'<text x="{x + width // 2}" y="{y + 19}" text-anchor="middle">{escape(label)}</text>'
    return (
        f"<g><title>{escape(_tooltip(field, start))}</title>"
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{ROW_HEIGHT}" fill="{COLOURS[field.layer]}"/>'
        f"{text}</g>"
    )


def _fitting(field: Field, width: int) -> str:
    """The longest of what may name a field that has room: name and type, the name, its beginning."""
    room = (width - 6) // CHARACTER_WIDTH
    name = short_name(field)
    value = f" = {field.value}" if field.value else ""
    for text in (f"{name}: {field.type}{value}", f"{name}{value}", name):
        if len(text) <= room:
            return text
    return f"{name[: room - 1]}…" if room > MIN_SHORTENED else ""


def _tooltip(field: Field, start: int) -> str:
    """What a reader learns who points at a field."""
    least = "at most " if field.varies else ""
    value = f", always {field.value}" if field.value else ""
    place = f"byte {start // BITS}" + (f", bit {start % BITS}" if start % BITS else "")
    return f"{field.name}: {field.type}, {least}{field.bits} bits at {place}{value} ({field.layer})"


def _legend(fields: Sequence[Field], y: int) -> list[str]:
    parts = []
    x = LEFT
    for layer in dict.fromkeys([field.layer for field in fields]):
        parts.append(f'<rect class="cell" x="{x}" y="{y}" width="14" height="14" fill="{COLOURS[layer]}"/>')
        parts.append(f'<text x="{x + 20}" y="{y + 12}">{escape(layer)}</text>')
        x += 40 + len(layer) * CHARACTER_WIDTH
    return parts
