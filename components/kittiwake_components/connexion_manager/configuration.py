"""The configuration of the connexions: the last one that led to contact, and a candidate that must do so first."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.recall import read_for_start
from kittiwake.storage.record import AtomicRecord
from kittiwake_components.ports.bearer import BEARERS, SETUP_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

CONFIGURATION_SIZE = 4096
"""The largest configuration file, in bytes."""

VERSION = 1
_TRIAL = Struct(">Q")
_KEYS = {"order", "setups"}


class ConfigurationFault(ValueError):
    """A configuration that makes no sense; the message says where and what is wanted."""


class Configuration(NamedTuple):
    """The bearers in their order, those left out being disabled, and the setup of each that has one."""

    order: tuple[str, ...]
    setups: dict[str, str]

    def packed(self) -> bytes:
        """As JSON."""
        import json

        return json.dumps(
            {"order": self.order, "setups": self.setups}, separators=(",", ":"), ensure_ascii=False
        ).encode()


def parse_configuration(data: bytes, bearers: Sequence[str]) -> Configuration:
    """A configuration in JSON: {"order": ["wifi", "lora"], "setups": {"wifi": "ssid=field"}}.

    Raises `ConfigurationFault`. `bearers` are the names that there are.
    """
    import json

    if len(data) > CONFIGURATION_SIZE:
        raise ConfigurationFault(f"it takes {len(data)} bytes, more than {CONFIGURATION_SIZE}")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise ConfigurationFault("it is no JSON") from None
    if not isinstance(found, dict) or not set(found) <= _KEYS or "order" not in found:
        raise ConfigurationFault('an object with "order" and perhaps "setups" is wanted')
    return Configuration(_order(found["order"], bearers), _setups(found.get("setups", {}), bearers))


def _order(found: Any, bearers: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(found, list) or not 1 <= len(found) <= BEARERS:
        raise ConfigurationFault(f"order: a list of 1 to {BEARERS} bearers is wanted")
    for name in found:
        _known("order", name, bearers)
    if len(set(found)) < len(found):
        raise ConfigurationFault("order: a bearer is named twice")
    return tuple(found)


def _setups(found: Any, bearers: Sequence[str]) -> dict[str, str]:
    if not isinstance(found, dict):
        raise ConfigurationFault("setups: an object is wanted")
    for name, setup in found.items():
        _known("setups", name, bearers)
        if not isinstance(setup, str) or not _is_short(setup):
            raise ConfigurationFault(f"setups.{name}: a text of at most {SETUP_SIZE} bytes is wanted")
    return dict(found)


def _is_short(setup: str) -> bool:
    try:
        return len(setup.encode()) <= SETUP_SIZE
    except UnicodeEncodeError:
        return False


def _known(where: str, name: Any, bearers: Sequence[str]) -> None:
    if name not in bearers:
        raise ConfigurationFault(f"{where}: there is no bearer {str(name)[:20]!r}, only {', '.join(bearers)}")


class Trial(NamedTuple):
    """A candidate, and how long it has been tried without contact."""

    candidate: Configuration
    lasted_us: int


class ConfigurationRecords:
    """The two records. A candidate counts as long as its record holds one; methods raise `OSError`.

    A candidate that proved good is first saved as the good one and then forgotten: a power cut between the two leaves
    it in both, and it is tried again.
    """

    def __init__(self, files: Files, path: str, bearers: Sequence[str]) -> None:
        self._good = AtomicRecord(files, path, VERSION, CONFIGURATION_SIZE)
        self._candidate = AtomicRecord(files, path + ".candidate", VERSION, CONFIGURATION_SIZE + _TRIAL.size)
        self._bearers = bearers

    def read(self) -> tuple[Configuration | None, Trial | None, tuple[Finding, ...]]:
        """The last known good configuration and the candidate, `None` where there is none, and what was found wrong."""
        good, candidate = read_for_start(self._good), read_for_start(self._candidate)
        payload = candidate.payload or b""
        tried = None
        if len(payload) > _TRIAL.size:
            configuration = self._parsed(payload[_TRIAL.size :])
            tried = None if configuration is None else Trial(configuration, *_TRIAL.unpack_from(payload))
        return self._parsed(good.payload), tried, good.findings + candidate.findings

    def _parsed(self, payload: bytes | None) -> Configuration | None:
        if payload is None:
            return None
        try:
            return parse_configuration(payload, self._bearers)
        except ConfigurationFault:
            # Saved by a software that had other bearers.
            return None

    def write_candidate(self, trial: Trial) -> None:
        """Saves a candidate and how long it has been tried."""
        self._candidate.write(_TRIAL.pack(trial.lasted_us) + trial.candidate.packed())

    def keep(self, good: Configuration) -> None:
        """The candidate led to contact: it is the good one now."""
        self._good.write(good.packed())
        self.forget_candidate()

    def forget_candidate(self) -> None:
        """There is no candidate any more."""
        self._candidate.write(b"")
