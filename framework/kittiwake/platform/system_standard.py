"""The standard streams of a process that speaks a protocol over them."""

from __future__ import annotations

import os

from kittiwake.platform.system_children import SystemPipe


def take_standard_streams() -> tuple[SystemPipe, SystemPipe]:
    """Standard input and output for this process alone, as streams.

    What other code, or a program that it starts, then prints goes to the errors; it reads nothing. So neither can get
    into the protocol.
    """
    given, said = SystemPipe(os.dup(0)), SystemPipe(os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return given, said
