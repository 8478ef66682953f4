"""The entries of a handbook as HTML. All that comes from a dictionary is escaped: it may be anybody's."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from kittiwake.model.types import Alias, Array, Enumeration, Ranged, Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.entries import (
        Channel,
        Command,
        Container,
        Event,
        Formal,
        Limits,
        Packet,
        PacketSet,
        Parameter,
        Record,
    )
    from kittiwake.model.types import WireType

MAX_VALUE = 500
"""The most characters of a default value that are shown."""

KINDS = {
    "command": "Commands", "event": "Events", "channel": "Channels", "parameter": "Parameters", "packet": "Packets",
    "product": "Data products", "type": "Types",
}  # fmt: skip
"""The kinds of entries, in their order, with the words above them."""


class Entry(NamedTuple):
    """An entry: its kind and full name, and its `article`."""

    kind: str
    name: str
    html: str


def place_of(kind: str, name: str) -> str:
    """The end of the page's address that leads to an entry."""
    return "#" + quote(f"{kind}:{name}")


def breakable(name: str) -> str:
    """A full name that may be broken behind its dots."""
    return escape(name).replace(".", ".<wbr>")


def _link(kind: str, name: str, shown: str = "") -> str:
    return f'<a href="{escape(place_of(kind, name))}"><code>{breakable(shown or name)}</code></a>'


def article(kind: str, name: str, number: int | None, marks: str, body: str, word: str = "") -> Entry:
    """The article of an entry; `marks` and `body` are HTML."""
    shown = f'<span class="id">{number:#x} ({number})</span>' if number is not None else ""
    html = (
        f'<article id="{escape(f"{kind}:{name}")}" class="{kind}" data-kind="{kind}"><h3>'
        f'<a class="name" href="{escape(place_of(kind, name))}">{breakable(name)}</a>'
        f'<span class="kind">{escape(word or kind)}</span>{marks}{shown}</h3>{body}</article>\n'
    )
    return Entry(kind, name, html)


def paragraph(text: str) -> str:
    """Words of a declaration, or nothing."""
    return f"<p>{escape(text)}</p>" if text.strip() else ""


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Labels with HTML, those without left out."""
    found = "".join(f"<dt>{escape(label)}</dt><dd>{html}</dd>" for label, html in rows if html)
    return f"<dl>{found}</dl>" if found else ""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of HTML cells without the columns that have none, or nothing without rows."""
    columns = [(name, cells) for name, *cells in zip(head, *rows, strict=True) if any(cells)]
    lines = "".join(
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
        for row in zip(*[cells for _, cells in columns], strict=True)
    )
    names = "".join(f"<th>{escape(name)}</th>" for name, _ in columns)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table>" if lines else ""


def code(text: str) -> str:
    """Literal text, or nothing."""
    return f"<code>{escape(text)}</code>" if text else ""


def type_html(form: WireType) -> str:
    """A type: its name, which leads to what it is made of, and what bounds it."""
    if isinstance(form, Ranged):
        return f"{type_html(form.underlying)} from {code(str(form.low))} to {code(str(form.high))}"
    if isinstance(form, Array) and not form.name:
        return f"{form.size} x {type_html(form.element)}"
    if isinstance(form, (Enumeration, Struct, Array, Alias)) and form.name:
        return _link("type", form.name)
    return code(repr(form))


def value_html(form: WireType, value: Any) -> str:
    """A value of a type."""
    text = json.dumps(form.to_plain(value), ensure_ascii=False)
    return code(text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + "...")


def _formals(formals: Iterable[Formal]) -> str:
    rows = [(code(one.name), type_html(one.type), escape(one.annotation)) for one in formals]
    return table(("Argument", "Type", "Meaning"), rows)


def command_entry(command: Command, hazardous: bool) -> Entry:
    """A command with its arguments."""
    marks = '<span class="hazard">hazardous</span>' if hazardous else ""
    body = paragraph(command.annotation) + (_formals(command.formals) or "<p>No arguments.</p>")
    return article("command", command.name, command.opcode, marks, body, f"{command.kind} command")


def event_entry(event: Event) -> Entry:
    """An event with its text and arguments."""
    severity = escape(event.severity)
    throttle = f"at most {event.throttle} in a row" if event.throttle is not None else ""
    body = paragraph(event.annotation) + facts((("Text", code(event.format)), ("Throttle", escape(throttle))))
    marks = f'<span class="kind {severity}">{severity}</span>'
    return article("event", event.name, event.id, marks, body + _formals(event.formals))


def channel_entry(channel: Channel) -> Entry:
    """A channel with its unit, limits and format."""
    conversion = ""
    if channel.conversion is not None:
        scale, offset = channel.conversion
        conversion = f"{scale:g} x raw value + {offset:g}"
    rows = [
        ("Type", type_html(channel.type)),
        ("Unit", escape(channel.unit)),
        ("Format", code(channel.format)),
        ("Conversion", escape(conversion)),
        ("Low limits", _limits(channel.low)),
        ("High limits", _limits(channel.high)),
        ("Sent", escape(channel.update)),
    ]
    return article("channel", channel.name, channel.id, "", paragraph(channel.annotation) + facts(rows))


def _limits(limits: Limits) -> str:
    return ", ".join(f"{colour} {limit:g}" for colour, limit in limits._asdict().items() if limit is not None)


def parameter_entry(parameter: Parameter, commands: Iterable[str]) -> Entry:
    """A parameter with its default, and the commands that set and save it."""
    default = "" if parameter.default is None else value_html(parameter.type, parameter.default)
    rows = [
        ("Type", type_html(parameter.type)),
        ("Default", default),
        ("Commands", " ".join(_link("command", one, one.rpartition(".")[2]) for one in commands)),
    ]
    return article("parameter", parameter.name, parameter.id, "", paragraph(parameter.annotation) + facts(rows))


def packet_entry(packet: Packet, packets: PacketSet) -> Entry:
    """A telemetry packet with its channels in their order."""
    channels = [
        (_link("channel", one.name), type_html(one.type), escape(one.unit), escape(one.annotation))
        for one in packet.channels
    ]
    body = facts((("Level", str(packet.group)), ("Packet set", code(packets.name))))
    body += table(("Channel", "Type", "Unit", "Meaning"), channels)
    return article("packet", packet.name, packet.id, "", body)


def product_entry(product: Record | Container) -> Entry:
    """A container or a record of data products."""
    form: WireType | None = getattr(product, "type", None)
    priority = getattr(product, "default_priority", None)
    rows = [
        ("Type", "" if form is None else type_html(form)),
        ("Values", "a count, and so many" if getattr(product, "array", False) else ""),
        ("Priority", "" if priority is None else str(priority)),
    ]
    word = "container" if form is None else "record"
    return article("product", product.name, product.id, "", paragraph(product.annotation) + facts(rows), word)


def type_entry(name: str, form: WireType) -> Entry:
    """A type with what it is made of."""
    if isinstance(form, Enumeration):
        rows = [(code(one), code(str(int(member)))) for one, member in form.enum.__members__.items()]
        body = facts((("Written as", type_html(form.representation)),)) + table(("Constant", "Value"), rows)
    elif isinstance(form, Struct):
        body = table(("Member", "Type"), [(code(one), type_html(member)) for one, member in form.members.items()])
    elif isinstance(form, Array):
        body = facts((("Values", f"{form.size} x {type_html(form.element)}"),))
    elif isinstance(form, Alias):
        body = facts((("Stands for", type_html(form.underlying)),))
    else:
        body = facts((("Type", code(repr(form))),))
    return article("type", name, None, "", body, type(form).__name__.lower())
