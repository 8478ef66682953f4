"""What the process used of the processor, and how often it was woken: from /proc where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.runtime.deployment import Deployment

PROC_LIMIT_BYTES = 65536
NS_A_TICK = 10_000_000
"""/proc/self/stat counts in USER_HZ, which Linux fixes at 100 for user space."""


class Processor:
    """Reads the process's figures since its start."""

    def __init__(self, files: Files, deployment: Deployment) -> None:
        self._files = files
        self._deployment = deployment
        self._absent: set[str] = set()

    def used_ns(self) -> int:
        """Processor time of all threads; without /proc what the handlers of active components took."""
        # The main thread's is exact, and the whole process's comes in steps of 10 ms.
        fields = self._read("/proc/self/stat").rpartition(")")[2].split()[11:13]
        ticks = sum(int(field) for field in fields if field.isdecimal())
        exact = self._read("/proc/self/schedstat").split()[:1]
        main_ns = int(exact[0]) if exact and exact[0].isdecimal() else 0
        return max(ticks * NS_A_TICK, main_ns) or sum(queue.busy_ns for queue in self._deployment.queues())

    def wakes(self) -> int:
        """How often the process waited and was woken; without /proc how often its loops turned."""
        for line in self._read("/proc/self/status").splitlines():
            name, _, value = line.partition(":")
            if name == "voluntary_ctxt_switches" and value.strip().isdecimal():
                return int(value)
        return sum(loop.turns for loop in self._deployment.loops.values())

    def _read(self, path: str) -> str:
        if path in self._absent:
            return ""
        try:
            return self._files.read(path, PROC_LIMIT_BYTES).decode("ascii", "replace")
        except FileNotFoundError:
            self._absent.add(path)  # a machine without /proc gets none while the process lives
            return ""
        except OSError:
            return ""
