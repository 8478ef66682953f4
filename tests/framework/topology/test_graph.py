"""The graph of a topology: what it shows, as Mermaid, DOT and SVG."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.topology.graph import Graph, GraphEdge, GraphNode, dot, make_graph, mermaid
from kittiwake.topology.layout import STEP, Box, make_layout
from kittiwake.topology.routing import Router
from kittiwake.topology.svg import svg
from tests.framework.topology.parts import compiled, write

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake.topology.model import Topology

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def topology(tmp_path: Path) -> Topology:
    write(tmp_path, "subtopology: Core\ninstances:\n  end: {component: PARTS.Relay, id: 1}\n", "core.yaml")
    return compiled(
        tmp_path,
        """
        topology: Main
        imports: [core.yaml]
        instances:
          ticker: {component: PARTS.Ticker, id: 2}
          basket: {component: PARTS.Basket, id: 3, queue: 1}
          relay: {component: PARTS.Relay, id: 4}
        connections:
          Ticks:
            - ticker.tick_out -> basket.run
            - ticker.tick_out -> basket.run
          Words:
            - relay.words_out -> Core.end.end_in
        """,
    )


def test_there_is_one_edge_for_each_pair_and_group(topology: Topology) -> None:
    graph = make_graph(topology)
    assert list(graph.clusters()) == ["Core", "Main"]
    assert graph.edges == (
        GraphEdge("Main.ticker", "Main.basket", "Ticks", ("tick_out[0] -> run[0]", "tick_out[1] -> run[0]")),
        GraphEdge("Main.relay", "Core.end", "Words", ("words_out[0] -> end_in[0]",)),
    )


def test_a_group_is_shown_with_the_instances_that_it_connects(topology: Topology) -> None:
    graph = make_graph(topology, ["Words"])
    assert [node.name for node in graph.nodes] == ["Core.end", "Main.relay"]
    assert graph.groups() == ["Words"]
    with pytest.raises(ValueError, match=r"there is no connection group Wrods \(did you mean Words\?\)"):
        make_graph(topology, ["Wrods"])


def test_mermaid_text(topology: Topology) -> None:
    assert mermaid(make_graph(topology)).splitlines() == [
        "flowchart LR",
        '  subgraph g0["Core"]',
        '    n0["end<br/><small>Relay</small>"]',
        "  end",
        '  subgraph g1["Main"]',
        '    n1["ticker<br/><small>Ticker</small>"]',
        '    n2["basket<br/><small>Basket</small>"]',
        '    n3["relay<br/><small>Relay</small>"]',
        "  end",
        '  n1 -->|"Ticks x2"| n2',
        '  n3 -->|"Words"| n0',
    ]


def test_dot_text(topology: Topology) -> None:
    text = dot(make_graph(topology))
    assert text.startswith('digraph "Main" {\n')
    assert text.count("{") == text.count("}")
    assert '  "Main.relay" -> "Core.end" [label="Words", edgetooltip="words_out[0] -> end_in[0]"];\n' in text


def test_the_drawing_is_well_formed_and_names_everything(topology: Topology) -> None:
    root = ET.fromstring(svg(make_graph(topology)))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"Core", "Main", "ticker", "Ticker", "basket", "relay", "end", "Ticks", "Words"} <= set(texts)
    edges = [path for path in root.iter(f"{SVG}path") if path.find(f"{SVG}title") is not None]
    assert [path.find(f"{SVG}title").text for path in edges] == [  # type: ignore[union-attr]
        "Ticks: Main.ticker to Main.basket\ntick_out[0] -> run[0]\ntick_out[1] -> run[0]",
        "Words: Main.relay to Core.end\nwords_out[0] -> end_in[0]",
    ]


def test_an_empty_topology_is_drawn_too(tmp_path: Path) -> None:
    graph = make_graph(compiled(tmp_path, "topology: Main\n"))
    assert ET.fromstring(svg(graph)).tag == f"{SVG}svg"


NAMES = [f"{cluster}.n{number}" for cluster in "ABC" for number in range(5)]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    ends = st.sampled_from(names)
    pairs = draw(st.lists(st.tuples(ends, ends), unique=True, max_size=30))
    nodes = tuple(GraphNode(name, name[0], name[2:], "Component" * (len(name) % 3 + 1), "passive") for name in names)
    return Graph("G", nodes, tuple(GraphEdge(source, target, "E", ("a -> b",)) for source, target in pairs))


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@given(graphs(), st.sampled_from([(1.2, 8), (3.0, 6)]))
def test_no_boxes_overlap_and_each_lies_in_its_own_cluster(graph: Graph, shape: tuple[float, int]) -> None:
    layout = make_layout(graph, *shape)
    boxes = list(layout.nodes.values())
    clusters = list(layout.clusters.values())
    assert not [True for at, box in enumerate(boxes) for other in boxes[:at] if overlap(box, other)]
    assert not [True for at, box in enumerate(clusters) for other in clusters[:at] if overlap(box, other)]
    for node in graph.nodes:
        box, around = layout.nodes[node.name], layout.clusters[node.cluster]
        assert around.x < box.x
        assert around.y < box.y
        assert box.x + box.width < around.x + around.width <= layout.width
        assert box.y + box.height < around.y + around.height <= layout.height


@given(graphs())
def test_callers_stand_left_of_what_they_call_where_no_circle_forbids_it(graph: Graph) -> None:
    layout = make_layout(graph)
    inside = [edge for edge in graph.edges if edge.source[0] == edge.target[0]]
    forward = [edge for edge in inside if NAMES.index(edge.source) < NAMES.index(edge.target)]
    tree = Graph("G", graph.nodes, tuple(forward))
    layout = make_layout(tree)
    for edge in forward:
        assert layout.nodes[edge.source].x < layout.nodes[edge.target].x


def steps(corners: list[tuple[int, int]]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The unit steps of a line, each as its two ends in one order."""
    found = []
    for (x1, y1), (x2, y2) in pairwise(corners):
        count = max(abs(x2 - x1), abs(y2 - y1)) // STEP
        points = [(x1 + (x2 - x1) * n // count, y1 + (y2 - y1) * n // count) for n in range(count + 1)]
        found += [(min(pair), max(pair)) for pair in pairwise(points)]
    return found


@given(graphs(), st.sampled_from([100, 150]))
def test_lines_go_around_boxes_and_no_two_run_on_each_other(graph: Graph, haste_percent: int) -> None:
    layout = make_layout(graph)
    router = Router(layout, haste_percent)
    taken: set[tuple[tuple[int, int], tuple[int, int]]] = set()
    for edge in graph.lines():
        corners = router.route(edge.source, edge.target)
        if any(x1 != x2 and y1 != y2 for (x1, y1), (x2, y2) in pairwise(corners)):
            continue  # no way was free: the line is drawn straight
        line = steps(corners)
        assert not taken & set(line)
        taken.update(line)
        inner = {point for step in line for point in step} - {corners[0], corners[-1]}
        for box in layout.nodes.values():
            assert not [p for p in inner if box.x <= p[0] <= box.x + box.width and box.y <= p[1] <= box.y + box.height]


def test_a_wide_fan_is_named_in_its_boxes_and_not_drawn() -> None:
    nodes = tuple(GraphNode(f"A.n{n}", "A", f"n{n}", "Thing", "passive") for n in range(8))
    edges = tuple(GraphEdge("A.n0", f"A.n{n}", "Ticks", ("a -> b",)) for n in range(1, 8))
    graph = Graph("G", nodes, (*edges, GraphEdge("A.n1", "A.n2", "Words", ("a -> b",))))
    assert [(edge.source, edge.target) for edge in graph.lines()] == [("A.n1", "A.n2")]
    assert graph.tags("A.n0") == [("Ticks", "to 7")]
    assert graph.tags("A.n1") == [("Ticks", "from n0")]
    texts = [element.text for element in ET.fromstring(svg(graph)).iter(f"{SVG}text")]
    assert texts.count("from n0") == 7
    assert texts.count("to 7") == 1
