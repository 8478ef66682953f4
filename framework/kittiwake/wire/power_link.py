"""The serial protocol between a device's main unit and its power unit, a small microcontroller that is always on.

The main unit asks, the power unit answers each request with one reply of the same sequence number, and may send notices
in between. A frame is, big-endian:

    sync 0xB5 0x4B | version U8 | kind U8 | sequence U8 | length U8 | payload | CRC-16/CCITT-FALSE of all before

Requests have kinds below 0x80; the reply to one has its kind with the highest bit set, or is `Refusal`. A request that
comes again with the same sequence number and payload is not carried out again: it gets the reply that was given. So a
main unit may repeat what was not answered, without doing anything twice. Times are lengths, never dates: the power unit
needs no calendar. `kittiwake.power_unit.layout` describes the messages for construct, docs/power-unit.md in
words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import I16, I32, U8, U16, U32, WireError, wire_enum, wire_struct, wire_type
from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.crc import crc16
from kittiwake.wire.frame_hunter import FrameFormat, FrameHunter
from kittiwake.wire.link_counters import LinkCounters

if TYPE_CHECKING:
    from kittiwake.model.types import WireType

VERSION = 1
SYNC = b"\xb5\x4b"
HEADER_SIZE = 6
CHECK_SIZE = 2
MAX_PAYLOAD = 64
REPLY = 0x80
"""The bit that tells a reply from its request."""

NOTICE = 0xC0
"""The first kind of notices."""

BAUD = 115_200


@wire_enum(U8, name="Power.WakeReason")
class WakeReason(IntEnum):
    """Why the power unit gave the main unit its power."""

    POWER_ON = 0
    """The power unit itself came up: nothing is known of before."""
    TIMER = 1
    """The sleep that was asked for is over."""
    WATCHDOG = 2
    """The watchdog was not renewed in time, and the power was cut."""
    HARD_LIMIT = 3
    """The main unit was awake for too long, and the power was cut."""
    BUTTON = 4
    """Somebody pressed the button."""
    RECOVERED = 5
    """The battery had been too low, and no longer is."""


@wire_enum(U8, name="Power.Mode")
class PowerMode(IntEnum):
    """What the main unit lives on."""

    POWERED = 0
    """It stays on; the hard limit holds only while no supply is there."""
    BATTERY = 1
    """It sleeps between its cycles; the hard limit always holds."""


@wire_enum(U8, name="Power.RefusalReason")
class RefusalReason(IntEnum):
    """Why a request was not carried out."""

    UNKNOWN_KIND = 0
    BAD_PAYLOAD = 1
    WRONG_VERSION = 2
    OUT_OF_RANGE = 3
    """A time that is too short or too long."""
    NOT_NOW = 4
    """There is nothing to cancel, or a powerdown is under way already."""
    NO_SUPPLY = 5
    """POWERED is wanted, and there is no supply."""


@wire_struct(name="Power.Status")
class Status:
    """How the power unit stands. Answers GET_STATUS, SET_MODE and CANCEL_POWERDOWN."""

    firmware: U16
    wake_reason: WakeReason
    mode: PowerMode
    awake_s: U32
    """Since the main unit got its power."""
    slept_s: U32
    """How long it was without power before that; 0 after POWER_ON."""
    awake_left_s: U32
    """Until the hard limit cuts the power; 0xFFFFFFFF while it does not hold."""
    watchdog_left_s: U16
    """Until the watchdog cuts the power; 0xFFFF while it was not started."""
    powerdown_s: U16
    """Until a powerdown that was accepted cuts the power; 0xFFFF without one."""
    wakes: U32
    """How often the main unit has got its power since the power unit came up: tells one awake time from another."""


@wire_struct(name="Power.Measures")
class Measures:
    """What the power unit has just measured."""

    battery_mv: U16
    battery_ma: I32
    """Out of the battery; negative while it is charged."""
    supply_mv: U16
    supply_ma: I32
    """From the supply or the panel."""
    temperature_cc: I16
    """Hundredths of a degree Celsius at the battery."""
    charge_permille: U16
    """State of charge; 0xFFFF where it is not known."""


@wire_struct(name="Power.Credit")
class Credit:
    """What the power unit can promise for the next sleep."""

    min_sleep_s: U32
    max_sleep_s: U32
    credit_s: U32
    """How long it can sleep and still wake the main unit once, on the charge that is left."""
    energy_mwh: U32
    """What is left in the battery."""


@wire_struct(name="Power.Watchdog")
class Watchdog:
    """Starts the watchdog, or renews it: without the next renewal within `limit_s` the power is cut."""

    limit_s: U16


@wire_struct(name="Power.WatchdogLeft")
class WatchdogLeft:
    """The watchdog runs."""

    left_s: U16


@wire_struct(name="Power.SetMode")
class SetMode:
    """Says what the main unit is to live on."""

    mode: PowerMode


@wire_struct(name="Power.Powerdown")
class Powerdown:
    """Asks for the power to be cut, and given back after `sleep_s`, counted from the cut."""

    sleep_s: U32


@wire_struct(name="Power.PowerdownAccepted")
class PowerdownAccepted:
    """The power is cut in `cut_in_ms` and comes back `sleep_s` later, which may be sooner than asked for."""

    sleep_s: U32
    cut_in_ms: U16


@wire_struct(name="Power.HardLimit")
class HardLimit:
    """Sets how long the main unit may stay awake, from when it got its power; it can only be made shorter."""

    limit_s: U32


@wire_struct(name="Power.Refusal")
class Refusal:
    """The request was not carried out."""

    kind: U8
    reason: RefusalReason


@wire_struct(name="Power.CutWarning")
class CutWarning:
    """Notice: the power will be cut in `left_s` seconds, for this reason."""

    reason: WakeReason
    left_s: U16


@wire_struct(name="Power.LowPower")
class LowPower:
    """Notice: the battery is low."""

    battery_mv: U16
    charge_permille: U16


class Kind(IntEnum):
    """What a frame says."""

    GET_STATUS = 0x01
    GET_MEASURES = 0x02
    GET_CREDIT = 0x03
    WATCHDOG = 0x04
    SET_MODE = 0x05
    POWERDOWN = 0x06
    CANCEL_POWERDOWN = 0x07
    HARD_LIMIT = 0x08
    STATUS = 0x81
    MEASURES = 0x82
    CREDIT = 0x83
    WATCHDOG_LEFT = 0x84
    MODE_SET = 0x85
    POWERDOWN_ACCEPTED = 0x86
    POWERDOWN_CANCELLED = 0x87
    HARD_LIMIT_SET = 0x88
    REFUSAL = 0xBF
    CUT_WARNING = 0xC0
    LOW_POWER = 0xC1


PAYLOADS: dict[Kind, Any] = {
    Kind.GET_STATUS: None, Kind.STATUS: Status,
    Kind.GET_MEASURES: None, Kind.MEASURES: Measures,
    Kind.GET_CREDIT: None, Kind.CREDIT: Credit,
    Kind.WATCHDOG: Watchdog, Kind.WATCHDOG_LEFT: WatchdogLeft,
    Kind.SET_MODE: SetMode, Kind.MODE_SET: Status,
    Kind.POWERDOWN: Powerdown, Kind.POWERDOWN_ACCEPTED: PowerdownAccepted,
    Kind.CANCEL_POWERDOWN: None, Kind.POWERDOWN_CANCELLED: Status,
    Kind.HARD_LIMIT: HardLimit, Kind.HARD_LIMIT_SET: Status,
    Kind.REFUSAL: Refusal, Kind.CUT_WARNING: CutWarning, Kind.LOW_POWER: LowPower,
}  # fmt: skip
"""What each kind of frame carries, `None` for nothing. Other kinds are not of this version."""

_FORMS: dict[int, WireType | None] = {
    int(kind): None if payload is None else wire_type(payload) for kind, payload in PAYLOADS.items()
}


class Message(NamedTuple):
    """A frame: its kind, its sequence number and what it carries; that is bytes if the kind or version is not known."""

    kind: int
    sequence: int
    payload: Any
    version: int = VERSION


def frame(message: Message) -> bytes:
    """The bytes of a message. Raises `ValueError` or `TypeError` for a payload that does not fit its kind."""
    payload = _packed(message)
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a payload has at most {MAX_PAYLOAD} bytes, not {len(payload)}")
    head = SYNC + bytes((message.version, message.kind, message.sequence & 0xFF, len(payload)))
    checked = head + payload
    return checked + crc16(checked).to_bytes(CHECK_SIZE, "big")


def _packed(message: Message) -> bytes:
    if isinstance(message.payload, bytes):
        return message.payload
    form = _FORMS[message.kind]
    if form is None:
        if message.payload is not None:
            raise TypeError(f"{Kind(message.kind).name} carries nothing, not {message.payload!r}")
        return b""
    return form.pack(message.payload)


def _size_at(buffer: bytes, offset: int) -> int:
    length = buffer[offset + HEADER_SIZE - 1]
    return HEADER_SIZE + length + CHECK_SIZE if length <= MAX_PAYLOAD else 0


def _is_sound(found: bytes) -> bool:
    return crc16(found) == 0


_FORMAT = FrameFormat(SYNC, HEADER_SIZE, HEADER_SIZE + MAX_PAYLOAD + CHECK_SIZE, _size_at, _is_sound)


class PowerLinkReader:
    """Finds messages in the bytes of the line, however they are cut and whatever stands between them.

    A sound frame whose payload is not that of its kind is counted as malformed and given with its payload as bytes, so
    that a request can be refused.
    """

    def __init__(self) -> None:
        self.counters = LinkCounters()
        self._hunter = FrameHunter(_FORMAT, self.counters)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes."""
        return [self._read(found) for found in self._hunter.feed(data)]

    def _read(self, found: bytes) -> Message:
        version, kind, sequence = found[2:5]
        payload = found[HEADER_SIZE:-CHECK_SIZE]
        if version != VERSION or kind not in _FORMS:
            return Message(kind, sequence, payload, version)
        form = _FORMS[kind]
        value, end = None, 0
        try:
            if form is not None:
                value, end = form.unpack(payload)
            if end != len(payload):
                raise WireError(f"{len(payload) - end} bytes too many")
        except WireError:
            self.counters.malformed += 1
            return Message(kind, sequence, payload, version)
        return Message(kind, sequence, value, version)
