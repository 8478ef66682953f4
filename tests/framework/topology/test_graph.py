"""The graph of a topology: what it shows, as Mermaid, DOT and SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.topology.graph import Graph, GraphEdge, GraphNode, dot, make_graph, mermaid
from kittiwake.topology.layout import Box, make_layout
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


@given(graphs())
def test_no_boxes_overlap_and_each_lies_in_its_own_cluster(graph: Graph) -> None:
    layout = make_layout(graph)
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
