"""What the topology page knows of traffic, queues and slips, and what it does not take for now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import load_dictionary, read_dictionary
from kittiwake.dictionary.topology import TOPOLOGY_KEY
from kittiwake.topology.compile import load_topology
from kittiwake_ground.dashboard.topology_drawing import Drawing, draw, drawing_of
from kittiwake_ground.dashboard.topology_figures import (
    ENDED,
    LIVE,
    NEVER,
    NO_METER,
    OTHER_BUILD,
    STALE,
    QueueFigures,
    SlipFigures,
    wiring_figures,
)
from kittiwake_ground.dashboard.topology_html import detail_html, rate_text, table_html
from kittiwake_ground.server.hub import Hub
from tests.components.reference import REFERENCE
from tests.peers import ROOT

FOREIGN = ROOT / "tests" / "framework" / "dictionary" / "SampleTopologyDictionary.json"
METER = "ReferenceDeployment.wiringMeter"
GROUP = "ReferenceDeployment.rateGroup1Hz"
SECOND = 1_000_000


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    return export_dictionary(load_topology(REFERENCE))


@pytest.fixture(scope="module")
def drawing(written: dict[str, Any]) -> Drawing:
    return drawing_of(read_dictionary(written, "reference"))


class Ground:
    """A hub with a clock of its own, and what a deployment reports of its wiring."""

    def __init__(self, written: dict[str, Any]) -> None:
        self.now_us = 1_000 * SECOND
        self.hub = Hub("station", read_dictionary(written, "reference"), 100, lambda: self.now_us)

    def take(self, **values: Any) -> None:
        """Values of channels, by their names with `__` for dots."""
        named = {name.replace("__", "."): value for name, value in values.items()}
        items: Any = [(self.hub.dictionary.channel(name), 0, value, {}) for name, value in named.items()]
        self.hub.take_samples(items, self.now_us)

    def report(self, calls: dict[int, int], span_ms: int = 2000, remaining_s: int = 58) -> None:
        """One report, with the calls of some connections."""
        assert self.hub.dictionary.topology is not None
        count = len(self.hub.dictionary.topology.connections)
        pages = {f"{METER}.Calls{page}": [calls.get(64 * page + at, 0) for at in range(64)] for page in range(2)}
        state = SimpleNamespace(number=1, span_ms=span_ms, remaining_s=remaining_s, connections=count, queues=3)
        self.take(**{
            name.replace(".", "__"): value
            for name, value in {
                **pages, f"{METER}.QueuePeaks": [3, *[0] * 31], f"{METER}.QueueHighs": [7, *[0] * 31],
                f"{METER}.QueueDrops": [1, *[0] * 31], f"{METER}.Report": state,
            }.items()
        })  # fmt: skip


@pytest.fixture
def ground(written: dict[str, Any]) -> Ground:
    return Ground(written)


def test_a_report_gives_rates_by_connection_and_the_queues_by_instance(ground: Ground) -> None:
    ground.report({0: 5, 70: 1})
    figures = wiring_figures(ground.hub)
    assert figures.state == LIVE
    assert figures.text == "Metered: calls of 2.0 s, 0 s ago; 58 s left."
    assert (figures.rates[0], figures.rates[1], figures.rates[70]) == (2.5, 0.0, 0.5)
    assert figures.queues["CdhCore.cmdDisp"] == QueueFigures(3, 7, 1)


def test_figures_are_of_now_for_a_few_periods_only(ground: Ground) -> None:
    ground.report({0: 5})
    ground.now_us += 5 * SECOND
    assert wiring_figures(ground.hub).state == LIVE
    ground.now_us += 2 * SECOND
    stale = wiring_figures(ground.hub)
    assert (stale.state, stale.text) == (STALE, "These figures are old: the last report came 7 s ago.")
    assert stale.rates
    ground.now_us += 60 * SECOND
    ended = wiring_figures(ground.hub)
    assert (ended.state, ended.rates, ended.queues) == (ENDED, (), {})
    assert "the last report came 67 s ago" in ended.text


def test_the_end_that_the_device_reports_ends_them_at_once(ground: Ground) -> None:
    assert wiring_figures(ground.hub).state == NEVER
    ground.report({0: 5})
    ground.report({}, span_ms=0, remaining_s=0)
    assert wiring_figures(ground.hub)[:2] == (ENDED, "Not metered: it ended 0 s ago.")


def test_counts_of_another_build_light_up_nothing(ground: Ground) -> None:
    ground.report({0: 5})
    ground.take(CdhCore__version__DictionaryHash="0" * 64)
    assert wiring_figures(ground.hub)[0] == OTHER_BUILD
    assert wiring_figures(ground.hub).rates == ()


def test_a_count_that_is_full_may_be_greater(ground: Ground, drawing: Drawing) -> None:
    ground.report({0: 65535})
    assert wiring_figures(ground.hub).full == {0}
    assert "≥ 32768/s" in table_html(drawing, wiring_figures(ground.hub))


def test_slips_are_fresh_for_a_minute_and_then_remembered(ground: Ground) -> None:
    name = GROUP.replace(".", "__") + "__RgCycleSlips"
    ground.take(**{name: 0})
    assert wiring_figures(ground.hub).slips == {GROUP: SlipFigures(0, False)}
    ground.take(**{name: 2})
    assert wiring_figures(ground.hub).slips == {GROUP: SlipFigures(2, True)}
    ground.now_us += 59 * SECOND
    ground.take(**{name: 2})
    assert wiring_figures(ground.hub).slips[GROUP].is_fresh
    ground.now_us += SECOND
    assert wiring_figures(ground.hub).slips == {GROUP: SlipFigures(2, False)}


def test_a_drawing_has_every_instance_and_stands_for_every_connection(
    written: dict[str, Any], drawing: Drawing
) -> None:
    for one in written[TOPOLOGY_KEY]["instances"]:
        assert drawing.svg.count(f'aria-label="{one["name"]}, ') == 1
    drawn = sorted(at for edge in drawing.facts["edges"] for at in edge["connections"])
    assert drawn == list(range(len(written[TOPOLOGY_KEY]["connections"])))
    in_lines = {number for number, edge in enumerate(drawing.facts["edges"]) if edge["line"]}
    assert {int(part.split('"')[0]) for part in drawing.svg.split('class="kw-line" data-edge="')[1:]} == in_lines
    tags = [part.split('"')[0] for part in drawing.svg.split('class="kw-tag" data-edges="')[1:]]
    assert {int(one) for tag in tags for one in tag.split()} | in_lines == set(range(len(drawing.facts["edges"])))


def test_a_dictionary_of_f_prime_has_its_instances_without_lines() -> None:
    dictionary = load_dictionary(str(FOREIGN))
    drawing = draw(dictionary)
    assert dictionary.topology is None
    names = {name.rpartition(".")[0] for name in (*dictionary.commands, *dictionary.channels, *dictionary.events)}
    assert {node.name for node in drawing.graph.nodes} >= names
    assert 'class="kw-line"' not in drawing.svg
    figures = wiring_figures(Hub("foreign", dictionary, 10))
    assert figures.state == NO_METER
    assert "<td></td>" in table_html(drawing, figures)


def test_an_instance_is_told_with_its_connections_commands_and_channels(ground: Ground, drawing: Drawing) -> None:
    ground.report(dict.fromkeys(range(85), 2))
    node = next(one for one in drawing.graph.nodes if one.name == "CdhCore.cmdDisp")
    told = detail_html(node, drawing, wiring_figures(ground.hub), ground.hub, "station")
    for part in (
        "CommandDispatcher, active", "3 of 200 waited", "Most ever waiting", '<dd class="kw-bad">1</dd>',
        'data-instance="ComCcsds.router"', "command_out[0] → seq_cmd_buff[0]", "<b>1/s</b>",
        'href="/d/station/commands?command=CdhCore.cmdDisp.CMD_NO_OP"',
        'data-channel="CdhCore.cmdDisp.CommandsDispatched"',
    ):  # fmt: skip
        assert part in told, part


def test_what_a_dictionary_says_is_text(written: dict[str, Any]) -> None:
    evil = "<script>x</script>"
    topology = {
        "instances": [{"name": f"A.{evil}", "component": evil, "kind": "active", "queue": 3}],
        "connections": [{"group": evil, "output": f"A.{evil}.out[0]", "input": f"A.{evil}.in[0]"}],
    }
    dictionary = read_dictionary({**written, TOPOLOGY_KEY: topology}, "evil")
    drawing, hub = draw(dictionary), Hub("evil", dictionary, 10)
    told = detail_html(drawing.graph.nodes[0], drawing, wiring_figures(hub), hub, "evil")
    assert "<script" not in drawing.svg + told + table_html(drawing, wiring_figures(hub))


@pytest.mark.parametrize(
    "rate, text", [(0, "0"), (0.998, "1"), (0.25, "0.2"), (2.5, "2.5"), (31.4, "31"), (300, "300")]
)
def test_rates_are_short(rate: float, text: str) -> None:
    assert rate_text(rate) == text
