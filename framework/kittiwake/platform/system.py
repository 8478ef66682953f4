"""The machine itself: Linux clocks, random numbers, files and sockets behind `kittiwake.platform.interface`.

Importing this module loads neither `socket` nor pyserial; they come with the first connection of their kind.
"""

from __future__ import annotations

import os
import time
from _thread import get_native_id
from functools import partial
from typing import TYPE_CHECKING

from kittiwake.platform.system_children import SystemChildren
from kittiwake.platform.system_databases import SystemDatabases
from kittiwake.platform.system_files import SystemFiles
from kittiwake.platform.system_network import SystemNetwork
from kittiwake.platform.system_poller import SystemPoller
from kittiwake.platform.system_programs import SystemPrograms

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import WatchdogTimer
    from kittiwake.platform.system_stall import SystemStallWatch
    from kittiwake.platform.system_threads import SystemThread

_FLOAT_BITS = 53


class SystemClock:
    """CLOCK_BOOTTIME, which counts suspend, and CLOCK_REALTIME until the process has a wall time of its own.

    `now_ns` and `wall_ns` are the system's calls with their clock filled in: a method would double what they cost.
    """

    meter_source = "meter_ns()"

    __slots__ = ("meter_ns", "now_ns", "wall_ns")

    def __init__(self) -> None:
        self.now_ns: Callable[[], int] = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
        self.meter_ns: Callable[[], int] = time.monotonic_ns
        self.wall_ns: Callable[[], int]
        self.follow_machine()

    def set_wall_ns(self, wall_ns: int) -> None:
        """Gives this process a wall time of its own; the machine's clock stays as it is."""
        now_ns = self.now_ns
        offset_ns = wall_ns - now_ns()
        self.wall_ns = lambda: now_ns() + offset_ns

    def follow_machine(self) -> None:
        """Makes wall time the machine's."""
        self.wall_ns = partial(time.clock_gettime_ns, time.CLOCK_REALTIME)


class SystemRandom:
    """The kernel's random numbers; the `random` module would cost 3 ms of the boot."""

    __slots__ = ()

    def uniform(self, low: float, high: float) -> float:
        """A float from `low` to `high`."""
        share = (int.from_bytes(os.urandom(8), "big") >> (64 - _FLOAT_BITS)) / (1 << _FLOAT_BITS)
        return low + (high - low) * share

    def token_bytes(self, count: int) -> bytes:
        """`count` bytes fit for keys."""
        return os.urandom(count)


class SystemPlatform:
    """The `Platform` of a deployment that flies."""

    has_threads = True
    dispatch_watch = None

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.random = SystemRandom()
        self.files = SystemFiles()
        self.databases = SystemDatabases()
        self.network = SystemNetwork()
        self.programs = SystemPrograms()
        self.children = SystemChildren()

    def poller(self) -> SystemPoller:
        """A new poller, one for each loop."""
        return SystemPoller(self.clock)

    def start_thread(self, name: str, work: Callable[[], object]) -> SystemThread:
        """Has `work` done in a thread."""
        from kittiwake.platform.system_threads import SystemThread

        return SystemThread(name, work)

    def watch_stalls(self, path: str) -> SystemStallWatch:
        """A watch that leaves the stacks of a stuck process in the file at `path`."""
        from kittiwake.platform.system_stall import SystemStallWatch

        return SystemStallWatch(path)

    @property
    def last_end(self) -> str:
        """What `kittiwake run --supervise` saw of the process before this one."""
        return os.environ.get("KITTIWAKE_LAST_END", "")

    def open_watchdog(self, where: str, timeout_s: int) -> WatchdogTimer | None:
        """The service manager's watchdog (`notify`) or a device of the kernel. Raises `OSError`."""
        from kittiwake.platform.system_watchdog import open_watchdog

        return open_watchdog(where, timeout_s)

    def notify(self, text: str) -> None:
        """Tells the service manager, if there is one, how far the process is: `READY=1`, `STOPPING=1`."""
        if "NOTIFY_SOCKET" in os.environ:
            from kittiwake.platform.system_watchdog import notify

            try:
                notify(text)
            except OSError:
                return  # it will draw its own conclusions

    def sharpen_timers(self) -> bool:
        """Takes the 50 us of slack from the calling thread's timers; threads that it starts later inherit that.

        Returns False where the system does not allow it: waits then end a little later, and nothing else changes.
        """
        try:
            fd = os.open(f"/proc/{get_native_id()}/timerslack_ns", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, b"1")  # no pwrite: this file knows no offsets
            finally:
                os.close(fd)
        except OSError:
            return False
        return True
