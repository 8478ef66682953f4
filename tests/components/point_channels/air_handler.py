"""An air handling unit whose points are channels, as a user declares it."""

from __future__ import annotations

from enum import IntEnum

from kittiwake.model import F64, U8, Bool, Channel, Limits, String, wire_enum
from kittiwake_components.point_channels.component import PointChannels


@wire_enum(U8, name="Building.Occupancy")
class Occupancy(IntEnum):
    """Whether somebody is in."""

    INACTIVE = 0
    ACTIVE = 1


class AirHandler(PointChannels):
    """An air handling unit."""

    zone_temp = Channel(F64, unit="degC", limits=Limits(low_red=5.0, high_red=35.0), doc="Temperature of the zone.")
    return_temp = Channel(F64, unit="degC", doc="Temperature of the return air.")
    fan = Channel(Bool, doc="Whether the supply fan runs.")
    stage = Channel(U8, doc="The cooling stage.")
    occupancy = Channel(Occupancy, doc="Whether somebody is in.")
    alarm_text = Channel(String(40), doc="What the controller says.")
