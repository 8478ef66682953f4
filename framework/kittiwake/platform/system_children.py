"""Programs of the machine that run beside this process, each with three pipes that never block."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ERRORS_FD = 2


class SystemPipe:
    """The end of a pipe, as a stream of one direction."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed."""
        return self._fd

    def receive(self, limit: int) -> bytes | None:
        """What has come; `None` if nothing has, `b""` if the other end is closed."""
        try:
            return os.read(self._fd, limit)
        except BlockingIOError:
            return None

    def send(self, data: bytes) -> int:
        """Takes as much as there is room for. Raises `OSError` (EPIPE) once the other end is closed."""
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0

    def overruns(self) -> int:
        """None: the writer waits."""
        return 0

    def close(self) -> None:
        """Closes; a second close does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class SystemChild:
    """One program, leader of a session and of a process group of its own; it is reaped by `status`.

    One that is closed before its end is put on the list `left`, for somebody else to reap.
    """

    __slots__ = ("_end_fd", "_left", "_status", "errors", "input", "output", "pid")

    def __init__(self, pid: int, left: list[int], given: SystemPipe, output: SystemPipe, errors: SystemPipe) -> None:
        self.pid = pid
        self.input = given
        self.output = output
        self.errors = errors
        self._left = left
        self._status: int | None = None
        self._end_fd = os.pidfd_open(pid)

    def end_fileno(self) -> int:
        """The descriptor that is readable once it has ended."""
        return self._end_fd

    def status(self) -> int | None:
        """How it ended, or `None` while it runs."""
        if self._status is None and self._has_ended():
            self._end_group()
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _end_group(self) -> None:
        """Before it is reaped: until then the number of its group cannot be anybody else's."""
        from signal import SIGKILL

        try:
            os.killpg(self.pid, SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # nothing is left of it that this process may end

    def terminate(self) -> None:
        """Asks it to end."""
        from signal import SIGTERM

        self._signal(SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        from signal import SIGKILL

        self._signal(SIGKILL)

    def _signal(self, number: int) -> None:
        if self.status() is None:
            os.killpg(self.pid, number)

    def close(self) -> None:
        """Gives all descriptors back."""
        for pipe in (self.input, self.output, self.errors):
            pipe.close()
        fd, self._end_fd = self._end_fd, -1
        if fd >= 0:
            os.close(fd)
            if self.status() is None:
                self._left.append(self.pid)


class SystemChildren:
    """Starts programs without a shell, in a session of their own."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left: list[int] = []

    @property
    def interpreter(self) -> str:
        """The Python that runs this process."""
        return sys.executable

    def spawn(self, command: Sequence[str]) -> SystemChild:
        """Starts a program. Raises `OSError`."""
        self._left[:] = [pid for pid in self._left if os.waitpid(pid, os.WNOHANG) == (0, 0)]
        # No `subprocess`: that takes milliseconds to import, and warns of programs that outlive their parent.
        theirs: list[int] = []
        ours: list[SystemPipe] = []
        try:
            for is_input in (True, False, False):
                reading, writing = os.pipe()
                theirs.append(reading if is_input else writing)
                ours.append(SystemPipe(writing if is_input else reading))
            pid = _start(command, theirs)
            return _child_of(pid, self._left, ours)
        except BaseException:
            for pipe in ours:
                pipe.close()
            raise
        finally:
            for fd in theirs:
                os.close(fd)


def _child_of(pid: int, left: list[int], pipes: list[SystemPipe]) -> SystemChild:
    """The program; where the system cannot watch it, as before Linux 5.3, it is not left running alone."""
    try:
        return SystemChild(pid, left, *pipes)
    except OSError:
        from signal import SIGKILL

        os.kill(pid, SIGKILL)
        os.waitpid(pid, 0)
        raise


def _start(command: Sequence[str], pipes: list[int]) -> int:
    from signal import SIGPIPE

    actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(pipes)]
    actions += [(os.POSIX_SPAWN_CLOSE, fd) for fd in _inherited()]
    return os.posix_spawnp(
        command[0], list(command), os.environ, file_actions=actions, setsid=True, setsigmask=(), setsigdef=(SIGPIPE,)
    )


def _inherited() -> list[int]:
    """Descriptors that whoever started this process has left open: a lock among them is not for those it starts."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > _ERRORS_FD and os.get_inheritable(int(name)):
                found.append(int(name))
        except OSError:
            continue  # that of the listing itself
    return found
