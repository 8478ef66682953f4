"""The ports between a connexion manager, the bearers of a device, and those who want to send over them.

A bearer is one way out: a wireless network, a modem, a radio. Its adapter does what the manager orders, and says how
the bearer is. That it is up is no evidence that anybody is reached: that is contact, and comes from elsewhere.
"""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model.ports import port
from kittiwake.model.types import F64, I16, U8, U32, U64, Size, wire_enum

BEARERS = 8
NO_BEARER = 255
"""Where a bearer's number is wanted and there is none."""

UNKNOWN_RSSI = -32768
"""The strength of a signal that nobody has measured."""

SETUP_SIZE = 120
"""The longest setup of a bearer: what its adapter needs to know to bring it up, as text."""

REASON_SIZE = 80

BearerSetup = Annotated[str, Size(SETUP_SIZE)]
Reason = Annotated[str, Size(REASON_SIZE)]


@wire_enum(U8, name="Components.BearerOrder")
class BearerOrder(IntEnum):
    """What an adapter is to do."""

    TAKE_DOWN = 0
    BRING_UP = 1
    SCAN = 2
    """Measure the signal, and report it; the bearer stays as it is."""


@wire_enum(U8, name="Components.BearerCondition")
class BearerCondition(IntEnum):
    """How a bearer is, as its adapter sees it."""

    DOWN = 0
    """It is down, could not be brought up, or was lost."""
    UP = 1
    DEGRADED = 2
    """It is up, and loses much or is slow."""


@wire_enum(U8, name="Components.LinkPurpose")
class LinkPurpose(IntEnum):
    """What a connexion is wanted for."""

    COMMANDS = 0
    REPORT = 1
    TRANSFER = 2
    UPDATE = 3


@port("Components.BearerControl")
def BearerControl(order: BearerOrder, setup: BearerSetup) -> None:
    """An order for the adapter; an empty `setup` is what the adapter has by itself.

    BRING_UP is answered by a status, sooner or later; SCAN by the present one; TAKE_DOWN is not answered, for a bearer
    that is ordered up again at once would seem to have failed.
    """


@port("Components.BearerStatus")
def BearerStatus(condition: BearerCondition, rssi_dbm: I16, reason: Reason) -> None:
    """How the bearer is now, and why it is down."""


@port("Components.BearerTraffic")
def BearerTraffic(sent_bytes: U64, received_bytes: U64) -> None:
    """So much went over the bearer since this was last said."""


@port("Components.LinkRequest")
def LinkRequest(purpose: LinkPurpose, size_bytes: U64, deadline_s: U32) -> U8:
    """A connexion is wanted for so many bytes, for at most `deadline_s` from now; asking again prolongs it.

    The number of the bearer to use; 255 while there is none, or none that may carry so much.
    """
    return NO_BEARER


@port("Components.BearerChanged")
def BearerChanged(bearer: U8) -> None:
    """The bearer of this number came into use, or went out of it."""


@port("Components.EnergyLeft")
def EnergyLeft() -> F64:
    """What may still be spent, in milliwatt-hours; NaN if nobody knows."""
    return float("nan")
