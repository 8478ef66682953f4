"""Beemon's text protocol: who has a socket on this machine may start, stop and ask, and gets an answer."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    DIAGNOSTIC,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Channel,
    OutputPort,
    OutputPortArray,
    Parameter,
    Setting,
    Size,
    event,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import CmdResponse, Com
from kittiwake.wire.link_address import names_loopback, parse_link
from kittiwake_components.caller_connection import Callers
from kittiwake_components.command_calls import CommandCalls
from kittiwake_components.ports.hive import MAX_SENSORS, SensorStatus
from kittiwake_components.text_commands.client import Client
from kittiwake_components.text_commands.lines import LineFault, TextCommand, is_target, parse_command

if TYPE_CHECKING:
    from kittiwake.model import CommandResponse
    from kittiwake.platform.interface import Stream

STATUSES = 4
REASON_SIZE = 120
U32_MAX = 0xFFFFFFFF
_TARGET = "{target}"

Reason = Annotated[str, Size(REASON_SIZE)]


def _check_url(url: str) -> None:
    if url and parse_link(url).kind != "tcp-listen":
        raise ValueError(f"the text protocol listens: tcp-listen://127.0.0.1:8080, not {url}")


def _check_processes(processes: dict[str, str]) -> None:
    if not all(name and is_target(name) for name in processes):
        raise ValueError("processes are instances by a name of letters, digits, dots, dashes or underscores")


class TextCommands(ActiveComponent):
    """A TCP server for `start x`, `stop [x]` and `status [x]`, a line each, answered by `ok`, a status or `error: why`.

    The commands are those of the dictionary, sent to the dispatcher as the ground sends them. Off unless `url` is set;
    on this machine alone unless `open_network` is set too, as nobody is asked who he is.
    """

    com_cmd_out = OutputPort(Com, doc="Commands; `context` comes back in the answer.")
    status_out = OutputPortArray(SensorStatus, STATUSES, doc="Asks those who have targets how these are.")

    connections = Channel(U32, on_change=True, doc="Connections that are open.")
    requests = Channel(U32, on_change=True, doc="Commands since the start.")
    refused = Channel(U32, on_change=True, doc="Those answered by an error, and connections that were given up.")

    command_timeout_s = Parameter(U32, default=10, low=1, high=600, unit="s", doc="For a command's answer.")
    request_timeout_s = Parameter(
        U32, default=3, low=1, high=3600, unit="s", doc="A connection without a command for so long is closed."
    )

    url = Setting(
        str, default="", check=_check_url, doc="Where it listens: tcp-listen://127.0.0.1:8080; empty: nowhere."
    )
    open_network = Setting(bool, default=False, doc="Whether it may listen elsewhere than on loopback, to anybody.")
    start_line = Setting(str, default="", doc="The command that starts the sensor {target}, as a line of a sequence.")
    stop_line = Setting(str, default="", doc="The command that stops the sensor {target}, all for an empty one.")
    processes = Setting(
        dict[str, str], default={}, check=_check_processes,
        doc="Other targets: instances with the commands START and STOP, by the names of the targets.",
    )  # fmt: skip

    @event(ACTIVITY_HI, "Text commands are taken on {address}")
    def text_listening(self, address: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_HI, "Text commands are taken from the network, from anybody: {address}")
    def text_exposed(self, address: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "Text commands: {reason}", throttle=3, every_s=60.0)
    def text_failed(self, reason: Reason) -> None: ...

    @event(DIAGNOSTIC, "A text command: {verb} {target}", throttle=100, every_s=60.0)
    def text_command(self, verb: Annotated[str, Size(8)], target: Annotated[str, Size(40)]) -> None: ...

    @event(WARNING_LO, "A text command was refused: {reason}", throttle=10, every_s=60.0)
    def text_refused(self, reason: Reason) -> None: ...

    def initialize(self) -> None:
        self._commands = CommandCalls(self.clock)
        self._callers = Callers(self._connect, self._count, self._refuse)
        self._waiting: dict[int, tuple[Client, bytes]] = {}
        self._number = 0

    def start(self) -> None:
        if not self.url:
            return
        obstacle = self._obstacle()
        if obstacle:
            self.text_failed(obstacle)
            return
        address, poller = parse_link(self.url), self._context.loop.poller
        self._callers.listen(address, self.platform, self.clock, poller, self.text_failed)
        if self._callers.port:
            place = f"{address.host}:{self._callers.port}"
            (self.text_listening if address.is_local else self.text_exposed)(place)

    def _obstacle(self) -> str:
        """Why it does not listen, empty if nothing keeps it from that."""
        host = parse_link(self.url).host
        if not names_loopback(host) and not self.open_network:
            return f"{self.url} is open to the network, which open_network has to allow"
        try:
            for verb in ("start", "stop"):
                for target in ("x", *self.processes):
                    self._packets(TextCommand(verb, target))
        except ValueError as fault:
            return str(fault)
        return ""

    def stop(self) -> None:
        self._callers.close()

    def listening_port(self) -> int:
        """The port that is listened on, 0 for none."""
        return self._callers.port

    # Connections

    def _connect(self, stream: Stream) -> Client:
        limit_s = float(self.request_timeout_s)
        return Client(stream, self._context.loop.poller, self.clock, limit_s, self._asked, self._callers.ended)

    def _count(self, connections: int) -> None:
        self.connections = connections

    def _refuse(self, reason: str) -> None:
        self.refused = self.refused + 1 & U32_MAX
        self.text_refused(reason)

    def _asked(self, client: Client, line: bytes) -> None:
        self._number = self._number % U32_MAX + 1
        self._waiting[self._number] = client, line
        self._serve(self._number)

    @internal_port(full="hook")
    async def _serve(self, number: U32) -> None:
        client, line = self._waiting.pop(number)
        self.requests = self.requests + 1 & U32_MAX
        try:
            command = parse_command(line)
            self.text_command(command.verb, command.target)
            answer = await self._carried_out(command)
        except LineFault as fault:
            self._refuse(str(fault))
            answer = f"error: {fault}"
        client.answer(answer)

    def _serve_overflow(self, number: int) -> None:
        client, _ = self._waiting.pop(number)
        self._refuse("too many commands at a time")
        client.answer("error: too many commands at a time")

    # Commands

    async def _carried_out(self, command: TextCommand) -> str:
        """The answer to a command. Raises `LineFault`."""
        status = self._status(command.target)
        if command.target and not status:
            raise LineFault(f"there is no {command.target}")
        if command.verb == "status":
            return status or "nothing is there"
        reasons = []
        for packet in self._packets(command):
            reason = await self._commands.send(self.com_cmd_out, packet, self.command_timeout_s)
            reasons += [reason] if reason else []
        if reasons:
            raise LineFault("; ".join(reasons))
        return "ok"

    def _status(self, target: str) -> str:
        """How a target is, all without one, in one line."""
        texts = []
        for index, ask in enumerate(self.status_out):
            if self.is_connected(TextCommands.status_out, index):
                told = (ask(target, place) for place in range(MAX_SENSORS))
                texts += [" ".join(text.split()) for text in takewhile(bool, told)]
        return "; ".join(texts)

    def _packets(self, command: TextCommand) -> list[bytes]:
        """The command packets of a start or stop. Raises `ValueError`."""
        from kittiwake.sequence.command_line import command_packet

        instances = self._context.deployment.instances
        lines = []
        if command.target in self.processes:
            lines.append(f"{self.processes[command.target]}.{command.verb.upper()}")
        else:
            template = self.start_line if command.verb == "start" else self.stop_line
            if template:
                lines.append(template.replace(_TARGET, command.target))
            if not command.target:
                lines += [f"{instance}.{command.verb.upper()}" for instance in self.processes.values()]
        return [command_packet(line, instances) for line in lines]

    @sync_port(CmdResponse)
    def cmd_response_in(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """The answer to a command; `sequence` is what was sent as its context."""
        self._commands.answered(sequence, response)
