"""Draws a page: a heading, the large figure with its bar if there is one, and rows. Imports Pillow when called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.display.lettering import Lettering
from kittiwake_components.display.symbols import draw_bar, draw_battery, draw_symbol

if TYPE_CHECKING:
    from PIL import Image

    from kittiwake_components.display.pages import Page, Row


class Colours(NamedTuple):
    """What a picture is drawn in: one set for panels of one bit, one for those of colours."""

    paper: Any
    ink: Any
    faint: Any
    """Labels and units."""
    rule: Any
    heading: Any
    heading_ink: Any
    good: Any
    low: Any


ONE_BIT = Colours(1, 0, 0, 0, 0, 1, 0, 0)
LIT = Colours(0, 1, 1, 1, 1, 0, 1, 1)
"""One bit on a panel that shines: the dark is its paper."""
COLOUR = Colours("#ffffff", "#14202b", "#5c6b78", "#d5dde3", "#14334f", "#ffffff", "#1f7a4d", "#c0392b")
LOW_SHARE = 0.2


class Sizes(NamedTuple):
    """The measures of a picture in pixels, by its height."""

    margin: int
    heading: int
    title: int
    label: int
    value: int
    hero: tuple[int, ...]
    """Of the large figure, the largest first."""
    row: int
    stacked: int
    """Of a row whose label stands above its value."""


_TINY = Sizes(2, 13, 11, 11, 11, (24, 22), 12, 24)
_SMALL = Sizes(6, 20, 14, 12, 15, (46, 38, 30), 19, 31)


def _sizes(width: int, height: int) -> Sizes:
    if height <= 80:
        return _TINY
    if height <= 160:
        return _SMALL
    unit = min(width, height) / 320
    hero = (round(96 * unit), round(72 * unit), round(50 * unit))
    margin, heading, title, label, value, row, stacked = (round(n * unit) for n in (18, 44, 23, 18, 26, 46, 76))
    return Sizes(margin, heading, title, label, value, hero, row, stacked)


def draw_page(page: Page, size: tuple[int, int], colours: Colours, mode: str, font: str) -> Image.Image:
    """The picture of a page, `size` pixels wide and high, in Pillow's mode `1` or `RGB`."""
    from PIL import Image

    image = Image.new(mode, size, colours.paper)
    if page.title or page.rows:
        _Drawing(image, colours, font).draw(page)
    return image


class _Drawing:
    def __init__(self, image: Image.Image, colours: Colours, font: str) -> None:
        from PIL import ImageDraw

        self._pen = ImageDraw.Draw(image)
        self._width, self._height = image.size
        self._colours = colours
        self._sizes = _sizes(*image.size)
        self._letters = Lettering(image, font)

    def draw(self, page: Page) -> None:
        sizes, rows = self._sizes, page.rows
        left, right = sizes.margin, self._width - sizes.margin
        if page.hero is not None and self._is_tiny:
            self._strip(page.hero)
            self._rows(rows[1:], left, right, sizes.hero[0] + 1, self._height)
            return
        self._heading(page)
        top, bottom = sizes.heading + 1, self._height
        if page.hero is None:
            self._rows(rows, left, right, top, bottom)
        elif self._width >= 1.3 * self._height:
            split = round(self._width * 0.42)
            self._hero(page.hero, left, split - sizes.margin, top, bottom)
            self._pen.line((split, top + sizes.margin, split, bottom - sizes.margin), fill=self._colours.rule)
            self._rows(rows[1:], split + sizes.margin, right, top, bottom)
        else:
            middle = top + (bottom - top) * 2 // 5
            self._hero(page.hero, left, right, top, middle)
            self._rows(rows[1:], left, right, middle, bottom)

    @property
    def _is_tiny(self) -> bool:
        return self._sizes is _TINY

    def _strip(self, row: Row) -> None:
        """The large figure of a panel that has no room for a heading: its bar to the left, the figure to the right."""
        sizes, colours = self._sizes, self._colours
        height = sizes.hero[0]
        text = f"{row.value} {row.unit}".rstrip()
        size = self._letters.fit(text, sizes.hero, self._width // 2)
        text = self._letters.cut(text, size, self._width * 5 // 8)
        right = self._width - sizes.margin
        used = self._letters.write(right, _baseline(0, height - 2, size), text, size, colours.ink, "r")
        self._gauge(row, (sizes.margin, 3, right - used - 8, height - 6), row.bar or 0.0)
        self._pen.line((0, height - 1, self._width, height - 1), fill=colours.rule)

    def _gauge(self, row: Row, box: tuple[int, int, int, int], share: float) -> None:
        colours = self._colours
        charge = colours.low if share < LOW_SHARE else colours.good
        if row.label.lower().startswith("battery"):
            draw_battery(self._pen, box, share, colours.ink, charge)
        else:
            draw_bar(self._pen, box, share, colours.ink, charge)

    def _heading(self, page: Page) -> None:
        sizes, colours = self._sizes, self._colours
        self._pen.rectangle((0, 0, self._width, sizes.heading - 1), fill=colours.heading)
        side = sizes.heading * 3 // 5
        inset = (sizes.heading - side) // 2
        draw_symbol(self._pen, page.title, sizes.margin + 1, inset, side, colours.heading_ink)
        left = sizes.margin + side + side // 2 + 2
        title = self._letters.cut(page.title, sizes.title, self._width - left - sizes.margin)
        self._letters.write(left, _baseline(0, sizes.heading, sizes.title), title, sizes.title, colours.heading_ink)

    def _hero(self, row: Row, left: int, right: int, top: int, bottom: int) -> None:
        sizes, colours, letters = self._sizes, self._colours, self._letters
        room = right - left
        gap_to_unit = sizes.value // 4
        unit_width = letters.width(row.unit, sizes.value) + gap_to_unit if row.unit else 0
        size = letters.fit(row.value, sizes.hero, room - unit_width)
        value = letters.cut(row.value, size, room - unit_width)
        label_height, figure_height = sizes.label * 3 // 4, size * 3 // 4
        bar_height = max(9, round((bottom - top) * 0.24))
        gap = max(2, (bottom - top - bar_height - figure_height - label_height) // 4)
        base = top + gap + label_height
        letters.write(left, base, letters.cut(row.label, sizes.label, room), sizes.label, colours.faint)
        base += gap + figure_height
        width = letters.write(left, base, value, size, colours.ink)
        letters.write(left + width + gap_to_unit, base, row.unit, sizes.value, colours.faint)
        self._gauge(row, (left, base + gap, right, base + gap + bar_height), row.bar or 0.0)

    def _rows(self, rows: tuple[Row, ...], left: int, right: int, top: int, bottom: int) -> None:
        """As many rows as there is room for, spread evenly."""
        sizes, space = self._sizes, bottom - top
        are_stacked = self._stacks(rows, right - left, space)
        heights = [sizes.stacked if stacked else sizes.row for stacked in are_stacked]
        count = len(rows)
        while count > 1 and sum(heights[:count]) > space:
            count -= 1
        if not count:
            return
        used = sum(heights[:count])
        spread = min(space / used, 1.5)
        place = top + (space - used * spread) / 2
        for number, row in enumerate(rows[:count]):
            edge, height = round(place), round(heights[number] * spread)
            if number and not self._is_tiny and height > 2 * sizes.label:
                self._pen.line((left, edge, right, edge), fill=self._colours.rule)
            (self._stacked if are_stacked[number] else self._line)(row, left, right, edge, height)
            place += heights[number] * spread

    def _stacks(self, rows: tuple[Row, ...], room: int, space: int) -> list[bool]:
        """Which rows have the label above the value: all where one is long, or else those that are; as it has room."""
        sizes = self._sizes
        are_long = [self._is_long(row, room) for row in rows]
        if any(are_long) and len(rows) * sizes.stacked <= space:
            return [True] * len(rows)
        count = sum(are_long)
        return are_long if count * sizes.stacked + (len(rows) - count) * sizes.row <= space else [False] * len(rows)

    def _is_long(self, row: Row, room: int) -> bool:
        sizes, letters = self._sizes, self._letters
        room -= room // 4 + sizes.label // 2 if row.bar is not None else 0
        value = letters.width(row.value, sizes.value) + 2
        label = letters.width(row.label, sizes.label) + letters.width(row.unit, sizes.label) + sizes.label * 2 // 3
        return value > room * 2 // 3 or label + value > room

    def _line(self, row: Row, left: int, right: int, top: int, height: int) -> None:
        sizes, colours, letters = self._sizes, self._colours, self._letters
        base = _baseline(top, height, sizes.value)
        place = right
        if row.bar is not None:
            place -= (right - left) // 4
            middle, thick = top + height // 2, max(2, sizes.label // 4)
            draw_bar(self._pen, (place, middle - thick, right, middle + thick), row.bar, colours.ink, colours.ink)
            place -= sizes.label // 2
        if row.unit:
            place -= letters.write(place, base, row.unit, sizes.label, colours.faint, "r") + sizes.label // 3
        value = letters.cut(row.value, sizes.value, (place - left) * 2 // 3)
        place -= self._write_value(place, base, value, sizes.value, "r") + sizes.label // 3
        letters.write(left, base, letters.cut(row.label, sizes.label, place - left), sizes.label, colours.faint)

    def _stacked(self, row: Row, left: int, right: int, top: int, height: int) -> None:
        sizes, colours, letters = self._sizes, self._colours, self._letters
        gap = max(1, (height - sizes.label - sizes.value) // 3)
        base = top + gap + sizes.label * 7 // 8
        letters.write(left, base, letters.cut(row.label, sizes.label, right - left), sizes.label, colours.faint)
        base = top + height - gap - sizes.value // 5
        place = right
        if row.bar is not None:
            place -= (right - left) // 3
            box = (place, base - sizes.label // 2, right, base)
            draw_bar(self._pen, box, row.bar, colours.ink, colours.ink)
            place -= sizes.label // 2
        room = place - left - (letters.width(row.unit, sizes.label) + sizes.label // 4 if row.unit else 0)
        size = letters.fit(row.value, (sizes.value, sizes.label), room)
        used = self._write_value(left, base, letters.cut(row.value, size, room), size, "l")
        letters.write(left + used + sizes.label // 4, base, row.unit, sizes.label, colours.faint)

    def _write_value(self, x: int, base: int, text: str, size: int, anchor: str) -> int:
        """A value stands out by its colour, or in one bit by its strokes, where there is room for such."""
        bold = self._colours.faint == self._colours.ink and not self._is_tiny
        write = self._letters.write_bold if bold else self._letters.write
        return write(x, base, text, size, self._colours.ink, anchor)


def _baseline(top: int, height: int, size: int) -> int:
    """Where a line of text stands to be in the middle of a strip."""
    return top + (height + size * 7 // 10) // 2


def draw_test_pattern(size: tuple[int, int], colours: Colours, mode: str) -> Image.Image:
    """Edges, diagonals, stripes of every fineness and (in colours) a scale: shows dead lines and a turned panel."""
    from PIL import Image, ImageDraw

    width, height = size
    image = Image.new(mode, size, colours.paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width - 1, height - 1), outline=colours.ink)
    pen.line((0, 0, width - 1, height - 1), fill=colours.ink)
    pen.line((0, height - 1, width - 1, 0), fill=colours.ink)
    strip = height // 5
    for number in range(4):
        pitch = 1 << number
        left = width * (number + 1) // 6
        for x in range(left, left + width // 6, 2 * pitch):
            pen.rectangle((x, 2 * strip, x + pitch - 1, 3 * strip), fill=colours.ink)
    pen.rectangle((3, 3, strip, strip), fill=colours.ink)  # the corner that is at the top left
    if mode != "1":
        for x in range(width // 6, width * 5 // 6):
            level = 255 * (x - width // 6) // (width * 4 // 6)
            pen.line((x, 3 * strip + strip // 2, x, 4 * strip), fill=(level, level, level))
    return image
