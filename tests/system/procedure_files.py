"""Procedures for a ground station of the tests: one that passes, and one for each way of not passing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import os
import time
from typing import Annotated, Literal

from kittiwake_ground.client import CommandFailed, Deployment, RunLog
from kittiwake_ground.procedures import Range, procedure

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
"""
FILES = {
    "check_out": '''
@procedure
def check_out(
    station: Deployment,
    log: RunLog,
    rounds: Annotated[int, Range(1, 5), "How often it is asked."] = 2,
    mode: Literal["quick", "full"] = "quick",
) -> None:
    """Check that the dispatcher answers.

    More of it."""
    print("mode", mode, os.environ.get("KITTIWAKE_GROUND_TOKEN"))
    for number in range(rounds):
        log.step(f"Round {number + 1}")
        station.send(NO_OP)
        station.expect("CdhCore.cmdDisp.NoOpReceived", timeout_s=60)
    station.wait_for("CdhCore.cmdDisp.CommandsDispatched", lambda value: value > 0, timeout_s=60)
''',
    "fails": '''
@procedure
def fails(station: Deployment, remote: str) -> None:
    """Remove a file that is not there."""
    station.send("FileHandling.fileManager.RemoveFile", remote, False)
''',
    "waits": '''
@procedure
def waits(station: Deployment, log: RunLog) -> None:
    """Wait for what does not come, and tidy up."""
    log.note(f"process {os.getpid()}")
    try:
        station.wait_for("CdhCore.cmdDisp.NoOpStringReceived", timeout_s=600)
    finally:
        log.note("tidied up")
''',
    "stubborn": '''
@procedure
def stubborn(station: Deployment, log: RunLog) -> None:
    """Heed nothing, and leave a child behind."""
    if os.fork() == 0:
        time.sleep(600)
    log.note("deaf")
    while True:
        try:
            print("x" * 100_000)
            time.sleep(600)
        except BaseException:
            pass
''',
    "dangerous": '''
@procedure(hazardous=["*.CMD_NO_OP_STRING"])
def dangerous(station: Deployment) -> None:
    """Send what is hazardous."""
    station.send("CdhCore.cmdDisp.CMD_NO_OP_STRING", "declared")
    station.send("CdhCore.version.VERSION", "ALL")
''',
    "broken": "import nothing_of_that_name\n",
}


def write_procedures(folder: Path) -> Path:
    """Writes them all and gives the folder."""
    folder.mkdir()
    for name, body in FILES.items():
        (folder / f"{name}.py").write_text(body if name == "broken" else HEAD + body)
    (folder / "notes.txt").write_text("no procedure")
    return folder


def write_configuration(path: Path, dictionary: Path, link: str, procedures: Path) -> Path:
    """A ground.toml with one deployment, `station`, two of whose commands are hazardous."""
    path.write_text(
        f'procedures = "{procedures}"\nprocedures_at_once = 2\n[deployments.station]\ndictionary = "{dictionary}"\n'
        f'link = "{link}"\nhazardous = ["*.CMD_NO_OP_STRING", "*.version.VERSION"]\n'
    )
    return path
