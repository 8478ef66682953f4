"""A component with channels of many kinds, for limits over them, and where its topology stands."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Annotated

from kittiwake.model import (
    F32,
    I32,
    U8,
    Bool,
    Channel,
    Limits,
    PassiveComponent,
    Size,
    sync_port,
    wire_array,
    wire_enum,
    wire_struct,
)
from kittiwake.model.fw import Sched
from kittiwake_components.ports.mode import ForceSafeMode, SafeModeReason

TOPOLOGY = Path(__file__).with_name("limited.yaml")
Pair = wire_array("Limited.Pair", I32, 2)


@wire_enum(U8, name="Limited.Mode")
class Mode(IntEnum):
    """Modes."""

    IDLE = 0
    BUSY = 7


@wire_struct(name="Limited.Nested")
class Nested:
    """A struct whose members have fixed places."""

    on: Bool
    pair: Pair  # type: ignore[valid-type]


@wire_struct(name="Limited.Named")
class Named:
    """A struct with a member behind a text."""

    text: Annotated[str, Size(6)]
    count: U8


class Probe(PassiveComponent):
    """Has channels of many kinds."""

    volts = Channel(F32, limits=Limits(low_red=6.0, low_yellow=6.5, high_red=10.0))
    level = Channel(U8, limits=Limits(high_orange=200.5))
    pair = Channel(Pair)
    nested = Channel(Nested)
    named = Channel(Named)
    mode = Channel(Mode, on_change=True)

    def initialize(self) -> None:
        self.forced: list[SafeModeReason] = []
        self.cycles = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """One cycle."""
        self.cycles += 1

    @sync_port(ForceSafeMode)
    def force_safe_mode(self, reason: SafeModeReason) -> None:
        """Keeps why safe mode was asked for."""
        self.forced.append(reason)
