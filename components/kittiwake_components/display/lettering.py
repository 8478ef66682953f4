"""Text on a picture: with the outline font that Pillow ships, or its bitmap font, which looks the same anywhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

FONTS = ("outline", "bitmap")
BITMAP_HEIGHT = 11
BITMAP_SCALES_MAX = 8


class Lettering:
    """Writes in one of `FONTS`. Sizes are heights of a line in pixels; the bitmap font has multiples of 11 of them."""

    def __init__(self, image: Image.Image, font: str) -> None:
        from PIL import ImageDraw

        self._image = image
        self._draw = ImageDraw.Draw(image)
        self._is_bitmap = font == "bitmap"

    def width(self, text: str, size: int) -> int:
        """How wide a text would be, in pixels."""
        if self._is_bitmap:
            return int(_bitmap_font().getbbox(_latin(text))[2]) * _scale(size)
        length: float = _outline_font(size).getlength(text, mode=self._image.mode)
        return math.ceil(length)

    def cut(self, text: str, size: int, room: int) -> str:
        """The text, or as much of it as there is room for, and an ellipsis."""
        if self.width(text, size) <= room:
            return text
        ellipsis = "..." if self._is_bitmap else "…"
        while text and self.width(text.rstrip() + ellipsis, size) > room:
            text = text[:-1]
        return text.rstrip() + ellipsis

    def fit(self, text: str, sizes: tuple[int, ...], room: int) -> int:
        """The first of some sizes in which a text has room, else the last of them."""
        return next((size for size in sizes if self.width(text, size) <= room), sizes[-1])

    def write(self, x: int, baseline: int, text: str, size: int, ink: Any, anchor: str = "l") -> int:
        """Writes a text upon a baseline, from `x` to the right (anchor l) or up to it (r), and gives its width."""
        width = self.width(text, size)
        left = x if anchor == "l" else x - width
        if not self._is_bitmap:
            self._draw.text((left, baseline), text, fill=ink, font=_outline_font(size), anchor="ls")
        elif text:
            self._stamp(left, baseline, text, _scale(size), ink)
        return width

    def write_bold(self, x: int, baseline: int, text: str, size: int, ink: Any, anchor: str = "l") -> int:
        """The same with thicker strokes; the bitmap font is bold as it is."""
        if self._is_bitmap:
            return self.write(x, baseline, text, size, ink, anchor)
        self.write(x, baseline, text, size, ink, anchor)
        return self.write(x - 1 if anchor == "r" else x + 1, baseline, text, size, ink, anchor) + 1

    def _stamp(self, left: int, baseline: int, text: str, scale: int, ink: Any) -> None:
        from PIL import Image, ImageDraw

        font = _bitmap_font()
        text = _latin(text)
        mask = Image.new("1", (max(1, int(font.getbbox(text)[2])), BITMAP_HEIGHT))
        ImageDraw.Draw(mask).text((0, 0), text, fill=1, font=font)
        mask = mask.resize((mask.width * scale, mask.height * scale), Image.Resampling.NEAREST)
        # The two lowest of the eleven rows are for descenders.
        self._image.paste(ink, (left, baseline - (BITMAP_HEIGHT - 2) * scale), mask)


def _scale(size: int) -> int:
    return min(max(1, (size + BITMAP_HEIGHT // 2) // BITMAP_HEIGHT), BITMAP_SCALES_MAX)


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


_fonts: dict[int, Any] = {}


def _bitmap_font() -> Any:
    from PIL import ImageFont

    if 0 not in _fonts:
        _fonts[0] = ImageFont.load_default_imagefont()
    return _fonts[0]


def _outline_font(size: int) -> Any:
    from PIL import ImageFont

    if size not in _fonts:
        _fonts[size] = ImageFont.load_default(size)
    return _fonts[size]
