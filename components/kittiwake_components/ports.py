"""The ports between Kittiwake's standard components, under F´'s names where F´ has them (F´'s Svc and Drv modules)."""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model.commands import CommandResponse
from kittiwake.model.fw import FwChanIdType, FwEventIdType, FwPrmIdType
from kittiwake.model.ports import port
from kittiwake.model.types import U8, U16, U32, U64, Bool, Size, wire_enum

PATH_SIZE = 240
"""The longest file name that commands and ports carry, in bytes."""

FileName = Annotated[str, Size(PATH_SIZE)]

MAX_PACKET = 4096
MAX_CHUNK = 65536
PARAMETER_SIZE_MAX = 1024
"""The longest packed value of a parameter, in bytes."""

CHANNEL_SIZE_MAX = 4096
"""The longest packed value of a channel with its time tag, in bytes."""


@port("Svc.CmdSeqIn")
def CmdSeqIn(file: FileName, token: U32) -> None:
    """Run a sequence file; `token` comes back in `SequenceDone`, so that the caller knows its own run."""


@port("Svc.SequenceStarted")
def SequenceStarted(file: FileName, token: U32) -> None:
    """A sequence passed its checks and its first record is next."""


@port("Svc.SequenceDone")
def SequenceDone(token: U32, response: CommandResponse) -> None:
    """A run has ended; OK means that every command of it was answered OK."""


@port("Svc.CmdSeqCancel")
def CmdSeqCancel(token: U32) -> None:
    """Cancel the run that was asked for with `token`; 0 cancels whichever there is."""


@port("Components.BootLoop")
def BootLoop(boots: U32) -> None:
    """The last `boots` starts each ended too early: this one should do as little as it can."""


@port("Components.Slept")
def Slept(seconds: U32) -> None:
    """The device was without power for so long before this start; told once for each sleep."""


@port("Svc.FatalEvent")
def FatalEvent(id: FwEventIdType) -> None:
    """A FATAL event was reported."""


@port("Svc.SendFile")
def SendFile(source: FileName, destination: FileName, token: U32) -> None:
    """Send a file to the ground; `token` comes back in `SendFileDone`."""


@port("Svc.SendFileDone")
def SendFileDone(token: U32, response: CommandResponse) -> None:
    """A file was handed to the link whole, or could not be."""


@port("Svc.FileAnnounce")
def FileAnnounce(file: FileName) -> None:
    """A file arrived from the ground whole and verified."""


@port("Svc.PacketRouted")
def PacketRouted(apid: U16, authenticated: Bool) -> None:
    """An uplinked packet went to its component; `authenticated` if its frame carried a valid signature."""


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


@port("Svc.Idle")
def Idle(until_ns: U64) -> None:
    """Whoever says this needs no cycle of its rate group before `until_ns` since boot; 0 takes that back."""


@port("Svc.WatchDog")
def WatchDog(code: U32) -> None:
    """One stroke of the watchdog."""


@port("Svc.Flush")
def Flush() -> None:
    """No more comes for now: send what is held."""


@port("Svc.PacketsGone")
def PacketsGone(count: U32) -> None:
    """So many more packets of a queue were handed to the framer, or dropped: the queue no longer holds them."""


@port("Fw.TlmGet")
def TlmGet(id: FwChanIdType) -> Annotated[bytes, Size(CHANNEL_SIZE_MAX)]:
    """A channel's latest time tag (11 bytes, zeros if it was never written) and packed value; none: no such channel."""
    return b""


@port("Svc.Pending")
def Pending() -> U32:
    """How much waits to be sent, in whatever whoever answers counts; 0 if nothing does."""
    return 0


@port("Fw.PrmSet")
def PrmSet(id: FwPrmIdType, value: Annotated[bytes, Size(PARAMETER_SIZE_MAX)]) -> None:
    """Save a parameter: its id and its packed value."""
