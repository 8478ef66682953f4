"""A copy of the repository in which the commands of a document are really run.

The copy has the virtual environments by links. Two things are replaced so that documents can be tried beside each other
and beside a running deployment: the PORTS by free ones, in what is run and in what is expected, and the sockets of
fprime-gds by others. The serial devices of the documents are the two ends of a software cable.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.peers import ROOT, peers_environment
from tests.ports import free_port
from tests.system.serial_cable import SerialCable

if TYPE_CHECKING:
    from types import TracebackType

COPIED = ("framework", "components", "ground", "topologies", "sequences", "procedures", "docs", "bench", "Makefile",
          "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")  # fmt: skip
SOURCES = ("framework", "components", "ground")
PORTS = ("50000", "50001", "50002", "8090", "8091", "47900")
DEVICES = ("/dev/ttyUSB0", "/dev/ttyUSB1")
COMMAND_TIMEOUT_S = 90.0
START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 15.0

_KITTIWAKE = """#!{python}
import sys
import kittiwake.cli.run_options
import kittiwake_ground.configuration
kittiwake_ground.configuration.DEFAULT_URL = "http://127.0.0.1:{server_port}"
import kittiwake_ground.commands.session
from kittiwake.cli.main import main
kittiwake.cli.run_options.DEFAULT_LINK = "tcp-listen://127.0.0.1:{port}"
kittiwake_ground.commands.session.DEFAULT_LINK = "tcp://127.0.0.1:{port}"
sys.exit(main())
"""

_GDS = """#!/bin/sh
exec {program} "$@" --zmq-transport ipc://{folder}/in ipc://{folder}/out \\
    --logs {folder}/logs --file-storage-directory {folder}/files --gui-port {page} --skip-browser-open
"""

_CLI = """#!/bin/sh
subcommand=$1; shift
exec {program} "$subcommand" "$@" --zmq-transport ipc://{folder}/in ipc://{folder}/out \\
    --logs {folder}/cli-logs --file-storage-directory {folder}/cli-files
"""


class Workspace:
    """The copy, and the programs that run in it."""

    def __init__(self) -> None:
        # Short, because of the sockets: a Unix socket's path has at most 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="kw-docs-"))
        self.path = self._folder / "kittiwake"
        self._ports = {shown: str(free_port()) for shown in PORTS}
        self._cable = SerialCable()
        self._background: list[Background] = []

    def __enter__(self) -> Workspace:
        self.path.mkdir()
        ignored = shutil.ignore_patterns("__pycache__")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.path / name, ignore=ignored)
            elif source.is_file():
                shutil.copy2(source, self.path / name)
        self._link_environment(
            Path(sys.prefix), ".venv", {"kittiwake": _KITTIWAKE}, python=sys.executable, port=self._ports["50000"],
            server_port=self._ports["8090"],
        )  # fmt: skip
        if peers_environment().is_dir():
            shims = {"fprime-gds": _GDS, "fprime-cli": _CLI}
            self._link_environment(
                peers_environment(), ".venv-peers", shims, folder=str(self._folder), page=str(free_port())
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self._background:
            running.kill()
        self._cable.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _link_environment(self, real: Path, name: str, shims: dict[str, str], **values: str) -> None:
        """A virtual environment of links to another's parts, with some of its programs replaced."""
        made = self.path / name
        (made / "bin").mkdir(parents=True)
        for part in real.iterdir():
            if part.name not in ("bin", ".installed"):
                (made / part.name).symlink_to(part)
        for program in (real / "bin").iterdir():
            shim = shims.get(program.name)
            if shim is None:
                (made / "bin" / program.name).symlink_to(program)
            else:
                (made / "bin" / program.name).write_text(shim.format(program=program, **values))
                (made / "bin" / program.name).chmod(0o755)
        (made / ".installed").touch()

    def adapted(self, text: str) -> str:
        """A text of a document with the ports and devices of this workspace."""
        for shown, real in [*self._ports.items(), *zip(DEVICES, self._cable.ends, strict=True)]:
            text = text.replace(shown, real)
        return text

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
        sources = os.pathsep.join(str(self.path / source) for source in SOURCES)
        path = f"{self.path / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "PYTHONPATH": sources, "PYTHONUNBUFFERED": "1"}

    def run(self, command: str) -> tuple[int, str]:
        """Runs a command to its end; gives its status and all that it printed."""
        done = subprocess.run(
            ["bash", "-e", "-c", self.adapted(command)], cwd=self.path, env=self._environment(), check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_TIMEOUT_S,
        )  # fmt: skip
        return done.returncode, done.stdout.decode(errors="replace")

    def start(self, command: str, until: str) -> str:
        """Starts a command in the background; gives what it has printed once `until` is in it."""
        running = Background(["bash", "-c", self.adapted(command)], self.path, self._environment())
        self._background.append(running)
        return running.wait_for(self.adapted(until))

    def stop(self) -> tuple[int, str]:
        """Interrupts the program that was started last; gives its status and all that it printed."""
        running = self._background.pop()
        return running.interrupt(), running.printed


class Background:
    """A program that goes on while the document does."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        self._printed = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._printed += line
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, text: str) -> str:
        """What was printed up to now, once `text` is in it. Raises `AssertionError` if it does not come."""
        deadline = time.monotonic() + START_TIMEOUT_S
        with self._changed:
            while text not in self._printed:
                left = deadline - time.monotonic()
                assert left > 0, f"{text!r} was not printed within {START_TIMEOUT_S:.0f} s:\n{self._printed}"
                assert self._reader.is_alive() or text in self._printed, f"ended without {text!r}:\n{self._printed}"
                self._changed.wait(min(left, 1.0))
            return self._printed

    @property
    def printed(self) -> str:
        """All that it has printed up to now."""
        with self._changed:
            return self._printed

    def interrupt(self) -> int:
        """Does what Ctrl-C does, and gives the status."""
        os.killpg(self._process.pid, signal.SIGINT)
        status = self._process.wait(STOP_TIMEOUT_S)
        self._close()
        return status

    def kill(self) -> None:
        """Ends the program and its children."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait(STOP_TIMEOUT_S)
        self._close()

    def _close(self) -> None:
        self._reader.join(STOP_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
