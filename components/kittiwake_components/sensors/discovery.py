"""Where sensors are found by name: a folder of Python files, those that come along, and the packages' entry points.

A file `wind.py` of the folder holds the class of the sensor `wind`. A package names its sensors as entry points of the
group `kittiwake.sensors`. Only what is asked for is imported, in the process that is to run it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kittiwake.faults import did_you_mean
from kittiwake_components.sensors.options import declared_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.interface import Files
    from kittiwake_components.sensors.options import Option
    from kittiwake_components.sensors.sensor import Sensor

GROUP = "kittiwake.sensors"
MAX_FILES = 200

BUILT_IN = {
    "airquality": "AirQuality",
    "audio": "Audio",
    "cpu": "Cpu",
    "scale": "Scale",
    "temp": "Temp",
    "video": "Video",
}
"""The sensors that come along: each is the class in the module of its name here."""


class SensorNotFound(ValueError):
    """There is no sensor of that name, or what should be one is none: the text says why."""


class KnownSensors(Mapping[str, "Mapping[str, Option[Any]] | None"]):
    """The sensors that can be found and their options, `None` where only an import could tell those.

    Entry points cost tens of milliseconds, and are looked at only for a name that is found nowhere else.
    """

    def __init__(self, files: Files, folder: str = "") -> None:
        self._in_folder = names_in_folder(files, folder)

    def __contains__(self, name: object) -> bool:
        return name in self._in_folder or name in BUILT_IN or any(point.name == name for point in entry_points())

    def __getitem__(self, name: str) -> Mapping[str, Option[Any]] | None:
        if name in BUILT_IN and name not in self._in_folder:
            return declared_options(_built_in(name))
        if name in self:
            return None
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._in_folder, *BUILT_IN, *(point.name for point in entry_points())}))

    def __len__(self) -> int:
        return len(list(iter(self)))


def find_sensor(name: str, files: Files, folder: str = "") -> type[Sensor]:
    """The class of a sensor: in the folder, of those that come along, or an entry point. Raises `SensorNotFound`."""
    if name in names_in_folder(files, folder):
        return _from_file(name, files, folder)
    if name in BUILT_IN:
        return _built_in(name)
    for point in entry_points():
        if point.name == name:
            try:
                return _checked(point.load(), point.value)
            except Exception as fault:
                raise SensorNotFound(f"{point.value} cannot be imported: {type(fault).__name__}: {fault}") from None
    known = KnownSensors(files, folder)
    hint = did_you_mean(name, known) or f"known are {', '.join(known)}"
    raise SensorNotFound(f"there is no sensor {name}; {hint}")


def entry_points() -> list[Any]:
    """The entry points of the group."""
    from importlib import metadata

    return list(metadata.entry_points(group=GROUP))


def names_in_folder(files: Files, folder: str) -> list[str]:
    """The sensors that the files of a folder are named after; one that links to the outside is left out."""
    if not folder or not files.is_folder(folder):
        return []
    found = [name.removesuffix(".py") for name in files.list(folder)[:MAX_FILES] if name.endswith(".py")]
    inside = files.real_path(folder)
    return [
        name
        for name in found
        if name.isidentifier() and not name.startswith("_")
        and posixpath.dirname(files.real_path(f"{folder}/{name}.py")) == inside
    ]  # fmt: skip


def _built_in(name: str) -> type[Sensor]:
    from importlib import import_module

    found: type[Sensor] = getattr(import_module(f"kittiwake_components.sensors.{name}"), BUILT_IN[name])
    return found


def _from_file(name: str, files: Files, folder: str) -> type[Sensor]:
    from importlib.util import module_from_spec, spec_from_file_location

    from kittiwake_components.sensors.sensor import Sensor

    path = posixpath.join(files.real_path(folder), f"{name}.py")
    spec = spec_from_file_location(f"{GROUP}.{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as fault:
        raise SensorNotFound(f"{name}.py cannot be imported: {type(fault).__name__}: {fault}") from None
    own = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
    classes = [value for value in own if isinstance(value, type) and issubclass(value, Sensor)]
    if len(classes) != 1:
        raise SensorNotFound(f"{name}.py holds {len(classes)} classes of sensors, where there should be one")
    return classes[0]


def _checked(found: object, where: str) -> type[Sensor]:
    from kittiwake_components.sensors.sensor import Sensor

    if isinstance(found, type) and issubclass(found, Sensor):
        return found
    raise SensorNotFound(f"{where} is no class of a sensor")
