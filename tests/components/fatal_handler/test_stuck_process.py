"""A real process whose handler spins for ever: it ends, and its next start says where it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import ROOT

PROGRAM = Path(__file__).with_name("stuck.py")
PATHS = os.pathsep.join(str(ROOT / folder) for folder in ("framework", "components"))


def run(root: Path, how: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": PATHS}
    command = [sys.executable, str(PROGRAM), str(root), how]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_a_handler_that_spins_for_ever_is_killed_and_the_next_start_reports_it(tmp_path: Path) -> None:
    """REQ-FH-003, REQ-FH-004."""
    stuck = run(tmp_path, "spin")
    assert stuck.returncode == 1
    assert stuck.stdout == ""
    after = run(tmp_path, "end")
    assert after.returncode == 0, after.stderr
    assert "Timeout (0:00:01)!" in after.stdout
    assert "stuck.py:" in after.stdout
    assert "spin_for_ever" in after.stdout
    assert after.stdout.endswith("the end\n")
    assert (tmp_path / "crash_record.bad.0").read_text().startswith("Timeout")
    again = run(tmp_path, "end")
    assert again.stdout == "the end\n"


@pytest.mark.parametrize("sessions", [2])
def test_an_orderly_end_leaves_no_crash(tmp_path: Path, sessions: int) -> None:
    """REQ-FH-004."""
    assert [run(tmp_path, "end").stdout for _ in range(sessions)] == ["the end\n"] * sessions
