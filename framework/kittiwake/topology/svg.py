"""Draws a topology's graph as SVG: subtopologies in boxes, a colour for each connection group, ports as tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from kittiwake.topology.layout import CHARACTER_WIDTH, PADDING, TAG_HEIGHT, make_layout
from kittiwake.topology.routing import Router

if TYPE_CHECKING:
    from kittiwake.topology.graph import Graph, GraphEdge, GraphNode
    from kittiwake.topology.layout import Box, Layout
    from kittiwake.topology.routing import Point

COLOURS = (
    "#0b6e99", "#b3541e", "#3d7a3a", "#7a3d78", "#8a6d00", "#a83246", "#3f4f9a", "#2f7d76", "#6b5b4b", "#555555",
)  # fmt: skip
"""One after the other for the connection groups; all readable on white."""

LEGEND_ROW = 24
LEGEND_LINE = 28
LEGEND_GAP = 24
RADIUS = 4
"""Of the lines' corners; no more than half the distance between two lines."""

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1c2733}.paper{fill:#fff}.cluster{fill:#f3f6f8;stroke:#ccd6de}"
    ".title{font-weight:bold;fill:#51606c}.node{fill:#fff;stroke:#51606c}.active{stroke-width:2.2}"
    ".queued{stroke-dasharray:5 3}.component{font-size:10px;fill:#51606c}.edge{fill:none;stroke-width:1.5}"
)


def svg(graph: Graph) -> str:
    """The graph as one SVG document."""
    layout = make_layout(graph)
    groups = graph.groups()
    colours = {group: COLOURS[index % len(COLOURS)] for index, group in enumerate(groups)}
    places = _legend_places(groups, layout.width)
    rows = max([row for _, row in places.values()], default=-1) + 1
    height = layout.height + LEGEND_ROW * rows
    parts = [
        _opening(layout.width, height),
        f"<title>{escape(graph.name)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{layout.width}" height="{height}" rx="10"/>',
        *_markers(colours),
        *[_cluster(name, box) for name, box in layout.clusters.items()],
        *_edges(graph, layout, colours),
        *[_node(node, layout.nodes[node.name], graph, colours) for node in graph.nodes],
        *_legend(colours, places, layout.height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _opening(width: int, height: int) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'


def _markers(colours: dict[str, str]) -> list[str]:
    return [
        f'<marker id="arrow{index}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="5.5" markerHeight="5.5" '
        'orient="auto">'
        f'<path d="M0,0L8,4L0,8z" fill="{colour}"/></marker>'
        for index, colour in enumerate(colours.values())
    ]


def _cluster(name: str, box: Box) -> str:
    return (
        f'<rect class="cluster" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>'
        f'<text class="title" x="{box.x + 12}" y="{box.y + 20}">{escape(name)}</text>'
    )


def _node(node: GraphNode, box: Box, graph: Graph, colours: dict[str, str]) -> str:
    middle = box.x + box.width // 2
    tags = [
        f'<text x="{middle}" y="{box.y + 32 + TAG_HEIGHT * row}" text-anchor="middle" '
        f'style="font-size:10px;fill:{colours[group]}">{escape(text)}</text>'
        for row, (group, text) in enumerate(graph.tags(node.name), start=1)
    ]
    return (
        f"<g><title>{escape(f'{node.name}: {node.component} ({node.kind})')}</title>"
        f'<rect class="node {node.kind}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="4"/>'
        f'<text x="{middle}" y="{box.y + 17}" text-anchor="middle">{escape(node.label)}</text>'
        f'<text class="component" x="{middle}" y="{box.y + 32}" text-anchor="middle">{escape(node.component)}</text>'
        f"{''.join(tags)}</g>"
    )


def _edges(graph: Graph, layout: Layout, colours: dict[str, str]) -> list[str]:
    numbers = {group: index for index, group in enumerate(colours)}
    paths = edge_paths(graph, layout)
    return [_edge(edge, paths[edge], colours[edge.group], numbers[edge.group]) for edge in graph.lines()]


def edge_paths(graph: Graph, layout: Layout, haste_percent: int = 100) -> dict[GraphEdge, str]:
    """The ways of the edges that are lines, as data of SVG paths; it takes about 20 ms a line without haste."""
    router = Router(layout, haste_percent)

    def distance(edge: GraphEdge) -> int:
        one, other = layout.nodes[edge.source], layout.nodes[edge.target]
        return abs(one.x - other.x) + abs(one.y - other.y)

    # The shortest first: they have the least choice of ways.
    return {edge: _path(router.route(edge.source, edge.target)) for edge in sorted(graph.lines(), key=distance)}


def _path(corners: list[Point]) -> str:
    """Straight lines with rounded corners."""
    parts = [f"M{corners[0][0]},{corners[0][1]}"]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        parts.append(f"L{near[0]},{near[1]}Q{corner[0]},{corner[1]} {far[0]},{far[1]}")
    return "".join([*parts, f"L{corners[-1][0]},{corners[-1][1]}"])


def _towards(corner: Point, other: Point) -> Point:
    """The point `RADIUS` away from a corner in the direction of another."""
    x, y = other[0] - corner[0], other[1] - corner[1]
    return corner[0] + max(-RADIUS, min(RADIUS, x)), corner[1] + max(-RADIUS, min(RADIUS, y))


def _edge(edge: GraphEdge, path: str, colour: str, number: int) -> str:
    ports = "\n".join(edge.ports)
    title = escape(f"{edge.group}: {edge.source} to {edge.target}\n{ports}")
    return (
        f'<path class="edge" d="{path}" stroke="{colour}" marker-end="url(#arrow{number})">'
        f"<title>{title}</title></path>"
    )


def _legend_places(groups: list[str], width: int) -> dict[str, tuple[int, int]]:
    """The left end and the row of each group in the legend."""
    places = {}
    left, row = PADDING, 0
    for group in groups:
        wanted = LEGEND_LINE + 8 + round(len(group) * CHARACTER_WIDTH) + LEGEND_GAP
        if left > PADDING and left + wanted > width:
            left, row = PADDING, row + 1
        places[group] = (left, row)
        left += wanted
    return places


def _legend(colours: dict[str, str], places: dict[str, tuple[int, int]], top: int) -> list[str]:
    drawn = []
    for index, (group, colour) in enumerate(colours.items()):
        left, row = places[group]
        y = top + LEGEND_ROW * row
        drawn.append(
            f'<path d="M{left},{y}h{LEGEND_LINE}" class="edge" stroke="{colour}" marker-end="url(#arrow{index})"/>'
            f'<text x="{left + LEGEND_LINE + 8}" y="{y + 4}">{escape(group)}</text>'
        )
    return drawn
