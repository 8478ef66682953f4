"""Programs of a simulated machine: functions that a test installs. They take no virtual time."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake.platform.interface import Finished


class SimulatedPrograms:
    """`install` puts a program there: a function of the command and of what it is given."""

    def __init__(self) -> None:
        self._installed: dict[str, Callable[[Sequence[str], bytes], Finished]] = {}

    def install(self, name: str, program: Callable[[Sequence[str], bytes], Finished]) -> None:
        """Installs a program; what it raises, `run` raises."""
        self._installed[name] = program

    def remove(self, name: str) -> None:
        """Removes it; one that is not there is ignored."""
        self._installed.pop(name, None)

    def run(self, command: Sequence[str], *, given: bytes = b"", time_limit_s: float, limit: int = 65536) -> Finished:
        """Calls the function. Raises `FileNotFoundError` where there is none."""
        program = self._installed.get(command[0])
        if program is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", command[0])
        finished = program(list(command), given)
        return finished._replace(output=finished.output[:limit], errors=finished.errors[:limit])
