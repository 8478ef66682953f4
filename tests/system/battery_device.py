"""A battery device made of the reference deployment: its power unit has no supply, and nothing keeps it powered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.peers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SUPPLY = "    settings: {simulated_supply_w: 5.0}\n"
POWERED = "{FORCE_POWERED: true, POWERED_PAUSE_S: 600}"


def battery_device(
    folder: Path, parameters: str = "{}", instances: str = "", connections: str = "", channels: str = ""
) -> Path:
    """Writes its topology: `parameters` are the supervisor's, the rest is added as it is."""
    text = (ROOT / "topologies/reference.yaml").read_text(encoding="utf-8")
    for name in re.findall(r"\w+\.yaml", text.split("instances:")[0]):
        text = text.replace(name, str(ROOT / "topologies" / name), 1)
    for old, new in (
        (SUPPLY, ""),
        (POWERED, parameters),
        ("\nservices:\n", f"\n{instances}services:\n"),
        ("\npackets:\n", f"\n{connections}packets:\n"),
        ("channels: [supervisor.*, ", f"channels: [{channels}supervisor.*, "),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "device.yaml"
    path.write_text(text, encoding="utf-8")
    return path
