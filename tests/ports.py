"""Ports for the programs that tests start, when these cannot choose one by themselves and say which."""

from __future__ import annotations

import os
import random
import socket
from itertools import count

FIRST, END = 10_000, 32_000
"""Below the ports that the kernel gives to clients and to whoever binds port 0: none of these takes one meanwhile."""

_turns = count(random.Random(os.getpid()).randrange(END - FIRST))


def free_port() -> int:
    """A port of loopback that nobody has now, for TCP and UDP; this process gives it away once."""
    while True:
        port = FIRST + next(_turns) % (END - FIRST)
        with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            try:
                stream.bind(("127.0.0.1", port))
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
