"""The ports about a deployment's life: its start, its cycles, and its end."""

from __future__ import annotations

from kittiwake.model.fw import FwEventIdType
from kittiwake.model.ports import port
from kittiwake.model.types import U32, U64


@port("Components.BootLoop")
def BootLoop(boots: U32) -> None:
    """The last `boots` starts each ended too early: this one should do as little as it can."""


@port("Components.Slept")
def Slept(seconds: U32) -> None:
    """The device was without power for so long before this start; told once for each sleep."""


@port("Svc.Idle")
def Idle(until_ns: U64) -> None:
    """Whoever says this needs no cycle of its rate group before `until_ns` since boot; 0 takes that back."""


@port("Svc.WatchDog")
def WatchDog(code: U32) -> None:
    """One stroke of the watchdog."""


@port("Svc.FatalEvent")
def FatalEvent(id: FwEventIdType) -> None:
    """A FATAL event was reported."""
