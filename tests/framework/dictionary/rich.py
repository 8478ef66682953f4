"""A topology made in Python, small and rich: every kind of declaration stands in it once, at least."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

from kittiwake.model.channels import Channel, Conversion, Limits
from kittiwake.model.commands import command
from kittiwake.model.component import ActiveComponent, PassiveComponent, QueuedComponent
from kittiwake.model.events import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    COMMAND,
    DIAGNOSTIC,
    FATAL,
    WARNING_HI,
    WARNING_LO,
    event,
)
from kittiwake.model.fw import (
    CmdResponse,
    Com,
    CommandResponse,
    FwOpcodeType,
    FwSizeType,
    Log,
    Sched,
    Severity,
    TimeInterval,
)
from kittiwake.model.parameters import Parameter, Setting
from kittiwake.model.ports import (
    OutputPort,
    OutputPortArray,
    async_port,
    guarded_port,
    port,
    sync_port,
)
from kittiwake.model.products import Container, Record
from kittiwake.model.types import (
    F32,
    F64,
    I16,
    U8,
    U16,
    U32,
    U64,
    Bool,
    Range,
    Size,
    String,
    wire_alias,
    wire_array,
    wire_enum,
    wire_struct,
)
from kittiwake.topology.model import Connection, Instance, Packet, Topology


@wire_enum(U8, name="Rich.Mode")
class Mode(IntEnum):
    """What the worker does."""

    IDLE = 3
    BUSY = 7
    size = 9


Rates: Any = wire_array("Rich.Rates", F32, 3)
Volts: Any = wire_alias("Volts", F32)
Ticks: Any = wire_alias("Rich.Ticks", FwSizeType)
Title: Any = wire_alias("Rich.Title", String(24))
Modes: Any = wire_array("Rich.Modes", Mode, 2)
Triple: Any = wire_array("", U16, 3)
Label: Any = String(40)


@wire_struct(name="Rich.Reading")
class Reading:
    r"""One reading, "quoted" with a \ in its documentation and an F´."""

    mode: Mode
    counts: Triple
    type: Label
    rates: Rates
    ready: Bool = True
    level: Annotated[I16, Range(-5, 5)] = 1


@wire_struct(name="Rich.OnlyOnPorts")
class OnlyOnPorts:
    """A struct that no command, event or channel uses."""

    data: Annotated[bytes, Size(64)]
    count: U32


@port("Rich.Measure")
def Measure(value: Volts, mode: Mode) -> Reading:  # type: ignore[empty-body]
    """Asks for a reading."""


@port("Rich.Store")
def Store(record: OnlyOnPorts, state: U8) -> None:
    """Keeps a record."""


class Worker(ActiveComponent):
    """Does the work."""

    lit = OutputPort(Store)
    members = OutputPortArray(Sched, 3)
    time_caller = OutputPort(Com, doc="Takes a name that the special ports of FPP would have.")

    depth = Setting(list, default=[1], doc="Not in the dictionary.")

    gain = Parameter(F64, default=0.1, doc="The gain.", unit="dB")
    limit = Parameter(U8, default=3, low=1, high=5, id=20, set_opcode=40, save_opcode=41)
    mode_at_start = Parameter(Mode, default=Mode.BUSY)
    reading = Parameter(Reading, default=Reading(Mode.IDLE, (1, 1, 1), 'a "b" \\', (0.5, -1.0, 2e-9)))
    title = Parameter(Title, default="none")
    modes = Parameter(Modes, default=(Mode.IDLE, Mode.BUSY))

    count = Channel(U32, on_change=True, doc="How often.")
    voltage = Channel(
        F32,
        unit="V",
        format="{:.2f}",
        limits=Limits(low_red=-6.5, low_orange=1, low_yellow=2, high_yellow=7, high_orange=8, high_red=1e9),
    )
    raw = Channel(U16, conversion=Conversion(0.5, -10), format="{:x}", id=0x30, limits=Limits(high_red=900))
    state = Channel(Mode, name="time")
    last = Channel(Reading)
    rates = Channel(Rates)
    text = Channel(String(40))
    uptime = Channel(TimeInterval)
    ticks = Channel(Ticks)
    volts = Channel(Volts, format="{.1f}")

    sample = Record(Reading, doc="One reading.")
    samples = Record(U16, array=True, id=0x20)
    note = Record(String(20), name="NOTE")
    log = Container(priority=3, doc="What was done.")
    picture = Container(id=0x11)

    @event(FATAL, "No way on: {why}")
    def gone(self, why: Annotated[str, Size(80)]) -> None:
        """It is over."""

    @event(WARNING_HI, "{opcode:x} and {{}} {volts:.3f}", throttle=5)
    def odd(self, opcode: FwOpcodeType, volts: F32) -> None: ...

    @event(WARNING_LO, "Mode {mode} of {reading}", throttle=2, every_s=1.5)
    def strange(self, mode: Mode, reading: Reading) -> None: ...

    @event(COMMAND, "plain", id=0x55)
    def asked(self) -> None: ...

    @event(ACTIVITY_HI, 'wide {size:8.2f} "quoted" \\ {text}')
    def wide(self, size: F32, text: Annotated[str, Size(20)]) -> None: ...

    @event(ACTIVITY_LO, "only {first}")
    def half(self, first: U8, second: U8) -> None: ...

    @event(DIAGNOSTIC, "true {yes}", name="DIAG")
    def detail(self, yes: Bool) -> None: ...

    @async_port(Sched, priority=3, full="drop_oldest")
    def run(self, context: int) -> None: ...

    @async_port(Sched, size=2, full="hook")
    def tick(self, index: int, context: int) -> None: ...

    def tick_overflow(self, index: int, context: int) -> None:
        """What happens when the queue is full."""

    @guarded_port(Measure)
    def measure(self, value: float, mode: Mode) -> Any: ...

    @sync_port(Com)
    def com_in(self, data: bytes, context: int) -> None: ...

    @command
    def no_op(self) -> None:
        """Does nothing."""

    @command(kind="sync", opcode=0x10, hazardous=True)
    def erase(self, path: Annotated[str, Size(100)], reading: Reading) -> None: ...

    @command(kind="guarded")
    def adjust(self, priority: Annotated[U8, Range(1, 9)], mode: Mode, rates: Rates) -> None: ...

    @command(priority=2, full="drop", exclusive=True, name="LONG_RUN")
    async def long(self, interval: TimeInterval, on: Bool, id: U64) -> None: ...


class Drain(QueuedComponent):
    """Empties its queue itself."""

    @async_port(Store, full="block")
    def store(self, record: OnlyOnPorts, state: int) -> None: ...

    @sync_port(Sched)
    def run(self, context: int) -> None: ...


class Sleeper(ActiveComponent):
    """Is active, and has nothing asynchronous."""

    naps = Channel(U32)


class Services(PassiveComponent):
    """Every service of the deployment in one component."""

    @sync_port(CmdResponse)
    def comp_cmd_stat(self, opcode: int, sequence: int, response: CommandResponse) -> None: ...

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None: ...

    @command
    def clear(self) -> None: ...


def _instance(name: str, component: type, base_id: int, **others: Any) -> Instance:
    return Instance(name, component, f"{__name__}:{component.__name__}", base_id, **others)  # type: ignore[arg-type]


def rich_topology() -> Topology:
    """The topology, anew."""
    return Topology(
        name="Laboratory",
        instances=(
            _instance("Core.services", Services, 0x1000, doc="Serves all."),
            _instance("worker", Worker, 0x2000, queue=10, priority=40, settings={"depth": [1, 2]}),
            _instance("Core.second", Worker, 0x3000, queue=5, thread="slow", parameters={"gain": 2, "limit": 4}),
            _instance("drain", Drain, 0x4000, queue=3),
            _instance("sleeper", Sleeper, 0x5000, queue=1),
        ),
        connections=(
            Connection("Work", "worker", "lit", 0, "drain", "store", 0),
            Connection("Work", "worker", "members", 2, "Core.second", "tick", 1),
            Connection("set", "worker", "members", 0, "drain", "run", 0),
            Connection("Work", "Core.second", "time_caller", 0, "worker", "com_in", 0),
        ),
        services={
            "command": "Core.services",
            "event": "Core.services",
            "telemetry": "Core.services",
            "time": "Core.services",
            "parameter": "Core.services",
            "health": "Core.services",
        },
        packets=(
            Packet("Health", 1, 0, (("worker", "count"), ("worker", "text"), ("Core.second", "last"))),
            Packet("Rates", 4, 2, (("worker", "rates"),)),
        ),
        doc="A topology of tests.",
    )
