"""Watches channels and events by a table from the ground, and responds by itself."""

from __future__ import annotations

import posixpath
from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from kittiwake.limits.table import (
    TABLE_SIZE_MAX,
    Comparison,
    LimitTable,
    Response,
    State,
    TableFault,
    Trigger,
    read_table,
)
from kittiwake.model import (
    U32,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Setting,
    String,
    async_port,
    command,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import CmdResponse, Com, FwEventIdType, Log, Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.recall import Recall
from kittiwake.storage.record import AtomicRecord
from kittiwake.storage.replaced import ReplacedFile
from kittiwake.storage.root import reason_of
from kittiwake.wire.packets import parse_command
from kittiwake.wire.time_tag import TAG_SIZE
from kittiwake_components.limit_checker.action import Action
from kittiwake_components.limit_checker.reports import NAME_SIZE, LimitReports, Name
from kittiwake_components.limit_checker.states import RECORD_SIZE_MAX, VERSION, pack_states, unpack_states
from kittiwake_components.limit_checker.watch import Watch
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.mode import ForceSafeMode, SafeModeReason, SystemMode, SystemModeChanged
from kittiwake_components.ports.value import TlmGet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.model.events import Severity
    from kittiwake.storage.finding import Finding

PENDING_MAX = 64
"""The most responses whose answers are awaited; the oldest is then given up."""
U32_MAX = 0xFFFFFFFF
ALL = "*"

_CRC = Struct(">I")


class LimitChecker(LimitReports):
    """cFS's Limit Checker, and ECSS's monitoring and event-action services (PUS 12 and 19), in one.

    Watchpoints compare channels, actionpoints combine watchpoints or wait for an event; the response to a violation is
    a command, a sequence, safe mode or an event alone, once for each violation.
    """

    tlm_get = OutputPort(TlmGet, required=True, doc="The latest values, from the telemetry store.")
    cmd_out = OutputPort(Com, doc="Commands in response; `context` is the token that comes back in the answer.")
    force_safe_mode = OutputPort(ForceSafeMode, doc="Safe mode in response.")

    table_name = Channel(String(NAME_SIZE), on_change=True, doc="The table in force; empty without one.")
    table_crc = Channel(U32, on_change=True, doc="Its checksum, as the ground computes it of the file.")
    checker_state = Channel(State, on_change=True, doc="What the checker as a whole does.")
    watchpoints_violated = Channel(U32, on_change=True, doc="Watchpoints whose condition holds now.")
    actionpoints_violated = Channel(U32, on_change=True, doc="Actionpoints that are violated now.")
    violations = Channel(U32, on_change=True, doc="Violations since boot.")
    responses = Channel(U32, on_change=True, doc="Responses since boot.")
    responses_failed = Channel(U32, on_change=True, doc="Responses since boot whose command was not answered with OK.")
    responses_pending = Channel(U32, on_change=True, doc="Responses whose command is not answered yet.")
    mode = Channel(SystemMode, on_change=True, doc="The mode that decides which actionpoints count.")
    last_violation = Channel(String(NAME_SIZE), on_change=True, doc="The actionpoint that was violated last.")

    folder = Setting(str, default="/limits", doc="Folder in the root for the table and the states.")
    default_table = Setting(
        str, default="", doc="A table in the root that is in force until the ground loads one; empty for none."
    )

    def initialize(self) -> None:
        files = self.platform.files
        folder = self._folder = self.root.resolve(self.folder)
        self._file = ReplacedFile(files, posixpath.join(folder, "table"), TABLE_SIZE_MAX, _fault_in)
        self._record = AtomicRecord(files, posixpath.join(folder, "states"), VERSION, RECORD_SIZE_MAX)
        self._recall = Recall(self.clock, self._take)
        self._is_state_set = False
        self._mode: SystemMode | None = None
        self._state = State.ACTIVE
        self._crc = 0
        self._watches: list[Watch] = []
        self._said: list[bool | None] = []
        self._actions: list[Action] = []
        self._by_event: dict[int, list[Action]] = {}
        self._pending: dict[int, Action] = {}
        self._token = 0
        self._violations = self._responses = self._failed = self._missed = self._missed_reported = 0

    # The table

    def _read(self) -> None:
        """Reads the table and the states, at the first cycle: the boot need not wait for them."""
        try:
            self._recall.ensure()
        except OSError as fault:
            self.limits_file_failed(reason_of(fault))
        self.checker_state = self._state

    def _take(self, last_try: bool) -> None:
        table, states = self._file.read(last_try=last_try), self._record.read(last_try=last_try)
        self._report(table.findings)
        self._report(states.findings)
        if table.payload is not None:
            self._use(read_table(table.payload), table.payload)
        elif self.default_table:
            self._use_sound(self.default_table)
        self._restore(states.payload)

    def _use(self, table: LimitTable, data: bytes) -> None:
        """Puts a sound table in force, as a whole; everything begins anew."""
        now_ns = self.clock.now_ns()
        self._watches = [Watch(point, now_ns) for point in table.watchpoints]
        self._said = [None] * len(self._watches)
        self._actions = [Action(point) for point in table.actionpoints]
        self._by_event = {}
        for action in self._actions:
            if action.point.trigger is Trigger.EVENT:
                self._by_event.setdefault(action.point.event, []).append(action)
        self._crc = crc32(data)
        self.table_name, self.table_crc = table.name, self._crc
        self.table_loaded(table.name, len(self._watches), len(self._actions))

    def _restore(self, states: bytes | None) -> None:
        kept = None if states is None else unpack_states(states)
        if kept is None:
            return
        if not self._is_state_set:
            self._state = kept.checker
        if kept.table == self._crc and len(kept.points) == len(self._actions):
            for action, (state, responses) in zip(self._actions, kept.points, strict=True):
                action.state, action.responses = state, responses

    def _save_states(self) -> None:
        """Makes the states durable. A disk that does not take them keeps nothing from going on."""
        if not self._recall.is_done:
            self._read()
        if not self._recall.is_done:
            return
        pairs = [(action.state, action.responses & U32_MAX) for action in self._actions]
        try:
            make_folders_durably(self.platform.files, self._folder)
            self._report(self._record.write(pack_states(self._crc, self._state, pairs), supersedes=True))
        except OSError as fault:
            self.limits_file_failed(reason_of(fault))

    def _report(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.limits_file_finding(str(finding).removeprefix(self.root.path))

    @command(opcode=0)
    def load_table(self, file: FileName) -> None:
        """Puts the table in a file in force, if all of it is sound, and keeps it over restarts.

        The table before it is kept beside it. States and counts begin as the new table says.
        """
        try:
            table, data = self._sound(file)
        except (OSError, TableFault) as fault:
            self.table_refused(file, reason_of(fault))
            raise CommandError(CommandResponse.VALIDATION_ERROR, reason_of(fault)) from None
        try:
            make_folders_durably(self.platform.files, self._folder)
            if not self._recall.is_done:
                self._report(self._file.read(last_try=True).findings)
            self._report(self._file.write(data))
        except OSError as fault:
            self.limits_file_failed(reason_of(fault))
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
        self._recall.is_done = True  # what could not be read is replaced
        self._use(table, data)
        self._save_states()

    def _sound(self, file: str) -> tuple[LimitTable, bytes]:
        """The table in a file of the root, and its bytes. Raises `OSError`, and `TableFault` if it is not sound."""
        data = self.platform.files.read(self.root.resolve(file), TABLE_SIZE_MAX)
        table = read_table(data)
        self._check_deployment(table)
        return table, data

    def _use_sound(self, file: str) -> None:
        try:
            self._use(*self._sound(file))
        except (OSError, TableFault) as fault:
            self.table_refused(file, reason_of(fault))

    def _check_deployment(self, table: LimitTable) -> None:
        """Raises `TableFault` for a table that was compiled for another deployment."""
        for point in table.watchpoints:
            size = len(self.tlm_get(point.channel)) - TAG_SIZE
            if size < 0:
                raise TableFault(f"{point.name}: there is no channel {point.channel:#x}")
            needed = 0 if point.comparison is Comparison.SILENT else point.offset + Struct(f">{point.code}").size
            if size < needed:
                raise TableFault(f"{point.name}: channel {point.channel:#x} has {size} bytes, no {needed}")
        opcodes = self._opcodes()
        own = self._context.base_id
        for action in table.actionpoints:
            if action.trigger is Trigger.EVENT and 0 <= action.event - own < type(self).__declarations__.span():
                raise TableFault(f"{action.name}: it would wait for an event of the checker itself")
            if action.response is Response.SAFE_MODE and not self.is_connected(LimitChecker.force_safe_mode):
                raise TableFault(f"{action.name}: this deployment has no safe mode")
            if action.response is Response.COMMAND:
                if not self.is_connected(LimitChecker.cmd_out):
                    raise TableFault(f"{action.name}: commands lead nowhere in this deployment")
                opcode = parse_command(action.command)[0]
                if opcode not in opcodes:
                    raise TableFault(f"{action.name}: there is no command {opcode:#x}")

    def _opcodes(self) -> set[int]:
        return {
            component._context.base_id + offset
            for component in self._context.deployment.instances.values()
            for offset in type(component).__declarations__.opcodes()
        }

    # Each cycle

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Looks at every watchpoint, judges every actionpoint, and responds."""
        if not self._recall.is_done:
            self._read()
        if self._state is not State.DISABLED and self._watches:
            self._look()
        for action in self._actions:
            if action.point.trigger is Trigger.EVENT:
                action.is_violated = False
            elif self._state is not State.DISABLED and action.judge(self._said, self._mode):
                self._turned(action)
        self.watchpoints_violated = self._said.count(True)
        self.actionpoints_violated = sum([action.is_violated for action in self._actions])
        self.responses_pending = len(self._pending)
        if self._missed != self._missed_reported:
            self.events_missed(self._missed - self._missed_reported & U32_MAX)
            self._missed_reported = self._missed

    def _look(self) -> None:
        now_ns = self.clock.now_ns()
        get = self.tlm_get
        self._said = [watch.look(get(watch.point.channel), now_ns) for watch in self._watches]

    def _turned(self, action: Action) -> None:
        now_ns = self.clock.now_ns()
        if action.is_violated:
            action.began_ns = now_ns
            self._violated(action)
        else:
            self.violation_ended(action.point.name, min((now_ns - action.began_ns) // NS_PER_S, U32_MAX))

    def _violated(self, action: Action) -> None:
        name = action.point.name
        action.violations += 1
        self._violations += 1
        self.violations = self._violations & U32_MAX
        self.last_violation = name
        self.violation_began(name)
        if self._state is State.ACTIVE and action.may_respond:
            self._respond(action)

    def _respond(self, action: Action) -> None:
        """Responds once. It is counted durably before: a response that ends in a reset is one that was given."""
        point = action.point
        is_last = action.count_response()
        self._responses += 1
        self.responses = self._responses & U32_MAX
        self._save_states()
        if point.response is Response.SAFE_MODE:
            self.safe_mode_forced(point.name)
            self.force_safe_mode(SafeModeReason.LIMIT_VIOLATION)
        else:
            self._send(action)
        if is_last:
            self.responses_used_up(point.name, action.responses & U32_MAX)

    def _send(self, action: Action) -> None:
        if len(self._pending) >= PENDING_MAX:
            oldest = self._pending.pop(next(iter(self._pending)))
            self._fail(oldest, CommandResponse.BUSY)
        self._token = self._token % U32_MAX + 1
        self._pending[self._token] = action
        self.response_sent(action.point.name, parse_command(action.point.command)[0])
        self.cmd_out(action.point.command, self._token)

    @async_port(CmdResponse, full="hook")
    def cmd_response_in(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """The answer to a response's command; an answer to anything else is none of ours."""
        action = self._pending.pop(sequence, None)
        if action is None:
            return
        self.responses_pending = len(self._pending)
        if response is CommandResponse.OK:
            self.response_completed(action.point.name)
        else:
            self._fail(action, response)

    def cmd_response_in_overflow(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """An answer is never dropped: without room in the queue it is taken at once."""
        self.cmd_response_in(opcode, sequence, response)

    def _fail(self, action: Action, response: CommandResponse) -> None:
        self._failed += 1
        self.responses_failed = self._failed & U32_MAX
        self.response_failed(action.point.name, response)

    # Events and modes

    @sync_port(Log)
    def event_in(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """Any event. One that an actionpoint waits for is acted upon from the queue, so that its reporter goes on."""
        if id in self._by_event and not self.event_seen(id):
            self._missed += 1

    @internal_port(full="drop")
    def event_seen(self, id: FwEventIdType) -> None:
        """An event that actionpoints wait for."""
        if self._state is State.DISABLED:
            return
        for action in self._by_event.get(id, ()):
            if action.counts_in(self._mode) and not action.is_violated:
                action.is_violated = True
                self._violated(action)

    @async_port(SystemModeChanged, full="drop_oldest")
    def mode_changed(self, mode: SystemMode) -> None:
        """Which actionpoints count depends on the mode."""
        self._mode = self.mode = mode

    # Commands

    @command(opcode=1)
    def set_checker_state(self, state: State) -> None:
        """Disables the checker as a whole, has it report only, or respond as well; that outlives a restart."""
        self._state = state
        self._is_state_set = True
        if self._state is State.DISABLED:
            for action in self._actions:
                action.is_violated = False
            self._said = [None] * len(self._watches)
            self._reset_watches()
        self._save_states()
        self.checker_state = state
        self.limit_state_set("checker", state)

    @command(opcode=2)
    def set_actionpoint_state(self, name: Name, state: State) -> None:
        """Sets one actionpoint, or all for "*"; that outlives a restart. A condition that holds is a new violation.

        Its responses are counted from 0 again.
        """
        for action in self._named(name):
            action.set_state(state)
            action.responses = 0
        self._save_states()
        self.limit_state_set(name, state)

    @command(opcode=3)
    def reset_counts(self) -> None:
        """Forgets violations and responses, and lets every watchpoint begin anew; states stay."""
        self._reset_watches()
        for action in self._actions:
            action.violations = action.responses = 0
        self._violations = self._responses = self._failed = 0
        self.violations = self.responses = self.responses_failed = 0
        self._save_states()

    def _reset_watches(self) -> None:
        now_ns = self.clock.now_ns()
        for watch in self._watches:
            watch.reset(now_ns)

    @command(opcode=4)
    def report_actionpoints(self, name: Name) -> None:
        """Reports one actionpoint, or all for "*"."""
        now_ns = self.clock.now_ns()
        for action in self._named(name):
            since = (now_ns - action.began_ns) // NS_PER_S if action.is_violated else 0
            counts = action.violations & U32_MAX, action.responses & U32_MAX, min(since, U32_MAX)
            self.actionpoint_report(action.point.name, action.state, *counts)

    @command(opcode=5)
    def report_watchpoints(self) -> None:
        """Reports what every watchpoint says."""
        for watch, says in zip(self._watches, self._said, strict=True):
            word = "unknown" if says is None else "holds" if says else "holds not"
            self.watchpoint_report(watch.point.name, word, watch.violations & U32_MAX)

    def _named(self, name: str) -> list[Action]:
        found = [action for action in self._actions if name in (ALL, action.point.name)]
        if not found:
            self.limit_unknown(name)
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no actionpoint {name}")
        return found


def _fault_in(data: bytes) -> str | None:
    """What is wrong with a table's bytes, for the file that keeps it."""
    try:
        read_table(data)
    except TableFault as fault:
        return str(fault)
    return None
