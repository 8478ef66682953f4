"""The ports by which a channel is read, and a parameter saved, in packed form."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model.fw import FwChanIdType, FwPrmIdType
from kittiwake.model.ports import port
from kittiwake.model.types import Size

PARAMETER_SIZE_MAX = 1024
"""The longest packed value of a parameter, in bytes."""

CHANNEL_SIZE_MAX = 4096
"""The longest packed value of a channel with its time tag, in bytes."""


@port("Fw.TlmGet")
def TlmGet(id: FwChanIdType) -> Annotated[bytes, Size(CHANNEL_SIZE_MAX)]:
    """A channel's latest time tag (11 bytes, zeros if it was never written) and packed value; none: no such channel."""
    return b""


@port("Fw.PrmSet")
def PrmSet(id: FwPrmIdType, value: Annotated[bytes, Size(PARAMETER_SIZE_MAX)]) -> None:
    """Save a parameter: its id and its packed value."""
