"""The pytest fixtures make testers and check them at the end of each test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MODULE = """
from __future__ import annotations

from kittiwake.model.commands import command
from kittiwake.model.component import PassiveComponent


class Small(PassiveComponent):
    @command
    def work(self) -> None: ...

    @command
    def break_down(self) -> None:
        raise ValueError("broken")

    @command
    async def wait(self) -> None:
        await self.clock.sleep(1)


def test_works(tester, simulated_platform):
    small = tester(Small, platform=simulated_platform)
    small.send("WORK")
    small.send("WAIT")
    simulated_platform.files.list("/kittiwake")


def test_breaks(tester):
    tester(Small).send("BREAK_DOWN")


def test_answers_twice(tester):
    sent = tester(Small).send("WORK")
    sent.responses.append(sent.response)


def test_expects_the_fault(tester):
    small = tester(Small)
    small.send("BREAK_DOWN")
    assert "broken" in small.monitor.faults()[0].detail
    small.monitor.clear()
"""


def test_the_tester_fixture_checks_answers_and_faults_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "test_small.py").write_text(MODULE)
    wide = {**os.environ, "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-p", "kittiwake.testing.plugin", "-p", "no:cacheprovider", "-rEp"]
    run = subprocess.run(
        [*command, "test_small.py"], cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False, env=wide
    )
    assert "4 passed, 2 errors" in run.stdout
    assert "ERROR test_small.py::test_breaks - AssertionError: faults of the component" in run.stdout
    assert "ERROR test_small.py::test_answers_twice - AssertionError: commands without exactly one" in run.stdout
