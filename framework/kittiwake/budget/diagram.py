"""The wire diagram of a packet as text: 32 bits a row, and a table of its fields below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.budget.fields import BITS
from kittiwake.budget.report import table
from kittiwake.budget.rows import ROW_BITS, label_cells, labels_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake.budget.fields import Field
    from kittiwake.budget.rows import Row

_MARGIN = 7
_COLUMNS_PER_BIT = 2


def diagram_text(title: str, fields: Sequence[Field], remark: str = "") -> str:
    """The diagram of fields that follow one another, under a title."""
    rows = rows_of(fields)
    labels = labels_of(fields, rows, _COLUMNS_PER_BIT)
    at = {place: labels[index] for index, place in label_cells(rows).items()}
    lines = [title, *([remark] if remark else []), "", *_scale()]
    above: list[int | None] = []
    for number, row in enumerate(rows):
        owners = _owners(row)
        lines.append(_rule(above, owners))
        lines.append(_row(row, number, at))
        above = owners
    lines += [_rule(above, []), "", *_legend(fields, labels)]
    return "\n".join([line.rstrip() for line in lines]) + "\n"


def _scale() -> list[str]:
    tens = "".join([f"{bit // 10:<2}" if bit % 10 == 0 else "  " for bit in range(ROW_BITS)])
    ones = " ".join([str(bit % 10) for bit in range(ROW_BITS)])
    return ["byte".rjust(_MARGIN - 1) + "  " + tens, " " * (_MARGIN + 1) + ones]


def _owners(row: Row) -> list[int | None]:
    """Which field each bit of a row belongs to; a cut row is one of its own, so that it has a rule above and below."""
    owners: list[int | None] = []
    for cell in row.cells:
        owners += [cell.field] * cell.bits
    return owners


def _rule(above: Sequence[int | None], below: Sequence[int | None]) -> str:
    """The line between two rows, open where one field goes on."""
    parts = []
    before = " "
    for bit in range(ROW_BITS):
        upper = above[bit] if bit < len(above) else None
        lower = below[bit] if bit < len(below) else None
        mark = " " if upper == lower else "-"
        parts.append("+" if "-" in (mark, before) else _post(above, below, bit))
        parts.append(mark)
        before = mark
    parts.append("+" if before == "-" else _post(above, below, ROW_BITS))
    return " " * _MARGIN + "".join(parts)


def _post(above: Sequence[int | None], below: Sequence[int | None], bit: int) -> str:
    """What stands in an open rule at a bit: the side of a row that goes on."""
    return "+" if bit in (0, ROW_BITS) and (above or below) and bit <= max(len(above), len(below)) else " "


def _row(row: Row, number: int, at: dict[tuple[int, int], str]) -> str:
    text = str(row.byte).rjust(_MARGIN - 1) + " "
    end = "|"
    for place, cell in enumerate(row.cells):
        side = "/" if cell.is_cut else "|"
        end = side
        text += side + at.get((number, place), "").center(cell.bits * _COLUMNS_PER_BIT - 1)
    return text + end


def _legend(fields: Sequence[Field], labels: dict[int, str]) -> list[str]:
    rows = [("", "at", "bits", "layer", "field", "type", "value")]
    bit = 0
    for index, field in enumerate(fields):
        label = labels[index] if len(labels[index]) == 1 else ""
        place = f"{bit // BITS}" + (f".{bit % BITS}" if bit % BITS or field.bits % BITS else "")
        bits = f"≤ {field.bits}" if field.varies else str(field.bits)
        rows.append((label, place, bits, field.layer, field.name, field.type, field.value))
        bit += field.bits
    return table(rows, left=(0, 3, 4, 5, 6))
