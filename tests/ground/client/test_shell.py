"""`kittiwake ground shell`: scripts through the real application, and a person at a pseudo-terminal."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.main import main
from kittiwake_ground.commands.ground import COMMANDS
from kittiwake_ground.commands.shell.command import OWN
from kittiwake_ground.commands.shell.completer import Completer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kittiwake_ground.client import Deployment
    from tests.ground.client.scripted_deployment import ScriptedDeployment
    from tests.ground.client.served import Served

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
TEST_CMD = "CdhCore.cmdDisp.CMD_TEST_CMD_1"
RECEIVED = "CdhCore.cmdDisp.NoOpReceived"
DOWN = "ComCcsds.link.BytesDown"


@pytest.fixture
def script(
    served: Served, station: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs a shell with piped lines, and gives its status and what it said."""

    def call(lines: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        capsys.readouterr()
        status = main(["ground", "shell", "--server", served.url, *arguments])
        return (status, *capsys.readouterr())

    return call


def test_a_script_does_what_the_sub_commands_do(
    script: Callable[..., tuple[int, str, str]], device: ScriptedDeployment
) -> None:
    def receive() -> None:
        device.say(RECEIVED)
        device.complete(NO_OP)

    device.script[NO_OP] = receive
    status, out, err = script(f"# two ways to send\n\nsend {NO_OP}\n{NO_OP} --timeout 5\nlinks\nexit\nnonsense\n")
    assert (status, err) == (0, "")
    assert out.count(f"{RECEIVED}:") == 2
    assert out.splitlines()[-1].split()[:2] == ["small", "up"]
    assert device.received == [NO_OP, NO_OP]


def test_a_script_stops_at_the_first_failure_unless_it_is_to_go_on(
    script: Callable[..., tuple[int, str, str]], device: ScriptedDeployment
) -> None:
    device.script[NO_OP] = lambda: device.fail(NO_OP, "EXECUTION_ERROR")
    lines = f"{NO_OP}\nsend\n{TEST_CMD} 1 2 3\nopen 'quote\nlnks\nlinks\n"
    status, out, err = script(lines)
    assert (status, device.received) == (1, [NO_OP])
    assert err.splitlines()[-1] == f"kittiwake ground shell: line 1 ended with 1: {NO_OP}"
    assert "small" not in out

    status, out, err = script(lines, "--keep-going", "--deployment", "small")
    assert status == 1
    ends = [line.split(": ")[1].split() for line in err.splitlines() if " ended with " in line]
    assert [(words[1], words[-1]) for words in ends] == [("1", "1"), ("2", "2"), ("3", "2"), ("4", "2"), ("5", "2")]
    assert "is hazardous; say --yes to send it" in err
    assert "did you mean links?" in err
    assert out.splitlines()[-1].startswith("small")


def test_a_line_may_go_another_way_and_help_is_there(
    script: Callable[..., tuple[int, str, str]], dictionary_file: Path
) -> None:
    status, out, err = script(
        f"help\nhelp {NO_OP}\nhelp links\nsend -d {dictionary_file} {TEST_CMD} --help-arguments\n"
    )
    assert (status, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines() if line} >= {"send", "alarms", "exit", NO_OP, TEST_CMD}
    assert script("links --server http://127.0.0.1:9\n")[0] == 1
    assert script("links --deployment other\n")[0] == 2


def test_a_straight_shell_hands_its_link_to_the_commands(
    script: Callable[..., tuple[int, str, str]],
    dictionary_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{NO_OP}\n"))
    options = ["--link", "tcp://127.0.0.1:9", "--connect-timeout", "0.1", "-d", str(dictionary_file)]
    assert main(["ground", "shell", *options]) == 1
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_words_are_completed_from_tables_and_dictionary(
    station: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = Completer(COMMANDS, OWN, station.dictionary())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "day.seq").write_text("")
    (tmp_path / "days").mkdir()
    assert complete("", "ev") == ["events "]
    assert complete("", "ex") == ["exit", "export"]
    assert complete("help ", "li") == ["links "]
    assert complete("alarms ", "sh") == ["shelve "]
    assert complete("send ", f"{NO_OP}_") == [f"{NO_OP}_STRING "]
    assert complete("", f"{NO_OP}_") == [f"{NO_OP}_STRING "]
    assert complete("channels --follow ", f"{DOWN[:-2]}") == [f"{DOWN} "]
    assert complete("plot x --from 5m ", DOWN[:-2]) == [f"{DOWN} "]
    assert complete("history ", DOWN[:-2]) == [f"{DOWN} "]
    assert complete("events --severity WARNING_HI ", f"{RECEIVED}") == [f"{RECEIVED} "]
    assert complete("events --severity ", "WARN") == ["WARNING_HI", "WARNING_LO"]
    assert complete("events ", "--la") == ["--last "]
    assert complete("send CdhCore.version.VERSION ", "PROJ") == ["PROJECT "]
    assert complete("CdhCore.version.VERSION ", "PROJ") == ["PROJECT "]
    assert complete("CdhCore.version.VERSION PROJECT ", "") == []
    assert complete("", "Cdh")[0].startswith("CdhCore.")
    assert complete("", "cdhcore.CMDDISP.cmd_no_op_") == [f"{NO_OP}_STRING "]
    assert complete("CdhCore.version.VERSION ", "proj") == ["PROJECT "]
    assert complete("upload ", "day") == ["day.seq", "days/"]
    assert complete("upload --server 'open ", "day.") == ["day.seq "]
    assert complete("no-such-thing ", "x") == []


class Person:
    """Types at a shell on a pseudo-terminal and sees what it shows."""

    def __init__(self, url: str, folder: Path) -> None:
        environment = {**os.environ, "TERM": "xterm", "XDG_STATE_HOME": str(folder), "PYTHONPATH": ":".join(sys.path)}
        here, there = pty.openpty()
        self._terminal = here
        command = [sys.executable, "-m", "kittiwake.cli.main", "ground", "shell", "--server", url]
        streams: dict[str, Any] = {"stdin": there, "stdout": there, "stderr": there}
        self.shell = subprocess.Popen(command, env=environment, start_new_session=True, **streams)
        os.close(there)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def see(self, wanted: str, timeout_s: float = 20.0) -> str:
        """What is shown until `wanted` is there."""
        seen = ""
        until_s = time.monotonic() + timeout_s
        while wanted not in seen:
            left_s = until_s - time.monotonic()
            assert left_s > 0, seen
            if select.select([self._terminal], [], [], left_s)[0]:
                seen += os.read(self._terminal, 4096).decode()
        return seen

    def interrupt(self) -> None:
        """What Ctrl-C does where the terminal is the controlling one."""
        os.kill(self.shell.pid, signal.SIGINT)

    def leave(self) -> int:
        self.type("\x04")
        return self.shell.wait(20)

    def close(self) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self._terminal)


@pytest.fixture
def sit_down(served: Served, station: Deployment, tmp_path: Path) -> Iterator[Callable[[], Person]]:
    """Starts shells that share a history."""
    people: list[Person] = []

    def start() -> Person:
        people.append(Person(served.url, tmp_path / "state"))
        return people[-1]

    yield start
    for person in people:
        person.close()


def test_a_person_completes_sees_events_and_finds_the_line_again(
    sit_down: Callable[[], Person], device: ScriptedDeployment, tmp_path: Path
) -> None:
    device.script[NO_OP] = lambda: device.fail(NO_OP, "EXECUTION_ERROR")
    person = sit_down()
    person.see("small [0]> ")
    person.type("CdhCore.cmdDisp.CMD_NO_\t")
    person.see("OP")
    person.type("\n")
    person.see("small [1]> ")
    person.type("eve")
    person.see("eve")
    until_s = time.monotonic() + 20
    while True:  # the notices follow the server from some moment on
        device.say(RECEIVED)
        try:
            shown = person.see(f"{RECEIVED}", 0.3)
            break
        except AssertionError:
            assert time.monotonic() < until_s
    assert "\x1b[L" in shown
    person.type("\x15")
    assert person.leave() == 0
    history = tmp_path / "state/kittiwake/shell_history"
    assert history.read_text().splitlines() == [NO_OP]
    assert stat.S_IMODE(history.stat().st_mode) == 0o600

    again = sit_down()
    again.see("small [0]> ")
    again.type("\x1b[A")
    again.see(NO_OP)
    again.type("\x15 secret\n")
    again.see("small [2]> ")
    again.type(" no_op\n")
    assert f"did you mean {NO_OP}, {NO_OP}_STRING?" in again.see("small [2]> ")
    again.type(" events --follow\n")
    again.see("OpCodeError")
    again.interrupt()
    again.see("small [130]> ")
    assert again.leave() == 0
    assert history.read_text().splitlines() == [NO_OP]
