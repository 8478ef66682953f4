"""What the bridge shows: points and channels as entities of Home Assistant, with their topics, configs and payloads."""

from __future__ import annotations

from math import inf, isfinite
from typing import TYPE_CHECKING, Any
from zlib import crc32

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.values import packed, unpacked
from kittiwake_components.point_access import Value, switch_of
from kittiwake_components.ports.platform_driver import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable

SENSOR, BINARY_SENSOR, SWITCH, NUMBER = "sensor", "binary_sensor", "switch", "number"
ENTITIES_LIMIT = 1000
PAYLOAD_LIMIT = 1000
"""The longest payload of a command, in bytes."""

_UNITS = {"degC": "°C", "deg": "°", "m/s^2": "m/s²"}
_FORMS = "sensor [UNIT], binary_sensor, switch, or number LOW HIGH [UNIT]"
_SLUG_SIZE = 60


class BadCommand(ValueError):
    """A payload that is no value of its point."""


class Entity(NamedTuple):
    """A point (its path) or a channel (its full name), and how it is shown."""

    name: str
    kind: str
    unit: str = ""
    low: float = -inf
    high: float = inf
    is_channel: bool = False

    @property
    def is_writable(self) -> bool:
        """Whether it takes commands."""
        return self.kind in (SWITCH, NUMBER)

    @property
    def place(self) -> str:
        """Its topic below the bridge's."""
        return f"{'channels' if self.is_channel else 'points'}/{self.name}"

    @property
    def slug(self) -> str:
        """A name of letters that Home Assistant takes, of its own for each entity."""
        plain = "".join([letter if letter.isascii() and letter.isalnum() else "_" for letter in self.name])
        return f"{plain[-_SLUG_SIZE:]}_{crc32(self.place.encode()):08x}"

    def state(self, value: Value | dict[str, Any], quality: Quality, time_us: int) -> bytes:
        """The payload of its state. A binary one is true, false, or of no value: "inactive" is false."""
        shown = switch_of(value) if self.kind in (BINARY_SENSOR, SWITCH) else value
        if shown is None and quality is Quality.GOOD:
            quality = Quality.ERROR
        return packed({"value": shown, "quality": quality.name.lower(), "time_us": time_us}).encode()

    def value_of(self, payload: bytes) -> Value:
        """The value in a command. An empty one, or null, releases. Raises `BadCommand`."""
        if len(payload) > PAYLOAD_LIMIT:
            raise BadCommand(f"a command has at most {PAYLOAD_LIMIT} bytes")
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            raise BadCommand("a command is a text in UTF-8") from None
        if text.strip() in ("", "null"):
            return None
        if self.kind == SWITCH:
            switched = switch_of(text)
            if switched is None:
                raise BadCommand(f"{text!r} is neither ON nor OFF")
            return switched
        try:
            value = unpacked(text)
        except ValueError:
            raise BadCommand(f"{text!r} is no number") from None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadCommand(f"{text!r} is no number")
        if not self.low <= value <= self.high:
            raise BadCommand(f"{text} is not from {self.low:g} to {self.high:g}")
        return value


def read_point(path: str, form: str) -> Entity:
    """A point of the setting, with its form: `sensor degC`, `number 16 26 degC`. Raises `ValueError`."""
    parts = form.split()
    kind, rest = (parts[0], parts[1:]) if parts else ("", [])
    if "/" not in path or set(path) & set("+#\0"):
        raise ValueError(f"{path!r} is no path of a point that a topic can have")
    if kind in (BINARY_SENSOR, SWITCH) and not rest:
        return Entity(path.strip("/"), kind)
    if kind == SENSOR and len(rest) <= 1:
        return Entity(path.strip("/"), kind, rest[0] if rest else "")
    if kind == NUMBER and len(rest) in (2, 3):
        low, high = float(rest[0]), float(rest[1])
        if isfinite(low) and isfinite(high) and low < high:
            return Entity(path.strip("/"), kind, rest[2] if len(rest) == 3 else "", low, high)
    raise ValueError(f"{path}: {form!r} is none of: {_FORMS}")


def check_points(points: dict[str, str]) -> None:
    """The check of the setting `points`. Raises `ValueError`."""
    if len(points) > ENTITIES_LIMIT:
        raise ValueError(f"at most {ENTITIES_LIMIT} points are shown, not {len(points)}")
    for path, form in points.items():
        read_point(path, form)


class Topics(NamedTuple):
    """The topics of a bridge."""

    base: str
    discovery: str
    node: str

    @property
    def availability(self) -> str:
        """`online` or `offline`, the bridge's last will."""
        return f"{self.base}/{self.node}/availability"

    @property
    def configs(self) -> str:
        """The filter of all configs of this node."""
        return f"{self.discovery}/+/{self.node}/+/config"

    def of(self, entity: Entity, what: str) -> str:
        """The topic `state`, `set` or `result` of an entity."""
        return f"{self.base}/{self.node}/{entity.place}/{what}"

    def config(self, entity: Entity) -> str:
        """Where Home Assistant finds the entity."""
        return f"{self.discovery}/{entity.kind}/{self.node}/{entity.slug}/config"


def config_of(entity: Entity, topics: Topics, device: str, version: str) -> bytes:
    """The config by which Home Assistant finds an entity (its documentation of MQTT discovery), in JSON."""
    state = topics.of(entity, "state")
    is_binary = entity.kind in (BINARY_SENSOR, SWITCH)
    config: dict[str, Any] = {
        "name": entity.name,
        "unique_id": f"{topics.node}_{entity.slug}",
        "state_topic": state,
        "value_template": "{{ 'ON' if value_json.value else 'OFF' }}" if is_binary else "{{ value_json.value }}",
        "availability_mode": "all",
        "availability": [
            {"topic": topics.availability},
            {"topic": state, "value_template": "{{ 'online' if value_json.quality == 'good' else 'offline' }}"},
        ],
        "qos": 1,
        "device": {
            "identifiers": [topics.node], "name": device, "manufacturer": "Kittiwake", "sw_version": version,
        },
        "origin": {"name": "Kittiwake", "sw_version": version},
    }  # fmt: skip
    if entity.unit:
        config["unit_of_measurement"] = _UNITS.get(entity.unit, entity.unit)
    if entity.is_writable:
        config["command_topic"] = topics.of(entity, "set")
    if entity.kind == NUMBER:
        config |= {"min": entity.low, "max": entity.high, "step": 0.01, "mode": "box"}
    return packed(config).encode()


def by_topic(entities: Iterable[Entity], topics: Topics) -> dict[str, Entity]:
    """Those that take commands, by the topics where these come."""
    return {topics.of(entity, "set"): entity for entity in entities if entity.is_writable}
