"""Pages as typed data: rows of label, value, unit and bar."""

from __future__ import annotations

import math
from struct import Struct

from kittiwake.named_tuple import NamedTuple

MAX_ROWS = 12
MAX_PAGES = 16
TEXT_SIZE_MAX = 80
NONE = "-"
"""What stands for a value that is not known; Pillow's font has no longer dash."""
_BAR = Struct(">f")
_NO_BAR = float("nan")


class Row(NamedTuple):
    """One line: `bar` is how full it is drawn, from 0 to 1; `None` for a row without one."""

    label: str
    value: str
    unit: str = ""
    bar: float | None = None


class Page(NamedTuple):
    """A page. Its first row is drawn large if it has a bar."""

    title: str
    rows: tuple[Row, ...] = ()

    @property
    def hero(self) -> Row | None:
        """The row that is drawn large."""
        return self.rows[0] if self.rows and self.rows[0].bar is not None else None


class Source(NamedTuple):
    """A row as a topology declares it: `LABEL: instance.Channel`, and for a bar its range, `LOW..HIGH`."""

    label: str
    channel: str
    low: float = 0.0
    high: float = 0.0

    def row(self, value: str, unit: str, number: float | None) -> Row:
        """The row of a value; a bar stands only beside a number."""
        if self.low == self.high:
            return Row(self.label, value, unit)
        share = 0.0 if number is None or math.isnan(number) else (number - self.low) / (self.high - self.low)
        return Row(self.label, value, unit, min(max(share, 0.0), 1.0))


def read_source(text: str) -> Source:
    """A declared row. Raises `ValueError` that says what is wrong."""
    label, colon, rest = text.partition(":")
    words = rest.split()
    if not colon or not label.strip() or not 1 <= len(words) <= 2 or "." not in words[0]:
        raise ValueError(f"{text!r}: 'LABEL: instance.Channel' is wanted, or 'LABEL: instance.Channel LOW..HIGH'")
    if len(words) == 1:
        return Source(label.strip(), words[0])
    low, dots, high = words[1].partition("..")
    try:
        span = float(low), float(high)
    except ValueError:
        span = 0.0, 0.0
    if not dots or not span[0] < span[1] or not all(map(math.isfinite, span)):
        raise ValueError(f"{text!r}: a bar's range is LOW..HIGH, not {words[1]!r}")
    return Source(label.strip(), words[0], *span)


def pack_rows(rows: tuple[Row, ...] | list[Row]) -> bytes:
    """Rows for the port ShowPage: each three texts (length U8, UTF-8), and its bar as F32, NaN for none.

    Raises `ValueError` for more than `MAX_ROWS` rows, and for texts of more than `TEXT_SIZE_MAX` bytes.
    """
    if len(rows) > MAX_ROWS:
        raise ValueError(f"a page has at most {MAX_ROWS} rows, not {len(rows)}")
    parts = []
    for row in rows:
        for text in (row.label, row.value, row.unit):
            packed = text.encode()
            if len(packed) > TEXT_SIZE_MAX:
                raise ValueError(f"{text!r} takes {len(packed)} bytes, more than {TEXT_SIZE_MAX}")
            parts.append(bytes([len(packed)]) + packed)
        parts.append(_BAR.pack(_NO_BAR if row.bar is None else row.bar))
    return b"".join(parts)


def unpack_rows(data: bytes) -> tuple[Row, ...]:
    """The rows that `pack_rows` packed. Raises `ValueError` for anything else."""
    rows: list[Row] = []
    place = 0
    while place < len(data):
        texts = []
        for _ in range(3):
            end = place + 1 + data[place] if place < len(data) else len(data) + 1
            if end > len(data) or end - place - 1 > TEXT_SIZE_MAX:
                raise ValueError(f"row {len(rows) + 1} of the page is cut off or too long")
            texts.append(data[place + 1 : end].decode())
            place = end
        if place + _BAR.size > len(data) or len(rows) == MAX_ROWS:
            raise ValueError(f"row {len(rows) + 1} of the page is cut off, or one too many")
        (bar,) = _BAR.unpack_from(data, place)
        place += _BAR.size
        label, value, unit = texts
        rows.append(Row(label, value, unit, None if math.isnan(bar) else min(max(bar, 0.0), 1.0)))
    return tuple(rows)
