"""`kittiwake ground tui` as a program: at a pseudo-terminal, and where there is nothing to draw on."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake_ground.client import Deployment
    from tests.ground.client.scripted_deployment import ScriptedDeployment
    from tests.ground.client.served import Served

DOWN = "ComCcsds.link.BytesDown"
TIMEOUT_S = 40.0
COLOURS = re.compile(r"\x1b\[[0-9;]*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m")
"""Select Graphic Rendition with a colour (ECMA-48)."""


class Screen:
    """The program on a pseudo-terminal of 80 columns and 24 lines."""

    def __init__(self, url: str, **environment: str) -> None:
        given = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **environment}
        given["PYTHONPATH"] = ":".join(sys.path)
        self._terminal, there = pty.openpty()
        command = [sys.executable, "-m", "kittiwake.cli.main", "ground", "tui", "--server", url]
        streams: dict[str, Any] = {"stdin": there, "stdout": there, "stderr": there}
        self.process = subprocess.Popen(command, env=given, start_new_session=True, **streams)
        os.close(there)
        self.shown = ""

    def see(self, wanted: str) -> None:
        """Waits until this was written."""
        end_s = time.monotonic() + TIMEOUT_S
        while wanted not in self.shown:
            left_s = end_s - time.monotonic()
            assert left_s > 0, self.shown
            self.read(left_s)

    def read(self, timeout_s: float) -> bool:
        """Reads what is written, if something is."""
        if not select.select([self._terminal], [], [], timeout_s)[0]:
            return False
        try:
            self.shown += os.read(self._terminal, 65536).decode(errors="replace")
        except OSError:  # the program has gone
            return False
        return True

    def leave(self) -> int:
        """Quits; gives the exit status."""
        os.write(self._terminal, b"q")
        while self.process.poll() is None:
            self.read(0.1)
        while self.read(0):
            pass
        return self.process.returncode

    def close(self) -> None:
        """Ends the program, however it is."""
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)


@pytest.fixture(params=["", "1"], ids=["colours", "no colours"])
def screen(
    request: pytest.FixtureRequest, served: Served, station: Deployment, device: ScriptedDeployment
) -> Iterator[tuple[Screen, bool]]:
    """The program, and whether it may use colours."""
    device.tell(DOWN, 4711)
    station.wait_for(DOWN, 4711)
    made = Screen(served.url, **({"NO_COLOR": request.param} if request.param else {"COLORTERM": "truecolor"}))
    yield made, not request.param
    made.close()


def test_the_program_draws_and_leaves_the_terminal_as_it_was(screen: tuple[Screen, bool]) -> None:
    shown, coloured = screen
    shown.see("4711")
    shown.see("Quit")
    assert shown.leave() == 0
    assert "\x1b[?1049h" in shown.shown
    assert shown.shown.rindex("\x1b[?1049l") > shown.shown.rindex("4711")
    assert bool(COLOURS.search(shown.shown)) is coloured


def test_without_a_screen_server_or_deployment_it_says_so(
    served: Served, station: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = main(["ground", "tui", *arguments])
        return status, capsys.readouterr().err

    status, said = run("--server", served.url)
    assert (status, "there is no terminal to draw on" in said) == (2, True)
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    status, said = run("--server", served.url)
    assert status == 2
    assert "TERM=dumb cannot be drawn on; `kittiwake ground shell`" in said
    monkeypatch.setenv("TERM", "xterm")
    status, said = run("--server", "http://127.0.0.1:9")
    assert (status, "no ground station answers" in said) == (1, True)
    status, said = run("--server", served.url, "--deployment", "smal")
    assert (status, "there is no deployment 'smal'" in said) == (2, True)
