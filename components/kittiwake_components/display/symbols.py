"""The small pictures of a page, drawn with lines and surfaces."""

from __future__ import annotations

from typing import Any


def draw_symbol(pen: Any, title: str, left: int, top: int, side: int, ink: Any) -> None:
    """The symbol of a page by its title, in a square: a battery, a card, a pulse; a list for any other."""
    draw = _SYMBOLS.get(title, _list)
    draw(pen, left, top, side, ink)


def draw_battery(pen: Any, box: tuple[int, int, int, int], share: float, ink: Any, charge: Any) -> None:
    """A battery that lies on its side, filled as far as it is charged."""
    left, top, right, bottom = box
    line = max(1, (bottom - top) // 14)
    cap = max(2, (bottom - top) // 6)
    body = right - cap
    quarter = (bottom - top) // 3
    pen.rectangle((left, top, body, bottom), outline=ink, width=line)
    pen.rectangle((body + 1, top + quarter, right, bottom - quarter), fill=ink)
    inset = 2 * line + (1 if line > 1 else 0)
    room = body - left - 2 * inset
    if share > 0:
        pen.rectangle((left + inset, top + inset, left + inset + round(room * share), bottom - inset), fill=charge)


def draw_bar(pen: Any, box: tuple[int, int, int, int], share: float, ink: Any, fill: Any) -> None:
    """A frame that is filled from the left."""
    left, top, right, bottom = box
    line = max(1, (bottom - top) // 14)
    pen.rectangle(box, outline=ink, width=line)
    if share > 0:
        pen.rectangle(
            (left + line, top + line, left + line + round((right - left - 2 * line) * share), bottom - line), fill=fill
        )


def _battery(pen: Any, left: int, top: int, side: int, ink: Any) -> None:
    quarter = side // 4
    draw_battery(pen, (left, top + quarter, left + side, top + side - quarter), 0.7, ink, ink)


def _card(pen: Any, left: int, top: int, side: int, ink: Any) -> None:
    eighth = max(1, side // 8)
    pen.rectangle((left, top + eighth, left + side, top + side - eighth), outline=ink, width=max(1, side // 14))
    head = max(1, side // 7)
    middle, height = left + side // 3, top + side // 2
    pen.ellipse((middle - head, height - 2 * head, middle + head, height), fill=ink)
    pen.line((middle - head, height + head, middle + head, height + head), fill=ink, width=max(1, side // 10))
    for step in (0, 1):
        y = height - head + step * 2 * head
        pen.line((left + side * 5 // 8, y, left + side - 2 * eighth, y), fill=ink, width=max(1, side // 14))


def _pulse(pen: Any, left: int, top: int, side: int, ink: Any) -> None:
    middle, quarter = top + side // 2, side // 4
    points = [
        (left, middle), (left + quarter, middle), (left + 3 * side // 8, top + 1),
        (left + 5 * side // 8, top + side - 1), (left + 3 * quarter, middle), (left + side, middle),
    ]  # fmt: skip
    pen.line(points, fill=ink, width=max(1, side // 10))


def _list(pen: Any, left: int, top: int, side: int, ink: Any) -> None:
    thick = max(1, side // 8)
    for step in range(3):
        y = top + thick + step * (side - 2 * thick) // 2 - thick // 2
        pen.rectangle((left, y, left + thick, y + thick), fill=ink)
        pen.rectangle((left + 3 * thick, y, left + side, y + thick), fill=ink)


_SYMBOLS = {"Device": _battery, "Enrolment": _card, "Status": _pulse}
