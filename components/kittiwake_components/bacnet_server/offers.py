"""What a building system may see: channels and parameters, each as a BACnet object with a number."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import Boolean, Enumeration, Float, Integer, Ranged, Text, WireError, resolved
from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.time_tag import TAG_SIZE
from kittiwake_components.watched_channel import find_channel, find_declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.model.channels import Conversion
    from kittiwake.model.component import Component
    from kittiwake.model.types import WireType

ANALOG, BINARY, CHARACTER = "analog", "binary", "character"
LAST_OBJECT = 4_194_302
OFFERS_LIMIT = 1000

Plain: TypeAlias = float | bool | str
"""A value as BACnet has it: analog, binary, character."""

UNITS = {
    "%": "percent", "A": "amperes", "Hz": "hertz", "Pa": "pascals", "V": "volts", "W": "watts", "Wh": "watt-hours",
    "d": "days", "dB": "decibels", "deg": "degrees-angular", "degC": "degrees-celsius", "h": "hours",
    "kW": "kilowatts", "kWh": "kilowatt-hours", "lux": "luxes", "m/s^2": "meters-per-second-per-second",
    "min": "minutes", "ms": "milliseconds", "rad/s": "radians-per-second", "s": "seconds", "1/s": "per-second",
}  # fmt: skip
"""BACnet's names of the units that channels and parameters have; all others are `no-units`."""


class Outcome(IntEnum):
    """What became of a write."""

    DONE = 0
    OUT_OF_RANGE = 1
    DENIED = 2
    FAILED = 3


OBJECT_TYPES = {
    ANALOG: ("analog-input", "analog-value"),
    BINARY: ("binary-input", "binary-value"),
    CHARACTER: ("characterstring-value", "characterstring-value"),
}
"""BACnet's types of object for a channel and for a parameter."""


class Offer(NamedTuple):
    """One object: its BACnet kind and number, the full name of what it shows, and where that is."""

    kind: str
    number: int
    name: str
    form: WireType
    units: str
    description: str
    channel: int = 0
    conversion: Conversion | None = None
    owner: Component | None = None
    attribute: str = ""
    opcode: int = 0
    bounds: tuple[float, float] | None = None

    @property
    def object_identifier(self) -> str:
        """The object's identifier, as `analog-input,1`."""
        return f"{OBJECT_TYPES[self.kind][self.is_parameter]},{self.number}"

    @property
    def is_parameter(self) -> bool:
        """Whether it is a parameter, which may be written."""
        return self.owner is not None

    def shown(self, value: Any) -> Plain | None:
        """A value of the channel or parameter as BACnet has it; `None` for what it cannot show."""
        if self.kind == BINARY:
            return bool(value)
        if self.kind == CHARACTER:
            return str(getattr(value, "name", value))
        if self.conversion is not None:
            value = value * self.conversion.scale + self.conversion.offset
        return float(value) if isfinite(value) else None

    def packed(self, value: Plain) -> bytes:
        """The argument of the parameter's set command. Raises `ValueError` for what its type cannot hold.

        Its range is left to the command, which is asked in any case.
        """
        form = resolved(self.form)
        try:
            if isinstance(form, Integer):
                if value != int(value):
                    raise ValueError(f"{value} is no whole number")
                value = int(value)
            return form.pack(form.enum[str(value)] if isinstance(form, Enumeration) else value)
        except KeyError:
            raise ValueError(f"{value!r} is none of {', '.join(form.enum.__members__)}") from None  # type: ignore[attr-defined]
        except (TypeError, OverflowError, WireError) as fault:
            raise ValueError(str(fault)) from None


def check_numbers(offered: dict[str, int]) -> None:
    """The check of a setting that offers things by name. Raises `ValueError`."""
    if len(offered) > OFFERS_LIMIT:
        raise ValueError(f"at most {OFFERS_LIMIT} objects can be offered, not {len(offered)}")
    for name, number in offered.items():
        if not 0 <= number <= LAST_OBJECT:
            raise ValueError(f"{name}: objects have numbers from 0 to {LAST_OBJECT}, not {number}")
    if len(set(offered.values())) < len(offered):
        raise ValueError("each object has a number of its own")


def check_address(address: str) -> None:
    """The check of a setting that says where to listen. Raises `ValueError`."""
    if not address:
        return
    place, colon, port = address.partition(":")
    host, slash, bits = place.partition("/")
    numbers = host.split(".")
    is_host = len(numbers) == 4 and all(_is_up_to(number, 255) for number in numbers)
    if not is_host or (slash and not _is_up_to(bits, 32)) or (colon and not _is_up_to(port, 65_535)):
        raise ValueError(f"an address is like 127.0.0.1:47808 or 192.168.1.5/24:47808, not {address}")


def _is_up_to(text: str, highest: int) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= highest


def offer_channel(name: str, number: int, instances: Mapping[str, Component]) -> Offer:
    """The read-only object of a channel, `instance.Channel`. Raises `LookupError` for what cannot be offered."""
    watched = find_channel(name, instances)
    kind = _kind(watched.form)
    return Offer(
        kind, number, name, watched.form, UNITS.get(watched.unit, "no-units"), watched.unit,
        channel=watched.id, conversion=watched.conversion,
    )  # fmt: skip


def offer_parameter(name: str, number: int, instances: Mapping[str, Component]) -> Offer:
    """The commandable object of a parameter, `instance.PARAMETER`. Raises `LookupError` for what cannot be offered."""
    component, found = find_declared("parameter", name, instances)
    form = found.type
    return Offer(
        _kind(form), number, name, form, UNITS.get(found.unit, "no-units"), found.doc,
        owner=component, attribute=found.name, opcode=component._context.base_id + (found.set_opcode or 0),
        bounds=(form.low, form.high) if isinstance(form, Ranged) else None,
    )  # fmt: skip


def _kind(form: WireType) -> str:
    match resolved(form):
        case Integer() | Float():
            return ANALOG
        case Boolean():
            return BINARY
        case Enumeration() | Text():
            return CHARACTER
    raise LookupError(f"a {form.name} is no number, truth, name or text")


def value_of(offer: Offer, packed: bytes) -> Plain | None:
    """The value of a channel as the telemetry store packs it; `None` if it was never written, or cannot be shown."""
    if len(packed) <= TAG_SIZE or not any(packed[:TAG_SIZE]):
        return None
    return offer.shown(offer.form.unpack(packed, TAG_SIZE)[0])
