"""Plots as pictures: lines, areas and labels in pixels, written as SVG or drawn as PNG."""

from __future__ import annotations

from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.commands.plot.panel import time_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake_ground.commands.plot.panel import Panel

WIDTH, PANEL_HEIGHT = 960, 220
LEFT, RIGHT, TOP, BOTTOM = 80, 60, 26, 26
TEXT_SIZE = 12
PLOT_PIXELS = WIDTH - LEFT - RIGHT
GRID, INK, CURVE, ENVELOPE = "#e2e8f0", "#334155", "#2563eb", "#bfdbfe"
LIMIT_COLOURS = {"yellow": "#ca8a04", "orange": "#ea580c", "red": "#dc2626"}

Place = tuple[float, float]


class Line(NamedTuple):
    """A line through places."""

    places: Sequence[Place]
    colour: str


class Area(NamedTuple):
    """What places surround."""

    places: Sequence[Place]
    colour: str


class Label(NamedTuple):
    """A text whose `anchor` (start, middle or end) is at a place, as high as that."""

    place: Place
    text: str
    anchor: str
    colour: str = INK


def _shapes(panels: Sequence[Panel]) -> list[Line | Area | Label]:
    return [shape for number, panel in enumerate(panels) for shape in _panel_shapes(panel, number * PANEL_HEIGHT)]


def _panel_shapes(panel: Panel, top: int) -> list[Line | Area | Label]:
    axis = panel.axis()

    def x(time_us: int) -> float:
        return round(LEFT + PLOT_PIXELS * panel.across(time_us), 1)

    def y(value: float) -> float:
        return round(top + TOP + (PANEL_HEIGHT - TOP - BOTTOM) * (1 - axis.place(value)), 1)

    right, middle_us = WIDTH - RIGHT, (panel.start_us + panel.end_us) // 2
    shapes: list[Line | Area | Label] = [Label((LEFT, top + 12), panel.title(), "start")]
    for tick in axis.ticks(5):
        shapes.append(Line([(LEFT, y(tick)), (right, y(tick))], GRID))
        shapes.append(Label((LEFT - 6, y(tick)), f"{tick:.4g}", "end"))
    times = zip(
        (panel.start_us, middle_us, panel.end_us), time_labels(panel, 3), ("start", "middle", "end"), strict=True
    )
    shapes += [Label((x(at_us), top + PANEL_HEIGHT - 12), text, anchor) for at_us, text, anchor in times]
    for run in panel.runs():
        above = [(x(point.time_us), y(point.high)) for point in run]
        below = [(x(point.time_us), y(point.low)) for point in run]
        shapes.append(Area([*above, *reversed(below)], ENVELOPE))
    for run in panel.runs():
        ends = run if len(run) > 1 else run * 2
        shapes.append(Line([(x(point.time_us), y(point.mean)) for point in ends], CURVE))
    for limit in panel.limits:
        if axis.low <= limit.value <= axis.high:
            colour = LIMIT_COLOURS.get(limit.colour, INK)
            shapes.append(Line([(LEFT, y(limit.value)), (right, y(limit.value))], colour))
            shapes.append(Label((right + 4, y(limit.value)), limit.colour, "start", colour))
    return shapes


def plot_svg(panels: Sequence[Panel]) -> str:
    """The panels below one another as SVG."""
    height = PANEL_HEIGHT * len(panels)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="{TEXT_SIZE}">\n<rect width="{WIDTH}" height="{height}" fill="white"/>'
    )
    return "\n".join([head, *[_svg(shape) for shape in _shapes(panels)], "</svg>\n"])


def _svg(shape: Line | Area | Label) -> str:
    if isinstance(shape, Label):
        x, y = shape.place
        how = f'text-anchor="{shape.anchor}" fill="{shape.colour}"'
        return f'<text x="{x}" y="{y}" dy="4" {how}>{escape(shape.text)}</text>'
    places = " ".join([f"{x},{y}" for x, y in shape.places])
    if isinstance(shape, Area):
        return f'<polygon points="{places}" fill="{shape.colour}" stroke="{shape.colour}"/>'
    return f'<polyline points="{places}" fill="none" stroke="{shape.colour}" stroke-linecap="square"/>'


def plot_png(panels: Sequence[Panel]) -> bytes:
    """The same as PNG. Raises `ImportError` without Pillow."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH, PANEL_HEIGHT * max(len(panels), 1)), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(TEXT_SIZE)
    anchors = {"start": "lm", "middle": "mm", "end": "rm"}
    for shape in _shapes(panels):
        if isinstance(shape, Label):
            draw.text(shape.place, shape.text, shape.colour, font, anchors[shape.anchor])
        elif isinstance(shape, Area) and len(shape.places) > 2:
            draw.polygon(list(shape.places), shape.colour, shape.colour)
        else:
            draw.line(list(shape.places), shape.colour)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
