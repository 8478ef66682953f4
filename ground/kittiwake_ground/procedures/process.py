"""The process of a run as the server holds it: started in a session of its own, listened to, stopped, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from kittiwake_ground.procedures.order import STOP_GRACE_S
from kittiwake_ground.procedures.shelf import process_environment

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake_ground.procedures.order import Order

MAX_OUTPUT = 256 << 10
"""How much of what a run prints is kept, in bytes."""


class RunProcess:
    """One process. `output_bytes` is how much it has printed, of which `MAX_OUTPUT` are kept in a file."""

    def __init__(self, output: Path, grace_s: float = STOP_GRACE_S) -> None:
        self.output_bytes = 0
        self._output = output
        self._grace_s = grace_s
        self._process: asyncio.subprocess.Process | None = None
        self._killing: asyncio.TimerHandle | None = None
        self._order_end = self._reading_end = -1

    async def start(self, order: Order, folder: Path) -> None:
        """Starts it in a folder. Raises `OSError` and `OrderTooLong`."""
        line = order.encoded()
        order_out, self._order_end = os.pipe()
        self._reading_end, printing = os.pipe()
        try:
            os.set_blocking(self._reading_end, False)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "kittiwake_ground.procedures.running",
                stdin=order_out, stdout=printing, stderr=printing, cwd=folder, env=process_environment(),
                start_new_session=True,
            )  # fmt: skip
        except OSError:
            self._close()
            raise
        finally:
            os.close(order_out)
            os.close(printing)
        asyncio.get_running_loop().add_reader(self._reading_end, self._take)
        with suppress(BrokenPipeError):
            os.write(self._order_end, line)

    def _take(self) -> None:
        """Keeps what was printed, as far as there is room."""
        try:
            data = os.read(self._reading_end, 65536)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._reading_end)
            return
        room = MAX_OUTPUT - self.output_bytes
        self.output_bytes += len(data)
        if room > 0:
            with suppress(OSError), self._output.open("ab") as file:
                file.write(data[:room])

    async def wait(self) -> int:
        """Waits for its end, ends whatever it has left in its session, and gives its status."""
        assert self._process is not None
        status = await self._process.wait()
        if self._killing is not None:
            self._killing.cancel()
        self._kill()
        while True:  # what it printed last
            before = self.output_bytes
            self._take()
            if self.output_bytes == before:
                break
        self._close()
        return status

    def stop(self) -> None:
        """Asks it to end, and kills it once its grace is over."""
        assert self._process is not None
        if self._killing is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            self._killing = asyncio.get_running_loop().call_later(self._grace_s, self._kill)

    def _kill(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _close(self) -> None:
        if self._reading_end >= 0:
            asyncio.get_running_loop().remove_reader(self._reading_end)
            os.close(self._reading_end)
        if self._order_end >= 0:
            os.close(self._order_end)
        self._order_end = self._reading_end = -1
