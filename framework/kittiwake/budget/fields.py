"""The fields of a deployment's packets, bit by bit, as its dictionary and the framings have them.

Sizes, budgets and drawings are all made from these lists, so that they cannot disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kittiwake.model.types import Alias, Array, Enumeration, Ranged, Struct, Text, holds_text, resolved
from kittiwake.wire.space_packet import SPACE_HEADER_SIZE
from kittiwake.wire.transfer_frame import TM_OVERHEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake.budget.links import Link
    from kittiwake.dictionary.entries import Channel, Config, Dictionary, Event, Packet
    from kittiwake.model.types import Integer, WireType

BITS = 8
FRAME, SPACE, PACKET, VALUE, FILL = "frame", "space packet", "F´ packet", "value", "fill"
"""The layers that a field may belong to."""

_SECONDS_BITS = _MICROSECONDS_BITS = 32
"""A time tag's seconds and microseconds, whose widths F´ fixes; those of its base and context are configured."""


class Field(NamedTuple):
    """So many bits of one layer; `value` is what always stands there, `varies` tells that they may be fewer."""

    name: str
    type: str
    bits: int
    layer: str
    value: str = ""
    varies: bool = False


class Message(NamedTuple):
    """One packet that a deployment sends: its kind, its name, its APID and its fields without any framing."""

    kind: str
    name: str
    apid: int
    fields: tuple[Field, ...]

    @property
    def size(self) -> int:
        """Its bytes; the most where it has strings that are not padded."""
        return size_of(self.fields)


def size_of(fields: Iterable[Field]) -> int:
    """The bytes of fields that follow one another."""
    return sum([field.bits for field in fields]) // BITS


def telemetry_message(dictionary: Dictionary, packet: Packet) -> Message:
    """A packetised telemetry packet: one time tag, and each value padded to its greatest size."""
    apid, head = _head(dictionary.config, "PACKETIZED_TLM", "packet id", dictionary.config.packet_id, packet.id)
    values = [field for channel in packet.channels for field in _padded(channel.name, channel.type)]
    return Message("packet", packet.name, apid, (*head, *values))


def channel_message(dictionary: Dictionary, channel: Channel) -> Message:
    """A packet with one sample of one channel, not padded."""
    apid, head = _head(dictionary.config, "TELEM", "channel id", dictionary.config.channel_id, channel.id)
    return Message("channel", channel.name, apid, (*head, *value_fields(channel.name, channel.type)))


def event_message(dictionary: Dictionary, event: Event) -> Message:
    """An event with its arguments."""
    apid, head = _head(dictionary.config, "LOG", "event id", dictionary.config.event_id, event.id)
    arguments = [field for formal in event.formals for field in value_fields(formal.name, formal.type)]
    return Message("event", event.name, apid, (*head, *arguments))


def entry_size(message: Message) -> int:
    """What a channel's sample takes in a packet that it shares with others: all but the descriptor."""
    return size_of(message.fields[1:])


def _head(config: Config, kind: str, what: str, form: Integer, id: int) -> tuple[int, list[Field]]:
    """The APID of a kind of packet, and the fields before its values."""
    apid = config.descriptors[f"FW_PACKET_{kind}"]
    return apid, [
        _whole("descriptor", config.descriptor, str(apid)),
        _whole(what, form, str(id)),
        _whole("time base", config.time_base),
        _whole("time context", config.time_context, "0"),
        Field("seconds", "U32", _SECONDS_BITS, PACKET),
        Field("microseconds", "U32", _MICROSECONDS_BITS, PACKET),
    ]


def _whole(name: str, form: Integer, value: str = "") -> Field:
    return Field(name, form.name, form.bits, PACKET, value)


# Values


def _padded(name: str, form: WireType) -> list[Field]:
    """A value in a telemetry packet, which takes its greatest size whatever it holds."""
    base = resolved(form)
    if holds_text(base) and not isinstance(base, Text):
        return [Field(name, f"{type_text(form)}, padded", form.max_size * BITS, VALUE)]
    return [field._replace(varies=False) for field in value_fields(name, form)]


def value_fields(name: str, form: WireType) -> list[Field]:
    """A value as it stands on the wire: structs member by member, strings as their length and their text."""
    base = resolved(form)
    if isinstance(base, Text):
        prefix = base.max_size - base.size
        return [
            Field(f"{name}.length", f"U{prefix * BITS}", prefix * BITS, VALUE),
            Field(name, type_text(form), base.size * BITS, VALUE, varies=True),
        ]
    if isinstance(base, Struct):
        return [field for member, part in base.members.items() for field in value_fields(f"{name}.{member}", part)]
    return [Field(name, type_text(form), form.max_size * BITS, VALUE, varies=holds_text(base))]


def type_text(form: WireType) -> str:
    """A type as a reader wants it: its name, and what it is on the wire."""
    if isinstance(form, Ranged):
        return type_text(form.underlying)
    if isinstance(form, Alias):
        return f"{form.name} ({type_text(form.underlying)})"
    if isinstance(form, Enumeration):
        return f"{form.name} ({form.representation.name})"
    if isinstance(form, Array):
        shape = f"{type_text(form.element)}[{form.size}]"
        return f"{form.name} ({shape})" if form.name else shape
    return repr(form)


# Frames


def framed_fields(message: Message, link: Link) -> tuple[tuple[Field, ...], str]:
    """The message alone in its frames on a link, and a remark where that cannot be drawn as one frame."""
    if link.framing == "fprime":
        head = [
            Field("start word", "U32", 32, FRAME, "0xDEADBEEF"),
            Field("size", "U32", 32, FRAME, str(message.size)),
        ]
        return (*head, *message.fields, Field("CRC-32", "U32", 32, FRAME)), ""
    space = (*_space_header(message.apid, message.size), *message.fields)
    capacity = link.parameters.frame_size - TM_OVERHEAD
    left = capacity - size_of(space)
    if left < 0:
        frames = link.alone(message.size) // link.parameters.frame_size
        return (
            space,
            f"goes over {frames} TM frames of {link.parameters.frame_size} bytes, {TM_OVERHEAD} of each their own",
        )
    return (*_tm_header(link), *space, *_idle(left), Field("frame error control", "CRC-16", 16, FRAME)), ""


def _bits(layer: str, *rows: tuple[str, int, str]) -> list[Field]:
    return [Field(name, f"{bits} bit{'s' if bits > 1 else ''}", bits, layer, value) for name, bits, value in rows]


def _tm_header(link: Link) -> Sequence[Field]:
    """The primary header of a TM transfer frame (CCSDS 132.0-B-3, 4.1.2)."""
    return _bits(
        FRAME,
        ("frame version", 2, "0"),
        ("spacecraft id", 10, str(link.parameters.spacecraft_id)),
        ("virtual channel", 3, str(link.parameters.vcid)),
        ("operational control flag", 1, "0"),
        ("master channel count", 8, ""),
        ("virtual channel count", 8, ""),
        ("secondary header flag", 1, "0"),
        ("synchronisation flag", 1, "0"),
        ("packet order flag", 1, "0"),
        ("segment length", 2, "3"),
        ("first header pointer", 11, "0"),
    )


def _space_header(apid: int, size: int) -> Sequence[Field]:
    """The primary header of a space packet (CCSDS 133.0-B-2, 4.1.3)."""
    return _bits(
        SPACE,
        ("packet version", 3, "0"),
        ("type", 1, "0"),
        ("secondary header", 1, "0"),
        ("APID", 11, str(apid)),
        ("sequence flags", 2, "3"),
        ("sequence count", 14, ""),
        ("data length - 1", 16, str(size - 1)),
    )


def _idle(left: int) -> Sequence[Field]:
    """What fills a frame: an idle packet, of which the next frame has the end where fewer than 7 bytes are left."""
    if not left:
        return ()
    if left <= SPACE_HEADER_SIZE:
        return (Field("idle packet", "begins", left * BITS, FILL),)
    head = Field("idle packet header", "APID 2047", SPACE_HEADER_SIZE * BITS, FILL)
    return (head, Field("idle packet", "fill", (left - SPACE_HEADER_SIZE) * BITS, FILL))
