"""Sequences: checked and dry-run here, brought up, run, and followed by the events of the deployment's sequencers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.faults import Faults
from kittiwake.model.types import Enumeration, resolved
from kittiwake.sequence.compile import compile_text
from kittiwake.sequence.timeline import timeline
from kittiwake_ground.server.confirming import command_names
from kittiwake_ground.server.instances import NoSuchAbility, command_called, commands_called
from kittiwake_ground.server.sequence_files import SequenceFiles
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.faults import Fault
    from kittiwake.sequence.timeline import Step
    from kittiwake_ground.server.commands import CommandRecord, Commands
    from kittiwake_ground.server.sequence_files import Keep

RUN_COMMAND, STOP_COMMAND = "CS_RUN", "CS_CANCEL"
REQUESTED, LOADED, RUNNING, COMPLETED, FAILED, CANCELLED = (
    "requested", "loaded", "running", "completed", "failed", "cancelled",
)  # fmt: skip
MAX_RUNS = 200
MAX_ERRORS = 100
MAX_TEXT_SIZE = 4 << 20
"""The longest sequence text, in characters."""

_FAILURES = frozenset(
    (
        "CS_FileReadError", "CS_FileInvalid", "CS_RecordInvalid", "CS_FileSizeError", "CS_FileNotFound",
        "CS_FileCrcFailure", "CS_RecordMismatch", "CS_TimeBaseMismatch", "CS_TimeContextMismatch", "CS_NoRecords",
        "CS_SequenceTimeout", "CS_SequenceEndedWithErrors",
    )
)  # fmt: skip
"""Mnemonics of the events after which a run is over and has failed."""


class CheckedSequence(NamedTuple):
    """What there is to say of a sequence's text: its faults with their positions, or the file it compiles to."""

    faults: tuple[Fault, ...]
    binary: bytes
    steps: tuple[Step, ...]

    @property
    def commands(self) -> list[str]:
        """The commands that it sends, each once."""
        return command_names(self.steps)


class SequenceRun:
    """One run of a sequence, as far as the deployment's events tell.

    `step` counts the records that have been answered; `total` is 0 and `steps` empty where the file is not known here.
    `by` is who asked, or "deployment" for a run that it began by itself. A failed command ends most runs, but there are
    sequencers that go on: such a run has failed until it is heard of again.
    """

    def __init__(self, id: int, sequencer: str, remote: str, by: str, steps: tuple[Step, ...] = ()) -> None:
        self.id = id
        self.sequencer = sequencer
        self.remote = remote
        self.by = by
        self.steps = steps
        self.step = 0
        self.failed_steps: list[int] = []
        self.state = REQUESTED
        self.reason = ""
        self.may_go_on = False
        self.started_us = now_us()
        self.ended_us = 0
        self.record: CommandRecord | None = None
        """The command that asks for it, of a run that was asked for here."""
        self._ended = asyncio.Event()

    @property
    def total(self) -> int:
        """How many steps the sequence has, 0 if that is unknown."""
        return len(self.steps)

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (COMPLETED, FAILED, CANCELLED)

    async def wait(self) -> SequenceRun:
        """Waits until it has ended."""
        await self._ended.wait()
        return self

    def enter(self, state: str, reason: str = "") -> None:
        """Goes on to a state."""
        self.state = state
        self.may_go_on = False
        if reason:
            self.reason = reason
        if self.is_final:
            self.ended_us = now_us()
            self._ended.set()
        else:
            self.ended_us = 0
            self._ended.clear()


class Sequences:
    """The sequences of one deployment."""

    def __init__(
        self, dictionary: Dictionary, commands: Commands, changed: Callable[[SequenceRun], None],
        keep: Keep = lambda path, file: None,
    ) -> None:  # fmt: skip
        """`keep` is told what is to outlive the server of the files on board."""
        self.runs: dict[int, SequenceRun] = {}
        """The last `MAX_RUNS` runs by id, the oldest first."""
        self.sequencers = tuple(one.name.rpartition(".")[0] for one in commands_called(dictionary, RUN_COMMAND, 2))
        """The instances that run sequences, the first of them unless another one is named."""
        self._following: set[asyncio.Future[None]] = set()
        self._dictionary = dictionary
        self._commands = commands
        self._changed = changed
        self.files = SequenceFiles(dictionary, keep)
        """What the files of the deployment hold."""
        self._last_id = 0

    def check(self, text: str, name: str = "sequence", start_us: int | None = None) -> CheckedSequence:
        """Compiles a text and dry-runs it from `start_us` (now). All that is wrong with the text is in `faults`."""
        if len(text) > MAX_TEXT_SIZE:
            raise ValueError(f"the text is longer than {MAX_TEXT_SIZE} characters")
        try:
            binary = compile_text(text, name, self._dictionary)
        except Faults as found:
            return CheckedSequence(tuple(found.faults), b"", ())
        steps = timeline(binary, self._dictionary, now_us() if start_us is None else start_us)
        return CheckedSequence((), binary, tuple(steps))

    def run_command(self, remote: str, sequencer: str = "") -> tuple[str, list[Any]]:
        """The command that has a sequencer run a file, and its arguments. Raises `NoSuchAbility`."""
        command = command_called(self._dictionary, RUN_COMMAND, 2, sequencer or next(iter(self.sequencers), ""))
        block = resolved(command.formals[1].type)
        if not isinstance(block, Enumeration):
            raise NoSuchAbility(f"{command.name} takes no constant for whether it blocks")
        word = next((one for one in block.enum.__members__ if "NO" in one), list(block.enum.__members__)[-1])
        return command.name, [remote, word]

    def run(self, remote: str, by: str = "local", sequencer: str = "", planned_us: int = 0) -> SequenceRun:
        """Has a sequencer run a file of the deployment. Raises `NoSuchAbility`, and what `Commands.submit` does."""
        name, arguments = self.run_command(remote, sequencer)
        record = self._commands.submit(name, arguments, by, planned_us=planned_us)
        run = self._begin(name.rpartition(".")[0], remote, by)
        run.record = record
        self._watch(record, run)
        return run

    def stop(self, id: int, by: str = "local") -> CommandRecord:
        """Asks the sequencer of a run to give it up. Raises `LookupError`, and what `Commands.submit` does."""
        run = self.runs[id]
        return self._commands.submit(command_called(self._dictionary, STOP_COMMAND, 0, run.sequencer).name, [], by)

    def _begin(self, sequencer: str, remote: str, by: str) -> SequenceRun:
        self._last_id = max(self._last_id + 1, now_us())
        run = SequenceRun(self._last_id, sequencer, remote, by, self.files.steps_of(remote))
        self.runs[run.id] = run
        while len(self.runs) > MAX_RUNS:
            del self.runs[next(iter(self.runs))]
        self._changed(run)
        return run

    def _watch(self, record: CommandRecord, run: SequenceRun) -> None:
        """A run whose command is not carried out has failed."""

        async def watch() -> None:
            ended = await record.wait()
            if ended.state != "completed" and not run.is_final:
                self._enter(run, FAILED, f"{record.command.name} {ended.reason or ended.state}")

        self._follow_to_its_end(watch())

    def _follow_to_its_end(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    def _enter(self, run: SequenceRun, state: str, reason: str = "") -> None:
        run.enter(state, reason)
        self._changed(run)

    def take_event(self, event: DecodedEvent) -> None:
        """Looks whether an event tells of a run, or of a file."""
        self.files.take_event(event)
        instance, _, mnemonic = event.name.rpartition(".")
        if instance not in self.sequencers or not mnemonic.startswith("CS_"):
            return
        remote = str(event.args[0]) if event.args else ""
        run = self._under_way(instance, remote)
        if mnemonic == "CS_SequenceLoaded":
            if run is None or run.state != REQUESTED:
                run = self._begin(instance, remote, "deployment")
            self._enter(run, LOADED)
        elif run is not None:
            self._follow(run, mnemonic, event)

    def _follow(self, run: SequenceRun, mnemonic: str, event: DecodedEvent) -> None:
        named = {formal.name: value for formal, value in zip(event.event.formals, event.args, strict=True)}
        number = named.get("recordNumber", named.get("command"))
        if mnemonic in ("CS_CommandComplete", "CS_CommandError"):
            failed = mnemonic == "CS_CommandError"
            if isinstance(number, int):
                run.step = max(run.step, number + 1)
                self.files.ran(run.remote, number)
                if failed and len(run.failed_steps) < MAX_ERRORS:
                    run.failed_steps.append(number)
            self._enter(run, FAILED if failed else RUNNING, event.text if failed else "")
            run.may_go_on = failed
        elif mnemonic == "CS_SequenceComplete":
            self._enter(run, COMPLETED)
        elif mnemonic == "CS_SequenceCanceled":
            self._enter(run, CANCELLED)
        elif mnemonic in _FAILURES:
            self._enter(run, FAILED, event.text)
        elif mnemonic in ("CS_CmdStarted", "CS_CmdStepped", "CS_SequencePaused", "CS_SequenceResumed"):
            self._enter(run, RUNNING, event.text if mnemonic == "CS_SequencePaused" else "")

    def _under_way(self, sequencer: str, remote: str) -> SequenceRun | None:
        """The run that an event speaks of: the newest of that file, unless it is known to have ended."""
        for run in reversed(self.runs.values()):
            if run.sequencer == sequencer and run.remote == remote:
                return run if not run.is_final or run.may_go_on else None
        return None
