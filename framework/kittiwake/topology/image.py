"""Makes the image of a checked topology: plain data that a device loads without PyYAML and attrs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake import __version__

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image
    from kittiwake.topology.model import Packet, Topology


def build_image(topology: Topology, dictionary_hash: str = "") -> Image:
    """The image of a topology; `kittiwake.runtime.image.Image` says what it holds, `dump_image` writes it."""
    index = {instance.name: place for place, instance in enumerate(topology.instances)}
    return {
        "name": topology.name,
        "version": __version__,
        "dictionary_hash": dictionary_hash,
        "instances": [
            (made.name, made.path, made.base_id, made.queue, made.priority, made.thread, made.settings)
            for made in topology.instances
        ],
        "connections": [
            (index[made.source], made.output, made.output_index, index[made.target], made.input, made.input_index)
            for made in topology.connections
        ],
        "services": {service: index[name] for service, name in topology.services.items()},
        "packets": [
            (packet.name, packet.id, packet.group, _channel_ids(packet, topology)) for packet in topology.packets
        ],
        "parameters": [
            (index[made.name], name, form.pack(form.from_plain(value)))
            for made in topology.instances
            for name, value in made.parameters.items()
            for form in (made.declarations.parameters[name].type,)
        ],
    }


def _channel_ids(packet: Packet, topology: Topology) -> list[int]:
    instances = {instance.name: instance for instance in topology.instances}
    ids = []
    for name, channel in packet.channels:
        number = instances[name].declarations.channels[channel].number
        assert number is not None, "numbers are settled when the class is made"
        ids.append(instances[name].base_id + number)
    return ids
