"""The e-paper controller SSD1680 (Solomon Systech's data sheet), as on panels of 2.13 inches with 250 x 122 points.

Its rows are the panel's short side, its lines the long one. A point that is set is white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

SOFT_RESET = 0x12
DRIVER_OUTPUT = 0x01
DATA_ENTRY = 0x11
TEMPERATURE_SENSOR = 0x18
ACTIVATE = 0x20
UPDATE_CONTROL = 0x22
WRITE_NEW, WRITE_OLD = 0x24, 0x26
BORDER = 0x3C
RAM_X, RAM_Y, COUNTER_X, COUNTER_Y = 0x44, 0x45, 0x4E, 0x4F
FULL_UPDATE, PARTIAL_UPDATE = 0xF7, 0xFF
INTERNAL_SENSOR, RISING = 0x80, 0x03
BORDER_WHITE, BORDER_KEPT = 0x05, 0x80


class Ssd1680:
    """Speaks to the controller over a line with `command(*bytes)` and `data(bytes)`, luma.core's serial interface.

    The controller's BUSY pin is not read: it takes a new picture after at least MIN_REFRESH_S, long after it is ready.
    """

    def __init__(self, line: Any, size: tuple[int, int]) -> None:
        """Sets the controller up for a panel whose size in points is `size`, long side first."""
        self._line = line
        self._lines, self._rows = max(size), min(size)
        self._is_wide = size[0] >= size[1]
        self._shown: bytes | None = None
        self._ask(SOFT_RESET)
        last = self._lines - 1
        self._ask(DRIVER_OUTPUT, last & 0xFF, last >> 8, 0)
        self._ask(DATA_ENTRY, RISING)
        self._ask(RAM_X, 0, (self._rows + 7) // 8 - 1)
        self._ask(RAM_Y, 0, 0, last & 0xFF, last >> 8)
        self._ask(TEMPERATURE_SENSOR, INTERNAL_SENSOR)

    def show(self, image: Image.Image, *, is_full: bool) -> None:
        """Brings a picture of one bit to the panel; in part only once it has shown a whole one."""
        from PIL import Image as Pictures

        turned = image.transpose(Pictures.Transpose.ROTATE_90) if self._is_wide else image
        packed = turned.tobytes()
        is_full = is_full or self._shown is None
        self._ask(BORDER, BORDER_WHITE if is_full else BORDER_KEPT)
        self._write(WRITE_NEW, packed)
        # The controller drives only the points in which its two memories differ.
        self._write(WRITE_OLD, packed if self._shown is None else self._shown)
        self._ask(UPDATE_CONTROL, FULL_UPDATE if is_full else PARTIAL_UPDATE)
        self._ask(ACTIVATE)
        self._shown = packed

    def _write(self, memory: int, packed: bytes) -> None:
        self._ask(COUNTER_X, 0)
        self._ask(COUNTER_Y, 0, 0)
        self._line.command(memory)
        self._line.data(list(packed))

    def _ask(self, command: int, *parameters: int) -> None:
        self._line.command(command)
        if parameters:
            self._line.data(list(parameters))
