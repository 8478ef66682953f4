"""How a LoRa radio is set, under the names that PROVES' radio (fprime-zephyr) gives it."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model import U8, wire_enum


@wire_enum(U8, name="Zephyr.LoRaDataRate")
class LoRaDataRate(IntEnum):
    """The spreading factor: each step nearly halves the rate and reaches further."""

    SF_7 = 7
    SF_8 = 8
    SF_9 = 9
    SF_10 = 10


@wire_enum(U8, name="Zephyr.LoRaCodingRate")
class LoRaCodingRate(IntEnum):
    """Four bits are sent as five to eight."""

    CR_4_5 = 1
    CR_4_6 = 2
    CR_4_7 = 3
    CR_4_8 = 4


@wire_enum(U8, name="Zephyr.LoRaBandwidth")
class LoRaBandwidth(IntEnum):
    """The width of the channel."""

    BW_125_KHZ = 0
    BW_250_KHZ = 1
    BW_500_KHZ = 2

    @property
    def hertz(self) -> float:
        """The width in Hz."""
        return 125_000.0 * (1 << self)


@wire_enum(U8, name="Zephyr.LoRaMode")
class LoRaMode(IntEnum):
    """What a radio is set up for."""

    TRANSMIT = 0
    RECEIVE = 1


@wire_enum(U8, name="Zephyr.TransmitState")
class TransmitState(IntEnum):
    """Whether the radio may send; DISABLING while the last packet is still on the air."""

    ENABLED = 0
    DISABLED = 1
    DISABLING = 2
