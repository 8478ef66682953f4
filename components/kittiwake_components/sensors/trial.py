"""Sensors at hand: what there is, whether a configuration is right, and one capture to try a sensor."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kittiwake.faults import Faults
from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.sensors.discovery import KnownSensors, SensorNotFound, find_sensor
from kittiwake_components.sensors.options import declared_options
from kittiwake_components.sensors.protocol import LineReader, decode_line, encode_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.interface import Child, Platform

_MAX_CONFIGURATION = 1 << 20
_PIECE = 65536


def list_sensors(platform: Platform, folder: str) -> int:
    """Writes each sensor with its readings and options; 1 if one cannot be imported."""
    status = 0
    for name in KnownSensors(platform.files, folder):
        try:
            sensor = find_sensor(name, platform.files, folder)
        except SensorNotFound as fault:
            sys.stdout.write(f"{name}: {fault}\n")
            status = 1
            continue
        sys.stdout.write(f"{name}: {(sensor.__doc__ or '').partition(chr(10))[0]}\n")
        for reading in sensor.readings:
            sys.stdout.write(f"    reads {reading.name} in {reading.unit or 'numbers'}\n")
        for option in declared_options(sensor).values():
            unit = f" {option.unit}" if option.unit else ""
            sys.stdout.write(f"    {option.name} = {option.default}{unit}    {option.about}\n")
    return status


def check_configuration(platform: Platform, path: str, folder: str) -> int:
    """Writes what is wrong with a configuration; 1 if anything is."""
    from kittiwake_components.sensor_orchestrator.configuration import read_configuration

    try:
        content = platform.files.read(path, _MAX_CONFIGURATION)
        configuration = read_configuration(content, path, _AllOptions(platform, folder))
    except (OSError, Faults) as fault:
        sys.stdout.write(f"{fault}\n")
        return 1
    names = ", ".join(sensor.name for sensor in configuration.sensors) or "no sensors"
    sys.stdout.write(f"{path} is in order: {names}\n")
    for unused in configuration.unused:
        sys.stdout.write(f"{unused}\n")
    return 0


class _AllOptions(KnownSensors):
    """Here every sensor that a configuration names may be imported."""

    def __init__(self, platform: Platform, folder: str) -> None:
        super().__init__(platform.files, folder)
        self._platform = platform
        self._folder = folder

    def __getitem__(self, name: str) -> Any:
        return declared_options(find_sensor(name, self._platform.files, self._folder))


def record_once(
    platform: Platform, kind: str, folder: str, sensors: str, seconds: float, options: dict[str, str]
) -> int:
    """Has a sensor make one capture, in a process like any; writes what it says. 1 if it has recorded nothing."""
    command = [platform.children.interpreter, "-m", "kittiwake_components.sensors", kind, "--folder", folder]
    child = platform.children.spawn([*command, *(("--sensors", sensors) if sensors else ())])
    child.input.send(encode_line({"do": "configure", "options": options}))
    status = 1
    for message in _messages(platform, child):
        sys.stdout.write(f"{_shown(message)}\n")
        match message:
            case {"is": "ready", "extension": str(extension)}:
                child.input.send(encode_line(_order(platform, folder, extension, seconds)))
            case {"is": "done", "capture": 1}:
                status = 0
                child.input.close()
            case {"is": "failed" | "refused"}:
                child.input.close()
    child.close()
    return status


def _order(platform: Platform, folder: str, extension: str, seconds: float) -> dict[str, Any]:
    """The order to record now, in the zone of the machine."""
    from datetime import datetime
    from platform import node

    start = datetime.fromtimestamp(platform.clock.wall_ns() // NS_PER_S).astimezone()
    path = f"{folder}/{start:%Y-%m-%d}/{node()}@{start:%Y-%m-%d}@{start:%H-%M-%S}.{extension}"
    return {"do": "record", "capture": 1, "duration_s": seconds, "path": path, "start": start.isoformat()}


def _messages(platform: Platform, child: Child) -> Iterator[dict[str, Any]]:
    """What a sensor's process says, until its end; what it writes about faults goes to this one's errors."""
    lines, poller = LineReader(), platform.poller()
    is_open = {child.output: True, child.errors: True}
    while any(is_open.values()):
        for stream in (child.output, child.errors):
            while is_open[stream] and (data := stream.receive(_PIECE)) is not None:
                is_open[stream] = data != b""
                if stream is child.errors:
                    sys.stderr.write(data.decode("utf-8", "replace"))
                else:
                    yield from map(decode_line, lines.feed(data))
            poller.add(stream.fileno(), _ready if is_open[stream] else None, None)
        if any(is_open.values()):
            poller.wait(None)
    poller.close()


def _ready() -> None:
    """There is something to read."""


def _shown(message: dict[str, Any]) -> str:
    """A message for people."""
    rest = ", ".join(f"{key} {value}" for key, value in message.items() if key not in ("is", "capture"))
    return f"{message.get('is')}: {rest}" if rest else str(message.get("is"))
