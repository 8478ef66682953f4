"""The types and ports that every F´ dictionary has, under F´'s names (F´'s Fw module)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.int_enum import IntEnum
from kittiwake.model.commands import CommandResponse
from kittiwake.model.events import Severity
from kittiwake.model.ports import port
from kittiwake.model.types import U8, U16, U32, U64, Integer, Size, wire_alias, wire_enum, wire_struct

_MICROSECONDS = (1 << 64) - 1
_LATEST_US = (1 << 32) * 1_000_000 - 1


class TagType(Integer):
    """A time tag as ports carry it, `time base << 64 | microseconds`: 80 bits, for which FPP has no type but U64."""

    def __init__(self) -> None:
        super().__init__(64, False)
        self.high = (1 << 80) - 1

    def check(self, value: Any) -> None:
        """Raises `TypeError` or `ValueError` for what has no wire form: a base of 16 bits, 32 bits of seconds."""
        super().check(value)
        if value & _MICROSECONDS > _LATEST_US:
            raise ValueError(f"{value:#x} is no time tag: its seconds need more than 32 bits")


if TYPE_CHECKING:
    from typing import TypeAlias

    TimeTag: TypeAlias = int
    FwSizeType: TypeAlias = int
    FwOpcodeType: TypeAlias = int
    FwEventIdType: TypeAlias = int
    FwChanIdType: TypeAlias = int
    FwPrmIdType: TypeAlias = int
    FwDpIdType: TypeAlias = int
    FwDpPriorityType: TypeAlias = int
else:
    TimeTag = TagType()
    FwSizeType = wire_alias("FwSizeType", U64)
    FwOpcodeType = wire_alias("FwOpcodeType", U32)
    FwEventIdType = wire_alias("FwEventIdType", U32)
    FwChanIdType = wire_alias("FwChanIdType", U32)
    FwPrmIdType = wire_alias("FwPrmIdType", U32)
    FwDpIdType = wire_alias("FwDpIdType", U32)
    FwDpPriorityType = wire_alias("FwDpPriorityType", U32)


@wire_enum(U16, name="TimeBase")
class TimeBase(IntEnum):
    """What a time is counted from (F´ TimeBase)."""

    TB_NONE = 0
    TB_PROC_TIME = 1
    TB_WORKSTATION_TIME = 2
    TB_SC_TIME = 3
    TB_FPGA_TIME = 4
    TB_DONT_CARE = 0xFFFF


@wire_enum(U8, name="Fw.Enabled")
class Enabled(IntEnum):
    """On or off."""

    DISABLED = 0
    ENABLED = 1


@wire_enum(U8, name="Fw.On")
class On(IntEnum):
    """Whether something is switched on."""

    OFF = 0
    ON = 1


@wire_enum(U8, name="Fw.Wait")
class Wait(IntEnum):
    """Whether to wait for something to finish."""

    WAIT = 0
    NO_WAIT = 1


@wire_struct(name="Fw.TimeValue")
class TimeValue:
    """A point in time: F´'s time tag as a value."""

    timeBase: TimeBase
    timeContext: U8
    seconds: U32
    useconds: U32


@wire_struct(name="Fw.TimeIntervalValue")
class TimeInterval:
    """A length of time."""

    seconds: U32
    useconds: U32

    def in_ns(self) -> int:
        """The length in nanoseconds."""
        return self.seconds * 1_000_000_000 + self.useconds * 1_000


@port("Svc.Sched")
def Sched(context: U32) -> None:
    """One cycle of a rate group; `context` is fixed for each connection."""


@port("Svc.Cycle")
def Cycle(due_ns: U64, period_ns: U64) -> None:
    """One cycle of a rate group, due at `due_ns` since boot; the next is due `period_ns` later."""


@port("Fw.Signal")
def Signal() -> None:
    """Something is to be done, or has happened; which, the name of the port says."""


@port("Svc.Ping")
def Ping(key: U32) -> None:
    """A question whether a component still answers, and its answer: the same key."""


@port("Fw.CmdResponse")
def CmdResponse(opcode: FwOpcodeType, sequence: U32, response: CommandResponse) -> None:
    """The answer to the command that was sent with `sequence`."""


@port("Fw.Com")
def Com(data: Annotated[bytes, Size(4096)], context: U32) -> None:
    """One F´ packet, its descriptor included; `context` is handed back with what the packet causes."""


@port("Fw.DpSend")
def DpSend(id: FwDpIdType, buffer: Annotated[bytes, Size(65_604)]) -> None:
    """A whole data product: the id of its container, and its bytes."""


@port("Fw.Log")
def Log(id: FwEventIdType, tag: TimeTag, severity: Severity, arguments: Annotated[bytes, Size(1024)]) -> None:
    """One event, packed."""


__all__ = [
    "CmdResponse", "Com", "CommandResponse", "Cycle", "DpSend", "Enabled", "FwChanIdType", "FwDpIdType",
    "FwDpPriorityType", "FwEventIdType", "FwOpcodeType", "FwPrmIdType", "FwSizeType", "Log", "Ping", "Sched",
    "Severity", "Signal", "TimeBase", "TimeInterval", "TimeTag", "TimeValue", "Wait",
]  # fmt: skip
