"""fprime-gds's own encoders and decoders, spoken to in lines of JSON; runs with the Python of the peers' environment.

The argument is the dictionary. A request is `{"kind": "event" | "channel" | "packet" | "command", "name": full name,
"values": [...], "time": [base, context, seconds, microseconds]}`. The answer has the packet that fprime-gds encodes, in
hex and with its descriptor, and, but for a command, the values that its decoder finds in it and the text that it shows.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from fprime_gds.common.data_types.ch_data import ChData
from fprime_gds.common.data_types.cmd_data import CmdData
from fprime_gds.common.data_types.event_data import EventData
from fprime_gds.common.decoders.ch_decoder import ChDecoder
from fprime_gds.common.decoders.event_decoder import EventDecoder
from fprime_gds.common.decoders.pkt_decoder import PktDecoder
from fprime_gds.common.encoders.ch_encoder import ChEncoder
from fprime_gds.common.encoders.cmd_encoder import CmdEncoder
from fprime_gds.common.encoders.event_encoder import EventEncoder
from fprime_gds.common.models.dictionaries import Dictionaries
from fprime_gds.common.models.serialize.time_type import TimeType
from fprime_gds.common.utils.config_manager import ConfigManager

LENGTH_SIZE = 4
"""What the encoders put in front for fprime-gds's own transport; commands have a marker of as many bytes, too."""

DESCRIPTOR_SIZE = 2


class Coder:
    """The classes of one dictionary."""

    def __init__(self, dictionary: str) -> None:
        self.known = Dictionaries.load_dictionaries_into_config(dictionary)
        self.events = EventDecoder(self.known.event_id)
        self.channels = ChDecoder(self.known.channel_id)
        self.packets = PktDecoder(self.known.packet, self.known.channel_id)

    def event(self, name: str, values: list[Any], time: TimeType) -> dict[str, Any]:
        template = self.known.event_name[name]
        arguments = made([form for _, _, form in template.get_args()], values)
        packet = EventEncoder().encode_api(EventData(tuple(arguments), time, template))[LENGTH_SIZE:]
        (found,) = self.events.decode_api(packet[DESCRIPTOR_SIZE:])
        return answer(packet, [one.val for one in found.get_args()], found.get_display_text())

    def channel(self, name: str, values: list[Any], time: TimeType) -> dict[str, Any]:
        template = self.known.channel_name[name]
        (value,) = made([template.get_type_obj()], values)
        packet = ChEncoder().encode_api(ChData(value, time, template))[LENGTH_SIZE:]
        (found,) = self.channels.decode_api(packet[DESCRIPTOR_SIZE:])
        return answer(packet, [found.get_val()], found.get_display_text())

    def packet(self, name: str, values: list[Any], time: TimeType) -> dict[str, Any]:
        """The packet encoder sets value to value, where a deployment, and the decoder, leave each its greatest size."""
        template = next(one for one in self.known.packet.values() if one.get_name() == name)
        channels = made([one.get_type_obj() for one in template.get_ch_list()], values)
        config = ConfigManager()
        number = config.get_type("FwTlmPacketizeIdType")()
        number.val = template.get_id()
        head = config.get_type("ComCfg.Apid")("FW_PACKET_PACKETIZED_TLM").serialize() + number.serialize()
        body = b"".join([one.serialize().ljust(one.getMaxSize(), b"\0") for one in channels])
        packet = head + time.serialize() + body
        found = self.packets.decode_api(packet[DESCRIPTOR_SIZE:])
        return answer(packet, [one.get_val() for one in found], "")

    def command(self, name: str, values: list[Any], time: TimeType) -> dict[str, Any]:
        template = self.known.command_name[name]
        typed = [one if isinstance(one, str) else json.dumps(one) for one in values]  # as a user types them
        data = CmdData(tuple(typed), template)
        return answer(CmdEncoder().encode_api(data)[2 * LENGTH_SIZE :], [], "")


def made(forms: list[Any], values: list[Any]) -> list[Any]:
    """Objects of fprime-gds's types."""
    found = []
    for form, value in zip(forms, values, strict=True):
        one = form()
        one.val = value
        found.append(one)
    return found


def answer(packet: bytes, values: list[Any], text: str) -> dict[str, Any]:
    """What is said to a request."""
    return {"packet": packet.hex(), "values": values, "text": text}


def main() -> None:
    """Answers requests until the input ends."""
    coder = Coder(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        base, context, seconds, useconds = request["time"]
        time = TimeType(base, context, seconds, useconds)
        found = getattr(coder, request["kind"])(request["name"], request["values"], time)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
