"""`kittiwake run --dev`: a small process that starts a deployment anew whenever one of its sources changes.

The change is checked first, in a process of its own: sources that cannot be imported, or a topology with faults, leave
the deployment running, and the faults are shown. The state of the author's components goes from each run to the next.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse
from kittiwake.cli.run_options import TOPOLOGY_ENDS, parse
from kittiwake.cli.supervise import end_with_parent, program
from kittiwake.runtime.exit_status import FAILED, MISUSED, ORDERLY, RESETS, UNHEARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

POLL_S = 0.25
QUIET_S = 0.3
"""So long nothing more has to change: editors write in steps, and checkouts many files."""
CHECK_LIMIT_S = 120.0
STOP_LIMIT_S = 15.0
MAX_FILES = 5000
_APART = ("--supervise", "--slots", "--watchdog", "--power-cycle", "--thaw")
_SKIPPED = ("build", "var", "dist", "node_modules", "__pycache__")


class Watch:
    """Files, and whether one of them has changed since it was last looked at."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._seen = {path: _stamp(path) for path in list(paths)[:MAX_FILES]}

    def changed(self) -> list[str]:
        """Those that were written, made or removed since."""
        found = []
        for path, before in self._seen.items():
            now = _stamp(path)
            if now != before:
                self._seen[path] = now
                found.append(path)
        return found


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


class DevRun:
    """The runs of one topology, with the `arguments` of `kittiwake run`."""

    def __init__(self, topology: str, arguments: Sequence[str], state: str) -> None:
        self._topology = topology
        inspected = [] if any(one.partition("=")[0] == "--record" for one in arguments) else ["--inspect"]
        self._command = [
            *program(), "run", *arguments, *inspected, "--thaw", state,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._checking: subprocess.Popen[bytes] | None = None
        self._is_stopping = False
        self._sources: list[str] = []

    def run(self) -> int:
        """Runs until it is interrupted, or the deployment ends in order; gives the status to end with."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        is_sound = self._check()
        watch = Watch(self._watched(is_sound))
        if is_sound and not self._is_stopping:
            self._start()
        while not self._is_stopping:
            time.sleep(POLL_S)
            status = self._ended()
            if status in (ORDERLY, MISUSED):
                return status
            changed = watch.changed()
            if not changed or self._is_stopping:
                continue
            self._settle(watch)
            say(f"changed: {_named(changed)}")
            is_sound = self._check()
            watch = Watch(self._watched(is_sound))
            if is_sound and not self._is_stopping:
                self._end()
                self._start()
            elif not is_sound:
                say("that has faults; what ran before runs on" if self._process else "that has faults, too")
        return self._end() if self._process or not is_sound else ORDERLY

    def _stop(self, *_: Any) -> None:
        self._is_stopping = True
        if self._checking is not None:
            self._checking.terminate()

    def _settle(self, watch: Watch) -> None:
        """Waits until nothing changes any more."""
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_S and not self._is_stopping:
            time.sleep(QUIET_S / 4)
            if watch.changed():
                quiet_since = time.monotonic()

    def _check(self) -> bool:
        """Whether the sources are sound, or nobody wants to know any more; what is wrong is on the terminal then."""
        command = [sys.executable, "-m", "kittiwake.cli.dev_sources", self._topology]
        # A Ctrl-C on the terminal is for this process; that one would show where it was interrupted.
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            process_group=0,
            preexec_fn=end_with_parent,  # noqa: PLW1509
        ) as self._checking:
            if self._is_stopping:
                self._checking.terminate()
            try:
                told, _ = self._checking.communicate(timeout=CHECK_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._checking.kill()
                say(f"the sources were not imported within {CHECK_LIMIT_S:.0f} s")
                return False
        status, self._checking = self._checking.returncode, None
        if self._is_stopping:
            return True
        try:
            self._sources = [str(path) for path in json.loads(told.decode().splitlines()[-1])]
        except (ValueError, LookupError):
            return False
        return status == 0

    def _watched(self, is_sound: bool) -> list[str]:
        """What a mending change may be made in: where a module was not imported, any file of the project."""
        return self._sources if is_sound else sorted({*self._sources, *_project_files(Path(self._topology))})

    def _start(self) -> None:
        # This process has one thread.
        self._process = subprocess.Popen(self._command, preexec_fn=end_with_parent)  # noqa: PLW1509

    def _ended(self) -> int | None:
        """The status of a deployment that has ended by itself; one that was reset is started again."""
        process = self._process
        status = None if process is None else process.poll()
        if process is None or status is None:
            return None
        self._process = None
        if self._is_stopping and status in UNHEARD:
            return ORDERLY
        if status in RESETS:
            say(f"the deployment was reset ({status}); started again")
            self._start()
        elif status not in (ORDERLY, MISUSED):
            say(f"the deployment ended with status {status}; it is started again when a source changes")
        return status

    def _end(self) -> int:
        """Ends the deployment; gives its status."""
        process, self._process = self._process, None
        if process is None:
            return FAILED
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return ORDERLY if process.returncode in (ORDERLY, *UNHEARD) else max(process.returncode, FAILED)


def _project_files(topology: Path) -> list[str]:
    """Python and YAML below the project's folder: the one with a pyproject.toml above the topology, or its own."""
    near = topology.resolve().parent
    folder = next((one for one in (near, *near.parents) if (one / "pyproject.toml").is_file()), near)
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".") and one not in _SKIPPED]
        found += [f"{place}/{name}" for name in files if name.endswith((".py", *TOPOLOGY_ENDS))]
        if len(found) > MAX_FILES:
            break
    return found


def _named(paths: Sequence[str]) -> str:
    here = os.getcwd()
    names = [os.path.relpath(path, here) if path.startswith(here) else path for path in paths[:3]]
    return ", ".join(names) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def say(text: str) -> None:
    """A line for who develops."""
    print(f"dev: {text}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Runs until it is interrupted; gives the deployment's status."""
    rest = [one for one in arguments if one != "--dev"]
    try:
        apart = [one for one in rest if one.partition("=")[0] in _APART]
        if apart:
            raise Misuse(f"either --dev, or {apart[0].partition('=')[0]}")
        options = parse(rest)
        if not options.file.endswith(TOPOLOGY_ENDS):
            raise Misuse(f"--dev wants a topology file, not {options.file}")
    except Misuse as misuse:
        print(f"kittiwake run: {misuse}", file=sys.stderr)
        return MISUSED
    folder = tempfile.mkdtemp(prefix="kittiwake-dev-")
    try:
        return DevRun(options.file, [one for one in rest if one != "--inspect"], f"{folder}/state").run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
