"""The graph of a topology: one node for each instance, one edge for each pair of instances and connection group.

`mermaid` and `dot` write it as text for those programs; `kittiwake.topology.svg` draws it without any.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from attrs import field, frozen

from kittiwake.faults import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.topology.model import Topology

MAX_FAN = 5
"""A node with more edges of one group than these would cover a drawing with its lines."""


@frozen
class GraphNode:
    """One instance: its qualified name, the group of nodes to which it belongs, its own name, and its component."""

    name: str
    cluster: str
    label: str
    component: str
    kind: str


@frozen
class GraphEdge:
    """The connections of one group from one instance to another; `ports` has a line for each."""

    source: str
    target: str
    group: str
    ports: tuple[str, ...] = field(default=())


@frozen
class Graph:
    """What is drawn, in the topology's order."""

    name: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    def clusters(self) -> dict[str, list[GraphNode]]:
        """The nodes of each topology and subtopology."""
        found: dict[str, list[GraphNode]] = {}
        for node in self.nodes:
            found.setdefault(node.cluster, []).append(node)
        return found

    def groups(self) -> list[str]:
        """The connection groups that have edges."""
        return list(dict.fromkeys(edge.group for edge in self.edges))

    def lines(self) -> list[GraphEdge]:
        """The edges that a drawing shows as lines; the others are named at their ends, as nets are in a circuit."""
        wide = self._wide()
        return [edge for edge in self.edges if (edge.source, edge.group) not in wide]

    def tags(self, name: str) -> list[tuple[str, str]]:
        """What stands in a node in the place of lines: group and text."""
        return list(self.tagged(name))

    def tagged(self, name: str) -> dict[tuple[str, str], list[GraphEdge]]:
        """What stands in a node in the place of lines, each with the edges that it stands for."""
        wide = self._wide()
        to: dict[tuple[str, str], list[GraphEdge]] = {}
        from_: dict[tuple[str, str], list[GraphEdge]] = {}
        for edge in self.edges:
            count = wide.get((edge.source, edge.group))
            if count is not None and edge.source == name:
                to.setdefault((edge.group, f"to {count}"), []).append(edge)
            if count is not None and edge.target == name:
                from_.setdefault((edge.group, f"from {edge.source.rpartition('.')[2]}"), []).append(edge)
        return to | from_

    def _wide(self) -> dict[tuple[str, str], int]:
        """Sources with more edges of one group than `MAX_FAN`, with their number."""
        counts = Counter((edge.source, edge.group) for edge in self.edges)
        return {key: count for key, count in counts.items() if count > MAX_FAN}


def make_graph(topology: Topology, groups: Iterable[str] = ()) -> Graph:
    """The graph of a topology; with `groups`, of those connection groups and the instances that they connect.

    Raises `ValueError` for a group that does not exist, with the nearest name.
    """
    wanted = set(groups)
    known = dict.fromkeys(connection.group for connection in topology.connections)
    for group in sorted(wanted - known.keys()):
        hint = did_you_mean(group, known) or f"groups: {', '.join(known)}"
        raise ValueError(f"there is no connection group {group} ({hint})")
    ports: dict[tuple[str, str, str], list[str]] = {}
    for made in topology.connections:
        if not wanted or made.group in wanted:
            line = f"{made.output}[{made.output_index}] -> {made.input}[{made.input_index}]"
            ports.setdefault((made.source, made.target, made.group), []).append(line)
    edges = tuple(GraphEdge(*key, tuple(lines)) for key, lines in ports.items())
    ends = {end for edge in edges for end in (edge.source, edge.target)}
    nodes = tuple(
        GraphNode(
            made.name, made.name.partition(".")[0], made.name.partition(".")[2] or made.name,
            made.component.__name__, made.component.KIND,
        )
        for made in topology.instances
        if not wanted or made.name in ends
    )  # fmt: skip
    return Graph(topology.name, nodes, edges)


def mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flow chart."""
    ids = {node.name: f"n{index}" for index, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for index, (cluster, nodes) in enumerate(graph.clusters().items()):
        lines.append(f'  subgraph g{index}["{cluster}"]')
        lines += [f'    {ids[node.name]}["{node.label}<br/><small>{node.component}</small>"]' for node in nodes]
        lines.append("  end")
    for edge in graph.edges:
        count = f" x{len(edge.ports)}" if len(edge.ports) > 1 else ""
        lines.append(f'  {ids[edge.source]} -->|"{edge.group}{count}"| {ids[edge.target]}')
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """The graph in Graphviz's language."""
    lines = [f'digraph "{graph.name}" {{', "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for index, (cluster, nodes) in enumerate(graph.clusters().items()):
        lines.append(f'  subgraph "cluster_{index}" {{')
        lines.append(f'    label="{cluster}";')
        lines += [f'    "{node.name}" [label="{node.label}\\n{node.component}"];' for node in nodes]
        lines.append("  }")
    for edge in graph.edges:
        count = f" x{len(edge.ports)}" if len(edge.ports) > 1 else ""
        tooltip = "\\n".join(edge.ports)
        lines.append(f'  "{edge.source}" -> "{edge.target}" [label="{edge.group}{count}", edgetooltip="{tooltip}"];')
    return "\n".join([*lines, "}"]) + "\n"
