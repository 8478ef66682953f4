"""The ports of file transfers between a device and its stores."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model.commands import CommandResponse
from kittiwake.model.ports import port
from kittiwake.model.types import U32, Bool, Size
from kittiwake_components.ports.file import FileName

STORE_NAME_SIZE = 40
"""The longest name of a store, in bytes."""

StoreName = Annotated[str, Size(STORE_NAME_SIZE)]


@port("Components.PutFile")
def PutFile(store: StoreName, file: FileName, name: FileName, remove: Bool, token: U32) -> None:
    """Brings a file of the root into a store as `name`; with `remove` it goes once the store has it.

    `token`, other than 0, comes back in `TransferEnded`, after restarts too.
    """


@port("Components.GetFile")
def GetFile(store: StoreName, name: FileName, file: FileName, token: U32) -> None:
    """Brings the file `name` of a store into the root; `token` as for `PutFile`."""


@port("Components.TransferEnded")
def TransferEnded(token: U32, response: CommandResponse) -> None:
    """A transfer has ended: OK if the other side holds the file, durable and checked."""
