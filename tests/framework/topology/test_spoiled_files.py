"""Whatever is done to a topology file, it compiles or its faults are listed; nothing else is ever raised."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st

from kittiwake.faults import Faults
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from tests.framework.topology.parts import SERVICES, P

SOUND = dedent(
    f"""
    topology: Main
    doc: Everything once.
    instances:
      ticker: {{component: {P}.Ticker, id: 0x100, settings: {{limits: [1, 2], names: {{a: 1.5}}, title: x, fast: no}}}}
      worker: {{component: {P}.Worker, id: 0x200, queue: 10, priority: 4, thread: slow, parameters: {{gain: 4}}}}
      relay: {{component: {P}.Relay, id: 0x300}}
      all: {{component: {P}.Services, id: 0x400}}
    {SERVICES}
    connections:
      Words:
        - ticker.tick_out[2] -> worker.run
        - worker.words_out -> relay.guarded_in
    packets:
      Health: {{id: 1, group: 1, channels: [worker.Level]}}
    omitted: [worker.count]
    """
).replace("fast: no", "fast: false")

LINES = SOUND.splitlines()
BITS = [
    "",
    "x",
    "[]",
    "{}",
    "0",
    "-1",
    "1.5",
    "true",
    "null",
    "[a, b]",
    "{a: b}",
    ".",
    "->",
    "'",
    "a.b -> c.d",
    "[9]",
    "0x" + "F" * 40,
]


def outcome(text: str) -> str:
    """What becomes of a file with that text; `SystemExit` and the like would end the test."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "main.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            build_image(load_topology(path))
        except Faults as raised:
            faults = raised
        else:
            return "compiled"
    lines = text.count("\n") + 2
    assert faults.faults
    assert all(1 <= fault.line <= lines and fault.col >= 1 and fault.message for fault in faults.faults)
    assert faults.render()
    return "refused"


def test_the_sound_file_compiles() -> None:
    assert outcome(SOUND) == "compiled"


@given(st.integers(0, len(SOUND)), st.integers(0, 12), st.sampled_from(BITS) | st.text(max_size=4))
def test_a_piece_replaced_by_another(start: int, length: int, piece: str) -> None:
    assert outcome(SOUND[:start] + piece + SOUND[start + length :]) in ("refused", "compiled")


@given(st.integers(0, len(LINES) - 1), st.sampled_from(BITS))
def test_a_value_replaced_by_another(line: int, value: str) -> None:
    key, colon, _ = LINES[line].partition(":")
    spoiled = [*LINES[:line], f"{key}{colon} {value}", *LINES[line + 1 :]]
    assert outcome("\n".join(spoiled)) in ("refused", "compiled")


@given(st.lists(st.integers(0, len(LINES) - 1), min_size=1, max_size=6))
def test_lines_in_another_order(order: list[int]) -> None:
    assert outcome("\n".join(LINES[line] for line in order)) in ("refused", "compiled")
