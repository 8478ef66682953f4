"""A machine in memory: virtual time, seeded random numbers, a disk that loses what was not synced, and a network.

    platform = SimulatedPlatform(seed=7)
    ...                                   # wire a deployment to it and let it run
    platform = platform.crash()           # the power goes and comes back: what is on the disk now?

The power can go of itself, before or after any file operation (`platform.files.cut_at`) and any dispatch of the loops
(`platform.dispatches.cut_at`): `PowerCut` is raised there, and `crash` gives the machine that comes back.
Everything repeats under the seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated_children import SimulatedChildren
from kittiwake.platform.simulated_clock import SimulatedClock
from kittiwake.platform.simulated_databases import SimulatedDatabases
from kittiwake.platform.simulated_disk import Disk
from kittiwake.platform.simulated_dispatches import SimulatedDispatches
from kittiwake.platform.simulated_files import PowerCut, SimulatedFiles
from kittiwake.platform.simulated_network import SimulatedNetwork
from kittiwake.platform.simulated_poller import SimulatedPoller, Stalled
from kittiwake.platform.simulated_programs import SimulatedPrograms
from kittiwake.platform.simulated_watchdog import SimulatedWatchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Thread

__all__ = ["SimulatedPlatform", "PowerCut", "Stalled", "WALL_START_NS"]

WALL_START_NS = 1_767_225_600 * NS_PER_S  # 2026-01-01T00:00:00Z


class _EndedThread:
    is_here = True

    def is_alive(self) -> bool:
        return False

    def join(self, limit_s: float | None = None) -> bool:
        return True


class SimulatedPlatform:
    """A `Platform` for tests and simulations.

    `seed` decides all that is random; `wall_start_ns` is the wall time at the start, `disk` what the machine finds.
    With `counts_dispatches`, `dispatches` counts what the loops dispatch, and can cut the power there.
    """

    has_threads = False
    """Instances with threads of their own share the main loop: one order of everything, which repeats.

    A trial in real time, as of libraries with sockets of their own, may set it.
    """

    def __init__(
        self, seed: int = 0, *, wall_start_ns: int = WALL_START_NS, now_ns: int = 0, disk: Disk | None = None,
        counts_dispatches: bool = False,
    ) -> None:  # fmt: skip
        self._chaos = SeededRandom(seed)
        self.clock = SimulatedClock(now_ns, wall_start_ns)
        self.random = self._chaos.fork()
        self.network = SimulatedNetwork(self.clock, self._chaos.fork())
        self.files = SimulatedFiles(Disk() if disk is None else disk, self.clock)
        self.databases = SimulatedDatabases(self.files)
        self.dispatches = SimulatedDispatches(self.files, self.clock, is_counting=counts_dispatches)
        self.programs = SimulatedPrograms()
        self.children = SimulatedChildren(self.clock, self.network, self.files)
        self.last_end = ""
        self.watchdogs: dict[str, SimulatedWatchdog] = {}

    @property
    def dispatch_watch(self) -> SimulatedDispatches | None:
        """The `dispatches`, where they are counted."""
        return self.dispatches if self.dispatches.is_counting else None

    def poller(self) -> SimulatedPoller:
        """A new poller; all pollers of one machine share its clock."""
        return SimulatedPoller(self.clock, self.network, self.children)

    def start_thread(self, name: str, work: Callable[[], object]) -> Thread:
        """Does the work at once."""
        if self.has_threads:
            from kittiwake.platform.system_threads import SystemThread

            return SystemThread(name, work)
        work()
        return _EndedThread()

    def watch_stalls(self, path: str) -> None:
        """Nothing: virtual time stands still while a handler runs, so that none is ever late."""

    def open_watchdog(self, where: str, timeout_s: int) -> SimulatedWatchdog:
        """Opens, and so starts, the watchdog of that name; it stands in `watchdogs`."""
        self.watchdogs[where] = SimulatedWatchdog(self.clock, timeout_s)
        return self.watchdogs[where]

    def crash(self, random: SeededRandom | None = None, *, off_ns: int = 0) -> SimulatedPlatform:
        """Cuts the power; the machine that starts `off_ns` later, with what the disk has kept.

        Which of the unsynced changes survive is drawn from `random`, by default from the seed.
        """
        self.files.stop()
        disk = self.files.disk.after_power_cut(self._chaos if random is None else random)
        return self.started_anew(self._chaos.bits(), disk, off_ns=off_ns)

    def started_anew(self, seed: int, disk: Disk, *, off_ns: int = 0) -> SimulatedPlatform:
        """The machine that starts `off_ns` later with that disk."""
        platform = SimulatedPlatform(
            seed,
            wall_start_ns=self.clock.wall_ns() + off_ns,
            disk=disk,
            counts_dispatches=self.dispatches.is_counting,
        )
        platform.children.take_over(self.children, running=False)
        return platform

    def restart(self) -> SimulatedPlatform:
        """Kills the process alone: unsynced writes stay with the system, connections are gone, clocks run on.

        Programs that ran beside it go on.
        """
        self.files.stop()
        platform = SimulatedPlatform(
            self._chaos.bits(),
            wall_start_ns=self.clock.wall_ns(),
            now_ns=self.clock.now_ns(),
            disk=self.files.disk,
            counts_dispatches=self.dispatches.is_counting,
        )
        platform.children.take_over(self.children, running=True)
        return platform
