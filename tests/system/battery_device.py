"""A battery device made of the reference deployment: with a supervisor, its power manager and a scheduler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.peers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

INSTANCES = """
  powerManager: {{component: kittiwake_components.PowerManager, id: 0x10040000, queue: 20, priority: 44}}
  supervisor:
    component: kittiwake_components.Supervisor
    id: 0x10041000
    queue: 20
    priority: 43
    parameters: {parameters}
  scheduler: {{component: kittiwake_components.Scheduler, id: 0x10042000, queue: 20, priority: 26}}
services:
"""
CONNECTIONS = """
  Supervision:
    - rateGroup1Hz.member_out -> powerManager.run
    - rateGroup1Hz.member_out -> scheduler.run
    - rateGroup1Hz.member_out -> supervisor.run
    - scheduler.com_cmd_out -> CdhCore.cmdDisp.seq_cmd_buff[2]
    - CdhCore.cmdDisp.seq_cmd_status[2] -> scheduler.cmd_response_in
    - supervisor.watchdog_out -> powerManager.watchdog_in
    - supervisor.power_ready -> powerManager.power_ready
    - supervisor.power_mode_out -> powerManager.mode_in
    - powerManager.mode_done -> supervisor.step_done_in
    - supervisor.due_work -> scheduler.due_work
    - supervisor.next_wake -> scheduler.next_wake
    - supervisor.energy_get -> powerManager.energy_get
    - supervisor.powerdown_out -> powerManager.powerdown_in
    - powerManager.powerdown_answer -> supervisor.powerdown_answer_in
packets:
  Station: {id: 40, group: 1, channels: [powerManager.*, supervisor.*, scheduler.*{channels}]}
"""


def battery_device(
    folder: Path, parameters: str = "{}", instances: str = "", connections: str = "", channels: str = ""
) -> Path:
    """Writes its topology: `parameters` are the supervisor's, the rest is added as it is."""
    text = (ROOT / "topologies/reference.yaml").read_text(encoding="utf-8")
    for name in re.findall(r"\w+\.yaml", text.split("instances:")[0]):
        text = text.replace(name, str(ROOT / "topologies" / name), 1)
    more = INSTANCES.format(parameters=parameters).replace("services:\n", f"{instances}services:\n")
    text = text.replace("\nservices:\n", more, 1)
    wired = CONNECTIONS.replace("packets:\n", f"{connections}packets:\n").replace("{channels}", channels)
    text = text.replace("\npackets:\n", wired, 1)
    path = folder / "device.yaml"
    path.write_text(text, encoding="utf-8")
    return path
