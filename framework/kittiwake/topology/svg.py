"""Draws a topology's graph as SVG: subtopologies in boxes, a colour for each connection group, ports as tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from kittiwake.topology.layout import CHARACTER_WIDTH, NODE_HEIGHT, make_layout

if TYPE_CHECKING:
    from kittiwake.topology.graph import Graph, GraphEdge, GraphNode
    from kittiwake.topology.layout import Box, Layout

COLOURS = (
    "#0b6e99", "#b3541e", "#3d7a3a", "#7a3d78", "#8a6d00", "#a83246", "#3f4f9a", "#2f7d76", "#6b5b4b", "#555555",
)  # fmt: skip
"""One after the other for the connection groups; all readable on white."""

LEGEND_ROW = 20.0
LEGEND_LEFT = 18.0

_STYLE = (
    "text{font:12px sans-serif;fill:#1c2733}.cluster{fill:#f3f6f8;stroke:#b8c4cd}.title{font-weight:bold}"
    ".node{fill:#fff;stroke:#51606c}.active{stroke-width:2.5}.queued{stroke-dasharray:5 3}"
    ".component{font-size:10px;fill:#51606c}.edge{fill:none;stroke-width:1.4;opacity:.8}"
)


def svg(graph: Graph) -> str:
    """The graph as one SVG document."""
    layout = make_layout(graph)
    groups = graph.groups()
    colours = {group: COLOURS[index % len(COLOURS)] for index, group in enumerate(groups)}
    legend_top = layout.height
    height = legend_top + LEGEND_ROW * len(groups) + LEGEND_LEFT
    longest = max([len(group) for group in groups], default=0)
    width = max(layout.width, LEGEND_LEFT * 2 + 40 + longest * CHARACTER_WIDTH)
    parts = [
        _opening(width, height),
        f"<title>{escape(graph.name)}</title>",
        f"<style>{_STYLE}</style>",
        *_markers(colours),
        *[_cluster(name, box) for name, box in layout.clusters.items()],
        *_edges(graph, layout, colours),
        *[_node(node, layout.nodes[node.name]) for node in graph.nodes],
        *_legend(colours, legend_top),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _opening(width: float, height: float) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {size}>'


def _markers(colours: dict[str, str]) -> list[str]:
    return [
        f'<marker id="arrow{index}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0L8,4L0,8z" fill="{colour}"/></marker>'
        for index, colour in enumerate(colours.values())
    ]


def _cluster(name: str, box: Box) -> str:
    size = f'width="{box.width:.0f}" height="{box.height:.0f}"'
    return (
        f'<rect class="cluster" x="{box.x:.0f}" y="{box.y:.0f}" {size} rx="8"/>'
        f'<text class="title" x="{box.x + 12:.0f}" y="{box.y + 20:.0f}">{escape(name)}</text>'
    )


def _node(node: GraphNode, box: Box) -> str:
    middle = box.x + box.width / 2
    return (
        f"<g><title>{escape(f'{node.name}: {node.component} ({node.kind})')}</title>"
        f'<rect class="node {node.kind}" x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" '
        f'height="{box.height:.0f}" rx="4"/>'
        f'<text x="{middle:.0f}" y="{box.y + 17:.0f}" text-anchor="middle">{escape(node.label)}</text>'
        f'<text class="component" x="{middle:.0f}" y="{box.y + 31:.0f}" text-anchor="middle">'
        f"{escape(node.component)}</text></g>"
    )


def _edges(graph: Graph, layout: Layout, colours: dict[str, str]) -> list[str]:
    """The edges, those of one node spread over its side so that they do not lie on each other."""
    leaving: dict[str, int] = {}
    arriving: dict[str, int] = {}
    total_out: dict[str, int] = {}
    total_in: dict[str, int] = {}
    for edge in graph.edges:
        total_out[edge.source] = total_out.get(edge.source, 0) + 1
        total_in[edge.target] = total_in.get(edge.target, 0) + 1
    numbers = {group: index for index, group in enumerate(colours)}
    drawn = []
    for edge in graph.edges:
        leaving[edge.source] = leaving.get(edge.source, 0) + 1
        arriving[edge.target] = arriving.get(edge.target, 0) + 1
        start = NODE_HEIGHT * leaving[edge.source] / (total_out[edge.source] + 1)
        end = NODE_HEIGHT * arriving[edge.target] / (total_in[edge.target] + 1)
        path = _path(layout.nodes[edge.source], start, layout.nodes[edge.target], end)
        drawn.append(_edge(edge, path, colours[edge.group], numbers[edge.group]))
    return drawn


def _path(source: Box, start: float, target: Box, end: float) -> str:
    """A curve from the right side of one box to the left side of another."""
    x1, y1 = source.x + source.width, source.y + start
    x2, y2 = target.x, target.y + end
    bend = max(30.0, abs(x2 - x1) / 2) if x2 > x1 else min(160.0, 50 + (x1 - x2) / 6)
    return f"M{x1:.1f},{y1:.1f}C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"


def _edge(edge: GraphEdge, path: str, colour: str, number: int) -> str:
    ports = "\n".join(edge.ports)
    title = escape(f"{edge.group}: {edge.source} to {edge.target}\n{ports}")
    return (
        f'<path class="edge" d="{path}" stroke="{colour}" marker-end="url(#arrow{number})">'
        f"<title>{title}</title></path>"
    )


def _legend(colours: dict[str, str], top: float) -> list[str]:
    rows = []
    for index, (group, colour) in enumerate(colours.items()):
        y = top + LEGEND_ROW * index + 10
        rows.append(
            f'<path d="M{LEGEND_LEFT:.0f},{y:.0f}h26" class="edge" stroke="{colour}" marker-end="url(#arrow{index})"/>'
            f'<text x="{LEGEND_LEFT + 36:.0f}" y="{y + 4:.0f}">{escape(group)}</text>'
        )
    return rows
