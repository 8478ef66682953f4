"""What is refused about connections: how they are written, bounds, second targets, outputs that are left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.framework.topology.parts import SERVICES, compiled, messages, refused

if TYPE_CHECKING:
    from pathlib import Path

INSTANCES = f"""
topology: Main
{SERVICES}
instances:
  ticker: {{component: PARTS.Ticker, id: 0x100}}
  worker: {{component: PARTS.Worker, id: 0x200, queue: 10}}
  relay: {{component: PARTS.Relay, id: 0x300}}
  other: {{component: PARTS.Relay, id: 0x400}}
  basket: {{component: PARTS.Basket, id: 0x500, queue: 10}}
  all: {{component: PARTS.Services, id: 0x600}}
connections:
  Words:
"""


def of_lines(folder: Path, *lines: str) -> list[tuple[int, int, str, str]]:
    """Line of the group, column, message and hint of each fault of those connections."""
    text = INSTANCES + "".join(f"    - {line}\n" for line in lines)
    first = INSTANCES.count("\n")
    return [(line - first, col, message, hint) for line, col, message, hint in messages(refused(folder, text))]


@pytest.mark.parametrize(
    "line, col, message, hint",
    [
        ("relay.words_out", 7, "a connection is one 'instance.output -> instance.input'", ""),
        ("relay.words_out -> other.words_in -> x.y", 7, "a connection is one 'instance.output -> instance.input'", ""),
        ("[a, b]", 7, "a connection is a text 'a.output -> b.input', not a list", ""),
        ("relay.words_out -> other", 26, "'other' is no port", "write instance.port or instance.port[index]"),
        ("relay words_out -> other.words_in", 7, "'relay words_out' is no port", "write instance.port"),
        ("relay.words_out[-1] -> other.words_in", 7, "'relay.words_out[-1]' is no port", "write instance.port"),
        ("relay.words_in -> other.words_in", 13, "Relay has no output port words_in", "words_in is an input"),
        ("relay.words_out -> other.other_out", 32, "Relay has no input port other_out", "other_out is an output"),
        ("relay.wordsOut -> other.wordIn", 31, "Relay has no input port wordIn", "did you mean wordsIn?"),
        ("relay.zzz -> other.words_in", 13, "Relay has no output port zzz", "outputs: words_out, other_out"),
        ("Mian.relay.words_out -> other.words_in", 7, "there is no instance Mian.relay", "did you mean"),
        ("Core.ticker.tick_out -> worker.run", 7, "there is no instance Core.ticker", "did you mean"),
        ("ticker.tick_out[3] -> worker.run", 23, "tick_out[3] does not exist; its indices are 0 to 2", ""),
        ("relay.words_out[1] -> other.words_in", 23, "words_out[1] does not exist; its indices are 0, as", ""),
        ("relay.words_out -> worker.run", 26, "words_out is of type Parts.Words, Main.worker.run", ""),
        ("'relay.words_out -> worker.run'", 27, "words_out is of type Parts.Words", ""),
    ],
)  # fmt: skip
def test_one_fault_of_a_connection(tmp_path: Path, line: str, col: int, message: str, hint: str) -> None:
    ((_, found_col, found_message, found_hint),) = of_lines(tmp_path, line)
    assert found_message.startswith(message)
    assert (found_col, found_hint[: len(hint)]) == (col, hint)


def test_an_output_has_one_target(tmp_path: Path) -> None:
    ((line, col, message, hint),) = of_lines(
        tmp_path,
        "relay.words_out -> other.end_in",
        "other.words_out -> relay.end_in",
        "relay.words_out -> worker.words_in",
    )
    assert (line, col, message) == (3, 7, "Main.relay.words_out already goes to Main.other.end_in")
    assert hint.endswith("main.yaml:13")


def test_an_array_that_is_full_takes_no_more(tmp_path: Path) -> None:
    faults = of_lines(tmp_path, *["ticker.tick_out -> worker.run"] * 3, "ticker.tick_out -> basket.run")
    assert [(line, message) for line, _, message, _ in faults] == [
        (4, "all 3 ports of Main.ticker.tick_out are connected"),
    ]


def test_an_input_array_that_is_full_takes_no_more(tmp_path: Path) -> None:
    text = INSTANCES.replace("instances:\n", "instances:\n  ears: {component: PARTS.Listener, id: 0x700}\n")
    lines = [
        "relay.words_out -> ears.words_in", "other.words_out -> ears.words_in", "worker.words_out -> ears.words_in",
        "ears.required_out -> basket.words_in",
    ]  # fmt: skip
    (fault,) = refused(tmp_path, text + "".join(f"    - {line}\n" for line in lines))
    assert (fault.col, fault.message) == (27, "all 2 ports of Main.ears.words_in are connected")


def test_an_output_that_must_be_connected_is(tmp_path: Path) -> None:
    faults = refused(tmp_path, "topology: Main\ninstances:\n  ears: {component: PARTS.Listener, id: 1}\n")
    assert messages(faults) == [
        (3, 3, "Main.ears.required_out must be connected", "to an input of type Parts.Words"),
    ]


def test_a_required_output_with_a_faulty_connection_is_one_fault(tmp_path: Path) -> None:
    faults = refused(
        tmp_path,
        """
        topology: Main
        instances:
          ears: {component: PARTS.Listener, id: 1}
        connections:
          Words:
            - ears.required_out -> nobody.words_in
        """,
    )
    assert [fault.message for fault in faults] == ["there is no instance nobody"]


def test_names_of_instances_groups_and_topologies_are_identifiers(tmp_path: Path) -> None:
    faults = refused(
        tmp_path, 'topology: My-Top\ninstances:\n  a.b: {component: PARTS.Relay, id: 1}\nconnections: {"1 group": []}\n'
    )
    assert [fault.message.partition(" is no name")[0] for fault in faults] == ["'My-Top'", "'a.b'", "'1 group'"]


MIRRORED = f"""
topology: Main
{SERVICES}
instances:
  all: {{component: PARTS.Services, id: 0x600}}
  driver: {{component: kittiwake_components.RateGroupDriver, id: 0x1000}}
  fast: {{component: kittiwake_components.ActiveRateGroup, id: 0x2000, queue: 5}}
  slow: {{component: kittiwake_components.ActiveRateGroup, id: 0x3000, queue: 5}}
  lost: {{component: kittiwake_components.ActiveRateGroup, id: 0x4000, queue: 5}}
connections:
  Groups:
    - slow.idle_out -> driver.idle_in
    - driver.cycle_out[0] -> fast.cycle_in
    - driver.cycle_out[3] -> slow.cycle_in
    - fast.idle_out -> driver.idle_in[0]
"""


def test_an_input_that_mirrors_an_output_takes_the_place_of_its_caller(tmp_path: Path) -> None:
    topology = compiled(tmp_path, MIRRORED)
    places = {one.source: one.input_index for one in topology.connections if one.input == "idle_in"}
    assert places == {"Main.slow": 3, "Main.fast": 0}


def test_an_input_that_mirrors_an_output_has_no_other_callers(tmp_path: Path) -> None:
    text = MIRRORED.replace("idle_in[0]", "idle_in[3]") + "    - lost.idle_out -> driver.idle_in\n"
    assert [(col, message, hint) for _, col, message, hint in messages(refused(tmp_path, text))] == [
        (24, "idle_in[3] is for who is called by Main.driver.cycle_out[3]", "Main.fast is at 0"),
        (24, "Main.driver.cycle_out goes nowhere to Main.lost", ""),
    ]
