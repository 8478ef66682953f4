"""Decodes the packets of an F´ deployment to typed values, fast, and encodes commands.

For every channel, event and telemetry packet a function is generated on its first use: one `struct` call reads the
whole item, from the time tag to the last field, wherever all its parts have a fixed size. Text is made only when asked
for.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.dictionary.display import format_text, plain_value, show_value
from kittiwake.dictionary.generate import event_reader, packet_reader, update_reader
from kittiwake.dictionary.values import value_of
from kittiwake.model.types import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kittiwake.dictionary.entries import Channel, Command, Dictionary, Event


class DecodedEvent(NamedTuple):
    """An event that came down. `tag` is `time base << 64 | microseconds`; `args` are typed values."""

    event: Event
    tag: int
    args: tuple[Any, ...]

    @property
    def id(self) -> int:
        """The event's id."""
        return self.event.id

    @property
    def name(self) -> str:
        """The event's full name."""
        return self.event.name

    @property
    def severity(self) -> str:
        """F´'s word, as in ACTIVITY_HI."""
        return self.event.severity

    @property
    def text(self) -> str:
        """The message: the event's format with the arguments, or name and value of each where it has no format."""
        if self.event.format:
            return format_text(self.event.format, self.args)
        named = zip(self.event.formals, self.args, strict=True)
        return str([{formal.name: plain_value(value)} for formal, value in named])

    def __repr__(self) -> str:
        return f"DecodedEvent({self.name}, {self.tag}, {self.args!r})"


class DecodedChannel(NamedTuple):
    """A channel's value that came down. `tag` is `time base << 64 | microseconds`; `formats` are the dictionary's."""

    channel: Channel
    tag: int
    value: Any
    formats: Mapping[str, str]

    @property
    def id(self) -> int:
        """The channel's id."""
        return self.channel.id

    @property
    def name(self) -> str:
        """The channel's full name."""
        return self.channel.name

    @property
    def text(self) -> str:
        """The value in the channel's format."""
        shown = show_value(self.channel.type, self.value, self.formats)
        return format_text(self.channel.format, [shown]) if self.channel.format else str(shown)

    def __repr__(self) -> str:
        return f"DecodedChannel({self.name}, {self.tag}, {self.value!r})"


class _FromTuple(tuple[Any, ...]):
    __slots__ = ()
    __new__ = tuple.__new__


class _ReadChannel(_FromTuple, DecodedChannel):
    """A `DecodedChannel` made of one tuple, at half the cost, because no Python code runs; its copies are plain ones.

    It is what most of the time of decoding telemetry goes to.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[type[DecodedChannel], tuple[Any, ...]]:
        return DecodedChannel, tuple(self)


class Decoder:
    """Decodes the packets of one dictionary. A packet is refused whole, with `WireError`, if any part of it is bad."""

    def __init__(self, dictionary: Dictionary, packet_set: str = "") -> None:
        """`packet_set` names the set of telemetry packets to decode by; the only one, or none, needs no name.

        Raises `ValueError` if there are several and none is named, or the named one does not exist.
        """
        self.dictionary = dictionary
        config = dictionary.config
        codes = config.descriptors
        self._methods: dict[int, Callable[[bytes], Sequence[DecodedEvent | DecodedChannel]]] = {
            codes["FW_PACKET_LOG"]: self._one_event,
            codes["FW_PACKET_TELEM"]: self.decode_channels,
            codes["FW_PACKET_PACKETIZED_TLM"]: self.decode_packetised,
        }
        self._descriptor = struct.Struct(f">{config.descriptor.code}")
        self._event_id = struct.Struct(f">{config.descriptor.code}{config.event_id.code}")
        self._channel_id = struct.Struct(f">{config.channel_id.code}")
        self._packet_id = struct.Struct(f">{config.descriptor.code}{config.packet_id.code}")
        self._packets = {packet.id: packet for packet in _packets(dictionary, packet_set)}
        self._event_readers: dict[int, Callable[[bytes], DecodedEvent]] = {}
        self._update_readers: dict[int, Callable[[bytes, int], tuple[DecodedChannel, int]]] = {}
        self._packet_readers: dict[int, Callable[[bytes], list[DecodedChannel]]] = {}
        self._head_size = self._packet_id.size
        self._packet_readers_by_head: dict[bytes, Callable[[bytes], list[DecodedChannel]]] = {}

    def decode(self, packet: bytes) -> Sequence[DecodedEvent | DecodedChannel]:
        """What an event, channel or packetised telemetry packet says, by its descriptor. Raises `WireError`."""
        reader = self._packet_readers_by_head.get(packet[: self._head_size])
        if reader is not None:
            try:
                return reader(packet)
            except struct.error:
                raise _wrong_size(packet) from None
        try:
            descriptor = self._descriptor.unpack_from(packet)[0]
        except struct.error:
            raise WireError("the packet is too short for its descriptor") from None
        method = self._methods.get(descriptor)
        if method is None:
            raise WireError(f"packets with descriptor {descriptor} are neither events nor telemetry")
        return method(packet)

    def _one_event(self, packet: bytes) -> list[DecodedEvent]:
        return [self.decode_event(packet)]

    def decode_event(self, packet: bytes) -> DecodedEvent:
        """The event in an event packet. Raises `WireError`."""
        try:
            id = self._event_id.unpack_from(packet)[1]
            reader = self._event_readers.get(id)
            if reader is None:
                reader = self._new_event_reader(id)
            return reader(packet)
        except struct.error:
            raise WireError(f"the event packet of {len(packet)} bytes is cut off") from None

    def _new_event_reader(self, id: int) -> Callable[[bytes], DecodedEvent]:
        event = self.dictionary.events_by_id.get(id)
        if event is None:
            raise WireError(f"the dictionary has no event with the id {id} ({id:#x})")
        reader = event_reader(event, self.dictionary.config, DecodedEvent)
        self._event_readers[id] = reader
        return reader

    def decode_channels(self, packet: bytes) -> list[DecodedChannel]:
        """The updates in a channel packet, one or more. Raises `WireError`."""
        end = len(packet)
        offset = self._descriptor.size
        id_size = self._channel_id.size
        unpack_id = self._channel_id.unpack_from
        readers = self._update_readers
        found = []
        try:
            while offset < end:
                id = unpack_id(packet, offset)[0]
                reader = readers.get(id)
                if reader is None:
                    reader = self._new_update_reader(id)
                decoded, offset = reader(packet, offset + id_size)
                found.append(decoded)
        except struct.error:
            raise WireError(f"the channel packet of {end} bytes is cut off") from None
        if not found:
            raise WireError("the channel packet holds no update")
        return found

    def _new_update_reader(self, id: int) -> Callable[[bytes, int], tuple[DecodedChannel, int]]:
        channel = self.dictionary.channels_by_id.get(id)
        if channel is None:
            raise WireError(f"the dictionary has no channel with the id {id} ({id:#x})")
        reader = update_reader(channel, self.dictionary.config, _ReadChannel, self.dictionary.formats)
        self._update_readers[id] = reader
        return reader

    def decode_packetised(self, packet: bytes) -> list[DecodedChannel]:
        """The channels of a packetised telemetry packet, all with its one time tag. Raises `WireError`."""
        try:
            id = self._packet_id.unpack_from(packet)[1]
            reader = self._packet_readers.get(id)
            if reader is None:
                reader = self._new_packet_reader(id)
            return reader(packet)
        except struct.error:
            raise _wrong_size(packet) from None

    def _new_packet_reader(self, id: int) -> Callable[[bytes], list[DecodedChannel]]:
        packet = self._packets.get(id)
        if packet is None:
            raise WireError(f"the dictionary has no telemetry packet with the id {id}")
        config = self.dictionary.config
        reader = packet_reader(packet, config, _ReadChannel, self.dictionary.formats)
        self._packet_readers[id] = reader
        self._packet_readers_by_head[self._packet_id.pack(config.descriptors["FW_PACKET_PACKETIZED_TLM"], id)] = reader
        return reader


def _wrong_size(packet: bytes) -> WireError:
    return WireError(f"the telemetry packet of {len(packet)} bytes has another size than its channels")


def _packets(dictionary: Dictionary, name: str) -> Sequence[Any]:
    sets = {found.name: found for found in dictionary.packet_sets}
    if name:
        if name not in sets:
            raise ValueError(f"no packet set {name!r}; there are {', '.join(sets) or 'none'}")
        return sets[name].packets
    if len(sets) > 1:
        raise ValueError(f"the dictionary has several packet sets, name one of {', '.join(sets)}")
    return next(iter(sets.values())).packets if sets else ()


def encode_command(dictionary: Dictionary, name: str, args: Sequence[Any]) -> bytes:
    """The command packet of a full name and its arguments: text as on a command line, or typed values.

    Raises `UnknownName` for a command that does not exist, and `ValueError` that names the argument for a wrong count,
    type or range.
    """
    command = dictionary.command(name)
    if len(args) != len(command.formals):
        raise ValueError(_count_message(command, len(args)))
    config = dictionary.config
    parts = [config.descriptor.pack(config.descriptors["FW_PACKET_COMMAND"]), config.opcode.pack(command.opcode)]
    for formal, arg in zip(command.formals, args, strict=True):
        try:
            parts.append(formal.type.pack(value_of(formal.type, arg, dictionary.find_id)))
        except (TypeError, ValueError) as fault:
            raise ValueError(f"{command.name}: {formal.name}: {fault}") from None
    return b"".join(parts)


def _count_message(command: Command, there: int) -> str:
    wanted = ", ".join([f"{formal.name}: {formal.type!r}" for formal in command.formals])
    return f"{command.name} takes {len(command.formals)} arguments ({wanted or 'none'}), not {there}"
