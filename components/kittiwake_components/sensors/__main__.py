"""The command line of the sensors.

    python -m kittiwake_components.sensors KIND --folder FOLDER [--sensors FOLDER]
        the process of a sensor: it hears the orchestrator on its input
    python -m kittiwake_components.sensors KIND --folder FOLDER --once SECONDS [--set KEY=VALUE]... [--sensors FOLDER]
        one capture, to try a sensor
    python -m kittiwake_components.sensors --list [--sensors FOLDER]
        the sensors that there are, and their options
    python -m kittiwake_components.sensors --check FILE [--sensors FOLDER]
        what is wrong with a configuration

`--folder` is where the recordings of this sensor go; it is named as the sensor is. `--sensors` is a folder with sensors
of your own.
"""

from __future__ import annotations

import sys

from kittiwake.platform.system import SystemPlatform

USAGE_STATUS = 2
_WITH_VALUE = ("--folder", "--sensors", "--once", "--set", "--check")


class UsageFault(ValueError):
    """The command line is wrong."""


def main(arguments: list[str]) -> int:
    """Does what the arguments say; the exit status."""
    try:
        words, options, settings = _parse(arguments)
        sensors = _absolute(options["--sensors"]) if "--sensors" in options else ""
        if "--list" in options:
            from kittiwake_components.sensors.trial import list_sensors

            return list_sensors(SystemPlatform(), sensors)
        if "--check" in options:
            from kittiwake_components.sensors.trial import check_configuration

            return check_configuration(SystemPlatform(), _absolute(options["--check"]), sensors)
        if len(words) != 1 or "--folder" not in options:
            raise UsageFault("the kind of a sensor and --folder are needed")
        folder = _absolute(options["--folder"])
        if "--once" in options:
            from kittiwake_components.sensors.trial import record_once

            seconds = _seconds(options["--once"])
            return record_once(SystemPlatform(), words[0], folder, sensors, seconds, dict(settings))
        return _serve(words[0], folder, sensors)
    except UsageFault as fault:
        sys.stderr.write(f"{fault}\n\n{__doc__}")
        return USAGE_STATUS


def _serve(kind: str, folder: str, sensors: str) -> int:
    """Is the process of a sensor."""
    from signal import SIG_IGN, SIGINT, SIGTERM, signal

    from kittiwake.platform.system_claim import claim_folder
    from kittiwake.platform.system_standard import take_standard_streams
    from kittiwake.storage.copying import make_folders_durably
    from kittiwake_components.sensors.discovery import find_sensor
    from kittiwake_components.sensors.process import SensorProcess

    platform = SystemPlatform()
    given, said = take_standard_streams()

    def claim() -> None:
        make_folders_durably(platform.files, folder)
        claim_folder(folder, 0.0)

    def note(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    process = SensorProcess(
        platform, folder, lambda: find_sensor(kind, platform.files, sensors)(platform), claim, given, said, note
    )
    signal(SIGINT, SIG_IGN)  # Ctrl-C at a terminal is the orchestrator's, which then ends this process's input
    signal(SIGTERM, lambda *_: process.terminate())
    return process.run()


def _parse(arguments: list[str]) -> tuple[list[str], dict[str, str], list[tuple[str, str]]]:
    """Words, options, and the settings of `--set`."""
    words: list[str] = []
    options: dict[str, str] = {}
    settings: list[tuple[str, str]] = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("--"):
            words.append(argument)
        elif argument == "--list":
            options[argument] = ""
        elif argument not in _WITH_VALUE:
            raise UsageFault(f"{argument} is not known")
        elif (value := next(rest, None)) is None:
            raise UsageFault(f"{argument} needs a value")
        elif argument == "--set":
            key, equals, value = value.partition("=")
            if not equals:
                raise UsageFault("--set is followed by KEY=VALUE")
            settings.append((key, value))
        else:
            options[argument] = value
    return words, options, settings


def _absolute(path: str) -> str:
    from posixpath import abspath

    return abspath(path)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise UsageFault(f"--once takes seconds, more than 0 and at most a day, not {text!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
