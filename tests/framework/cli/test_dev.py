"""`kittiwake run --dev`: a change of a source starts the deployment anew, with its state; a fault does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.dev import Watch
from tests.docs.workspace import Background
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.timeout(300)
def test_a_change_starts_it_anew_with_its_state_and_a_fault_leaves_it_running(
    kittiwake: Callable[..., Any], folder: Path
) -> None:
    kittiwake("new", "deployment", "Orchard")
    project = folder / "orchard"
    path = os.pathsep.join([str(project), *[str(ROOT / one) for one in ("framework", "components", "ground")]])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    source = project / "orchard/beacon/component.py"
    written = source.read_text()
    # It counts at its start, so that the count is the number of its starts if the state goes from one to the next.
    counting = written.replace(
        "    @command",
        '    def start(self) -> None:\n        self.rounds += 1\n        print("at", self.rounds)\n\n    @command',
    )
    source.write_text(counting)
    command = [sys.executable, "-m", "kittiwake.cli.main", "run", "--dev", "topologies/orchard.yaml", "--link", "none"]
    running = Background([*command], project, environment)
    try:
        running.wait_for("at 1\n")
        running.wait_for("FrameworkVersion")
        source.write_text(counting + "\n# changed\n")
        told = running.wait_for("at 2\n")
        assert "dev: changed: orchard/beacon/component.py" in told
        assert "thawed: " in told
        source.write_text(counting + "\nthis is no Python\n")
        told = running.wait_for("what ran before runs on")
        assert "orchard.beacon.component cannot be imported: SyntaxError" in told
        assert running.interrupt() == 0
    finally:
        if running._process.poll() is None:
            running.kill()


def test_a_check_of_the_sources_is_broken_off_in_order(folder: Path) -> None:
    """A Ctrl-C goes to every process of the terminal: a traceback of one is none of the author's."""
    (folder / "slow.py").write_text(
        "import sys, time\nprint('importing', file=sys.stderr, flush=True)\ntime.sleep(600)\n"
    )
    (folder / "slow.yaml").write_text("topology: Slow\ninstances:\n  slow: {component: slow.Slow, id: 0x1000}\n")
    command = [sys.executable, "-m", "kittiwake.cli.main", "run", "--dev", "slow.yaml", "--link", "none"]
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stderr is not None
        assert running.stderr.readline() == "importing\n"
        os.killpg(running.pid, signal.SIGINT)
        assert running.stderr.read() == ""
        assert running.wait(60) == 0


@pytest.mark.parametrize(
    "arguments, why",
    [
        (["a.image"], "--dev wants a topology file, not a.image"),
        (["a.yaml", "--supervise"], "either --dev, or --supervise"),
        (["a.yaml", "--slots=here"], "either --dev, or --slots"),
        ([], "a topology file or an image is missing"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: list[str], why: str, kittiwake: Callable[..., Any]) -> None:
    refused = kittiwake("run", "--dev", *arguments)
    assert refused.status == 2
    assert why in refused.err


def test_files_that_are_written_made_or_removed_have_changed(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    one.write_text("1")
    two.write_text("2")
    watch = Watch(str(path) for path in (one, two, three))
    assert watch.changed() == []
    one.write_text("11")
    two.unlink()
    three.write_text("3")
    assert watch.changed() == [str(one), str(two), str(three)]
    assert watch.changed() == []
