"""What a sensor is: a class with its options and readings, and a method that records.

    class Wind(ReadingsSensor):
        '''Wind at the hive.'''

        device = Option("/sys/bus/iio/devices/iio:device0", "The anemometer's folder.")
        readings = (Reading("speed", "m/s"),)

        def read(self) -> tuple[float, ...]:
            return (self.number(f"{self.device}/in_speed_raw"),)

A sensor runs in a process of its own, which does one thing at a time: nothing it does holds up anybody else.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from kittiwake.faults import did_you_mean
from kittiwake.named_tuple import NamedTuple
from kittiwake_components.sensors.options import Option, declared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.platform.interface import Platform
    from kittiwake_components.sensors.capture import Capture

__all__ = ["Option", "Reading", "ReadingsSensor", "Sensor", "NAN"]

NAN = float("nan")
_NUMBER_BYTES = 64


class Reading(NamedTuple):
    """A number that a sensor reads again and again: a column of its file, and a channel."""

    name: str
    unit: str = ""


class Sensor:
    """One sensor: attributes of type `Option` are the keys of its section in the configuration.

    Whatever a method raises fails what it was called for, with the fault's text as the reason.
    """

    extension = "bin"
    """How its files end."""

    safe_to_kill = True
    """Whether its process may be ended at any moment. Where hardware could be left stuck by that, it is not."""

    readings: tuple[Reading, ...] = ()
    """What `capture.report` reports, in its order."""

    is_simulated = False
    """Whether what it records is made up; every file's description says so."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def configure(self, values: Mapping[str, object]) -> None:
        """Takes the values of its options. Raises `ValueError` that names every fault."""
        declared = declared_options(type(self))
        faults = []
        for key, value in values.items():
            option = declared.get(key)
            if option is None:
                hint = did_you_mean(key, declared) or f"its options are {', '.join(declared) or 'none'}"
                faults.append(f"{key}: there is no such option; {hint}")
                continue
            try:
                vars(self)[key] = option.read(value)
            except ValueError as fault:
                faults.append(f"{key} is {fault}, not {str(value)[:40]!r}")
        if faults:
            raise ValueError("; ".join(faults))

    def prepare(self) -> None:
        """Once, after its options were set and before it is said to be ready. It may set `extension`.

        It leaves the hardware alone: an earlier process of this sensor may still record.
        """

    def record(self, capture: Capture) -> None:
        """Records into `capture.file` until `capture` says that it is over."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """What the description beside each file says more of its content: what JSON knows."""
        return {}

    def close(self) -> None:
        """At the end of the process; not when it is killed."""

    def number(self, path: str) -> float:
        """The number in a file of the system, as those below /sys. Raises `OSError`."""
        text = self.platform.files.read(path, _NUMBER_BYTES).decode("ascii", "replace").strip()
        try:
            return float(text)
        except ValueError:
            raise OSError(errno.EBADMSG, f"{text!r} is no number", path) from None


class ReadingsSensor(Sensor):
    """A sensor of numbers: a CSV file with a row for each time that they are read, `nan` where that fails."""

    extension = "csv"

    sample_interval_seconds = Option(5.0, "From reading to reading.", unit="s", low=0.01, high=86400)

    def read(self) -> tuple[float, ...]:
        """All `readings`, in their order, NaN for one that failed; an `OSError` fails all of them."""
        raise NotImplementedError

    def attempt(self, read: Callable[[], float]) -> float:
        """What `read` gives, or NaN where it raises `OSError`."""
        try:
            return read()
        except OSError:
            return NAN

    def record(self, capture: Capture) -> None:
        names = [reading.name for reading in self.readings]
        capture.file.write(",".join(["time", *names]).encode() + b"\n")
        for _ in capture.steps(self.sample_interval_seconds):
            try:
                values = self.read()
            except OSError:
                values = (NAN,) * len(names)
            row = [capture.time().isoformat(timespec="milliseconds"), *(f"{value:.7g}" for value in values)]
            capture.file.write(",".join(row).encode() + b"\n")
            capture.report(values)
