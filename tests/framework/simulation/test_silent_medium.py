"""For two minutes the disk gives nothing, and in that time the device starts anew: no file is taken for a bad one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.fault_plan import Fault
from kittiwake.simulation.machine import ROOT
from kittiwake.simulation.mission import Mission
from kittiwake.simulation.scenario import Scenario
from tests.framework.simulation.flights import TOPOLOGIES, image_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.simulated_disk import Disk

SUPERSEDED = ("reset_reason.bin", "simulated_spacecraft")
"""What is written at a start whatever stood there before."""
TORN = ("ring",)
"""What is not synced at once, so that a power cut may leave a record damaged."""


def all_files(disk: Disk, folder: str = ROOT) -> Iterator[str]:
    for name in disk.names_in(folder):
        path = f"{folder}/{name}"
        if disk.node(path).is_folder:
            yield from all_files(disk, path)
        else:
            yield path.removeprefix(ROOT + "/")


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_no_file_is_taken_for_a_bad_one(topology: str) -> None:
    faults = (
        Fault(199 * NS_PER_S, "disk_error", "read", for_s=131),
        Fault(199 * NS_PER_S, "disk_error", "read_at", for_s=131),
        Fault(200 * NS_PER_S, "kill", "before dispatch", 1, 1),
        Fault(220 * NS_PER_S, "kill", "before dispatch", 1, 1),
        Fault(420 * NS_PER_S, "kill", "before dispatch", 1, 1),
    )
    mission = Mission(image_of(topology), Scenario(seed=5, length_ns=640 * NS_PER_S, draws="work", faults=faults))
    outcome = mission.fly()
    assert outcome.broken is None
    assert outcome.lives >= 4
    kept = [name for name in all_files(mission.machine.platform.files.disk) if ".bad." in name]
    assert [name for name in kept if name.rpartition("/")[2].partition(".bad.")[0][:-2] not in SUPERSEDED + TORN] == []
