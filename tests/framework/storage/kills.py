"""Kills a real process at moments drawn from a seed, and gives back what it had been told is safe."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import kittiwake

if TYPE_CHECKING:
    from kittiwake.platform.seeded import SeededRandom

_PROLOGUE = """
import sys
from kittiwake.platform.system import SystemPlatform
files, path, first = SystemPlatform().files, sys.argv[1], int(sys.argv[2])
def payload(number):
    return number.to_bytes(8, "big") * (1 + number % 300)
def acknowledge(number):
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""
_PATIENCE_S = 20


def payload(number: int) -> bytes:
    """What the killed process writes under a number."""
    return number.to_bytes(8, "big") * (1 + number % 300)


def run_until_killed(script: str, path: Path, first: int, random: SeededRandom) -> int:
    """Runs a writer from number `first` on, kills it within some 30 ms of its first promise, returns the last one."""
    environment = {**os.environ, "PYTHONPATH": str(Path(kittiwake.__file__).parents[1])}
    arguments = [sys.executable, "-c", _PROLOGUE + script, str(path), str(first)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], _PATIENCE_S)
        if ready:
            time.sleep(random.uniform(0.0, 0.03))
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().decode().splitlines(keepends=True)
    promised = [int(line) for line in lines if line.endswith("\n")]
    assert promised, "the writer never got to its first write"
    return promised[-1]
