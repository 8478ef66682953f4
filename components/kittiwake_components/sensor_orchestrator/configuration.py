"""The hive's configuration file: the Beemon orchestrator's INI file as it is, or the same sections and keys as TOML.

`[global]` holds what is true of every sensor unless its own section says otherwise. Every section but `[global]`,
`[ftp]`, `[dashboard]` and `[log]` is a sensor; what is no key of a capture there is an option of that sensor. Faults
are gathered and raised together.
"""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kittiwake.faults import Fault, Faults, did_you_mean
from kittiwake.named_tuple import NamedTuple
from kittiwake_components.daily_window import US_PER_S, find_zone, parse_minute
from kittiwake_components.ports.hive import MAX_SENSORS
from kittiwake_components.sensor_orchestrator.log_levels import LEVELS
from kittiwake_components.sensor_orchestrator.sections import Place, read_sections
from kittiwake_components.sensor_orchestrator.windows import CaptureOverlap, CaptureWindow
from kittiwake_components.sensors.options import Option
from kittiwake_components.sensors.protocol import FINISH, POLICIES, LineFault, encode_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kittiwake_components.sensor_orchestrator.sections import Section

    Kinds = Mapping[str, Mapping[str, Option[Any]] | None]
    """The sensors that there are and their options; `None` where only the sensor's own process can tell them."""

    Options = Mapping[str, str | int | float | bool]

FILE_NAMES = ("hive.toml", "beemon-config.ini")
"""The names under which a configuration is looked for; the first that exists is taken."""

MAX_SIZE = 65536
MAX_NAME = 32
MAX_FOLDER = 100
"""Bytes of the folder of the captures: the names in there need room too."""

UPLOADER = "uploader"


class Secret:
    """A password or token. It shows itself to nobody but who asks by `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(...)" if self._text else "Secret()"


class SensorSettings(NamedTuple):
    """A sensor: its captures, and the options of its own (as the file has them)."""

    name: str
    kind: str
    window: CaptureWindow
    auto_start: bool
    include_elapsed_times: bool
    stop_policy: str
    priority: int
    options: Options


class FtpSettings(NamedTuple):
    """Where captures are uploaded to."""

    username: str
    password: Secret
    host: str
    port: int
    upload_delay_s: float
    root_upload_directory: str
    auto_start: bool


class LogSettings(NamedTuple):
    """The text log and its rotation. What the file leaves out is empty or 0, and stays as the deployment has it."""

    logging_level: str
    log_cycle_days: float
    max_file_size_megabytes: float
    max_archived_files: int


class HiveConfiguration(NamedTuple):
    """All that the file says. `local_output_directory` is a folder in the root, empty where the file names none.

    `unused` are the sections that say something and have no effect here, each with the reason.
    """

    local_output_directory: str
    sensors: tuple[SensorSettings, ...]
    ftp: FtpSettings
    log: LogSettings
    unused: tuple[Fault, ...]


def _zone_name(value: object) -> str:
    if isinstance(value, str):
        try:
            find_zone(value)
        except ValueError:
            pass
        else:
            return value
    raise ValueError("the name of a time zone, as US/Eastern")


def _minute(value: object) -> int:
    """A time of day as text, or as TOML's own, which knows seconds too."""
    text = value if isinstance(value, str) else str(value).removesuffix(":00")
    try:
        return parse_minute(text)
    except ValueError:
        raise ValueError('a time of day: 0800 in an INI file, "0800" or 08:00:00 in TOML') from None


def _folder(value: object) -> str:
    """A folder of the root, from `/`: the original's absolute path is taken for one inside it."""
    if isinstance(value, str) and value.isprintable() and len(value.encode()) <= MAX_FOLDER:
        parts = [part for part in value.split("/") if part not in ("", ".")]
        if parts and ".." not in parts and parts[0] != "~":
            return "/" + "/".join(parts)
        if not value:
            return ""
    raise ValueError(f"a folder in the deployment's root without .. or ~, of at most {MAX_FOLDER} bytes")


def _secret(value: object) -> Secret:
    if isinstance(value, str) and len(value) <= 1024:
        return Secret(value)
    raise ValueError("a text")


def _logging_level(value: object) -> str:
    """A level of Loguru, the original's logger, whichever way it is written."""
    if isinstance(value, str) and value.lower() in LEVELS:
        return value.lower()
    raise ValueError(f"one of {', '.join(LEVELS)}")


_CAPTURE: Mapping[str, Option[Any]] = {
    "pytz_time_zone": Option("UTC", "The time zone of the window.", parse=_zone_name),
    "capture_window_start_time": Option(480, "The first start of a day.", parse=_minute),
    "capture_window_end_time": Option(1200, "The last start of a day.", parse=_minute),
    "capture_duration_seconds": Option(60.0, "How long each capture is.", unit="s", low=0.1, high=86400),
    "capture_interval_seconds": Option(300.0, "From start to start.", unit="s", low=1, high=86400),
    "auto_start": Option(True, "Whether it starts with the orchestrator."),
    "include_elapsed_times": Option(False, "Whether the latest start that is past is made up for."),
    "stop_policy": Option(FINISH, "What a stop does to a running capture.", choices=POLICIES),
    "priority": Option(1, "Which files stay when the disk is full: the higher.", low=0, high=9),
}
_GLOBAL_ALONE: Mapping[str, Option[Any]] = {
    "root_upload_directory": Option("", "The folder on the server."),
    "local_output_directory": Option("", "The folder of the captures, in the deployment's root.", parse=_folder),
}
_GLOBAL: Mapping[str, Option[Any]] = {**_CAPTURE, **_GLOBAL_ALONE}
_KIND: Mapping[str, Option[Any]] = {"kind": Option("", "Which sensor it is, where the section has another name.")}
_SENSOR: Mapping[str, Option[Any]] = {**_CAPTURE, **_KIND}
_FTP: Mapping[str, Option[Any]] = {
    "username": Option("", "The user."),
    "password": Option(Secret(""), "The password.", parse=_secret),
    "host": Option("", "The server."),
    "port": Option(21, "The server's port.", low=1, high=65535),
    "upload_delay": Option(0.0, "From the end of a capture to its upload.", unit="s", low=0, high=86400),
    "auto_start": Option(True, "Whether the uploader starts with the orchestrator."),
}
_DASHBOARD: Mapping[str, Option[Any]] = {
    "access_token": Option(Secret(""), "The token.", parse=_secret),
    "host": Option("", "The server."),
}
_LOG: Mapping[str, Option[Any]] = {
    "logging_level": Option("", "What is logged.", parse=_logging_level),
    "log_cycle_days": Option(0.0, "The age at which the log is put away.", low=0.01, high=366),
    "max_file_size_megabytes": Option(0.0, "The size at which it is.", low=0.01, high=1024),
    "max_archived_files": Option(0, "How many logs are kept.", low=1, high=100),
}
_UNUSED = "the hive's page is the ground station's, which needs neither host nor token from here"
"""Why there is no use for [dashboard] here."""

_SECTIONS = {"global": _GLOBAL, "ftp": _FTP, "dashboard": _DASHBOARD, "log": _LOG}

_OF_ANY_REMOTE = ("upload_delay",)
"""What [ftp] says of uploads to wherever they go."""

SECRET_SECTIONS = tuple([
    name for name, keys in _SECTIONS.items() if any(isinstance(option.default, Secret) for option in keys.values())
])  # fmt: skip
"""The sections with passwords and tokens."""


def find_configuration(names: list[str]) -> str | None:
    """Which of the names in a folder is its configuration: TOML before INI."""
    return next((name for name in FILE_NAMES if name in names), None)


def read_configuration(content: bytes, name: str, kinds: Kinds | None = None) -> HiveConfiguration:
    """The configuration in a file's content; `name`, which ends in .toml, .ini or .cfg, is what faults call the file.

    With `kinds` unknown sensors, and options of known ones, are faults as well; without, only a sensor's process checks
    them. Raises `Faults`, with every fault; none holds a secret.
    """
    return _Reader(name, kinds).read(content)


class _Reader:
    """Reads one file and gathers what is wrong with it."""

    def __init__(self, name: str, kinds: Kinds | None) -> None:
        self._file = posixpath.basename(name)
        self._kinds = kinds
        self._faults: dict[Fault, None] = {}

    def read(self, content: bytes) -> HiveConfiguration:
        if len(content) > MAX_SIZE:
            raise Faults([Fault(self._file, 1, 1, f"the file is larger than {MAX_SIZE} bytes")])
        sections = read_sections(content, self._file)
        values = {name: self._values(name, sections.get(name), keys) for name, keys in _SECTIONS.items()}
        sensors = tuple(self._sensors(sections, values["global"]))
        upload_directory = values["global"]["root_upload_directory"]
        ftp, log = values["ftp"], values["log"]
        if self._faults:
            raise Faults(self._faults)
        ftp["upload_delay_s"] = ftp.pop("upload_delay")
        return HiveConfiguration(
            values["global"]["local_output_directory"],
            sensors,
            FtpSettings(root_upload_directory=upload_directory, **ftp),
            LogSettings(**log),
            tuple(self._unused(sections)),
        )

    def _unused(self, sections: Mapping[str, Section]) -> Iterator[Fault]:
        stated = {
            name: {key: entry.place for key, entry in sections[name].entries.items() if entry.value != ""}
            for name in ("ftp", "dashboard")
            if name in sections
        }
        reasons = {"dashboard": _UNUSED}
        if "host" not in stated.get("ftp", {}):
            reasons["ftp"] = "there is no host; only a remote among the uploader's settings can say where captures go"
        for name, reason in reasons.items():
            places = {key: place for key, place in stated.get(name, {}).items() if key not in _OF_ANY_REMOTE}
            if places:
                line, col = next(iter(places.values()))
                yield Fault(self._file, line, col, f"[{name}] {', '.join(places)}: no effect", reason)

    def _values(self, name: str, section: Section | None, keys: Mapping[str, Option[Any]]) -> dict[str, Any]:
        """The values of a section that has nothing but these keys."""
        values = {key: option.default for key, option in keys.items()}
        for key, entry in section.entries.items() if section is not None else ():
            if key in keys:
                values[key] = self._read(key, entry.value, keys[key], entry.place, values[key])
            else:
                hint = did_you_mean(key, keys) or f"known are {', '.join(keys)}"
                self._add(entry.place, f"[{name}] has no key {key}", hint)
        return values

    def _sensors(self, sections: Mapping[str, Section], defaults: Mapping[str, Any]) -> Iterator[SensorSettings]:
        names = [name for name in sections if name not in _SECTIONS]
        for count, name in enumerate(names, start=1):
            section = sections[name]
            if count > MAX_SENSORS:
                self._add(section.place, f"more than {MAX_SENSORS} sensors", "take some out")
                return
            if not _is_name(name):
                hint = f"letters, digits, - and _, at most {MAX_NAME}"
                if name == UPLOADER:
                    hint = "what is said of the uploader stands below [ftp]"
                self._add(section.place, f"{name!r} is no name of a sensor", hint)
                continue
            found = self._sensor(name, section, sections.get("global"), defaults)
            if found is not None:
                yield found

    def _sensor(
        self, name: str, section: Section, common: Section | None, defaults: Mapping[str, Any]
    ) -> SensorSettings | None:
        values: dict[str, Any] = {key: defaults[key] for key in _CAPTURE} | {"kind": name}
        options = {}
        for key, entry in section.entries.items():
            if key in _SENSOR:
                values[key] = self._read(key, entry.value, _SENSOR[key], entry.place, values[key])
            elif isinstance(entry.value, (str, int, float, bool)):
                options[key] = entry.value
            else:
                self._add(entry.place, f"{key}: an option is a text, a number, true or false")
        self._check_options(values["kind"], section, options)
        window = self._window(values, section, common)
        if window is None:
            return None
        names = ("kind", "auto_start", "include_elapsed_times", "stop_policy", "priority")
        chosen = {key: values[key] for key in names}
        return SensorSettings(name=name, window=window, options=MappingProxyType(options), **chosen)

    def _window(self, values: Mapping[str, Any], section: Section, common: Section | None) -> CaptureWindow | None:
        """The window of a sensor; a fault of it is said at the key that makes it, in [global] only once."""
        duration_s, interval_s = values["capture_duration_seconds"], values["capture_interval_seconds"]
        try:
            return CaptureWindow(
                values["capture_window_start_time"],
                values["capture_window_end_time"],
                round(duration_s * US_PER_S),
                round(interval_s * US_PER_S),
                find_zone(values["pytz_time_zone"]),
            )
        except CaptureOverlap as fault:
            keys = ("capture_duration_seconds", "capture_interval_seconds", "capture_window_end_time")
            found = (within.entries[key].place for within in (section, common) if within for key in keys
                     if key in within.entries)  # fmt: skip
            hint = "make capture_duration_seconds shorter, or capture_interval_seconds longer"
            self._add(next(found, section.place), f"captures would overlap: {fault}", hint)
            return None

    def _check_options(self, kind: str, section: Section, options: Options) -> None:
        try:
            encode_line({"do": "configure", "options": dict(options)})
        except LineFault:
            self._add(section.place, "the options of a sensor are too long", "shorten them to 4000 characters in all")
        except ValueError:
            self._add(section.place, "an option is neither NaN nor infinite")
        if self._kinds is None:
            return
        if kind not in self._kinds:
            entry = section.entries.get("kind")
            hint = did_you_mean(kind, [*self._kinds, *_SECTIONS]) or f"known are {', '.join(sorted(self._kinds))}"
            self._add(entry.place if entry else section.place, f"there is no sensor {kind}", hint)
            return
        declared = self._kinds[kind]
        if declared is None:
            return
        for key, value in options.items():
            place = section.entries[key].place
            if key in declared:
                self._read(key, value, declared[key], place, None)
            elif key in _GLOBAL_ALONE:
                self._add(place, f"{key} is one for all sensors", "move it to [global]")
            else:
                known = [*declared, *_SENSOR]
                hint = did_you_mean(key, known) or f"its options are {', '.join(declared) or 'none'}"
                self._add(place, f"the sensor {kind} has no option {key}", hint)

    def _read(self, key: str, value: object, option: Option[Any], place: Place, otherwise: Any) -> Any:
        """A value as its option reads it; where it cannot, there is a fault."""
        try:
            return option.read(value)
        except ValueError as fault:
            # What stands there is shown, unless it is one of the values that nobody may see.
            stands = "" if isinstance(option.default, Secret) else f", not {str(value)[:40]!r}"
            self._add(place, f"{key} is {fault}{stands}")
            return otherwise

    def _add(self, place: Place, message: str, hint: str = "") -> None:
        self._faults[Fault(self._file, place.line, place.col, message, hint)] = None


def _is_name(name: str) -> bool:
    """Whether a name may stand in commands and in names of files."""
    plain = name.replace("-", "").replace("_", "")
    return name != UPLOADER and len(name) <= MAX_NAME and plain.isascii() and plain.isalnum()
