"""Does what the administration wants, each command once, and reports how the device is."""

from __future__ import annotations

import errno
import posixpath
from typing import Any

from kittiwake.model import (
    U32,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Parameter,
    Setting,
    async_port,
    command,
    guarded_port,
    internal_port,
    sync_port,
)
from kittiwake.model.codec import clip
from kittiwake.model.fw import CmdResponse, Com, TimeBase
from kittiwake.storage.copying import make_folders_durably, place_file
from kittiwake.storage.finding import move_aside
from kittiwake.storage.recall import Recall
from kittiwake.storage.root import reason_of
from kittiwake_components.command_calls import CommandCalls
from kittiwake_components.daily_window import iso_time
from kittiwake_components.deployment_time import time_base
from kittiwake_components.expressions import SERVICES, Expressions, check_services, is_call
from kittiwake_components.monitoring.orders import (
    MAX_FILE,
    Order,
    OrderMemory,
    OrdersFault,
    OrderState,
    read_orders,
)
from kittiwake_components.monitoring.reports import MonitoringReports
from kittiwake_components.monitoring.status_report import (
    MAX_VALUES,
    pack_json,
    pack_report,
    value_of,
)
from kittiwake_components.ports.file import SendFile, SendFileDone
from kittiwake_components.ports.service import CallService, ServiceFault, arguments_of, failed, parse_call, succeeded
from kittiwake_components.ports.supervision import STEP_REASON_SIZE, CycleStep, StepBegin, StepDone
from kittiwake_components.ports.transfer import PutFile, TransferEnded
from kittiwake_components.ports.value import TlmGet
from kittiwake_components.watched_channel import Watched, find_channel

RESULT_SIZE = 200
STATUS_FILE = "last_monitoring_status.json"
REPORT_PREFIX, REPORT_SUFFIX = "report-", ".json"
U32_MAX = 0xFFFFFFFF
MAX_WAITING_REPORTS = 64
"""As many as TransferService has transfers."""


def _check_values(values: dict[str, str]) -> None:
    if len(values) > MAX_VALUES:
        raise ValueError(f"a report has at most {MAX_VALUES} values, not {len(values)}")
    for name, channel in values.items():
        if not channel.rpartition(".")[0]:
            raise ValueError(f"{name}: instance.Channel is wanted, not {channel!r}")


def _check_calls(calls: dict[str, str]) -> None:
    if len(calls) > SERVICES:
        raise ValueError(f"a report asks at most {SERVICES} services, not {len(calls)}")
    for text in calls.values():
        parse_call(text)


class Monitoring(MonitoringReports):
    """The administration's side of a battery device (RustiqIOT's `monitoring-1.0`).

    Commands come as a file and are done one after the other, each at most once for its id, whatever restarts come
    between. What became of them is written to another file, and the device's state to reports.
    """

    com_cmd_out = OutputPort(Com, doc="Commands; `context` comes back in the answer.")
    call_service = OutputPortArray(CallService, SERVICES, doc="The services that the setting `services` names.")
    tlm_get = OutputPort(TlmGet, doc="The latest values of channels, from the telemetry store.")
    step_done = OutputPort(StepDone, doc="Tells the supervisor that a step has ended.")
    send_file = OutputPort(SendFile, doc="A report is written, and may be sent.")
    put_file = OutputPort(PutFile, doc="Brings a report into the store that the setting `store` names.")

    commands_done = Channel(U32, on_change=True, doc="Administrative commands that went well, since the start.")
    commands_failed = Channel(U32, on_change=True, doc="Those that did not.")
    commands_repeated = Channel(U32, on_change=True, doc="Those that came again and were not done again.")
    files_refused = Channel(U32, on_change=True, doc="Files of commands that made no sense.")
    reports_written = Channel(U32, on_change=True, doc="Status reports since the start.")

    command_timeout_s = Parameter(U32, default=30, low=1, high=86400, unit="s", doc="For one command's answer.")
    keep_reports = Parameter(U32, default=32, low=1, high=1000, doc="So many reports are kept, the newest.")

    commands_file = Setting(str, default="/incoming/monitoring-1.0/commands.json", doc="Where commands come in.")
    status_folder = Setting(str, default="/status/monitoring-1.0", doc="Where the status and the reports are written.")
    store = Setting(str, default="", doc="The store for reports; empty: `send_file` sends them.")
    outbox = Setting(str, default="/outgoing/monitoring-1.0", doc="Where reports wait until the store has them.")
    memory_file = Setting(str, default="/administration", doc="Record of the ids that were begun.")
    services = Setting(list[str], default=[], check=check_services, doc="Names of the services at `call_service`.")
    values = Setting(dict[str, str], default={}, check=_check_values, doc="Values of the report, and their channels.")
    calls = Setting(
        dict[str, str], default={}, check=_check_calls, doc="Answers in the report, and the calls that give them."
    )

    def initialize(self) -> None:
        self._expressions = Expressions(self._context.deployment.instances, self.services)
        self._commands = CommandCalls(self.clock)
        self._memory = OrderMemory(self.platform.files, self.root.resolve(self.memory_file))
        self._recall = Recall(self.clock, self._take_memory)
        self._watched: dict[str, Watched] = {}
        self._busy = False
        self._is_outbox_seen = False
        self._done = self._failed = self._repeated = self._refused = self._reports = 0

    def start(self) -> None:
        for name, channel in self.values.items():
            try:
                self._watched[name] = find_channel(channel, self._context.deployment.instances)
            except LookupError as fault:
                self.value_unknown(name, str(fault.args[0]))
        self._remember()

    def _remember(self) -> bool:
        """Reads what was begun; without that nothing may begin."""
        try:
            self._recall.ensure()
        except OSError as fault:
            self.report_fault(self.memory_file, fault)
        return self._recall.is_done

    def _take_memory(self, last_try: bool) -> None:
        self.report_findings(self._memory.read(last_try=last_try))

    # Ports

    @async_port(StepBegin, full="drop_oldest")
    async def step_begin(self, step: CycleStep, token: int) -> None:
        """The supervisor's COMMANDS and REPORT; the answer comes when all is done."""
        reason = ""
        if step is CycleStep.COMMANDS:
            reason = await self._administer()
        elif step is CycleStep.REPORT:
            reason = self._report()
        if self.is_connected(Monitoring.step_done):
            self.step_done(token, not reason, clip(reason, STEP_REASON_SIZE))

    @sync_port(CmdResponse)
    def cmd_response_in(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """The answer to a command; `sequence` is what was sent as its context."""
        self._commands.answered(sequence, response)

    @sync_port(SendFileDone)
    def send_file_done(self, token: int, response: CommandResponse) -> None:
        """A report was handed to the link, or was not; it stays here either way."""
        if response is not CommandResponse.OK:
            self.report_not_sent(response)

    @sync_port(TransferEnded)
    def transfer_ended(self, token: int, response: CommandResponse) -> None:
        """The store has a report, or never will; it may be one of an earlier start."""
        if response is CommandResponse.OK:
            self.report_sent(token)
        elif response is not CommandResponse.BUSY:  # then it is on its way already, or has its turn after a restart
            self.report_not_sent(response)
            self._withdraw(token)

    def _withdraw(self, number: int) -> None:
        """What the store does not take need not wait for it; the report stays in the status folder."""
        try:
            self.platform.files.remove(self.root.resolve(posixpath.join(self.outbox, _report_name(number))))
        except FileNotFoundError:
            pass
        except OSError as fault:
            self.report_fault(self.outbox, fault)

    @guarded_port(CallService)
    def call(self, method: str, arguments: bytes) -> bytes:
        """The methods of the seed's monitoring service: `process_administrative_commands`, `upload_monitoring`.

        Commands are begun and not waited for; the result says whether there were any.
        """
        try:
            if arguments_of(arguments):
                raise ServiceFault(f"{method} takes no arguments")
            if method == "process_administrative_commands":
                there = self.platform.files.exists(self.root.resolve(self.commands_file))
                if there and not self._busy:
                    self._administer_later()
                return succeeded("begun" if there else "there are none")
            if method == "upload_monitoring":
                reason = self._report()
                return failed(reason) if reason else succeeded(self._reports)
            raise ServiceFault(f"monitoring has no method {method}")
        except (ServiceFault, OSError) as fault:
            return failed(fault)

    @internal_port(full="drop")
    async def _administer_later(self) -> None:
        await self._administer()

    # Commands

    @command(exclusive=True)
    async def process_administrative_commands(self) -> None:
        """Does what the file of commands wants, and answers when all of it has ended."""
        reason = await self._administer()
        if reason:
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason)

    @command
    def upload_monitoring(self) -> None:
        """Writes a status report, and has it sent."""
        reason = self._report()
        if reason:
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason)

    # Administrative commands

    async def _administer(self) -> str:
        """Does what the file wants; why not, or empty."""
        if self._busy:
            return "administrative commands are under way already"
        if not self._remember():
            return f"{self.memory_file} cannot be read"
        self._busy = True
        try:
            path = self.root.resolve(self.commands_file)
            orders = self._orders(path)
            if orders is not None:
                outcomes = [await self._carry_out(order) for order in orders]
                self._write_status("OK", "", outcomes)
                self._remove(path)
        except OrdersFault as fault:
            return str(fault)
        except OSError as fault:
            self.report_fault(self.commands_file, fault)
            return f"{self.commands_file}: {reason_of(fault)}"
        finally:
            self._busy = False
        return ""

    def _orders(self, path: str) -> list[Order] | None:
        """The commands in the file; `None` without one. Raises `OrdersFault` for one that was refused, or `OSError`."""
        try:
            return read_orders(self.platform.files.read(path, MAX_FILE), self._expressions.check)
        except FileNotFoundError:
            return None
        except OrdersFault as fault:
            refusal = fault
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            refusal = OrdersFault(f"it is longer than {MAX_FILE} bytes")
        self._refused += 1
        self.files_refused = self._refused & U32_MAX
        self.commands_refused(self.commands_file, str(refusal))
        self._write_status("REFUSED", str(refusal), [])
        finding = move_aside(self.platform.files, path, "was refused")
        if finding.kept_as is None:
            self.report_findings((finding,))
        self.platform.files.sync_folder(posixpath.dirname(path))
        raise refusal

    async def _carry_out(self, order: Order) -> dict[str, Any]:
        known = self._memory.state_of(order.id)
        if known is not None:
            return self._known(order, known)
        try:
            self._memory.note(order.id, OrderState.BEGUN)
        except OSError as fault:
            self.report_fault(self.memory_file, fault)
            return self._ended(order, "", "it was not begun, as that could not be noted")
        self.command_begun(order.id)
        result, reason = await self._done_order(order.command)
        outcome = self._ended(order, result, reason)
        try:
            self._memory.note(order.id, OrderState.FAILED if reason else OrderState.OK)
        except OSError as fault:
            self.report_fault(self.memory_file, fault)
        return outcome

    async def _done_order(self, text: str) -> tuple[str, str]:
        """Does one command: its result, and why it failed."""
        try:
            if is_call(text):
                return str(self._expressions.call_text(self.call_service, text)), ""
            packet = self._expressions.packet_of(text)
            return "", await self._commands.send(self.com_cmd_out, packet, self.command_timeout_s)
        except (ValueError, LookupError, OSError) as fault:
            return "", str(fault) or type(fault).__name__

    def _known(self, order: Order, state: OrderState) -> dict[str, Any]:
        if state is OrderState.CUT_OFF:
            self.command_cut_off(order.id)
            return _outcome(order, state.name, "a restart cut it off; it is not done again")
        self._repeated += 1
        self.commands_repeated = self._repeated & U32_MAX
        self.command_repeated(order.id)
        return _outcome(order, state.name, "it was done before, and is not done again")

    def _ended(self, order: Order, result: str, reason: str) -> dict[str, Any]:
        if reason:
            self._failed += 1
            self.commands_failed = self._failed & U32_MAX
            self.command_failed(order.id, reason)
            return _outcome(order, "FAILED", reason)
        self._done += 1
        self.commands_done = self._done & U32_MAX
        self.command_done(order.id)
        return _outcome(order, "OK", result)

    def _write_status(self, status: str, error: str, outcomes: list[dict[str, Any]]) -> None:
        if status == "OK" and any(outcome["status"] != "OK" for outcome in outcomes):
            status, error = "ERROR", "a command failed"
        content = {
            "general_status": status, "general_error": error[:RESULT_SIZE], "time": self._now(), "commands": outcomes
        }  # fmt: skip
        try:
            self._place(self.status_folder, STATUS_FILE, pack_json(content))
        except OSError as fault:
            self.report_fault(STATUS_FILE, fault)

    def _remove(self, path: str) -> None:
        """The file has been seen to. One that a power cut brings back does no harm: its ids are known."""
        self.platform.files.remove(path)
        self.platform.files.sync_folder(posixpath.dirname(path))

    # Reports

    def _report(self) -> str:
        """Writes a status report and has it sent; why not, or empty."""
        is_stored = bool(self.store) and self.is_connected(Monitoring.put_file)
        try:
            waiting = self._numbers_in(self.outbox) if is_stored else []
            number = self._write_report(waiting, is_stored=is_stored)
            if is_stored:
                self._put(number, waiting)
            elif self.is_connected(Monitoring.send_file):
                path = posixpath.join(self.status_folder, _report_name(number))
                self.send_file(path, path, number)
        except (ValueError, OSError) as fault:
            reason = str(fault)
            self.report_failed(reason)
            return reason
        return ""

    def _put(self, number: int, waiting: list[int]) -> None:
        """Puts a report into its store, and first those that a restart may have cut off on their way there."""
        if not self._is_outbox_seen:
            self._is_outbox_seen = True
            for other in waiting:
                self._hand_over(other)
        if len(waiting) >= MAX_WAITING_REPORTS:
            self.report_not_sent(CommandResponse.BUSY)
        else:
            self._hand_over(number)

    def _hand_over(self, number: int) -> None:
        name = _report_name(number)
        self.put_file(self.store, posixpath.join(self.outbox, name), name, True, number)

    def _write_report(self, waiting: list[int], *, is_stored: bool) -> int:
        """Writes a report for its store, if it has room, and then the one that stays; the report's number.

        In this order, for after a power cut between the two it is still sent.
        """
        kept = self._numbers_in(self.status_folder)
        number = (max([*kept[-1:], *waiting[-1:]], default=0) + 1) & U32_MAX
        head = {"report": number, "time": self._now(), "uptime_s": self.clock.now_ns() // 1_000_000_000}
        asked = {name: self._asker(text) for name, text in self.calls.items()}
        packed = pack_report(head, {name: self._value(name) for name in self.values}, asked)
        if is_stored and len(waiting) < MAX_WAITING_REPORTS:
            self._place(self.outbox, _report_name(number), packed)
        self._place(self.status_folder, _report_name(number), packed)
        for oldest in kept[: max(0, len(kept) + 1 - self.keep_reports)]:
            self.platform.files.remove(self.root.resolve(posixpath.join(self.status_folder, _report_name(oldest))))
        self._reports += 1
        self.reports_written = self._reports & U32_MAX
        self.report_written(number, len(packed))
        return number

    def _value(self, name: str) -> dict[str, Any] | None:
        watched = self._watched.get(name)
        if watched is None or not self.is_connected(Monitoring.tlm_get):
            return None
        return value_of(watched, self.tlm_get(watched.id))

    def _asker(self, text: str) -> Any:
        return lambda: self._expressions.call_text(self.call_service, text)

    def _numbers_in(self, where: str) -> list[int]:
        """The numbers of the reports in a folder, in order."""
        files, folder = self.platform.files, self.root.resolve(where)
        names = files.list(folder) if files.exists(folder) else []
        numbers = [name.removeprefix(REPORT_PREFIX).removesuffix(REPORT_SUFFIX) for name in names]
        return sorted(
            int(number)
            for name, number in zip(names, numbers, strict=True)
            if number.isdecimal() and number.isascii() and name == _report_name(int(number))
        )

    # Files

    def _place(self, where: str, name: str, content: bytes) -> None:
        """Puts a file into a folder in one step, durable on return. Raises `OSError`."""
        folder = self.root.resolve(where)
        make_folders_durably(self.platform.files, folder)
        place_file(self.platform.files, posixpath.join(folder, name), (content,))
        self.platform.files.sync_folder(folder)

    def _now(self) -> str | None:
        """The time, or nothing where it is not known."""
        known = time_base(self._tags) != TimeBase.TB_PROC_TIME
        return iso_time(max(0, self.clock.wall_ns() // 1000)) if known else None


def _report_name(number: int) -> str:
    return f"{REPORT_PREFIX}{number:08}{REPORT_SUFFIX}"


def _outcome(order: Order, status: str, result: str) -> dict[str, Any]:
    return {"id": order.id, "command": order.command, "status": status, "result": result[:RESULT_SIZE]}
