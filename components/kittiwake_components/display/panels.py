"""What a display is shown on: a PNG file, or a panel that luma.core or our own driver of e-paper speaks to."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Protocol

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.replaced import ReplacedFile
from kittiwake_components.display.drawing import COLOUR, LIT, ONE_BIT, Colours
from kittiwake_components.ports.display import FRAME_SIZE_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from kittiwake.platform.interface import Files
    from kittiwake.storage.root import Root

FILE_NAME = "display.png"
SIDE_MIN, SIDE_MAX = 32, 2048
_DEFAULTS = {"png": (480, 320), "luma": (128, 64), "epd": (250, 122)}
_OPTIONS = {
    "png": {"bits"}, "luma": {"bus", "address"}, "epd": {"port", "device", "dc", "reset"}
}  # fmt: skip
"""The options of each kind, beside `size`; all are whole numbers."""


class PanelMissing(OSError):
    """The panel, or what drives it, is not there."""


class Device(NamedTuple):
    """The setting `device` in its parts: `kind:name?size=WxH&option=number`."""

    kind: str
    name: str
    size: tuple[int, int]
    options: dict[str, int]


def read_device(text: str) -> Device | None:
    """The device that a setting names, `None` for `none`. Raises `ValueError` that says what is wrong with it."""
    if text == "none":
        return None
    place, _, query = text.partition("?")
    kind, _, name = place.partition(":")
    if kind not in _DEFAULTS:
        raise ValueError(f"{text!r}: png:///FOLDER, luma:DRIVER, epd:CONTROLLER or none is wanted")
    if kind == "png":
        if not name.startswith("///"):
            raise ValueError(f"{text!r}: png:///FOLDER names a folder in the root")
        name = name[2:]
    elif not name.isidentifier() or (kind == "epd" and name not in EPAPERS):
        raise ValueError(
            f"{text!r}: {kind}:NAME is wanted" + (f", one of {', '.join(EPAPERS)}" if kind == "epd" else "")
        )
    size, options = _DEFAULTS[kind], {}
    for part in filter(None, query.split("&")):
        option, _, value = part.partition("=")
        if option == "size":
            size = _read_size(text, value)
        elif option in _OPTIONS[kind]:
            options[option] = _read_number(text, option, value)
        else:
            raise ValueError(f"{text!r}: there is no option {option!r}: size, {', '.join(sorted(_OPTIONS[kind]))}")
    if options.get("bits", 24) not in (1, 24):
        raise ValueError(f"{text!r}: bits is 1 or 24")
    return Device(kind, name, size, options)


def _read_size(text: str, value: str) -> tuple[int, int]:
    width, _, height = value.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ValueError(f"{text!r}: size=WIDTHxHEIGHT is wanted, not {value!r}")
    size = int(width), int(height)
    if not all(SIDE_MIN <= side <= SIDE_MAX for side in size):
        raise ValueError(f"{text!r}: a side is from {SIDE_MIN} to {SIDE_MAX} pixels")
    return size


def _read_number(text: str, option: str, value: str) -> int:
    try:
        return int(value, 0)
    except ValueError:
        raise ValueError(f"{text!r}: {option} is a whole number, not {value!r}") from None


class Panel(Protocol):
    """A panel: how large it is unturned, Pillow's mode, and whether its picture outlasts a power cut."""

    size: tuple[int, int]
    mode: str
    colours: Colours
    is_lasting: bool
    has_partial: bool

    def show(self, image: Image.Image, *, is_full: bool) -> None:
        """Shows a picture of the panel's size and mode. Raises `OSError`."""

    def close(self) -> None:
        """Gives back what it took; the picture stays where the panel keeps it."""


def open_panel(device: Device, files: Files, root: Root) -> Panel:
    """The panel of a device. Raises `PanelMissing`, and `OSError`, where it cannot be had."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise PanelMissing("Pillow is not installed: pip install 'kittiwake[display]'") from None
    if device.kind == "png":
        return PngPanel(device, files, root.resolve(device.name))
    return _guarded(lambda: LumaPanel(device) if device.kind == "luma" else EpaperPanel(device))


def _guarded(open_it: Callable[[], Panel]) -> Panel:
    """Libraries of panels raise all sorts of things; each means that there is no panel."""
    try:
        return open_it()
    except OSError:
        raise
    except ImportError as fault:
        raise PanelMissing(f"{fault.name or fault} is not installed") from None
    except Exception as fault:  # noqa: BLE001
        raise PanelMissing(f"{type(fault).__name__}: {fault}") from None


class PngPanel:
    """A PNG file in the root, replaced as a whole: for a web page, for a frame buffer, for tests."""

    is_lasting = True
    has_partial = False

    def __init__(self, device: Device, files: Files, folder: str) -> None:
        self.size = device.size
        self.mode, self.colours = ("1", ONE_BIT) if device.options.get("bits") == 1 else ("RGB", COLOUR)
        make_folders_durably(files, folder)
        self._file = ReplacedFile(files, posixpath.join(folder, FILE_NAME), FRAME_SIZE_MAX)

    def show(self, image: Image.Image, *, is_full: bool) -> None:
        self._file.write(png_of(image))

    def close(self) -> None:
        pass


def png_of(image: Image.Image) -> bytes:
    """A picture as a PNG file."""
    from io import BytesIO

    target = BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


class LumaPanel:
    """A panel that a driver of luma.core, luma.oled or luma.lcd serves, over I2C."""

    is_lasting = False
    has_partial = False

    def __init__(self, device: Device) -> None:
        from importlib import import_module

        width, height = device.size
        driver: Any = None
        for module in ("luma.core.device", "luma.oled.device", "luma.lcd.device"):
            try:
                driver = driver or getattr(import_module(module), device.name, None)
            except ImportError:
                continue
        if driver is None:
            raise PanelMissing(f"no luma driver {device.name}: pip install luma.oled")
        if device.name == "dummy":
            self._device = driver(width=width, height=height, mode="1")
        else:
            from luma.core.interface.serial import i2c

            line = i2c(port=device.options.get("bus", 1), address=device.options.get("address", 0x3C))
            self._device = driver(line, width=width, height=height)
        self.size, self.mode = (width, height), "1" if self._device.mode == "1" else "RGB"
        self.colours = LIT if self.mode == "1" else COLOUR
        self._device.persist = True

    def show(self, image: Image.Image, *, is_full: bool) -> None:
        _speak(lambda: self._device.display(image))

    def close(self) -> None:
        self._device.cleanup()


def _speak(talk: Callable[[], object]) -> None:
    try:
        talk()
    except OSError:
        raise
    except Exception as fault:  # noqa: BLE001
        raise OSError(f"the panel does not answer: {type(fault).__name__}: {fault}") from None


class EpaperPanel:
    """E-paper over SPI: it keeps its picture without power, and flickers less when it is refreshed in part."""

    is_lasting = True
    has_partial = True
    mode = "1"
    colours = ONE_BIT

    def __init__(self, device: Device) -> None:
        from luma.core.interface.serial import spi

        from kittiwake_components.display.ssd1680 import Ssd1680

        options = device.options
        line = spi(
            port=options.get("port", 0), device=options.get("device", 0), bus_speed_hz=4_000_000,
            gpio_DC=options.get("dc", 25), gpio_RST=options.get("reset", 17), reset_hold_time=0.01,
            reset_release_time=0.01,
        )  # fmt: skip
        self._line = line
        self.size = device.size
        self._controller = Ssd1680(line, device.size)

    def show(self, image: Image.Image, *, is_full: bool) -> None:
        _speak(lambda: self._controller.show(image, is_full=is_full))

    def close(self) -> None:
        self._line.cleanup()


EPAPERS = ("ssd1680",)
