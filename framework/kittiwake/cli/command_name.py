"""The name of a command as an argument, which completion takes from the dictionary."""

from __future__ import annotations


class CommandName(str):
    """A command's full name, as in CdhCore.cmdDisp.CMD_NO_OP."""

    __slots__ = ()
