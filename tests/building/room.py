"""A room for tests of the BACnet server: its channels follow its parameters."""

from __future__ import annotations

from kittiwake.model import (
    F32,
    F64,
    U32,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    Parameter,
    PassiveComponent,
    String,
    sync_port,
)
from kittiwake.model.channels import Conversion
from kittiwake.model.fw import On, Sched, TimeValue


class Room(PassiveComponent):
    """Warm if it is occupied."""

    temperature = Channel(F32, unit="degC", doc="How warm it is: the set point.")
    counts = Channel(U32, unit="mWh", doc="Cycles since the start.")
    raw = Channel(U32, conversion=Conversion(0.5, -10.0), doc="The set point as a raw count.")
    occupied = Channel(Bool, doc="Whether somebody is there.")
    fan = Channel(On, doc="Whether the fan runs.")
    label = Channel(String(40), doc="What the door says.")
    never = Channel(F32, doc="It is never written.")
    built = Channel(TimeValue, doc="No number.")

    set_point = Parameter(F32, default=20.0, low=10.0, high=30.0, unit="degC", doc="How warm it should be.")
    occupancy = Parameter(Bool, default=False, doc="Whether somebody is there.")
    limit = Parameter(U32, default=5, doc="A whole number.")
    gain = Parameter(F64, default=0.25, doc="Of double precision.")
    door = Parameter(String(40), default="Room 12", doc="What the door says.")
    fan_mode = Parameter(On, default=On.OFF, doc="Whether the fan runs.")

    def initialize(self) -> None:
        self._cycles = 0

    def parameter_updated(self, name: str) -> None:
        if name == "limit" and self.limit == 13:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "13 is not lucky")

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Shows what the parameters are."""
        self._cycles += 1
        self.counts = self._cycles
        self.temperature = self.set_point
        self.raw = int((self.set_point + 10.0) * 2)
        self.occupied = self.occupancy
        self.fan = self.fan_mode
        self.label = self.door
