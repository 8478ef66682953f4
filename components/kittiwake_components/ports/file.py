"""The names of files, and the ports by which a file is sent to the ground, and announced when one came from there."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model.commands import CommandResponse
from kittiwake.model.ports import port
from kittiwake.model.types import U32, Size

PATH_SIZE = 240
"""The longest file name that commands and ports carry, in bytes."""

FileName = Annotated[str, Size(PATH_SIZE)]


@port("Svc.SendFile")
def SendFile(source: FileName, destination: FileName, token: U32) -> None:
    """Send a file to the ground; `token` comes back in `SendFileDone`."""


@port("Svc.SendFileDone")
def SendFileDone(token: U32, response: CommandResponse) -> None:
    """A file was handed to the link whole, or could not be."""


@port("Svc.FileAnnounce")
def FileAnnounce(file: FileName) -> None:
    """A file arrived from the ground whole and verified."""
