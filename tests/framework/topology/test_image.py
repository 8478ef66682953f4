"""The image of a topology: plain data, in the shape that the runtime loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake import __version__
from kittiwake.runtime.image import dump_image, load_image
from kittiwake.topology.image import build_image
from tests.framework.topology.parts import SERVICES, compiled

if TYPE_CHECKING:
    from pathlib import Path

TEXT = f"""
    topology: Main
    instances:
      ticker: {{component: PARTS.Ticker, id: 0x100, settings: {{limits: [1, 2]}}}}
      worker: {{component: PARTS.Worker, id: 0x200, queue: 5, priority: 3, thread: slow, parameters: {{gain: 7}}}}
      all: {{component: PARTS.Services, id: 0x300}}
    {SERVICES}
    connections:
      Ticks:
        - ticker.tick_out[1] -> worker.run
    packets:
      Health: {{id: 4, group: 2, channels: [worker.Count, worker.Level]}}
"""


def test_an_image_holds_what_the_runtime_needs(tmp_path: Path) -> None:
    image = build_image(compiled(tmp_path, TEXT), "abc")
    parts = "tests.framework.topology.parts"
    assert image == {
        "name": "Main",
        "version": __version__,
        "dictionary_hash": "abc",
        "instances": [
            ("Main.ticker", f"{parts}:Ticker", 0x100, 0, 0, "", {"limits": [1, 2]}),
            ("Main.worker", f"{parts}:Worker", 0x200, 5, 3, "slow", {}),
            ("Main.all", f"{parts}:Services", 0x300, 0, 0, "", {}),
        ],
        "connections": [(0, "tick_out", 1, 1, "run", 0)],
        "services": {"command": 2, "event": 2, "telemetry": 2, "parameter": 2},
        "packets": [("Health", 4, 2, [0x201, 0x200])],
        "parameters": [(1, "gain", b"\x07")],
    }


def test_an_image_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    image = build_image(compiled(tmp_path, TEXT))
    assert load_image(dump_image(image)) == image
