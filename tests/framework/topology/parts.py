"""Small components that the topologies of these tests are made of, and a way to write such a topology."""

from __future__ import annotations

from collections import deque
from textwrap import dedent
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from kittiwake.faults import Fault, Faults
from kittiwake.model.channels import Channel, ChannelCell
from kittiwake.model.commands import CommandError, CommandResponse, command
from kittiwake.model.component import ActiveComponent, PassiveComponent, QueuedComponent
from kittiwake.model.events import ACTIVITY_HI, Severity, event
from kittiwake.model.fw import CmdResponse, FwPrmIdType, Log, Sched
from kittiwake.model.parameters import Parameter, Setting
from kittiwake.model.ports import OutputPort, OutputPortArray, async_port, guarded_port, port, sync_port
from kittiwake.model.types import F32, U8, U16, U32, Bool, Size, String
from kittiwake.topology.compile import load_topology

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake.topology.model import Topology

P = "tests.framework.topology.parts"
"""The module of these components, as a topology names it."""


@port("Parts.Words")
def Words(text: Annotated[str, Size(40)]) -> None:
    """Some words."""


@port("Parts.Question")
def Question(number: U32) -> U32:
    """A number that is answered by another."""
    return number


@port("Parts.SetParameter")
def SetParameter(id: FwPrmIdType, value: Annotated[bytes, Size(1024)]) -> None:
    """A parameter's packed value."""


def _ascending(values: list[int]) -> None:
    if values != sorted(values):
        raise ValueError(f"{values} do not ascend")


class Ticker(PassiveComponent):
    """Calls its members."""

    tick_out = OutputPortArray(Sched, 3)
    limits = Setting(list[int], default=[1], check=_ascending, doc="Limits that ascend.")
    names = Setting(dict[str, float], default={}, low=-5, high=5)
    title = Setting(str, default="none")
    fast = Setting(bool, default=False)

    def tick(self) -> None:
        """Calls every member that is connected."""
        for index, member in enumerate(self.tick_out):
            if self.is_connected(Ticker.tick_out, index):
                member(index)


class Worker(ActiveComponent):
    """Has one of everything."""

    words_out = OutputPort(Words)
    question_out = OutputPort(Question)

    level = Channel(F32)
    count = Channel(U16)
    gain = Parameter(U8, default=3, low=1, high=9, doc="From 1 to 9.")
    armed = Parameter(Bool, default=True)

    @event(ACTIVITY_HI, "Worked {times} times")
    def worked(self, times: U32) -> None: ...

    def initialize(self) -> None:
        self.contexts: list[int] = []
        self.heard: list[str] = []

    @async_port(Sched)
    def run(self, context: int) -> None:
        """One cycle."""
        self.contexts.append(context)
        self.count = len(self.contexts)

    @async_port(Words, full="drop")
    def words_in(self, text: str) -> None:
        """Words."""
        self.heard.append(text)

    @async_port(Words, full="block")
    def patient_in(self, text: str) -> None:
        """Words whose sender waits."""
        self.heard.append(text)

    @command
    def work(self, times: U32) -> None:
        """Works."""
        if times == 0:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "nothing to do")
        self.worked(times)

    @command
    async def work_later(self, seconds: U32) -> None:
        """Works after some time."""
        await self.clock.sleep(float(seconds))
        self.worked(seconds)


class Listener(PassiveComponent):
    """Hears words, asks and answers questions."""

    required_out = OutputPort(Words, required=True)

    @sync_port(Words, size=2)
    def words_in(self, index: int, text: str) -> None:
        """Words at one of two ears."""
        self.required_out(f"{index}:{text}")

    @sync_port(Question)
    def question_in(self, number: int) -> int:
        """One more."""
        return number + 1


class Relay(PassiveComponent):
    """Hands words on, at once, later, or not at all."""

    words_out = OutputPort(Words)
    other_out = OutputPort(Words)

    @sync_port(Words)
    def words_in(self, text: str) -> None:
        """Hands on through a method."""
        self._hand_on(text)

    def _hand_on(self, text: str) -> None:
        self.words_out(text)

    @sync_port(Words)
    def later_in(self, text: str) -> None:
        """Hands on after a second."""
        self.clock.call_after(1.0, self.words_out, text)

    @guarded_port(Words)
    def guarded_in(self, text: str) -> None:
        """Hands on while it is guarded."""
        self.words_out(text)

    @sync_port(Words)
    def end_in(self, text: str) -> None:
        """Keeps the words."""


class Basket(QueuedComponent):
    """Empties its queue when it is run."""

    def initialize(self) -> None:
        self.found: list[str] = []

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Handles what is queued."""
        self.dispatch_queued()

    @async_port(Words, full="drop_oldest")
    def words_in(self, text: str) -> None:
        """Words."""
        self.found.append(text)


class Guarded(ActiveComponent):
    """Is called while it is guarded, and calls from its queue."""

    words_out = OutputPort(Words)

    def initialize(self) -> None:
        self.heard: list[str] = []

    @guarded_port(Words)
    def guarded_in(self, text: str) -> None:
        """Keeps the words."""
        self.heard.append(text)

    @async_port(Words)
    def words_in(self, text: str) -> None:
        """Hands on."""
        self.words_out(text)


class Bulky(PassiveComponent):
    """Has channels that fill a packet."""

    one = Channel(String(600))
    two = Channel(String(600))


class Huge(PassiveComponent):
    """Has a channel that no frame carries."""

    whole = Channel(String(1000))


class Services(PassiveComponent):
    """All the services in one instance."""

    def initialize(self) -> None:
        self.saved: dict[int, bytes] = getattr(self, "saved", {})

    @property
    def kept(self) -> dict[str, Any]:
        """What was reported, by kind."""
        if "_kept" not in self.__dict__:
            self._kept: dict[str, Any] = {"events": [], "responses": [], "cells": [], "entries": {}, "findings": []}
        return self._kept

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """Keeps an event."""
        self.kept["events"].append((id, severity, arguments))

    @sync_port(CmdResponse)
    def comp_cmd_stat(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """Keeps a response."""
        self.kept["responses"].append((opcode, sequence, response))

    @sync_port(SetParameter)
    def set_prm(self, id: int, value: bytes) -> None:
        """Keeps a parameter."""
        self.saved[id] = bytes(value)

    def get_prm(self, id: int) -> bytes | None:
        """A parameter that was kept."""
        return self.saved.get(id)

    def record_unusable(self, id: int, why: str) -> None:
        """Keeps what does not fit."""
        self.kept["findings"].append(f"{id}: {why}")

    def comp_cmd_reg(self, opcodes: list[int], deferred: object, entry: Callable[[int, int, bytes], None]) -> None:
        """Keeps the command port of an instance."""
        self.kept["entries"].update(dict.fromkeys(opcodes, entry))

    def tlm_register(self, cells: list[ChannelCell], pending: deque[ChannelCell]) -> None:
        """Keeps an instance's channels."""
        self.kept["cells"] += cells

    @sync_port(Words)
    def words_in(self, text: str) -> None:
        """Keeps words."""
        self.kept["findings"].append(text)

    def send(self, opcode: int, sequence: int, arguments: bytes = b"") -> None:
        """Hands a command to its instance."""
        self.kept["entries"][opcode](opcode, sequence, arguments)


SERVICES = "services: {command: all, event: all, telemetry: all, parameter: all}"


def write(folder: Path, text: str, name: str = "main.yaml") -> Path:
    """Writes a topology file; `PARTS` in its text stands for this module."""
    path = folder / name
    path.write_text(dedent(text).replace("PARTS", P), encoding="utf-8")
    return path


def compiled(folder: Path, text: str) -> Topology:
    """The topology of a file with that text."""
    return load_topology(write(folder, text))


def refused(folder: Path, text: str) -> list[Fault]:
    """The faults of a file with that text; at least one."""
    with pytest.raises(Faults) as caught:
        load_topology(write(folder, text))
    return caught.value.faults


def messages(faults: list[Fault]) -> list[tuple[int, int, str, str]]:
    """Line, column, message and hint of each fault."""
    return [(fault.line, fault.col, fault.message, fault.hint) for fault in faults]
