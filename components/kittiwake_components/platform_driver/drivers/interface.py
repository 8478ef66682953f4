"""What a driver is to the platform driver: the operations, the values, and the faults that travel by name.

One `Driver` object serves one device, from `open` to `close`, for as long as the device is enabled and unchanged. All
operations are asynchronous: each is given a `done` and calls it once, with the result or with a `DriverFault`, at once
or later, and from any thread. The platform driver makes all its calls on its own loop, so that none may block; it waits
with deadlines, ignores a second answer and one that comes too late, and may `close` a driver that still owes answers.

    class Thermometer(Driver):
        TYPE = "thermometer"

        def read(self, points, done):
            self.services.clock.call_after(0.1, done, [Reading(21.5) for _ in points])

A package offers a driver by an entry point of the group `kittiwake.drivers`, whose name is the driver's type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.fields import Field
from kittiwake_components.platform_driver.refusals import Refusal

if TYPE_CHECKING:
    from kittiwake.platform.interface import Platform
    from kittiwake.runtime.inlet import Inlet
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake.storage.root import Root

Scalar: TypeAlias = bool | int | float | str | None
Value: TypeAlias = Scalar | Mapping[str, Scalar]
"""What a point has: a number, a truth, a text, nothing; or an object of those. Numbers are finite."""

PRIORITIES = range(1, 17)
"""BACnet's priorities, 1 the highest (ASHRAE 135, 19.2)."""


class DriverFault(Refusal):
    """What a device or its driver could not do, and why. `TYPE` is the name by which it travels, as VOLTTRON's do."""

    TYPE: ClassVar[str] = "DriverFault"

    @property
    def is_of_device(self) -> bool:
        return self.TYPE in ("TimeoutError", "ConnectionError")


class DriverInterfaceError(DriverFault):
    """The device has no such point."""

    TYPE = "DriverInterfaceError"


class ReadOnly(DriverFault):
    """The point cannot be written."""

    TYPE = "RuntimeError"


class BadValue(DriverFault):
    """The point does not take this value: out of range, or none of its states."""

    TYPE = "ValueError"


class BadType(DriverFault):
    """The point does not take values of this type."""

    TYPE = "TypeError"


class NoAnswer(DriverFault):
    """The device did not answer in time."""

    TYPE = "TimeoutError"


class Unreachable(DriverFault):
    """The device could not be reached, or refused to talk; the session is to be opened anew."""

    TYPE = "ConnectionError"


class NotSupported(DriverFault):
    """The driver has no such operation."""

    TYPE = "NotImplementedError"


T = TypeVar("T")
Done: TypeAlias = Callable[[T | DriverFault], None]
"""Called once with the result or the fault, from any thread."""


class Reading(NamedTuple):
    """What one point gave: a value, or the reason why not."""

    value: Value
    fault: DriverFault | None = None


class PointAddress(NamedTuple):
    """A point as its device knows it. `settings` are those of the driver's `POINT_SETTINGS`, complete and checked."""

    id: str
    object_identifier: str
    """As `analog-input,1`, or what the driver takes in its place."""
    property_identifier: str = "present-value"
    settings: Mapping[str, Scalar] = {}


class DeviceAddress(NamedTuple):
    """A device as its driver reaches it. `settings` are those of the driver's `SETTINGS`, complete and checked."""

    id: str
    name: str
    address: str
    settings: Mapping[str, Scalar] = {}


class FoundPoint(NamedTuple):
    """A point that a device was found to have."""

    name: str
    object_identifier: str
    property_identifier: str = "present-value"
    units: str = ""
    is_writable: bool = False
    settings: Mapping[str, Scalar] = {}


class FoundDevice(NamedTuple):
    """A device that was found, by the address under which it can be added."""

    name: str
    address: str
    settings: Mapping[str, Scalar] = {}
    description: str = ""


class DriverServices(NamedTuple):
    """What a driver has of its platform driver. `clock` and `shared` are for the platform driver's own loop only."""

    platform: Platform
    clock: TaskClock
    """Time since boot; `call_after` and `call_at` call back on the loop, as the driver's own methods are called."""
    inlet: Callable[[Callable[..., Any]], Inlet]
    """`inlet(function)`, on the loop, is a way for threads to have it called there once: by its `give(*arguments)`.

    What it gives are values; with each `done` it is the same. So a recorded flight can be replayed without the device.
    """
    shared: dict[str, Any]
    """For what the devices of one type share (a socket, a thread): each type keeps it under its own name.

    It lives as long as the platform driver; the driver whose `close` leaves it unused takes it out.
    """
    root: Root | None = None
    """The folder of the deployment's files, for secrets."""


class Driver:
    """One enabled device. A driver has at least `TYPE` and `read`; see the module's text for how it is called.

    `open` comes first, once; `close` comes last, once, also where `open` failed or has not answered. After a fault of
    `open`, and after `Unreachable` or a deadline, a new object is made.
    """

    TYPE: ClassVar[str] = ""
    """The name in `driver_type`."""
    SETTINGS: ClassVar[tuple[Field, ...]] = ()
    """What a device of this type has beside name, address and interval: its `driver_settings`."""
    POINT_SETTINGS: ClassVar[tuple[Field, ...]] = ()
    """What a point of such a device has beside name, object and property: its `driver_settings`."""

    def __init__(self, device: DeviceAddress, services: DriverServices) -> None:
        self.device = device
        self.services = services

    @classmethod
    def check_device(cls, device: DeviceAddress) -> None:
        """Raises `ValueError` for an address that no device of this type has, or settings that contradict another."""

    @classmethod
    def check_point(cls, point: PointAddress) -> None:
        """Raises `ValueError` for what cannot be a point of such a device."""

    @classmethod
    def find_devices(cls, where: str, services: DriverServices, done: Done[Sequence[FoundDevice]]) -> None:
        """Looks for devices (BACnet: Who-Is); `where` narrows it in the driver's own way, empty: all of them."""
        done(NotSupported(f"{cls.TYPE} cannot look for devices"))

    def open(self, done: Done[None]) -> None:
        """Begins the session, which is kept until `close`."""
        done(None)

    def read(self, points: Sequence[PointAddress], done: Done[Sequence[Reading]]) -> None:
        """Reads points together: a reading for each, in their order. A fault means that none could be read."""
        raise NotImplementedError

    def write(self, point: PointAddress, value: Value, priority: int | None, done: Done[Value]) -> None:
        """Writes a point; the result is the value that the device took.

        `None` releases (BACnet: relinquishes) what was written with this priority. Where a device has no priorities,
        `priority` is ignored, and `None` is `ReadOnly` or `BadValue`. Without a priority the device's lowest counts.
        """
        done(ReadOnly(f"{self.TYPE} does not write"))

    def subscribe(
        self, points: Sequence[PointAddress], changed: Callable[[PointAddress, Reading], None], done: Done[None]
    ) -> None:
        """Has `changed` called, from any thread, when points change (BACnet: COV), until `close`; the driver renews it.

        Polling goes on beside it. It is asked for once after each `open`; `NotSupported` is no fault of the device.
        """
        done(NotSupported(f"{self.TYPE} tells of no changes"))

    def discover(self, done: Done[Sequence[FoundPoint]]) -> None:
        """Lists the points that the device has (BACnet: its object list)."""
        done(NotSupported(f"{self.TYPE} does not list its points"))

    def close(self, done: Done[None]) -> None:
        """Ends the session and gives back what was taken."""
        done(None)
