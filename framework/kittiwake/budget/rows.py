"""Cuts fields into rows of 32 bits, as wire diagrams show them (in the manner of RFC 791)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake.budget.fields import Field

ROW_BITS = 32
MAX_WHOLE_ROWS = 3
"""A field that fills more whole rows is drawn as one row that stands for them."""


class Cell(NamedTuple):
    """A part of one field in one row; `start` is its first bit in the row, `is_cut` tells that rows are left out."""

    field: int
    start: int
    bits: int
    is_cut: bool


class Row(NamedTuple):
    """One row: the byte at which it starts, and its cells."""

    byte: int
    cells: tuple[Cell, ...]


def rows_of(fields: Sequence[Field]) -> list[Row]:
    """The rows of fields that follow one another from bit 0."""
    rows: list[Row] = []
    cells: list[Cell] = []
    at = 0
    for index, field in enumerate(fields):
        left = field.bits
        while left:
            column = at % ROW_BITS
            whole = left // ROW_BITS if column == 0 else 0
            is_cut = whole > MAX_WHOLE_ROWS
            taken = min(ROW_BITS - column, left)
            cells.append(Cell(index, column, taken, is_cut))
            step = whole * ROW_BITS if is_cut else taken
            if column + taken == ROW_BITS:
                rows.append(Row((at - column) // 8, tuple(cells)))
                cells = []
            at += step
            left -= step
    if cells:
        rows.append(Row((at - at % ROW_BITS) // 8, tuple(cells)))
    return rows


def labels_of(fields: Sequence[Field], rows: Iterable[Row], columns_per_bit: int) -> dict[int, str]:
    """What stands in each field's widest cell: its last name where that has room, else a letter of the table below."""
    widest: dict[int, int] = {}
    for row in rows:
        for cell in row.cells:
            widest[cell.field] = max(widest.get(cell.field, 0), cell.bits)
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    labels = {}
    for index, field in enumerate(fields):
        short = short_name(field)
        room = widest[index] * columns_per_bit - 1
        labels[index] = short if len(short) <= room else next(letters, "*")
    return labels


def short_name(field: Field) -> str:
    """The field's name without the instance that it belongs to."""
    return field.name.rpartition(".")[2] or field.name


def label_cells(rows: Sequence[Row]) -> dict[int, tuple[int, int]]:
    """Where each field's label stands: (row, cell) of the first of its widest parts."""
    best: dict[int, tuple[int, int, int]] = {}
    for number, row in enumerate(rows):
        for place, cell in enumerate(row.cells):
            if cell.bits > best.get(cell.field, (0, 0, 0))[0]:
                best[cell.field] = (cell.bits, number, place)
    return {index: (number, place) for index, (_, number, place) in best.items()}
