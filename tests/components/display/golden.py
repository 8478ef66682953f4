"""The pictures that the display is held against. `python -m tests.components.display.golden` draws them anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake_components.display.drawing import COLOUR, LIT, ONE_BIT, Colours, draw_page, draw_test_pattern
from kittiwake_components.display.lettering import FONTS
from kittiwake_components.display.pages import Page, Row

if TYPE_CHECKING:
    from PIL import Image

FOLDER = Path(__file__).with_name("pictures")
FREETYPE = "2.14"
"""The version of FreeType that drew the outline font; another one may set single points otherwise."""

PAGES = {
    "device": Page(
        "Device",
        (
            Row("Battery", "78", "%", 0.78), Row("Mode", "Normal"), Row("Next wake", "28 Nov 06:00"),
            Row("Contact", "27 Nov 14:52"),
        ),
    ),
    "enrolment": Page(
        "Enrolment", (Row("Machine id", "4f2a91c0-7be3-4d1c-a8e2"), Row("State", "Connected"), Row("Attempts", "2"))
    ),
    "status": Page(
        "Status",
        (
            Row("Boots", "1412"), Row("Cycle", "Powered idle"), Row("Cycles", "1398"), Row("Last cycle", "3.21", "mWh"),
            Row("Failed steps", "0"),
        ),
    ),
    "tank": Page(
        "Rain water tank of the northern cliff station",
        (
            Row("Level", "412", "l", 0.12), Row("Inflow", "0.4", "l/min", 0.4),
            Row("Temperature outside the northern wall", "-3.5", "degC"),
        ),
    ),
}  # fmt: skip
PANELS: dict[str, tuple[tuple[int, int], Colours, str]] = {
    "epaper": ((250, 122), ONE_BIT, "1"),
    "oled": ((128, 64), LIT, "1"),
    "png": ((480, 320), COLOUR, "RGB"),
}


def drawn(page: str, panel: str, font: str) -> Image.Image:
    """A page as a panel would show it."""
    size, colours, mode = PANELS[panel]
    if page == "test":
        return draw_test_pattern(size, colours, mode)
    return draw_page(PAGES[page], size, colours, mode, font)


def cases() -> list[tuple[str, str, str]]:
    """Every page on every panel; the bitmap font once for each panel and kind of page."""
    outline = [(page, panel, "outline") for page in (*PAGES, "test") for panel in PANELS]
    return outline + [(page, panel, "bitmap") for page in ("device", "status") for panel in PANELS]


def path_of(page: str, panel: str, font: str) -> Path:
    return FOLDER / f"{panel}-{page}{'' if font == FONTS[0] else '-bitmap'}.png"


if __name__ == "__main__":
    for case in cases():
        drawn(*case).save(path_of(*case), optimize=True)
