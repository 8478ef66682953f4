"""Checks telemetry packets: their ids, channels and sizes, and that no channel is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.topology import grammar
from kittiwake.topology.model import Packet
from kittiwake.topology.names import labelled, qualified, unknown_channel, unknown_instance
from kittiwake.topology.source import Scalar

if TYPE_CHECKING:
    from kittiwake.topology.draft import Draft, LineDraft, PacketDraft
    from kittiwake.topology.model import Instance
    from kittiwake.topology.source import Report

PACKET_HEADER_BYTES = 15
"""Descriptor (2), packet id (2) and time tag (11) of a packetised telemetry packet (F´ Svc.TlmPacketizer)."""

MAX_PACKET_BYTES = 1010
"""What a CCSDS transfer frame of 1024 bytes carries behind its header, the space packet's header and its checksum."""

CHANNEL_HEADER_BYTES = 17
"""Descriptor (2), channel id (4) and time tag (11) of a packet of one channel."""

ALL = "*"

Place = tuple[str, str]


def check_packets(draft: Draft, instances: dict[str, Instance], report: Report) -> tuple[Packet, ...]:
    """The packets of known channels, in the order of the files; all that is wrong goes to `report`."""
    packets = []
    ids: dict[int, PacketDraft] = {}
    for written in draft.packets.values():
        id = _number(written, "id", grammar.MAX_PACKET_ID, report)
        group = _number(written, "group", grammar.MAX_PACKET_GROUP, report)
        first = ids.setdefault(id, written) if id is not None else written
        if first is not written:
            report.add(written.fields["id"], f"the packet {first.name} already has the id {id}")
        channels = _channels(written.channels, draft, instances, report)
        _check_size(written, channels, instances, report)
        packets.append(Packet(written.name, id or 0, group or 0, tuple(channels)))
    omitted = _channels(draft.omitted, draft, instances, report)
    packed = {place: packet.name for packet in packets for place in packet.channels}
    for place, line in omitted.items():
        if place in packed:
            report.add(line.node, f"{line.node.text} is omitted and in the packet {packed[place]}")
    if draft.packets:
        _check_forgotten(draft, instances, {*packed, *omitted}, report)
    else:
        _check_alone(draft, instances, report)
    return tuple(packets)


def _number(written: PacketDraft, key: str, high: int, report: Report) -> int | None:
    node = written.fields.get(key)
    if not isinstance(node, Scalar) or not isinstance(node.value, int):
        return None
    if not 0 <= node.value <= high:
        report.add(node, f"{key} {node.text} is outside 0 to {high}")
    return node.value


def _channels(
    lines: list[LineDraft], draft: Draft, instances: dict[str, Instance], report: Report
) -> dict[Place, LineDraft]:
    found: dict[Place, LineDraft] = {}
    for line in lines:
        for place in _find(line, draft, instances, report):
            if found.setdefault(place, line) is not line:
                report.add(line.node, f"{place[0]}.{place[1]} is here a second time")
    return found


def _find(line: LineDraft, draft: Draft, instances: dict[str, Instance], report: Report) -> list[Place]:
    """The channel that a line names, or with `instance.*` all those of an instance."""
    name, dot, channel_name = line.node.text.rpartition(".")
    if not dot:
        report.add(
            line.node, f"{line.node.text!r} is no channel", "write instance.Channel, or instance.* for all of them"
        )
        return []
    full = qualified(name, line.namespace, draft.instances)
    if full is None:
        report.add(line.node, *unknown_instance(name, line.namespace, draft.instances))
        return []
    if full not in instances:
        return []
    channels = instances[full].declarations.channels
    if channel_name == ALL and channels:
        return [(full, channel.name) for channel in channels.values()]
    channel = labelled(channel_name, channels)
    if channel is None:
        report.add(line.node, *unknown_channel(channel_name, channels, name), len(name) + 1)
        return []
    return [(full, channel.name)]


def _check_size(
    written: PacketDraft, channels: dict[Place, LineDraft], instances: dict[str, Instance], report: Report
) -> None:
    sizes = [instances[name].declarations.channels[channel].type.max_size for name, channel in channels]
    size = PACKET_HEADER_BYTES + sum(sizes)
    if size > MAX_PACKET_BYTES:
        message = f"the packet {written.name} takes {size} bytes, and {MAX_PACKET_BYTES} fit into a frame"
        report.add(written.key, message, "divide it into two")


def _check_forgotten(draft: Draft, instances: dict[str, Instance], known: set[Place], report: Report) -> None:
    for name, instance in instances.items():
        channels = instance.declarations.channels.values()
        missing = [channel.label for channel in channels if (name, channel.name) not in known]
        if missing:
            message = f"{', '.join(missing)} of {name} {'are' if len(missing) > 1 else 'is'} in no packet"
            report.add(
                draft.instances[name].key, message, "put what is wanted into a packet, and the rest under omitted"
            )


def _check_alone(draft: Draft, instances: dict[str, Instance], report: Report) -> None:
    """Without packets each channel goes by itself."""
    for name, instance in instances.items():
        for channel in instance.declarations.channels.values():
            size = CHANNEL_HEADER_BYTES + channel.type.max_size
            if size > MAX_PACKET_BYTES:
                message = (
                    f"{name}.{channel.label} takes {size} bytes by itself, and {MAX_PACKET_BYTES} fit into a frame"
                )
                report.add(draft.instances[name].key, message)
