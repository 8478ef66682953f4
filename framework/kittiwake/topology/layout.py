"""A layered layout, left to right: callers before what they call, one box around each subtopology.

Every cluster is laid out by itself and the clusters are put on shelves, so that boxes never overlap. Inside one, a
node's layer is the longest way to it once the edges that close circles are left out (Sugiyama's method), and nodes of a
layer are ordered by the mean place of their neighbours. All places and sizes are multiples of `STEP`, the distance
between two lines that run side by side.
"""

from __future__ import annotations

from itertools import permutations
from math import ceil, sqrt
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.topology.graph import Graph, GraphNode

STEP = 8
CHARACTER_WIDTH = 7.5
SMALL_CHARACTER_WIDTH = 6.0
NODE_HEIGHT = 40
TAG_HEIGHT = 16
ROW_GAP = 24
COLUMN_GAP = 64
PADDING = 24
TITLE_HEIGHT = 16
CLUSTER_GAP = 40
MAX_ROWS = 8
"""A layer with more nodes is continued in the next column."""

SWEEPS = 4
ASPECT = 1.2
"""How much wider than high a drawing of several clusters wants to be."""

MAX_SHELVES_ORDERED = 6
"""With more shelves than these not every order is tried."""


@frozen
class Box:
    """A rectangle; `x` and `y` are its top left corner."""

    x: int
    y: int
    width: int
    height: int


@frozen
class Layout:
    """Where everything goes, in pixels."""

    width: int
    height: int
    nodes: dict[str, Box]
    clusters: dict[str, Box]


class _Block:
    """A cluster before it has its place: its columns and the least size that holds them."""

    def __init__(self, name: str, columns: list[list[GraphNode]], graph: Graph) -> None:
        self.name = name
        self.columns = columns
        self.widths = [max(_width(node, graph) for node in column) for column in columns]
        self.heights = {node.name: _height(node, graph) for column in columns for node in column}
        inner = sum(self.widths) + COLUMN_GAP * (len(columns) - 1)
        self.width = _whole(max(inner + 2 * PADDING, 2 * PADDING + len(name) * CHARACTER_WIDTH))
        self.height = TITLE_HEIGHT + 2 * PADDING + max(self._column_height(column) for column in columns)

    def _column_height(self, column: list[GraphNode]) -> int:
        return sum(self.heights[node.name] + ROW_GAP for node in column) - ROW_GAP

    def place(self, left: int, top: int, width: int, height: int, nodes: dict[str, Box]) -> Box:
        """Gives the nodes their boxes, the columns spread over `width`, and returns the cluster's own."""
        slack = width - 2 * PADDING - sum(self.widths)
        gap = slack // (len(self.columns) - 1) if len(self.columns) > 1 else 0
        x = left + PADDING + (slack // 2 if len(self.columns) == 1 else 0)
        for column, column_width in zip(self.columns, self.widths, strict=True):
            y = top + TITLE_HEIGHT + PADDING
            for node in column:
                nodes[node.name] = Box(x // STEP * STEP, y, column_width, self.heights[node.name])
                y += self.heights[node.name] + ROW_GAP
            x += column_width + gap
        return Box(left, top, width, height)


def make_layout(graph: Graph, aspect: float = ASPECT, rows: int = MAX_ROWS) -> Layout:
    """Places the nodes and clusters of a graph.

    `aspect` is how much wider than high it wants to be, and no layer has more than `rows` nodes in a column.
    """
    blocks = [_Block(name, _columns(members, graph, rows), graph) for name, members in graph.clusters().items()]
    widest = max([block.width for block in blocks], default=0)
    inner = _whole(max(widest, sqrt(aspect * sum(block.width * block.height for block in blocks))))
    shelves = _ordered(_shelves(blocks, inner), graph)
    inner = max([_shelf_width(shelf) for shelf in shelves], default=0)
    nodes: dict[str, Box] = {}
    clusters: dict[str, Box] = {}
    top = PADDING
    for shelf in shelves:
        left, slack = PADDING, inner - _shelf_width(shelf)
        height = max(block.height for block in shelf)
        for index, block in enumerate(shelf):
            share = slack // (len(shelf) - index) // STEP * STEP
            share = slack if index == len(shelf) - 1 else share
            slack -= share
            clusters[block.name] = block.place(left, top, block.width + share, height, nodes)
            left += block.width + share + CLUSTER_GAP
        top += height + CLUSTER_GAP
    return Layout(inner + 2 * PADDING, max(top - CLUSTER_GAP, 0) + PADDING, nodes, clusters)


def _whole(size: float) -> int:
    """The next multiple of the step."""
    return ceil(size / STEP) * STEP


def _width(node: GraphNode, graph: Graph) -> int:
    small = max([len(text) for _, text in graph.tags(node.name)], default=0) * SMALL_CHARACTER_WIDTH
    return _whole(max(len(node.label) * CHARACTER_WIDTH, len(node.component) * CHARACTER_WIDTH, small) + 20)


def _height(node: GraphNode, graph: Graph) -> int:
    return NODE_HEIGHT + TAG_HEIGHT * len(graph.tags(node.name))


def _shelf_width(shelf: list[_Block]) -> int:
    return sum(block.width + CLUSTER_GAP for block in shelf) - CLUSTER_GAP


def _shelves(blocks: list[_Block], width: int) -> list[list[_Block]]:
    """The blocks in rows no wider than `width`, the highest first; each goes to the first row with room."""
    shelves: list[list[_Block]] = []
    for block in sorted(blocks, key=lambda block: -block.height):
        for shelf in shelves:
            if _shelf_width([*shelf, block]) <= width:
                shelf.append(block)
                break
        else:
            shelves.append([block])
    return shelves


def _ordered(shelves: list[list[_Block]], graph: Graph) -> list[list[_Block]]:
    """The rows in the order in which edges have the shortest ways from row to row."""
    if len(shelves) > MAX_SHELVES_ORDERED:
        return shelves
    cluster = {node.name: node.cluster for node in graph.nodes}
    pairs = [(cluster[edge.source], cluster[edge.target]) for edge in graph.lines()]

    def length(order: Iterable[list[_Block]]) -> int:
        row = {block.name: index for index, shelf in enumerate(order) for block in shelf}
        return sum(abs(row[source] - row[target]) for source, target in pairs)

    return list(min(permutations(shelves), key=length))


def _columns(members: list[GraphNode], graph: Graph, rows: int) -> list[list[GraphNode]]:
    inside = {node.name for node in members}
    edges = [
        (edge.source, edge.target)
        for edge in graph.lines()
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
        [by_name[name] for name in names[start : start + rows]]
        for names in layers
        for start in range(0, len(names), rows)
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
