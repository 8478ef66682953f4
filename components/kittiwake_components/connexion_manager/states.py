"""The states of a bearer, and what it heeds."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_array, wire_enum
from kittiwake_components.ports.bearer import BEARERS


@wire_enum(U8, name="Components.BearerState")
class BearerState(IntEnum):
    """Where a bearer stands."""

    DOWN = 0
    """It is down because nobody wants it."""
    BRINGUP = 1
    UP = 2
    DEGRADED = 3
    """It is up, and loses much or is slow."""
    BACKOFF = 4
    """It failed, and is left alone for a while."""


BearerStates = wire_array("Components.BearerStates", BearerState, BEARERS)


class BearerSignal(IntEnum):
    """What a bearer heeds."""

    WANTED = 0
    UNWANTED = 1
    CAME_UP = 2
    WORSENED = 3
    LOST = 4
    """With the reason."""
    SILENT = 5
    """It has been up for long, and nobody was heard."""
    RESET = 6
    """What was is forgotten: a new setup, or the ground's word."""
