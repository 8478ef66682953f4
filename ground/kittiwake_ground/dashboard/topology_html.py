"""What the topology page says in words: one instance with all that belongs to it, and all instances as a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from kittiwake_ground.dashboard.live_html import Fact, facts_html, meter_html
from kittiwake_ground.dashboard.readings import with_unit
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake.topology.graph import Graph, GraphEdge, GraphNode
    from kittiwake_ground.dashboard.topology_drawing import Drawing
    from kittiwake_ground.dashboard.topology_figures import WiringFigures
    from kittiwake_ground.server.hub import Hub

MAX_ROWS = 100
"""The most commands, channels or connections of one instance that are listed."""
MAX_VALUE = 60
MAX_INSTANCES = 1000
"""The most instances that the table lists."""


def rate_text(rate: float) -> str:
    """Calls a second: `0`, `0.2`, `12`."""
    return f"{rate:.1f}".removesuffix(".0") if rate < 10 else f"{rate:.0f}"


class Traffic:
    """Calls a second of instances and edges; `None` where nothing is known."""

    def __init__(self, drawing: Drawing, figures: WiringFigures) -> None:
        self._connections: Mapping[GraphEdge, list[int]] = drawing.connections
        self._graph: Graph = drawing.graph
        self._rates = figures.rates
        self._full = figures.full

    def rate(self, connections: Iterable[int]) -> float | None:
        """Of some connections together."""
        known = [self._rates[at] for at in connections if at < len(self._rates)]
        return sum(known) if known else None

    def text(self, connections: Iterable[int]) -> str:
        """The rate in words; `≥` where more was called than could be counted."""
        places = list(connections)
        rate = self.rate(places)
        return "" if rate is None else f"{'≥ ' if self._full & set(places) else ''}{rate_text(rate)}/s"

    def into(self, instance: str) -> list[int]:
        """The connections that lead to an instance."""
        return [at for edge, places in self._connections.items() if edge.target == instance for at in places]

    def out_of(self, instance: str) -> list[int]:
        """The connections that come from it."""
        return [at for edge, places in self._connections.items() if edge.source == instance for at in places]

    def rows(self, instance: str, *, outwards: bool) -> list[tuple[str, str, str]]:
        """Each connection of an instance: its ports, the instance at the other end, and its rate."""
        rows = []
        for edge, places in self._connections.items():
            mine, other = (edge.source, edge.target) if outwards else (edge.target, edge.source)
            if mine == instance:
                rows += [(ports, other, self.text([at])) for ports, at in zip(edge.ports, places, strict=True)]
        return rows


def detail_html(node: GraphNode, drawing: Drawing, figures: WiringFigures, hub: Hub, deployment: str) -> str:
    """All that there is to know of one instance."""
    traffic = Traffic(drawing, figures)
    words = ", ".join(part for part in (node.component, node.kind) if part)
    parts = [
        f'<h2 class="kw-title kw-anywhere">{escape(node.name)}</h2>',
        f'<p class="kw-muted">{escape(words) or "Nothing is known of its component."}</p>',
        _figures_html(node, drawing, figures, traffic),
        _connections_html("Calls", traffic.rows(node.name, outwards=True)),
        _connections_html("Is called by", traffic.rows(node.name, outwards=False)),
        _commands_html(node.name, hub, deployment),
        _channels_html(node.name, hub),
    ]
    return "".join(parts)


def _figures_html(node: GraphNode, drawing: Drawing, figures: WiringFigures, traffic: Traffic) -> str:
    facts = []
    for label, places in (("Called", traffic.into(node.name)), ("Calls", traffic.out_of(node.name))):
        text = traffic.text(places)
        if text:
            facts.append(Fact(label, text))
    depth = next((one["depth"] for one in drawing.facts["nodes"] if one["name"] == node.name), 0)
    queue = figures.queues.get(node.name)
    bar = ""
    if queue is not None and depth:
        bar = meter_html("Queue", queue.peak / depth, f"{queue.peak} of {depth} waited")
        facts += [
            Fact("Most ever waiting", str(queue.high)),
            Fact("Found no room", str(queue.drops), _bad(queue.drops)),
        ]
    elif depth:
        facts.append(Fact("Queue", f"{depth} messages of each priority"))
    slips = figures.slips.get(node.name)
    if slips is not None:
        facts.append(Fact("Slips", str(slips.total), _bad(slips.total)))
    return bar + (facts_html(facts) if facts else "")


def _bad(count: int) -> str:
    return "bad" if count else ""


def _connections_html(title: str, rows: list[tuple[str, str, str]]) -> str:
    shown = "".join(
        f'<li><button type="button" class="kw-go" data-instance="{escape(other)}">{escape(other)}</button>'
        f'<span class="kw-mono kw-ports">{escape(ports)}</span><b>{escape(rate)}</b></li>'
        for ports, other, rate in rows[:MAX_ROWS]
    )
    return _section(title, len(rows), f'<ul class="kw-wires">{shown}</ul>')


def _section(title: str, count: int, content: str) -> str:
    if not count:
        return ""
    more = f'<p class="kw-muted">{count - MAX_ROWS} more</p>' if count > MAX_ROWS else ""
    return f'<h3 class="kw-heading">{escape(title)} <span class="kw-key">{count}</span></h3>{content}{more}'


def _commands_html(instance: str, hub: Hub, deployment: str) -> str:
    names = _of(instance, hub.dictionary.commands)
    shown = "".join(
        f'<a href="/d/{deployment}/commands?command={escape(name)}">{escape(name.rpartition(".")[2])}</a>'
        for name in names[:MAX_ROWS]
    )
    return _section("Commands", len(names), f'<div class="kw-names">{shown}</div>')


def _channels_html(instance: str, hub: Hub) -> str:
    names = _of(instance, hub.dictionary.channels)
    rows = []
    for name in names[:MAX_ROWS]:
        sample = hub.latest.get(name)
        value = "-" if sample is None else with_unit(sample, hub)
        value = value if len(value) <= MAX_VALUE else f"{value[:MAX_VALUE]}…"
        age = "no value yet" if sample is None else f"{age_text(sample.received_us, hub.now_us())} ago"
        rows.append(
            f'<div><dt><button type="button" class="kw-go" data-channel="{escape(name)}">'
            f"{escape(name.rpartition('.')[2])}</button></dt>"
            f'<dd title="{escape(age)}">{escape(value)}</dd></div>'
        )
    return _section("Channels", len(names), f'<dl class="kw-facts">{"".join(rows)}</dl>')


def _of(instance: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.rpartition(".")[0] == instance]


def table_html(drawing: Drawing, figures: WiringFigures) -> str:
    """All instances with their figures: the same as the drawing tells, for those who would rather read."""
    traffic = Traffic(drawing, figures)
    facts = drawing.facts["nodes"]
    shown = list(zip(drawing.graph.nodes, facts, strict=True))[:MAX_INSTANCES]
    rows = "".join(_row(node, one["depth"], figures, traffic) for node, one in shown)
    left_out = len(facts) - len(shown)
    more = f'<p class="kw-muted">{left_out} more instances</p>' if left_out else ""
    heads = "".join(
        f'<th scope="col">{one}</th>'
        for one in ("Instance", "Component", "Called", "Calls", "Queue", "Waited", "Most", "No room", "Slips")
    )
    return (
        '<table class="kw-cycles kw-instances"><caption class="kw-muted">Called and Calls are of the latest report. '
        "Waited is the most within it; Most, No room and Slips are since the deployment started.</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}"
    )


def _row(node: GraphNode, depth: int, figures: WiringFigures, traffic: Traffic) -> str:
    queue, slips = figures.queues.get(node.name), figures.slips.get(node.name)
    cells = [
        escape(node.component),
        traffic.text(traffic.into(node.name)),
        traffic.text(traffic.out_of(node.name)),
        str(depth or ""),
        *(("", "", "") if queue is None else (str(queue.peak), str(queue.high), _red(queue.drops))),
        "" if slips is None else _red(slips.total),
    ]
    name = f'<button type="button" class="kw-go" data-instance="{escape(node.name)}">{escape(node.name)}</button>'
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _red(count: int) -> str:
    return f'<span class="kw-bad">{count}</span>' if count else "0"
