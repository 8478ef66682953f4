"""Other programs of the machine, run to their end within a time and with bounded output."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING

from kittiwake.platform.interface import Finished

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from typing import IO

_READ_BYTES = 16384
_SLICE_S = 0.05


class SystemPrograms:
    """Runs programs without a shell, in a session of their own: Ctrl-C at the deployment's terminal is not for them."""

    __slots__ = ()

    def run(self, command: Sequence[str], *, given: bytes = b"", time_limit_s: float, limit: int = 65536) -> Finished:
        """Runs a program to its end. Raises `TimeoutError` (killed, with all that it started), and `OSError`."""
        import subprocess

        process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"}, start_new_session=True,
        )  # fmt: skip
        try:
            outputs = _talk(process, given, time.monotonic() + time_limit_s, limit)
        except BaseException:
            _kill(process)
            raise
        finally:
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        output, errors = [kept.decode("utf-8", "replace") for kept in outputs]
        return Finished(process.returncode, output, errors)


def _kill(process: subprocess.Popen[bytes]) -> None:
    from signal import SIGKILL

    try:
        os.killpg(process.pid, SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _talk(process: subprocess.Popen[bytes], given: bytes, end_s: float, limit: int) -> tuple[bytearray, bytearray]:
    """Gives the program its input and takes its outputs until it has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    for pipe in (process.stdin, process.stdout, process.stderr):
        os.set_blocking(pipe.fileno(), False)
    kept: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    reading = list(kept)
    unsent = memoryview(given)
    while not (has_ended := process.poll() is not None) or reading:
        left_s = end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError(f"{process.args[0]!r} took too long")  # type: ignore[index]
        if not unsent and not process.stdin.closed:
            process.stdin.close()
        writing = [process.stdin] if unsent else []
        readable, writable, _ = select.select(reading, writing, (), min(left_s, _SLICE_S))
        if writable:
            unsent = _send(process.stdin, unsent)
        for pipe in readable:
            data = os.read(pipe.fileno(), _READ_BYTES)
            if data:
                kept[pipe] += data[: limit - len(kept[pipe])]
            else:
                reading.remove(pipe)
        if has_ended and not readable:
            break  # a child of its own may hold the pipes open for ever
    return kept[process.stdout], kept[process.stderr]


def _send(pipe: IO[bytes], unsent: memoryview) -> memoryview:
    try:
        return unsent[os.write(pipe.fileno(), unsent) :]
    except BrokenPipeError:
        return unsent[:0]  # it does not want the rest
