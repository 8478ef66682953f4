"""Where a device's enrolment stands, and what moves it on."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum


@wire_enum(U8, name="Components.EnrollState")
class EnrollState(IntEnum):
    """Where the enrolment stands."""

    FACTORY = 0
    """Not enrolled; nothing is done about it."""
    LISTENING = 1
    """Not enrolled; a configuration is asked for and waited for."""
    FETCHING = 2
    """A configuration has come and is read."""
    VERIFYING = 3
    """It is checked and kept."""
    ENROLLED = 4
    """A configuration is on trial: nobody was heard with it yet."""
    CONNECTED = 5
    """The configuration is confirmed, and the administration was heard lately."""
    DISCONNECTED = 6
    """The configuration is confirmed, and nobody was heard: jobs go on, reports wait, a new one is asked for seldom."""
    RESET = 7
    """All that makes the device an enrolled one is removed."""


class EnrollSignal(IntEnum):
    """What moves an enrolment on."""

    BEGIN = 0
    ARRIVED = 1
    FETCHED = 2
    VERIFIED = 3
    REFUSED = 4
    CONTACT = 5
    GIVEN_UP = 6
    RESET = 7
    DONE = 8
