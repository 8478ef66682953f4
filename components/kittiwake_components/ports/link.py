"""The ports between a link and what frames, routes and queues packets, under F´'s names."""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model.ports import port
from kittiwake.model.types import U8, U16, U32, Bool, Size, wire_enum

MAX_PACKET = 4096
MAX_CHUNK = 65536


@port("Drv.Bytes")
def Bytes(data: Annotated[bytes, Size(MAX_CHUNK)]) -> None:
    """Bytes of a link, in the order and portions in which they came or go."""


@port("Svc.Frame")
def Frame(data: Annotated[bytes, Size(MAX_PACKET)], context: U32, authenticated: Bool) -> None:
    """One uplinked F´ packet, its descriptor included, out of a frame that passed its checks.

    `context` is `REFUSED` for a packet whose frame was not signed as it should be: nobody may act on it, unless it is
    on the bypass list. Else it is 0, and `authenticated` tells whether the frame carried a valid signature.
    """


REFUSED = 1
"""The `context` of a `Frame` that uplink security did not accept."""


@port("Svc.PacketRouted")
def PacketRouted(apid: U16, authenticated: Bool) -> None:
    """An uplinked packet went to its component; `authenticated` if its frame carried a valid signature."""


@port("Svc.Room")
def Room() -> U32:
    """How many bytes a link takes at once now; 0 while it is down or busy."""
    return 0


@wire_enum(U8, name="Svc.LinkState")
class LinkState(IntEnum):
    """Whether bytes can go out."""

    DOWN = 0
    UP = 1


@port("Svc.LinkStatus")
def LinkStatus(state: LinkState) -> None:
    """A link came up or went down, or (UP again) has room after it had none."""


@port("Svc.Flow")
def Flow(paused: Bool) -> None:
    """Asks an uplink to stop or to resume reading, because whoever serves it is full."""


@port("Svc.Flush")
def Flush() -> None:
    """No more comes for now: send what is held."""


@port("Svc.PacketsGone")
def PacketsGone(count: U32) -> None:
    """So many more packets of a queue were handed to the framer, or dropped: the queue no longer holds them."""


@port("Svc.Pending")
def Pending() -> U32:
    """How much waits to be sent, in whatever whoever answers counts; 0 if nothing does."""
    return 0
