"""The page of a handbook: it needs nothing but itself, and lets nothing run but its own search."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from kittiwake.handbook.entries import (
    KINDS,
    Entry,
    breakable,
    channel_entry,
    command_entry,
    event_entry,
    packet_entry,
    parameter_entry,
    product_entry,
    type_entry,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from kittiwake.dictionary.entries import Dictionary

PACKETS, TYPES = "Telemetry packets", "Types"


class About(NamedTuple):
    """What a topology says of an instance: the name of its component, and what that is for."""

    component: str
    doc: str


def handbook_page(
    dictionary: Dictionary,
    title: str = "",
    hazardous: Collection[str] = (),
    about: Mapping[str, About] | None = None,
) -> str:
    """The handbook of a dictionary as HTML.

    `hazardous` are commands to mark besides those that the dictionary marks, `about` says what instances are.
    """
    name = title or dictionary.deployment or "Deployment"
    sections: dict[str, list[Entry]] = {}
    for entry in _entries(dictionary, hazardous):
        where = {"packet": PACKETS, "type": TYPES}.get(entry.kind) or entry.name.rpartition(".")[0]
        sections.setdefault(where, []).append(entry)
    ends = {key: sections.pop(key) for key in (PACKETS, TYPES) if key in sections}
    sections = {**dict(sorted(sections.items())), **ends}
    counts = {kind: sum(one.kind == kind for found in sections.values() for one in found) for kind in KINDS}
    body = "".join(_section(number, key, found, about or {}) for number, (key, found) in enumerate(sections.items()))
    links = "".join(
        f'<a href="#{escape(quote(_place(key)))}" data-section="{number}">{breakable(key or "(no instance)")}</a>'
        for number, key in enumerate(sections)
    )
    script, style = _text("handbook.js"), _text("handbook.css")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)} - Handbook</title><style>{style}</style></head><body>"
        f'<div class="bar"><h1>{escape(name)} <small>{escape(_edition(dictionary))}</small></h1>{_finder(counts)}</div>'
        f'<div class="sides"><nav aria-label="Instances">{links}</nav><main>{body}'
        '<p class="nothing" id="nothing" hidden>Nothing has these words.</p></main></div>'
        f"<script>{script}</script></body></html>\n"
    )


def policy() -> str:
    """The page's content security policy: one script, which is known by its hash, and no address to load from."""
    digest = b64encode(sha256(_text("handbook.js").encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"


def _text(name: str) -> str:
    return files("kittiwake.handbook").joinpath(name).read_text(encoding="utf-8")


def _edition(dictionary: Dictionary) -> str:
    version = dictionary.metadata.get("projectVersion") or ""
    return f"{f'version {version}, ' if version else ''}dictionary {dictionary.hash[:12]}"


def _finder(counts: Mapping[str, int]) -> str:
    """The search, and a box for each kind."""
    boxes = "".join(
        f'<label><input type="checkbox" data-kind-box value="{kind}" checked>{words} {counts[kind]}</label>'
        for kind, words in KINDS.items()
        if counts[kind]
    )
    return (
        '<form class="find" id="find" role="search"><input type="search" id="search" autocomplete="off" '
        'spellcheck="false" placeholder="Search names, texts, types ( / )" aria-label="Search the handbook">'
        f'{boxes}<span id="count" aria-live="polite"></span></form>'
    )


def _place(key: str) -> str:
    return f"instance:{key}"


def _section(number: int, key: str, entries: list[Entry], about: Mapping[str, About]) -> str:
    """What is of one instance, by kind."""
    order = list(KINDS)
    found = "".join(one.html for one in sorted(entries, key=lambda one: order.index(one.kind)))
    said = about.get(key)
    words = ""
    if said is not None:
        words = f'<p class="about"><code>{escape(said.component)}</code> {escape(said.doc)}</p>'
    return (
        f'<section id="{escape(_place(key))}" data-section="{number}"><h2>{escape(key or "(no instance)")}</h2>'
        f"{words}{found}</section>\n"
    )


def _entries(dictionary: Dictionary, hazardous: Collection[str]) -> Iterator[Entry]:
    """Every entry. The lists are copied first: a ground station's dictionary may gain channels meanwhile."""
    commands = list(dictionary.commands.values())
    for command in commands:
        yield command_entry(command, command.hazardous or command.name in hazardous)
    for event in list(dictionary.events.values()):
        yield event_entry(event)
    for channel in list(dictionary.channels.values()):
        yield channel_entry(channel)
    for parameter in list(dictionary.parameters.values()):
        setting = [f"{parameter.name}_PRM_SET", f"{parameter.name}_PRM_SAVE"]
        yield parameter_entry(parameter, [one for one in setting if one in dictionary.commands])
    for packets in dictionary.packet_sets:
        for packet in packets.packets:
            yield packet_entry(packet, packets)
    for container in dictionary.containers.values():
        yield product_entry(container)
    for record in dictionary.records.values():
        yield product_entry(record)
    for name, form in list(dictionary.types.items()):
        yield type_entry(name, form)
