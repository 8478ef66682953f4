"""A layered layout, left to right: callers before what they call, one box around each subtopology.

Every cluster is laid out by itself and the clusters are stacked, so that boxes never overlap. Inside one, a node's
layer is the longest way to it once the edges that close circles are left out (Sugiyama's method), and nodes of a layer
are ordered by the mean place of their neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.topology.graph import Graph, GraphNode

CHARACTER_WIDTH = 7.5
NODE_HEIGHT = 40.0
ROW_GAP = 18.0
COLUMN_GAP = 70.0
PADDING = 18.0
TITLE_HEIGHT = 24.0
CLUSTER_GAP = 34.0
MAX_ROWS = 8
"""A layer with more nodes is continued in the next column."""

SWEEPS = 4


@frozen
class Box:
    """A rectangle; `x` and `y` are its top left corner."""

    x: float
    y: float
    width: float
    height: float


@frozen
class Layout:
    """Where everything goes, in pixels."""

    width: float
    height: float
    nodes: dict[str, Box]
    clusters: dict[str, Box]


def make_layout(graph: Graph) -> Layout:
    """Places the nodes and clusters of a graph."""
    nodes: dict[str, Box] = {}
    clusters: dict[str, Box] = {}
    top = PADDING
    widest = 0.0
    for cluster, members in graph.clusters().items():
        columns = _columns(members, graph)
        bottom, right = top + TITLE_HEIGHT + PADDING, PADDING * 2
        for column in columns:
            width = max(_width(node) for node in column)
            y = top + TITLE_HEIGHT + PADDING
            for node in column:
                nodes[node.name] = Box(right, y, width, NODE_HEIGHT)
                y += NODE_HEIGHT + ROW_GAP
            bottom = max(bottom, y - ROW_GAP)
            right += width + COLUMN_GAP
        width = max(right - COLUMN_GAP, PADDING * 2 + len(cluster) * CHARACTER_WIDTH)
        clusters[cluster] = Box(PADDING, top, width, bottom + PADDING - top)
        widest = max(widest, PADDING + width)
        top = bottom + PADDING + CLUSTER_GAP
    return Layout(widest + PADDING, top - CLUSTER_GAP + PADDING, nodes, clusters)


def _width(node: GraphNode) -> float:
    return max(len(node.label), len(node.component)) * CHARACTER_WIDTH + 20


def _columns(members: list[GraphNode], graph: Graph) -> list[list[GraphNode]]:
    inside = {node.name for node in members}
    edges = [
        (edge.source, edge.target)
        for edge in graph.edges
        if edge.source in inside and edge.target in inside and edge.source != edge.target
    ]
    forward = _without_circles(inside_order := [node.name for node in members], edges)
    layer = _layers(inside_order, forward)
    layers: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in inside_order:
        layers[layer[name]].append(name)
    _order(layers, edges)
    by_name = {node.name: node for node in members}
    return [
        [by_name[name] for name in names[start : start + MAX_ROWS]]
        for names in layers
        for start in range(0, len(names), MAX_ROWS)
    ]


def _without_circles(names: list[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges without those that lead back, in a depth-first walk without recursion."""
    following: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        following[source].append(target)
    state: dict[str, int] = {}
    kept = []
    for root in names:
        if root in state:
            continue
        state[root] = 1
        walk = [(root, iter(following[root]))]
        while walk:
            name, targets = walk[-1]
            for target in targets:
                if state.get(target) == 1:
                    continue
                kept.append((name, target))
                if target not in state:
                    state[target] = 1
                    walk.append((target, iter(following[target])))
                    break
            else:
                state[name] = 2
                walk.pop()
    return kept


def _layers(names: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    from graphlib import TopologicalSorter

    before: dict[str, set[str]] = {name: set() for name in names}
    for source, target in edges:
        before[target].add(source)
    layer: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        layer[name] = max((layer[earlier] + 1 for earlier in before[name]), default=0)
    return layer


def _order(layers: list[list[str]], edges: list[tuple[str, str]]) -> None:
    neighbours: dict[str, list[str]] = {}
    for source, target in edges:
        neighbours.setdefault(source, []).append(target)
        neighbours.setdefault(target, []).append(source)
    for _ in range(SWEEPS):
        place = {name: index for names in layers for index, name in enumerate(names)}
        for names in layers:
            mean = {
                name: sum(place[other] for other in neighbours[name]) / len(neighbours[name])
                if name in neighbours
                else float(place[name])
                for name in names
            }
            names.sort(key=mean.__getitem__)
