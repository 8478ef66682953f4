"""The ports by which a sequence is run, and cancelled, under F´'s names."""

from __future__ import annotations

from kittiwake.model.commands import CommandResponse
from kittiwake.model.ports import port
from kittiwake.model.types import U32
from kittiwake_components.ports.file import FileName


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
