"""Brings a list of faults about: each at its time, on the machine, the link or a device, and back again."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
    from kittiwake.simulation.fault_plan import Fault
    from kittiwake.simulation.ground import Ground
    from kittiwake.simulation.machine import Machine
    from kittiwake.simulation.surroundings.world import World

CUTS = ("power_cut", "kill")
DISK = ("disk_full", "disk_error")
_PARTS_PER_MILLION = 1000


class Disturbances:
    """`say` is told of each fault that comes. Cuts are armed at their time, or at the start after it."""

    def __init__(
        self, faults: Iterable[Fault], machine: Machine, world: World, ground: Ground, say: Callable[[str], None]
    ) -> None:  # fmt: skip
        self.disk_trouble_ns = -1
        self._coming = sorted(faults, reverse=True)
        self._waiting: list[Fault] = []
        self._armed: dict[tuple[str, int], Fault] = {}
        self._active: list[tuple[int, Fault]] = []
        self._machine = machine
        self._world = world
        self._ground = ground
        self._say = say
        self._drift_ppb = 0
        self._missed_step_ns = 0
        self._capacity = machine.platform.files.disk.capacity

    def next_ns(self) -> int | None:
        """When something is to be done."""
        times = [self._coming[-1].at_ns] if self._coming else []
        return min([*times, *[end_ns for end_ns, _ in self._active]], default=None)

    def turn(self, now_ns: int) -> None:
        """Begins and ends what is due."""
        for end_ns, fault in [entry for entry in self._active if entry[0] <= now_ns]:
            self._active.remove((end_ns, fault))
            if not any(other.kind == fault.kind and other.where == fault.where for _, other in self._active):
                self._undo(fault, self._machine.platform)
        while self._coming and self._coming[-1].at_ns <= now_ns:
            self._begin(self._coming.pop(), now_ns)
        if any(fault.kind in DISK for _, fault in self._active):
            self.disk_trouble_ns = now_ns

    def _begin(self, fault: Fault, now_ns: int) -> None:
        if fault.kind in CUTS:
            self._waiting.append(fault)
            if self._machine.deployment is not None:
                self._arm(self._machine.platform)
            return
        self._say(str(fault))
        if fault.kind == "clock_step":
            self._step(round(fault.amount * NS_PER_S))
        elif fault.kind == "clock_drift":
            self._drift_ppb = round(fault.amount * _PARTS_PER_MILLION)
            self._machine.platform.clock.set_drift(self._drift_ppb)
        else:
            self._active.append((now_ns + round(fault.for_s * NS_PER_S), fault))
            self._do(fault, self._machine.platform)
            if fault.kind in DISK:
                self.disk_trouble_ns = now_ns

    def meet(self, platform: SimulatedPlatform, now_ns: int) -> None:
        """A machine has got its power: what is wrong with the world is wrong with it, too."""
        if any(fault.kind in DISK for _, fault in self._active):
            self.disk_trouble_ns = now_ns
        if self._missed_step_ns:
            self._step_on(platform, self._missed_step_ns)
            self._missed_step_ns = 0
        if self._drift_ppb:
            platform.clock.set_drift(self._drift_ppb)
        for _, fault in self._active:
            self._do(fault, platform)
        self._waiting = [*self._armed.values(), *self._waiting]
        self._armed.clear()
        self._arm(platform)

    # Power

    def _arm(self, platform: SimulatedPlatform) -> None:
        for fault in self._waiting:
            after, _, kind = fault.where.partition(" ")
            count = platform.dispatches.dispatched if kind == "dispatch" else platform.files.operations
            number = count + round(fault.amount)
            while (kind, number) in self._armed:
                number += 1
            self._armed[kind, number] = fault
            if kind == "dispatch":
                platform.dispatches.cut_at(number, after=after == "after")
            else:
                platform.files.cut_at(number, after=after == "after")
        self._waiting.clear()

    def cause_of(self, cut: PowerCut) -> Fault:
        """The fault that has cut the power, which is said, with the place in the deployment that it hit."""
        fault = self._armed.pop((cut.kind, cut.operation))
        platform = self._machine.platform
        log = platform.dispatches.log if cut.kind == "dispatch" else platform.files.log
        what, where = log[-1]
        place = f"{what}.{where}" if cut.kind == "dispatch" else f"{what} {where}"
        word = fault.kind.replace("_", " ")
        self._say(f"{word} {fault.where} {cut.operation} ({place}) of start {self._machine.life}, {fault.for_s:g} s")
        return fault

    # Clocks

    def _step(self, by_ns: int) -> None:
        if self._machine.deployment is None:
            self._missed_step_ns += by_ns
        else:
            self._step_on(self._machine.platform, by_ns)

    def _step_on(self, platform: SimulatedPlatform, by_ns: int) -> None:
        platform.clock.set_machine_wall_ns(max(0, platform.clock.wall_ns() + by_ns))

    # The rest

    def _do(self, fault: Fault, platform: SimulatedPlatform) -> None:
        ground, files = self._ground, platform.files
        if fault.kind == "link_outage":
            ground.is_gone = True
        elif fault.kind == "link_loss":
            ground.loss = fault.amount
        elif fault.kind == "link_noise":
            ground.noise = fault.amount
        elif fault.kind == "link_delay":
            platform.network.latency_ns = round(fault.amount * NS_PER_S)
        elif fault.kind == "disk_full":
            files.disk.capacity = self._capacity
            files.disk.capacity -= max(0, files.disk.free() - round(fault.amount))
        elif fault.kind == "disk_error":
            files.fail_every(fault.where, errno.EIO)
        else:
            self._world.owner_of(fault.where).fail(fault.where)

    def _undo(self, fault: Fault, platform: SimulatedPlatform) -> None:
        ground = self._ground
        if fault.kind == "link_outage":
            ground.is_gone = False
        elif fault.kind == "link_loss":
            ground.loss = 0.0
        elif fault.kind == "link_noise":
            ground.noise = 0.0
        elif fault.kind == "link_delay":
            platform.network.latency_ns = 0
        elif fault.kind == "disk_full":
            platform.files.disk.capacity = self._capacity
        elif fault.kind == "disk_error":
            platform.files.mend(fault.where)
        else:
            self._world.owner_of(fault.where).mend(fault.where)


__all__ = ["Disturbances"]
