"""One run of a procedure, and how runs are kept: a folder each, with what is known of it, its log and its output."""

from __future__ import annotations

import json
import logging
import re
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from kittiwake.platform.system_files import SystemFiles
from kittiwake.storage.replaced import ReplacedFile
from kittiwake_ground.procedures.running import LOG_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNNING, PASSED, FAILED, STOPPED, INTERRUPTED = "running", "passed", "failed", "stopped", "interrupted"
STATES = (RUNNING, PASSED, FAILED, STOPPED, INTERRUPTED)
MAX_RUNS = 200
"""Runs that are kept; the oldest of more than that go, with their logs."""

MAX_RECORD = 256 << 10
RECORD, OUTPUT = "run.json", "output.txt"
_log = logging.getLogger(__name__)


@dataclass
class Run:
    """A run. `confirmed` are the hazardous commands that whoever started it agreed to.

    `state` is running, passed, failed, stopped (by somebody) or interrupted (the ground station ended meanwhile).
    """

    id: int
    procedure: str
    deployment: str
    by: str
    arguments: dict[str, Any]
    confirmed: list[str]
    started_us: int
    state: str = RUNNING
    reason: str = ""
    ended_us: int = 0
    folder: Path | None = field(default=None, compare=False)

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state != RUNNING

    @property
    def name(self) -> str:
        """What it does things as: who started it, the procedure and the run's number."""
        return f"{self.by}/{self.procedure}#{self.id}"

    @property
    def log_path(self) -> Path | None:
        """The file of its log, once it is there."""
        if self.folder is None:
            return None
        return next(iter(sorted((self.folder / LOG_FOLDER).glob("*.jsonl"))), None)

    def plain(self) -> dict[str, Any]:
        """The run as JSON has it."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}


class RunStore:
    """The runs in a folder, in subfolders by their numbers."""

    def __init__(self, folder: Path, keep: int = MAX_RUNS) -> None:
        self.folder = folder
        self._keep = keep

    def load(self, now_us: Callable[[], int]) -> dict[int, Run]:
        """The runs that are kept, the oldest first; those that were under way are interrupted. Raises `OSError`."""
        found = {}
        for folder in self._folders().values():
            run = self._read(folder)
            if run is None:
                continue
            if not run.is_final:
                run.state, run.ended_us = INTERRUPTED, now_us()
                run.reason = "the ground station ended meanwhile"
                self.save(run)
            found[run.id] = run
        return found

    def last_id(self) -> int:
        """The greatest number that was given, also to a run that cannot be read any more."""
        return max(self._folders(), default=0)

    def _folders(self) -> dict[int, Path]:
        """The folders by the numbers of their runs, the oldest first."""
        found = {int(one.name): one for one in self.folder.glob("[0-9]*") if re.fullmatch("[1-9][0-9]{0,17}", one.name)}
        return dict(sorted(found.items()))

    def _read(self, folder: Path) -> Run | None:
        try:
            reading = _record(folder).read()
        except OSError as fault:
            _log.warning("%s cannot be read now: %s", fault.filename, fault.strerror)
            return None
        for finding in reading.findings:
            _log.warning("%s: %s", finding.path, finding.reason)
        return None if reading.payload is None else Run(**json.loads(reading.payload), folder=folder)

    def make(self, run: Run) -> None:
        """Makes the folder of a new run, and lets the oldest of too many go. Raises `OSError`."""
        run.folder = self.folder / str(run.id)
        (run.folder / LOG_FOLDER).mkdir(parents=True)
        self.save(run)

    def save(self, run: Run) -> None:
        """Keeps what is known of a run. Raises `OSError`."""
        assert run.folder is not None
        _record(run.folder).write(json.dumps(run.plain(), ensure_ascii=False).encode())

    def prune(self, runs: dict[int, Run]) -> None:
        """Forgets the oldest ended runs of more than are kept, files and all."""
        ended = [one for one in runs.values() if one.is_final]
        for run in ended[: max(0, len(runs) - self._keep)]:
            del runs[run.id]
        folders = self._folders()
        for id in [one for one in folders if one not in runs][: max(0, len(folders) - self._keep)]:
            shutil.rmtree(folders[id], ignore_errors=True)


def _record(folder: Path) -> ReplacedFile:
    return ReplacedFile(SystemFiles(), str((folder / RECORD).absolute()), MAX_RECORD, _fault_of)


def _fault_of(content: bytes) -> str | None:
    """Why a content is no run's."""
    try:
        run = Run(**json.loads(content))
        fits = (
            type(run.id) is type(run.started_us) is type(run.ended_us) is int
            and run.state in STATES
            and all(isinstance(one, str) for one in (run.procedure, run.deployment, run.by, run.reason, *run.confirmed))
            and isinstance(run.arguments, dict)
        )
    except (ValueError, TypeError, RecursionError):
        return "is no record of a run"
    return None if fits else "is no record of a run"
