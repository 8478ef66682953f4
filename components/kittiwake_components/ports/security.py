"""The ports between deframer and authenticator."""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model.ports import port
from kittiwake.model.types import U8, Size, wire_enum
from kittiwake_components.ports.link import MAX_PACKET


@wire_enum(U8, name="Svc.UplinkSecurity")
class UplinkSecurity(IntEnum):
    """Whose packets are accepted."""

    OPEN = 0
    """Anybody's."""
    AUTHENTICATED = 1
    """Those that a key in use has signed."""


@port("Svc.GetUplinkSecurity")
def GetUplinkSecurity() -> UplinkSecurity:
    """Whose packets are accepted; asked at the start and at each link-up, for whoever answers to report then."""
    return UplinkSecurity.OPEN


@port("Svc.Unseal")
def Unseal(field: Annotated[bytes, Size(MAX_PACKET)]) -> Annotated[bytes, Size(MAX_PACKET)]:
    """The data that a frame's data field holds under its signature; empty if it is refused."""
    return b""
