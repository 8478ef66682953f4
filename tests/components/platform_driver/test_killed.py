"""A real process is killed while something that it wrote is in force at a device outside of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.components.platform_driver.rpc_server import Gateway
from tests.peers import ROOT

PROGRAM = Path(__file__).with_name("killed.py")
PATIENCE_S = 20.0


def started(*arguments: str) -> subprocess.Popen[bytes]:
    sources = os.pathsep.join(str(ROOT / name) for name in ("framework", "components", "ground", "."))
    environment = {**os.environ, "PYTHONPATH": sources}
    return subprocess.Popen([sys.executable, str(PROGRAM), *arguments], env=environment)


def comes(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_what_a_killed_process_has_written_is_released_before_the_next_one_reads(tmp_path: Path) -> None:
    """REQ-PD-035"""
    with Gateway() as gateway:
        written = gateway.priorities.setdefault("analog-output,1", {})
        first = started(str(tmp_path), gateway.url, "50")
        try:
            assert comes(lambda: written == {8: 50.0})
        finally:
            first.kill()
            first.wait()
        assert written == {8: 50.0}
        gateway.calls.clear()
        second = started(str(tmp_path), gateway.url)
        try:
            assert comes(lambda: written == {})
            assert comes(lambda: "client_read_property" in [method for method, _ in gateway.calls])
        finally:
            second.kill()
            second.wait()
        assert [method for method, _ in gateway.calls][:2] == ["server_hello", "client_write_property"]
