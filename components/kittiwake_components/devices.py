"""Devices as Linux shows them: a folder of attributes that hold numbers, below /sys or in the simulated satellite.

A setting says where a device is: `/sys/class/hwmon/hwmon2`, or `simulated/rails/sys` for one of
`kittiwake.simulation.spacecraft`. Whoever needs another real device writes a kernel driver's name into the device tree,
and no code.
"""

from __future__ import annotations

import errno
from math import isnan
from typing import TYPE_CHECKING, Protocol

from kittiwake.model import CommandError, CommandResponse
from kittiwake.model.fw import On
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Files, Platform
    from kittiwake.runtime.tasks import TaskClock

SIMULATED = "simulated/"
ATTRIBUTE_BYTES = 64
NAN = float("nan")

FIRST_RETRY_S = 1
LAST_RETRY_S = 60


REASON_SIZE = 80


class Device(Protocol):
    """One device."""

    def read(self, attribute: str) -> float:
        """A number as the device gives it. Raises `OSError`."""

    def write(self, attribute: str, value: int) -> None:
        """Sets an attribute. Raises `OSError`."""


class SystemDevice:
    """A folder below /sys."""

    def __init__(self, files: Files, folder: str) -> None:
        self._files = files
        self._folder = folder

    def read(self, attribute: str) -> float:
        path = f"{self._folder}/{attribute}"
        text = self._files.read(path, ATTRIBUTE_BYTES).decode("ascii", "replace").strip()
        try:
            return float(text)
        except ValueError:
            raise OSError(errno.EBADMSG, f"{text!r} is no number", path) from None

    def write(self, attribute: str, value: int) -> None:
        with self._files.open(f"{self._folder}/{attribute}", "w") as file:
            file.write_at(0, b"%d\n" % value)


class SimulatedDevice:
    """A device of the machine's simulated satellite."""

    def __init__(self, platform: Platform, name: str) -> None:
        from kittiwake.simulation.spacecraft import spacecraft_of

        # Asked for anew each time: the deployment may launch its satellite after its devices were opened.
        self._spacecraft_of = spacecraft_of
        self._platform = platform
        self._name = name

    def read(self, attribute: str) -> float:
        return self._spacecraft_of(self._platform).read(f"{self._name}/{attribute}")

    def write(self, attribute: str, value: int) -> None:
        self._spacecraft_of(self._platform).write(f"{self._name}/{attribute}", value)


def check_device(place: str) -> None:
    """Raises `ValueError` for a setting that names no device."""
    if place.startswith("/"):
        return
    from kittiwake.simulation.spacecraft import DEVICES

    kind = place.removeprefix(SIMULATED).partition("/")[0]
    if not place.startswith(SIMULATED) or kind not in DEVICES:
        known = ", ".join(f"{SIMULATED}{name}" for name in sorted(DEVICES))
        raise ValueError(f"{place!r} is neither a folder like /sys/class/hwmon/hwmon0 nor one of {known}")


def open_device(platform: Platform, place: str) -> Device:
    """The device at a place that passed `check_device`; whether it answers shows when it is used."""
    if place.startswith(SIMULATED):
        return SimulatedDevice(platform, place.removeprefix(SIMULATED))
    return SystemDevice(platform.files, place)


class Instrument:
    """A device that is only read: NaN where it does not answer, and then not asked again for a while.

    The pauses grow from 1 to 60 s, so that a dead sensor does not hold up its bus. `on_fault` is told why a try failed.
    One whose load switch took its power (`is_powered`) is not asked at all.
    """

    def __init__(self, platform: Platform, clock: TaskClock, place: str, on_fault: Callable[[str], None]) -> None:
        self._device = open_device(platform, place)
        self._clock = clock
        self._on_fault = on_fault
        self._pause_s = 0
        self._retry_ns = 0
        self.is_powered = True

    def power(self, state: On) -> None:
        """The device's load switch took or gave its power; with power it is tried at once."""
        self.is_powered = state is On.ON
        self._pause_s = self._retry_ns = 0

    def read(self, attribute: str) -> float:
        """A number as the device gives it, or NaN."""
        if not self.is_powered or (self._pause_s and self._clock.now_ns() < self._retry_ns):
            return NAN
        try:
            value = self._device.read(attribute)
        except OSError as fault:
            self._pause_s = min(self._pause_s * 2, LAST_RETRY_S) or FIRST_RETRY_S
            self._retry_ns = self._clock.now_ns() + self._pause_s * NS_PER_S
            self._on_fault(reason_of(fault))
            return NAN
        self._pause_s = 0
        return value


def measured(value: float) -> float:
    """A reading for whoever commanded it. Raises `CommandError` if there is none."""
    if isnan(value):
        raise CommandError(CommandResponse.EXECUTION_ERROR, "the sensor does not answer, or has no power")
    return value
