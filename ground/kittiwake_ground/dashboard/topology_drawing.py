"""The graph of a deployment as SVG whose lines and boxes a script lights up, and what the script must know of them."""

from __future__ import annotations

from collections import OrderedDict
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.topology.graph import Graph, GraphEdge, GraphNode
from kittiwake.topology.layout import TAG_HEIGHT, make_layout
from kittiwake.topology.svg import edge_paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.dictionary.topology import DeployedTopology
    from kittiwake.topology.layout import Box, Layout

MAX_INSTANCES = 400
MAX_LINES = 500
"""A deployment with more is shown as a table only: nobody could read its drawing."""
ASPECT = 3.0
ROWS = 6
"""A screen is wider than a page of a document."""
HASTE_PERCENT = 150
"""Somebody waits for it: a line may go a longer way than in a drawing for a document."""
KEPT = 8
"""Drawings that are kept, as a large one takes seconds to make."""

KEYS = "Arrow keys go from instance to instance, Enter chooses, + and − zoom, Home shows all."
ARROW = (
    '<defs><marker id="kw-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0L8,4L0,8z" fill="context-stroke"/></marker></defs>'
)
BAR_HEIGHT = 4
BAR_INSET = 10


class Drawing(NamedTuple):
    """`svg` is the drawing, empty where it would be too large; `facts` are for the script; `lists` for the pages."""

    svg: str
    facts: dict[str, Any]
    graph: Graph
    connections: dict[GraphEdge, list[int]]


_drawn: OrderedDict[str, Drawing] = OrderedDict()


def drawing_of(dictionary: Dictionary) -> Drawing:
    """The drawing of a deployment; made once for each dictionary, as that may take seconds."""
    key = dictionary.hash
    if key not in _drawn:
        _drawn[key] = draw(dictionary)
        while len(_drawn) > KEPT:
            _drawn.popitem(last=False)
    return _drawn[key]


def draw(dictionary: Dictionary) -> Drawing:
    """Makes the drawing."""
    graph, connections = graph_of(dictionary)
    lines = graph.lines()
    if len(graph.nodes) > MAX_INSTANCES or len(lines) > MAX_LINES:
        return Drawing("", _facts(graph, lines, connections, dictionary), graph, connections)
    layout = make_layout(graph, ASPECT, ROWS)
    paths = edge_paths(graph, layout, HASTE_PERCENT)
    numbers = {edge: number for number, edge in enumerate(graph.edges)}
    label = f"Instances of {escape(graph.name)} and their connections"
    parts = [
        f'<svg class="kw-topology" viewBox="0 0 {layout.width} {layout.height}" role="group" aria-label="{label}">',
        f"<desc>{escape(KEYS)}</desc>",
        ARROW,
        *[_cluster(name, box) for name, box in layout.clusters.items()],
        *[_line(numbers[edge], paths[edge]) for edge in lines],
        *[_box(number, node, layout, graph, numbers, dictionary.topology) for number, node in enumerate(graph.nodes)],
        "</svg>",
    ]
    return Drawing("\n".join(parts), _facts(graph, lines, connections, dictionary), graph, connections)


def graph_of(dictionary: Dictionary) -> tuple[Graph, dict[GraphEdge, list[int]]]:
    """What is drawn, and which connections each edge stands for.

    A dictionary that does not say what is connected has instances all the same: its names begin with them.
    """
    name, topology = dictionary.deployment or "the deployment", dictionary.topology
    if topology is None:
        return Graph(name, tuple([_node(one, "", "", name) for one in _instances_named(dictionary)]), ()), {}
    nodes = tuple([_node(one.name, one.component, one.kind, name) for one in topology.instances])
    ports: dict[tuple[str, str, str], list[int]] = {}
    for at, one in enumerate(topology.connections):
        ports.setdefault((one.output.instance, one.input.instance, one.group), []).append(at)
    edges = {
        GraphEdge(*key, tuple([_ports_text(topology, at) for at in places])): places for key, places in ports.items()
    }
    return Graph(name, nodes, tuple(edges)), edges


def _ports_text(topology: DeployedTopology, at: int) -> str:
    one = topology.connections[at]
    return f"{one.output.port}[{one.output.at}] → {one.input.port}[{one.input.at}]"


def _node(name: str, component: str, kind: str, deployment: str) -> GraphNode:
    cluster, _, label = name.partition(".")
    return GraphNode(name, cluster if label else deployment, label or name, component, kind)


def _instances_named(dictionary: Dictionary) -> list[str]:
    names: Iterable[str] = (
        *dictionary.commands, *dictionary.events, *dictionary.channels, *dictionary.parameters,
    )  # fmt: skip
    return sorted({name.rpartition(".")[0] for name in names}, key=lambda name: (name.partition(".")[0], name))


def _facts(
    graph: Graph, lines: list[GraphEdge], connections: dict[GraphEdge, list[int]], dictionary: Dictionary
) -> dict[str, Any]:
    """What the script needs to light up the drawing: names and places, in the order of the drawing's numbers."""
    depths = {one.name: one.queue for one in dictionary.topology.instances} if dictionary.topology else {}
    places = {node.name: number for number, node in enumerate(graph.nodes)}
    drawn = set(lines)
    return {
        "nodes": [
            {
                "name": node.name, "label": node.label, "component": node.component, "kind": node.kind,
                "depth": depths.get(node.name, 0),
            }
            for node in graph.nodes
        ],
        "edges": [
            {
                "group": edge.group, "source": places[edge.source], "target": places[edge.target],
                "ports": edge.ports, "connections": connections[edge], "line": edge in drawn,
            }
            for edge in graph.edges
        ],
    }  # fmt: skip


def _cluster(name: str, box: Box) -> str:
    return (
        f'<rect class="kw-cluster" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>'
        f'<text class="kw-cluster-name" x="{box.x + 12}" y="{box.y + 20}">{escape(name)}</text>'
    )


def _line(number: int, path: str) -> str:
    """A line and, over it, a wider one that nobody sees and that a pointer finds."""
    return (
        f'<g class="kw-line" data-edge="{number}"><path class="kw-line-drawn" d="{path}" marker-end="url(#kw-arrow)"/>'
        f'<path class="kw-line-hit" d="{path}"/></g>'
    )


def _box(
    number: int, node: GraphNode, layout: Layout, graph: Graph, numbers: dict[GraphEdge, int],
    topology: DeployedTopology | None,
) -> str:  # fmt: skip
    box = layout.nodes[node.name]
    middle = box.x + box.width // 2
    has_queue = topology is not None and any(one.queue for one in topology.instances if one.name == node.name)
    lift = 3 if has_queue else 0  # the queue's bar wants its place at the lower end
    first = box.y + (17 if node.component else box.height // 2 + 4)
    opening = (
        f'<g class="kw-node kw-kind-{node.kind or "unknown"}" data-node="{number}" role="button" '
        f'tabindex="{-1 if number else 0}" aria-label="{escape(_words(node))}">'
    )
    parts = [
        opening,
        f'<rect class="kw-box" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="5"/>',
        f'<text class="kw-node-name" x="{middle}" y="{first - lift}">{escape(node.label)}</text>',
    ]
    if node.component:
        parts.append(
            f'<text class="kw-node-class" x="{middle}" y="{box.y + 31 - lift}">{escape(node.component)}</text>'
        )
    for row, ((_, text), edges) in enumerate(graph.tagged(node.name).items(), start=1):
        stands_for = " ".join(str(numbers[edge]) for edge in edges)
        parts.append(
            f'<text class="kw-tag" data-edges="{stands_for}" x="{middle}" y="{box.y + 31 + TAG_HEIGHT * row - lift}">'
            f"{escape(text)}</text>"
        )
    if has_queue:
        parts.append(_bar(box))
    parts.append(f'<text class="kw-badge" x="{box.x + box.width - 2}" y="{box.y - 5}"></text></g>')
    return "".join(parts)


def _words(node: GraphNode) -> str:
    return ", ".join(part for part in (node.name, node.component, node.kind) if part)


def _bar(box: Box) -> str:
    """The queue: how full it was, and a mark at the most that ever waited."""
    left, top, width = box.x + BAR_INSET, box.y + box.height - BAR_HEIGHT - 4, box.width - 2 * BAR_INSET
    place = f'y="{top}" height="{BAR_HEIGHT}"'
    return (
        f'<rect class="kw-queue" x="{left}" {place} width="{width}" rx="2"/>'
        f'<rect class="kw-queue-fill" x="{left}" {place} width="0" data-width="{width}" rx="2"/>'
        f'<rect class="kw-queue-high" x="{left}" y="{top - 1}" width="2" height="{BAR_HEIGHT + 2}" '
        f'data-left="{left}" data-width="{width}"/>'
    )
