"""What a ground station serves and where: read from `ground.toml`, or made from options of `kittiwake ground serve`.

    host = "127.0.0.1"
    port = 8090
    folder = "var/ground"            # audit trail, files from deployments, archive
    users = "var/ground/users.json"
    archive = "var/ground/archive"
    keep_days = 90
    procedures = "procedures"        # Python procedures that operators may run
    parquet = "var/ground/parquet"   # keep long history there as Parquet files; samples go only once they are there

    [deployments.station]
    dictionary = "build/ReferenceDeploymentTopologyDictionary.json"
    link = "tcp://127.0.0.1:50000"
    framing = "ccsds"
    queue = "hold"
    keys = "var/uplink.keys"         # commands are signed with a key of this file; without it they are not
    spi = 1                          # which key, if several are active
    building = "http://127.0.0.1:8091"      # the building's API, if the deployment has one
    building_token = "var/screen.token"     # a file that has a token for it

    [fleet]                          # from when on a deployment counts as lost; these are the defaults
    lost_after_s = 30
    silent_lost_s = 600
    overdue_after_s = 300

    [deployments.station.fleet]      # and for this one
    silent_lost_s = 3600

    [deployments.station.cfdp]       # files over the link by CFDP; these are the defaults
    entity = 1
    device = 2
    apid = 0x20

Whoever is told of alarms has a table `[notify.NAME]`; see `kittiwake_ground.alarms.receivers`. Paths count from the
folder that the file is in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kittiwake.faults import did_you_mean
from kittiwake.wire.framing import FRAMINGS
from kittiwake.wire.link_address import is_loopback, parse_link
from kittiwake.wire.uplink_authenticator import WINDOW
from kittiwake.wire.uplink_keys import MAX_KEY_ID
from kittiwake_ground.alarms.levels import DEFAULT_SEVERITIES, EVENT_LEVELS
from kittiwake_ground.alarms.receivers import MAX_RECEIVERS, Receiver
from kittiwake_ground.building.access import api_address

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CONFIGURATION_SIZE = 1 << 20
MAX_DEPLOYMENTS = 64
MAX_PROCEDURES_AT_ONCE = 64
DEFAULT_PORT = 8090
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
QUEUE_POLICIES = ("hold", "refuse")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class ConfigurationFault(ValueError):
    """A configuration that cannot be used; the message says where and what would do."""


@dataclass(frozen=True)
class CfdpConfiguration:
    """How files go over a deployment's link by CFDP. All but the limits must fit the deployment's TransferService.

    `entity` is the ground's id and `device` the deployment's; packets have the APID `apid` and at most `segment_bytes`
    of a file. CFDP asks again after `answer_s`, longer than a round trip, and gives up a file of which nothing was
    heard for `inactivity_s` while the link was up. At most `received_files` files with `received_bytes` in all are kept
    of what arrives, each of at most `received_file_bytes`; what is more stays with the deployment.
    """

    entity: int = 1
    device: int = 2
    apid: int = 0x20
    segment_bytes: int = 900
    answer_s: float = 10.0
    inactivity_s: float = 600.0
    received_files: int = 10_000
    received_bytes: int = 4 << 30
    received_file_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        for name, low, high in _CFDP_LIMITS:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigurationFault(f"cfdp: {name} is from {low} to {high}, not {value}")
        if self.apid in TAKEN_APIDS:
            raise ConfigurationFault(f"cfdp: apid is one that no other packets have, not {self.apid}")
        if self.entity == self.device:
            raise ConfigurationFault(f"cfdp: entity and device are two ids, not {self.entity} both")


_CFDP_LIMITS = (
    ("entity", 0, 0xFFFF),
    ("device", 0, 0xFFFF),
    ("apid", 8, 0x7FD),
    ("segment_bytes", 32, 4000),
    ("answer_s", 0.1, 86_400),
    ("inactivity_s", 0.1, 86_400),
    ("received_files", 0, 1_000_000),
    ("received_bytes", 0, 1 << 50),
    ("received_file_bytes", 0, 1 << 32),
)
TAKEN_APIDS = (0xFE, 0xFF)
"""What idle packets and packets of no known kind have."""


@dataclass(frozen=True)
class FleetLimits:
    """From when on the fleet counts a deployment as lost.

    A link that is not up is lost once nothing was heard for `lost_after_s`: one that is made again at once is no
    concern. One that is up is lost once it has been silent for `silent_lost_s`. A device that sleeps, or has a pass,
    may be heard `overdue_after_s` later than it was planned.
    """

    lost_after_s: float = 30.0
    silent_lost_s: float = 600.0
    overdue_after_s: float = 300.0

    def __post_init__(self) -> None:
        for name, low, high in _FLEET_LIMITS:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigurationFault(f"fleet: {name} is from {low} to {high}, not {value}")


_FLEET_LIMITS = (("lost_after_s", 1, 7 * 86400), ("silent_lost_s", 10, 30 * 86400), ("overdue_after_s", 0, 30 * 86400))
"""A link counts as silent after ten seconds: what is silent cannot be lost before."""


@dataclass(frozen=True)
class DeploymentConfiguration:
    """One deployment: what it is called, what decodes it, how it is reached, and what happens to its commands.

    `queue` says what becomes of a command while the link is down: `hold` keeps up to `queue_size` of them for
    `queue_expiry_s` seconds each, `refuse` keeps none. `rate` is the pace of file uploads in bytes a second, 0 for as
    fast as the link takes, `None` for a pace that suits the kind of link. `hazardous` are patterns of commands to arm
    in two steps, besides those that the dictionary marks. `raw_frames` has the archive keep what the link carries, too.
    `keys` is the key file that commands are signed with, `None` to leave them unsigned; `spi` is the key, `None` for
    the only active one; `window` is the deployment's SEQ_NUM_WINDOW, `authenticator` its instance, if it has several.
    `alarm_events` are the severities of events that are alarms.
    `building` is the address of the deployment's BuildingApi and `building_token` a file with a token for it, for the
    dashboard. `cfdp` is about files that go by CFDP, and `fleet` says when it counts as lost.
    """

    name: str
    dictionary: Path
    link: str
    framing: str = "ccsds"
    packet_set: str = ""
    queue: str = "hold"
    queue_size: int = 100
    queue_expiry_s: float = 600.0
    command_timeout_s: float = 30.0
    history_size: int = 300
    rate: float | None = None
    hazardous: tuple[str, ...] = ()
    raw_frames: bool = False
    keys: Path | None = None
    spi: int | None = None
    window: int = WINDOW
    authenticator: str = ""
    building: str = ""
    building_token: Path | None = None
    alarm_events: tuple[str, ...] = DEFAULT_SEVERITIES
    cfdp: CfdpConfiguration = field(default_factory=CfdpConfiguration)
    fleet: FleetLimits = field(default_factory=FleetLimits)

    def __post_init__(self) -> None:
        where = f"deployment {self.name!r}"
        if not _NAME.fullmatch(self.name):
            raise ConfigurationFault(f"{where}: a name has 1 to 64 letters, digits, - and _")
        try:
            parse_link(self.link)
        except ValueError as fault:
            raise ConfigurationFault(f"{where}: {fault}") from None
        if self.framing not in FRAMINGS:
            raise ConfigurationFault(f"{where}: framing is {' or '.join(FRAMINGS)}, not {self.framing!r}")
        if self.queue not in QUEUE_POLICIES:
            raise ConfigurationFault(f"{where}: queue is {' or '.join(QUEUE_POLICIES)}, not {self.queue!r}")
        for name, low, high in _LIMITS:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ConfigurationFault(f"{where}: {name} is from {low} to {high}, not {value}")
        unknown = set(self.alarm_events) - EVENT_LEVELS.keys()
        if unknown:
            raise ConfigurationFault(f"{where}: alarm_events are of {', '.join(EVENT_LEVELS)}, not {min(unknown)!r}")
        self._check_secrets(where)

    def _check_secrets(self, where: str) -> None:
        if self.keys is None and self.spi is not None:
            raise ConfigurationFault(f"{where}: spi goes with keys")
        if bool(self.building) != (self.building_token is not None):
            raise ConfigurationFault(f"{where}: building and building_token go together")
        if self.building:
            try:
                api_address(self.building)
            except ValueError as fault:
                raise ConfigurationFault(f"{where}: {fault}") from None


_LIMITS = (
    ("queue_size", 1, 10_000),
    ("queue_expiry_s", 1, 7 * 86400),
    ("command_timeout_s", 0.1, 86400),
    ("history_size", 1, 100_000),
    ("rate", 0, 1e9),
    ("spi", 0, MAX_KEY_ID),
    ("window", 1, 1_000_000),
)


@dataclass(frozen=True)
class GroundConfiguration:
    """The whole ground station. `archive` is `None` to keep none, and `users` is `None` for nobody with a password.

    `parquet` is where long history is kept as Parquet files, `None` for nowhere. `procedures` is the folder of the
    procedures that operators run, so many of them at once.
    """

    deployments: tuple[DeploymentConfiguration, ...] = ()
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    folder: Path = field(default_factory=lambda: Path("var/ground"))
    users: Path | None = None
    archive: Path | None = None
    receivers: tuple[Receiver, ...] = ()
    keep_days: float = 90.0
    parquet: Path | None = None
    procedures: Path | None = None
    procedures_at_once: int = 4
    max_upload_size: int = 64 << 20

    def __post_init__(self) -> None:
        names = [one.name for one in self.deployments]
        for name in names:
            if names.count(name) > 1:
                raise ConfigurationFault(f"there are two deployments called {name!r}")
        if len(names) > MAX_DEPLOYMENTS:
            raise ConfigurationFault(f"at most {MAX_DEPLOYMENTS} deployments, not {len(names)}")
        if not 0 <= self.port <= 65535:
            raise ConfigurationFault(f"port {self.port} is outside 0 to 65535")
        if len(self.receivers) > MAX_RECEIVERS:
            raise ConfigurationFault(f"at most {MAX_RECEIVERS} tables [notify.NAME], not {len(self.receivers)}")
        if not 1 <= self.procedures_at_once <= MAX_PROCEDURES_AT_ONCE:
            raise ConfigurationFault(
                f"procedures_at_once is from 1 to {MAX_PROCEDURES_AT_ONCE}, not {self.procedures_at_once}"
            )
        if self.keep_days <= 0:
            raise ConfigurationFault(f"keep_days is more than 0, not {self.keep_days}")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


def read_configuration(path: Path) -> GroundConfiguration:
    """The configuration in a TOML file. Raises `OSError`, and `ConfigurationFault` that names the file and the key."""
    import tomllib

    with path.open("rb") as file:
        content = file.read(MAX_CONFIGURATION_SIZE + 1)
    if len(content) > MAX_CONFIGURATION_SIZE:
        raise ConfigurationFault(f"{path}: larger than {MAX_CONFIGURATION_SIZE} bytes")
    try:
        data = tomllib.loads(content.decode())
        return _ground(data, path.parent)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ConfigurationFault) as fault:
        raise ConfigurationFault(f"{path}: {fault}") from None


def parse_deployment(text: str) -> DeploymentConfiguration:
    """A deployment of the form `NAME=DICTIONARY,LINK[,FRAMING]`. Raises `ConfigurationFault`."""
    name, equals, rest = text.partition("=")
    parts = rest.split(",")
    if not equals or len(parts) not in (2, 3):
        raise ConfigurationFault(f"{text!r} should be NAME=DICTIONARY,LINK or NAME=DICTIONARY,LINK,FRAMING")
    return DeploymentConfiguration(name, Path(parts[0]), parts[1], parts[2] if len(parts) == 3 else "ccsds")


_Kinds = dict[str, tuple[type, ...]]
_Part = TypeVar("_Part", CfdpConfiguration, FleetLimits)
_GROUND_KINDS: _Kinds = {
    "host": (str,), "port": (int,), "folder": (str,), "users": (str,), "archive": (str,), "keep_days": (int, float),
    "parquet": (str,), "procedures": (str,), "procedures_at_once": (int,), "max_upload_size": (int,),
    "fleet": (dict,),
}  # fmt: skip
_DEPLOYMENT_KINDS: _Kinds = {
    "dictionary": (str,), "link": (str,), "framing": (str,), "packet_set": (str,), "queue": (str,),
    "queue_size": (int,), "queue_expiry_s": (int, float), "command_timeout_s": (int, float), "history_size": (int,),
    "rate": (int, float), "hazardous": (list,), "raw_frames": (bool,), "keys": (str,), "spi": (int,), "window": (int,),
    "authenticator": (str,), "alarm_events": (list,), "building": (str,), "building_token": (str,), "cfdp": (dict,),
    "fleet": (dict,),
}  # fmt: skip
_CFDP_KINDS: _Kinds = {
    "entity": (int,), "device": (int,), "apid": (int,), "segment_bytes": (int,), "answer_s": (int, float),
    "inactivity_s": (int, float), "received_files": (int,), "received_bytes": (int,), "received_file_bytes": (int,),
}  # fmt: skip
_FLEET_KINDS: _Kinds = {
    "lost_after_s": (int, float), "silent_lost_s": (int, float), "overdue_after_s": (int, float),
}  # fmt: skip
_RECEIVER_KINDS: _Kinds = {
    "kind": (str,), "url": (str,), "host": (str,), "port": (int,), "tls": (bool,), "user": (str,), "sender": (str,),
    "recipients": (list,), "topic": (str,), "secret_file": (str,), "secret_env": (str,), "authorities": (str,),
    "least": (str,), "actions": (list,), "sources": (list,), "deployments": (list,), "per_minute": (int, float),
}  # fmt: skip
_PATHS = (
    "folder", "users", "archive", "parquet", "procedures", "dictionary", "keys", "building_token", "secret_file",
    "authorities",
)  # fmt: skip


def _ground(data: Mapping[str, Any], base: Path) -> GroundConfiguration:
    tables = _tables(data, "deployments")
    rest = {key: value for key, value in data.items() if key not in ("deployments", "notify")}
    own = _checked(rest, _GROUND_KINDS, "", base)
    fleet = _checked(own.pop("fleet", {}), _FLEET_KINDS, "fleet.", base)
    FleetLimits(**fleet)
    deployments = []
    for name, table in tables.items():
        found = _checked(table, _DEPLOYMENT_KINDS, f"deployments.{name}.", base)
        for key in ("dictionary", "link"):
            if key not in found:
                raise ConfigurationFault(f"deployments.{name}: {key} is missing")
        _texts(found, f"deployments.{name}", ("hazardous", "alarm_events"))
        cfdp = _checked(found.pop("cfdp", {}), _CFDP_KINDS, f"deployments.{name}.cfdp.", base)
        own_fleet = _checked(found.pop("fleet", {}), _FLEET_KINDS, f"deployments.{name}.fleet.", base)
        limits = _part(name, FleetLimits, fleet | own_fleet)
        deployments.append(
            DeploymentConfiguration(name, cfdp=_part(name, CfdpConfiguration, cfdp), fleet=limits, **found)
        )
    receivers = [_receiver(name, table, base) for name, table in _tables(data, "notify").items()]
    return GroundConfiguration(tuple(deployments), receivers=tuple(receivers), **own)


def _tables(data: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
    tables = data.get(key, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigurationFault(f"{key} are tables: [{key}.NAME]")
    return tables


def _texts(found: dict[str, Any], where: str, keys: tuple[str, ...]) -> None:
    """Makes the lists of texts among what was found tuples."""
    for key in keys:
        if not all(isinstance(one, str) for one in found.get(key, ())):
            raise ConfigurationFault(f"{where}.{key} is a list of texts")
        if key in found:
            found[key] = tuple(found[key])


def _receiver(name: str, table: Mapping[str, Any], base: Path) -> Receiver:
    found = _checked(table, _RECEIVER_KINDS, f"notify.{name}.", base)
    _texts(found, f"notify.{name}", ("recipients", "actions", "sources", "deployments"))
    if "kind" not in found:
        raise ConfigurationFault(f"notify.{name}: kind is missing")
    try:
        return Receiver(name, **found)
    except ValueError as fault:
        raise ConfigurationFault(str(fault)) from None


def _part(name: str, kind: type[_Part], found: Mapping[str, Any]) -> _Part:
    """What a table within a deployment's says."""
    try:
        return kind(**found)
    except ConfigurationFault as fault:
        raise ConfigurationFault(f"deployment {name!r}: {fault}") from None


def _checked(table: Mapping[str, Any], kinds: _Kinds, prefix: str, base: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        wanted = kinds.get(key)
        if wanted is None:
            hint = did_you_mean(key, [*kinds, *(["deployments", "notify"] if not prefix else [])])
            raise ConfigurationFault(f"there is no {prefix}{key}" + (f" ({hint})" if hint else ""))
        if type(value) not in wanted:
            raise ConfigurationFault(f"{prefix}{key} is {' or '.join(kind.__name__ for kind in wanted)}, not {value!r}")
        found[key] = base / value if key in _PATHS else value
    return found
