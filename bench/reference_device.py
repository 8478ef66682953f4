"""A deployment as a device runs it, by default the reference one, in an environment that holds nothing else.

The development environment has packages that run code at each start of the interpreter; what a device pays is measured
in a bare virtual environment whose only path file names our sources, as an editable installation's does. The
interpreter that it is compared with is the same one.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("framework", "components")
STOP_TIMEOUT_S = 10.0
BUILD_TIMEOUT_S = 120.0

SCRIPT = """import sys
from kittiwake.cli.main import main
sys.exit(main())
"""
"""What an installer writes for an entry of `[project.scripts]`."""


class ReferenceDevice:
    """A temporary folder with the image and its dictionary, the bare environment, and a root that has seen a start."""

    def __init__(self, topology: str = "reference.yaml") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kw-bench-")
        self.folder = Path(self._folder.name)
        self.root = self.folder / "root"
        self._topology = topology
        self.python = self.folder / "venv" / "bin" / "python"
        self._script = self.folder / "venv" / "bin" / "kittiwake"

    def __enter__(self) -> ReferenceDevice:
        kittiwake = str(Path(sys.executable).with_name("kittiwake"))
        command = [kittiwake, "build", str(ROOT / "topologies" / self._topology), "-o", str(self.folder)]
        built = subprocess.run(command, check=True, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S)
        self.image, self.dictionary = map(Path, built.stdout.split())
        venv.create(self.folder / "venv", symlinks=True, with_pip=False)
        packages = next((self.folder / "venv" / "lib").glob("python*/site-packages"))
        (packages / "kittiwake.pth").write_text("".join([f"{ROOT / source}\n" for source in SOURCES]))
        self._script.write_text(SCRIPT)
        self.root.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def start(
        self, link: str = "none", root: Path | None = None, options: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        """Starts the deployment, in a root of its own if it is to run beside another; the caller ends it by `stop`."""
        command = [
            str(self.python), str(self._script), "run", str(self.image), "--root", str(root or self.root),
            "--link", link, "--quiet", *options,
        ]  # fmt: skip
        return subprocess.Popen(command, env={}, stdin=subprocess.DEVNULL)

    def start_bare(self, code: str) -> subprocess.Popen[bytes]:
        """Starts the same interpreter with nothing but `code`; its standard input is a pipe."""
        return subprocess.Popen([str(self.python), "-I", "-c", code], env={}, stdin=subprocess.PIPE)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a deployment as an operator does, so that the next start is not taken for one after a crash."""
    process.send_signal(signal.SIGTERM)
    process.wait(STOP_TIMEOUT_S)
