"""The services behind a component under test: event log, telemetry, commands, parameters and health in one instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model.codec import unpacker
from kittiwake.model.component import PassiveComponent
from kittiwake.model.fw import CmdResponse, FwPrmIdType, Log
from kittiwake.model.ports import port, sync_port
from kittiwake.model.types import Size
from kittiwake.testing.histories import ChannelHistory, EmittedEvent, EventHistory, Finding, Findings, Trace

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping

    from kittiwake.model.channels import ChannelCell
    from kittiwake.model.commands import CommandResponse
    from kittiwake.model.component import ComponentType
    from kittiwake.model.events import Severity
    from kittiwake.testing.sent_command import SentCommand


@port("Testing.SetParameter")
def SetParameter(id: FwPrmIdType, value: Annotated[bytes, Size(4096)]) -> None:
    """Save a parameter's packed value."""


class Records:
    """All that one boot of a component under test leaves for its test."""

    def __init__(self, cls: ComponentType, base_id: int, parameters_saved: dict[str, bytes]) -> None:
        declared = cls.__declarations__
        self.trace: Trace = []
        self.events = EventHistory()
        self.monitor = Findings()
        self.channels = {channel.label: ChannelHistory(channel) for channel in declared.channels.values()}
        self.sent: dict[int, SentCommand] = {}
        self.responses: list[tuple[str, CommandResponse]] = []
        self.unasked: list[str] = []
        self.parameters_saved = parameters_saved
        self.command_entry: Callable[[int, int, bytes], None] | None = None
        self._events = {base_id + (event.number or 0): event for event in declared.events.values()}
        self._parameter_labels = {base_id + (one.number or 0): one.label for one in declared.parameters.values()}

    def event(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """Decodes and keeps an event."""
        declared = self._events[id]
        args = unpacker([form for _, form in declared.parameters])(bytes(arguments))
        self.events.append(EmittedEvent(declared.label, severity, args, tag, declared))
        self.trace.append(("event", declared.label, args))

    def written(self, cell: ChannelCell) -> None:
        """Keeps a value that was written to a channel."""
        history = self.channels[cell.channel.label]
        history.history.append(cell.value)
        history.tags.append(cell.tag)
        self.trace.append(("channel", history.name, cell.value))

    def response(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """Gives a response to the command it belongs to."""
        sent = self.sent.get(sequence)
        if sent is None or sent.opcode != opcode:
            self.unasked.append(f"{response.name} for opcode {opcode:#x}, sequence {sequence}")
            return
        sent.responses.append(response)
        self.responses.append((sent.name, response))
        self.trace.append(("response", sent.name, response))

    def parameter_label(self, id: int) -> str:
        """The dictionary's name of a parameter."""
        return self._parameter_labels[id]


class RecordedCells:
    """Stands where written channels wait to be sent, and keeps each write instead of the latest one."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def append(self, cell: ChannelCell) -> None:
        """Keeps what was just written to a channel."""
        cell.dirty = False
        self._records.written(cell)


class TesterServices(PassiveComponent):
    """What the tester's own instance offers to the component under test."""

    @property
    def records(self) -> Records:
        """Where everything goes."""
        settings: Mapping[str, Any] = self._context.settings
        records: Records = settings["records"]
        return records

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """Takes an event."""
        self.records.event(id, tag, severity, arguments)

    @sync_port(CmdResponse)
    def comp_cmd_stat(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """Takes the response to a command."""
        self.records.response(opcode, sequence, response)

    @sync_port(SetParameter)
    def set_prm(self, id: int, value: bytes) -> None:
        """Saves a parameter."""
        self.records.parameters_saved[self.records.parameter_label(id)] = bytes(value)

    def get_prm(self, id: int) -> bytes | None:
        """A saved parameter's value, or `None`."""
        return self.records.parameters_saved.get(self.records.parameter_label(id))

    def record_unusable(self, id: int, why: str) -> None:
        """Keeps that a saved value does not fit its parameter."""
        self.records.monitor.append(Finding("unusable", "", self.records.parameter_label(id), why))

    def comp_cmd_reg(self, opcodes: list[int], deferred: object, entry: Callable[[int, int, bytes], None]) -> None:
        """Keeps the first registration, which is that of the component under test."""
        self.records.command_entry = self.records.command_entry or entry

    def tlm_register(self, cells: list[ChannelCell], pending: deque[ChannelCell]) -> None:
        """Nothing to do: the cells were given their recorder when the component was made."""

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        """Keeps the finding."""
        self.records.monitor.handler_failed(instance, handler, reason)

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        """Keeps the finding."""
        self.records.monitor.handler_slow(instance, handler, duration_us)

    def queue_full(self, instance: str, port: str, full: str) -> None:
        """Keeps the finding."""
        self.records.monitor.queue_full(instance, port, full)

    def command_refused(self, instance: str, command: str, why: str) -> None:
        """Keeps the finding."""
        self.records.monitor.command_refused(instance, command, why)
