"""A platform driver's side of a driver, for tests in real time: calls it, and waits for what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from queue import Empty, Queue
from typing import Any

from kittiwake.platform.system import SystemPlatform
from kittiwake_components.platform_driver.drivers.interface import (
    DeviceAddress,
    Driver,
    DriverFault,
    DriverServices,
    PointAddress,
    Reading,
    Value,
)
from kittiwake_components.platform_driver.fields import checked

LIMIT_S = 30.0


class QueuedInlet:
    """Has a function called by the bench's turns."""

    def __init__(self, calls: Queue[Callable[[], object]], function: Callable[..., object]) -> None:
        self._calls = calls
        self._function = function

    def give(self, *arguments: Any) -> None:
        """Has it called; from any thread."""
        self._calls.put(lambda: self._function(*arguments))


class DriverBench:
    """The services of one platform driver; `open` makes devices that share them."""

    def __init__(self) -> None:
        self._calls: Queue[Callable[[], object]] = Queue()
        self.services = DriverServices(
            SystemPlatform(),
            None,  # type: ignore[arg-type]
            lambda function: QueuedInlet(self._calls, function),  # type: ignore[arg-type, return-value]
            {},
        )

    def open(self, driver_type: type[Driver], address: str, **settings: Any) -> OpenDevice:
        """An open device. Raises the fault of `open`."""
        device = OpenDevice(self, self.made(driver_type, address, **settings))
        try:
            device.wait(device.driver.open)
        except DriverFault:
            device.close()
            raise
        return device

    def made(self, driver_type: type[Driver], address: str, **settings: Any) -> Driver:
        """A driver that is not opened."""
        device = DeviceAddress("id", "a device", address, checked(driver_type.SETTINGS, settings))
        driver_type.check_device(device)
        return driver_type(device, self.services)

    def turn(self, limit_s: float) -> None:
        """Makes the calls that threads have asked for; returns after the first, or when the time is over."""
        try:
            self._calls.get(timeout=limit_s)()
        except Empty:
            pass

    def wait(self, ask: Callable[[Callable[[Any], None]], object]) -> Any:
        """The result that `ask` hands to its `done`. Raises the fault."""
        answers: list[Any] = []
        ask(lambda result: self._calls.put(lambda: answers.append(result)))
        self.until(lambda: bool(answers))
        assert len(answers) == 1, "done was called twice"
        if isinstance(answers[0], DriverFault):
            raise answers[0]
        return answers[0]

    def until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            self.turn(0.02)
            assert time.monotonic() < deadline, "it did not come"


class OpenDevice:
    """One driver, and what its device says."""

    def __init__(self, bench: DriverBench, driver: Driver) -> None:
        self.bench = bench
        self.driver = driver
        self.wait = bench.wait
        self.changes: list[tuple[str, Reading]] = []

    def __enter__(self) -> OpenDevice:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes it."""
        self.wait(self.driver.close)

    def point(self, name: str, **settings: Any) -> PointAddress:
        """A point: `analog-input,1`, or with a property `analog-output,1 priority-array`."""
        object_identifier, _, property_identifier = name.partition(" ")
        checked_settings = checked(self.driver.POINT_SETTINGS, settings)
        point = PointAddress(name, object_identifier, property_identifier or "present-value", checked_settings)
        self.driver.check_point(point)
        return point

    def read(self, *names: str) -> Sequence[Reading]:
        """Readings of points."""
        return self.read_points([self.point(name) for name in names])

    def read_points(self, points: Sequence[PointAddress]) -> Sequence[Reading]:
        """Readings of points that have settings."""
        readings: Sequence[Reading] = self.wait(lambda done: self.driver.read(points, done))
        return readings

    def value(self, name: str) -> Value:
        """The value of one point. Raises its fault."""
        (reading,) = self.read(name)
        if reading.fault is not None:
            raise reading.fault
        return reading.value

    def write(self, name: str, value: Value, priority: int | None = None, **settings: Any) -> Value:
        """Writes a point and returns what the device took."""
        point = self.point(name, **settings)
        taken: Value = self.wait(lambda done: self.driver.write(point, value, priority, done))
        return taken

    def subscribe(self, *names: str) -> None:
        """Fills `changes` from now on."""
        points = [self.point(name) for name in names]
        self.wait(
            lambda done: self.driver.subscribe(points, lambda point, it: self.changes.append((point.id, it)), done)
        )
