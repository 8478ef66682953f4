"""The process of one run: `python -m kittiwake_ground.procedures.running` in the run's folder, with its order on stdin.

SIGTERM, and the end of the server, end the procedure by an exception, so that it may tidy up and its log has an end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake_ground.client import Ground, ServerUnreachable
from kittiwake_ground.procedures.declared import load_procedure
from kittiwake_ground.procedures.order import ABORTED, FAILED, LOST, PASSED, STOP_GRACE_S, Order, read_order

if TYPE_CHECKING:
    from types import FrameType

LOG_FOLDER = "log"


class Stopped(BaseException):
    """Somebody has stopped the run."""


class ServerGone(BaseException):
    """The ground station's server has ended."""


class Ending:
    """Ends the procedure from outside: once, by an exception in the main thread, and after a grace for good."""

    def __init__(self) -> None:
        self._has_gone = False
        self._is_ending = False
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)

    def watch(self, descriptor: int) -> None:
        """Waits, in a thread, until the server closes its end of a pipe."""
        threading.Thread(target=self._watch, args=(descriptor,), daemon=True).start()

    def _watch(self, descriptor: int) -> None:
        while os.read(descriptor, 4096):
            pass
        self._has_gone = True
        timer = threading.Timer(STOP_GRACE_S, lambda: os.killpg(0, signal.SIGKILL))
        timer.daemon = True
        timer.start()
        os.kill(os.getpid(), signal.SIGTERM)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if not self._is_ending:
            self._is_ending = True
            raise ServerGone("the ground station has ended") if self._has_gone else Stopped


def carry_out(order: Order) -> None:
    """Runs the procedure with its log. Raises whatever it raises."""
    about: dict[str, Any] = {
        "run": order.run, "by": order.by, "deployment": order.deployment, "arguments": order.arguments,
    }  # fmt: skip
    with Ground(order.url, order.token) as ground, ground.procedure(order.procedure, LOG_FOLDER, **about) as log:
        declared = load_procedure(Path(order.file))
        given = declared.values(order.arguments)
        if declared.log_argument:
            given[declared.log_argument] = log
        declared.function(ground.deployment(order.deployment), **given)


def main() -> int:
    """Carries out the order of standard input."""
    ending = Ending()
    order = read_order(_line(0))
    ending.watch(os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        carry_out(order)
    except ServerUnreachable:
        traceback.print_exc()
        return LOST
    except ServerGone:
        return LOST
    except Stopped:
        return ABORTED
    except BaseException as fault:  # noqa: BLE001 - it is told, and the run has failed
        traceback.print_exception(fault)
        return FAILED
    return PASSED


def _line(descriptor: int) -> bytes:
    """One line, and nothing that comes behind it."""
    found = bytearray()
    while not found.endswith(b"\n"):
        piece = os.read(descriptor, 1)
        if not piece:
            raise EOFError("no order came")
        found += piece
    return bytes(found)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # threads that the procedure has left are nobody's
