"""Reading a building: ReadPropertyMultiple in batches against one ReadProperty for each point.

Five BACnet devices in processes of their own on loopback addresses, 200 points each, as kinds come in buildings. Both
ways go through the same driver, the same sessions and the same devices, which are read beside each other; the batches
are those that the devices' messages of 1,024 bytes have room for. On loopback a message takes no time on the way, so
that what counts is the work at both ends; on a real network each of the thousand answers also waits for the wire.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench.measure import Figure, faster, paired
from kittiwake_components.platform_driver.drivers.bacnet import BacnetDriver
from tests.building.bacnet_peer import BacnetPeer
from tests.building.driver_bench import DriverBench

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake_components.platform_driver.drivers.interface import PointAddress, Reading
    from tests.building.driver_bench import OpenDevice

DEVICES = 5
KINDS = {"analog-input": 100, "analog-output": 20, "analog-value": 20, "binary-input": 40, "multi-state-value": 20}
POINTS = DEVICES * sum(KINDS.values())
REPETITIONS = 5
BUDGET, STRETCH = 3.0, 6.0


class Incomplete(AssertionError):
    """A point had no value."""


class Site:
    """Open devices, and the points of each."""

    def __init__(self, bench: DriverBench, devices: Sequence[OpenDevice]) -> None:
        self._bench = bench
        names = [f"{kind},{number}" for kind, count in KINDS.items() for number in range(1, count + 1)]
        self._reads = [(device, [device.point(name) for name in names]) for device in devices]

    def read(self) -> None:
        """Reads all points, the devices beside each other. Raises `Incomplete`."""
        answers: list[object] = []
        for device, points in self._reads:
            self._begin(device, points, answers)
        self._bench.until(lambda: len(answers) == len(self._reads))
        if any(isinstance(answer, Exception) for answer in answers):
            raise Incomplete(str(answers))

    def _begin(self, device: OpenDevice, points: Sequence[PointAddress], answers: list[object]) -> None:
        answered = self._bench.services.inlet(answers.append)
        device.driver.read(points, lambda result: answered.give(self._judged(result)))

    @staticmethod
    def _judged(result: object) -> object:
        readings: Sequence[Reading] = result if isinstance(result, list) else []
        whole = bool(readings) and all(reading.fault is None for reading in readings)
        return len(readings) if whole else Incomplete(str(result))


def figures() -> list[Figure]:
    """The time for a thousand points in batches, and one by one."""
    bench = DriverBench()
    with ExitStack() as stack:
        peers = [
            stack.enter_context(BacnetPeer(1000 + number, KINDS, f"127.0.0.{2 + number}")) for number in range(DEVICES)
        ]
        sites = [
            Site(bench, [stack.enter_context(bench.open(BacnetDriver, peer.address, max_batch=size)) for peer in peers])
            for size in (200, 1)
        ]
        pairs = [(one * 1e3, other * 1e3) for one, other in paired(sites[0].read, sites[1].read, REPETITIONS)]
    return [faster(f"BACnet read of {POINTS:,} points in batches", pairs, "ms", BUDGET, STRETCH)]
