"""`kittiwake packet`: draws how packets stand on the wire, frames included."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.budget import add_source, read_source
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.output import put_text

if TYPE_CHECKING:
    from kittiwake.budget.fields import Message
    from kittiwake.budget.links import Link
    from kittiwake.dictionary.entries import Dictionary


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake packet", description="Draw telemetry packets, channels and events as they stand on the wire."
    )
    add_source(made)
    made.add_argument("name", nargs="?", help="a telemetry packet, channel or event; default: all telemetry packets")
    made.add_argument("--bare", action="store_true", help="without frames and space packet headers")
    made.add_argument("--link", default="", metavar="NAME", help="where a deployment has several; default: the first")
    made.add_argument("--format", choices=("text", "svg"), help="default: by the end of FILE's name, else text")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: the terminal")
    return made


def main(arguments: list[str]) -> int:
    """Draws; 1 if the topology or dictionary has faults or no such packet."""
    return carry_out(parser(), _draw, arguments)


def _draw(options: argparse.Namespace) -> int:
    from kittiwake.budget.diagram import diagram_text
    from kittiwake.budget.diagram_svg import diagram_svg
    from kittiwake.budget.fields import framed_fields

    dictionary, links, _, _ = read_source(options)
    messages = _messages(dictionary, options.name)
    format = options.format or ("svg" if options.output is not None and options.output.suffix == ".svg" else "text")
    if format == "svg" and len(messages) != 1:
        raise Misuse("an SVG holds one packet: name it")
    drawn = []
    for message in messages:
        fields, remark = message.fields, ""
        title = f"{message.name}: {message.kind} of {message.size} bytes"
        if not options.bare:
            link = _link(links, options.link)
            fields, remark = framed_fields(message, link)
            title += f", {link.alone(message.size)} on the link {link.name} if sent by itself"
        drawn.append((diagram_svg if format == "svg" else diagram_text)(title, fields, remark))
    put_text("\n".join(drawn), options.output)
    return 0


def _messages(dictionary: Dictionary, name: str | None) -> list[Message]:
    """The packets of a name, or all telemetry packets. Raises `UnknownName`."""
    from kittiwake.budget.fields import channel_message, event_message, telemetry_message
    from kittiwake.dictionary.entries import UnknownName
    from kittiwake.faults import did_you_mean

    packets = [packet for one in dictionary.packet_sets for packet in one.packets]
    if name is None:
        return [telemetry_message(dictionary, packet) for packet in packets]
    for packet in packets:
        if packet.name == name:
            return [telemetry_message(dictionary, packet)]
    if name in dictionary.channels:
        return [channel_message(dictionary, dictionary.channels[name])]
    if name in dictionary.events:
        return [event_message(dictionary, dictionary.events[name])]
    known = [*[packet.name for packet in packets], *dictionary.channels, *dictionary.events]
    raise UnknownName(f"there is no packet, channel or event {name!r}", did_you_mean(name, known))


def _link(links: list[Link], name: str) -> Link:
    if not links:
        raise Misuse("the topology has no downlink; ask with --bare")
    for link in links:
        if link.name == name or not name:
            return link
    raise Misuse(f"there is no link {name!r}; there are {', '.join([link.name for link in links])}")
