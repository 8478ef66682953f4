"""The procedures of a ground station: what there is, what runs, and what has run."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kittiwake_ground.procedures.arguments import checked_arguments
from kittiwake_ground.procedures.order import LOST, STOP_GRACE_S, Order, OrderTooLong
from kittiwake_ground.procedures.order import PASSED as PASSED_STATUS
from kittiwake_ground.procedures.process import RunProcess
from kittiwake_ground.procedures.reading import last_entry
from kittiwake_ground.procedures.run import FAILED, INTERRUPTED, OUTPUT, PASSED, STOPPED, Run, RunStore
from kittiwake_ground.procedures.shelf import Shelf
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kittiwake.dictionary.entries import Command
    from kittiwake_ground.people.desk import Desk, Person
    from kittiwake_ground.procedures.shelf import Procedure
    from kittiwake_ground.server.deployment import Deployment

AT_ONCE = 4
"""How many runs may be under way at the same time."""

_log = logging.getLogger(__name__)


class NoSuchRun(LookupError):
    """No run has that number."""


class TooManyRuns(RuntimeError):
    """As many runs are under way as may be."""


class NotConfirmed(ValueError):
    """The procedure sends hazardous commands, and nobody has confirmed that."""


class CannotStart(ValueError):
    """The procedure, or whoever asks, is not one that can be started or may start; the message says why."""


class Procedures:
    """Lists procedures and runs them. `start` and `stop` it with the ground; use it in its loop only."""

    def __init__(
        self, folder: Path | None, kept: Path, desk: Desk, at_once: int = AT_ONCE, grace_s: float = STOP_GRACE_S
    ) -> None:
        self.url = ""
        """Where the API is that runs use, on this machine; runs need it."""
        self.shelf = Shelf(folder)
        self.runs: dict[int, Run] = {}
        """The runs that are kept, the oldest first."""
        self._store = RunStore(kept)
        self._desk = desk
        self._at_once = at_once
        self._grace_s = grace_s
        self._under_way: dict[int, RunProcess] = {}
        self._stopped_by: dict[int, str] = {}
        self._attending: dict[int, asyncio.Task[None]] = {}
        self._is_ending = False
        self._last_id = 0

    def start(self) -> None:
        """Reads what has run. Raises `OSError`."""
        self._store.folder.mkdir(parents=True, exist_ok=True)
        self.runs = self._store.load(now_us)
        self._last_id = self._store.last_id()

    async def stop(self) -> None:
        """Ends the runs that are under way."""
        self._is_ending = True
        for process in self._under_way.values():
            process.stop()
        if self._attending:
            await asyncio.wait(self._attending.values())

    def run(self, id: int) -> Run:
        """The run of a number. Raises `NoSuchRun`."""
        if id not in self.runs:
            raise NoSuchRun(f"no run has the number {id}")
        return self.runs[id]

    async def begin(
        self, name: str, deployment: Deployment, arguments: Mapping[str, Any], person: Person, confirm: bool = False
    ) -> Run:
        """Starts a run as `person`; `confirm` says that the hazardous commands that it declares are meant.

        Raises `NoProcedures`, `NoSuchProcedure`, `ValueError` for arguments that do not fit, `NotConfirmed`,
        `CannotStart` and `TooManyRuns`.
        """
        if person.way == "procedure":
            raise CannotStart("a procedure starts no others")
        procedure = await self.shelf.one(name)
        if procedure.fault:
            raise CannotStart(f"{name} cannot be started: {procedure.fault}")
        given = checked_arguments(name, procedure.arguments, arguments)
        hazards = procedure.hazards(deployment.hazardous)
        if hazards and not confirm:
            raise NotConfirmed(f"{name} sends hazardous commands, which are to be confirmed: {', '.join(hazards)}")
        if not self.url or self._is_ending:
            raise CannotStart("the ground station is not listening")
        if len(self._under_way) >= self._at_once:
            raise TooManyRuns(f"{len(self._under_way)} procedures run already; wait, or stop one")
        self._last_id += 1
        run = Run(self._last_id, name, deployment.name, person.name, given, hazards, now_us())
        process = RunProcess(self._store.folder / str(run.id) / OUTPUT, self._grace_s)
        self._under_way[run.id] = process
        try:
            await self._launch(run, process, procedure, person)
        except (OSError, OrderTooLong) as fault:
            del self._under_way[run.id]
            self._desk.take_pass(run.name)
            raise CannotStart(f"{name} could not be started: {fault}") from None
        return run

    async def _launch(self, run: Run, process: RunProcess, procedure: Procedure, person: Person) -> None:
        token = self._desk.give_pass(person, run.name)
        order = Order(
            run.id, run.procedure, str(procedure.path), self.url, token, run.deployment, run.arguments, run.by
        )
        order.encoded()
        self._store.make(run)
        self.runs[run.id] = run
        self._store.prune(self.runs)
        assert run.folder is not None
        try:
            await process.start(order, run.folder.absolute())
        except OSError as fault:
            self._end(run, FAILED, f"it could not be started: {fault}")
            raise
        self._attending[run.id] = asyncio.create_task(self._attend(run, process))

    async def _attend(self, run: Run, process: RunProcess) -> None:
        status = await process.wait()
        self._desk.take_pass(run.name)
        try:
            self._end(run, *self._verdict(run, status))
        finally:
            del self._under_way[run.id]
            self._stopped_by.pop(run.id, None)
            self._attending.pop(run.id, None)

    def _verdict(self, run: Run, status: int) -> tuple[str, str]:
        """What has become of a run, and why."""
        if status == PASSED_STATUS:
            return PASSED, ""
        if run.id in self._stopped_by:
            return STOPPED, f"by {self._stopped_by[run.id]}"
        if self._is_ending or status == LOST:
            return INTERRUPTED, "the ground station ended meanwhile"
        end: dict[str, Any] = {}
        with suppress(OSError):
            end = last_entry(run.log_path)
        if end.get("kind") == "end" and end.get("reason"):
            return FAILED, str(end["reason"])
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return FAILED, f"the process ended {how}"

    def _end(self, run: Run, state: str, reason: str) -> None:
        run.state, run.reason, run.ended_us = state, reason, now_us()
        try:
            self._store.save(run)
        except OSError as fault:
            _log.error("the end of run %d cannot be kept: %s", run.id, fault)

    def cancel(self, id: int, by: str) -> Run:
        """Asks a run to end; it is killed if it does not. Raises `NoSuchRun`, and `CannotStart` for one that ended."""
        run = self.run(id)
        process = self._under_way.get(id)
        if run.is_final or process is None:
            raise CannotStart(f"run {id} has ended: {run.state}")
        self._stopped_by.setdefault(id, by)
        process.stop()
        return run

    async def ended(self, id: int, timeout_s: float) -> Run:
        """The run as it is once it has ended, or after a time. Raises `NoSuchRun`."""
        run = self.run(id)
        task = self._attending.get(id)
        if task is not None:
            await asyncio.wait({task}, timeout=timeout_s)
        return run

    def refusal(self, hazardous: frozenset[str], command: Command, by: str) -> str:
        """Why a run may not send a command, or the empty string. `by` is whoever sends it."""
        if command.name not in hazardous:
            return ""
        for id in self._under_way:
            run = self.runs.get(id)
            if run is not None and run.name == by and command.name not in run.confirmed:
                return f"{command.name} is hazardous, and {run.procedure} does not declare that it sends it"
        return ""

    def output(self, run: Run) -> str:
        """What the run has printed, as far as it is kept."""
        if run.folder is None:
            return ""
        try:
            return (run.folder / OUTPUT).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
