"""Killed at any moment and started again: the boot count is what it must be, and nothing is broken."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.system.device import Device

if TYPE_CHECKING:
    from pathlib import Path

STARTS = 100
LONGEST_LIFE_S = 0.7
FIRST_TICK = "FrameworkVersion"
"""Version reports in the first tick, behind the StartupManager: whoever has printed this has counted its boot."""


def boot_count(root: Path) -> int:
    """The boot count on the disk; 0 if there is none yet."""
    path = root / "boot_count.bin"
    if not path.exists():
        previous = root / "boot_count.bin.prev"
        return int.from_bytes(previous.read_bytes(), "big") if previous.exists() else 0
    content = path.read_bytes()
    assert len(content) == 8
    return int.from_bytes(content, "big")


@pytest.mark.timeout(300)
def test_a_hundred_starts_that_end_in_sigkill_count_every_boot(reference: tuple[Path, Path], tmp_path: Path) -> None:
    """REQ-SM-001: +1 for each start that reached its first tick, 0 or +1 for one killed earlier."""
    chance = random.Random(20261121)
    root = tmp_path / "root"
    root.mkdir()
    reached = 0
    for _ in range(STARTS):
        before = boot_count(root)
        device = Device(reference[0], root, "none")
        device.start()
        time.sleep(chance.uniform(0.0, LONGEST_LIFE_S))  # the moment of death is the subject of the test
        device.kill()
        ticked = any(FIRST_TICK in line for line in device.lines)
        reached += ticked
        assert boot_count(root) - before in ((1,) if ticked else (0, 1))
        assert not any("Traceback" in line for line in device.lines)
    assert 0 < reached < STARTS, "the lives should end on both sides of the first tick"
    assert not list(root.rglob("*.bad.*"))
