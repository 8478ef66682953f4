"""The open databases and all that stands on them: what a platform driver is once it can work."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kittiwake_components.platform_driver.changes import Changes, NotFound
from kittiwake_components.platform_driver.device_loops import DeviceLoops
from kittiwake_components.platform_driver.directory import Directory
from kittiwake_components.platform_driver.drivers.interface import (
    DriverFault,
    DriverServices,
    FoundDevice,
    FoundPoint,
)
from kittiwake_components.platform_driver.drivers.registry import DriverRegistry
from kittiwake_components.platform_driver.fields import InvalidObject, checked
from kittiwake_components.platform_driver.inbox import Inbox
from kittiwake_components.platform_driver.leases import LeaseBook
from kittiwake_components.platform_driver.overrides import Overrides
from kittiwake_components.platform_driver.point_values import PointValues
from kittiwake_components.platform_driver.registry_store import RegistryStore
from kittiwake_components.platform_driver.requests import Requests
from kittiwake_components.platform_driver.schema import POINT_FIELDS, check_point, device_address
from kittiwake_components.platform_driver.seeds import EXAMPLE, simulated
from kittiwake_components.platform_driver.session import DriverBroken, Operation, Session
from kittiwake_components.platform_driver.shown import Shown
from kittiwake_components.platform_driver.value_store import ValueStore
from kittiwake_components.platform_driver.writing import NothingIsWritten, Writer
from kittiwake_components.ports.platform_driver import NAME_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake.runtime.loop import Loop
    from kittiwake_components.platform_driver.component import PlatformDriver
    from kittiwake_components.platform_driver.device_loop import DeviceLoop, PolledPoint
    from kittiwake_components.platform_driver.drivers.interface import Driver, Reading, Value
    from kittiwake_components.platform_driver.records import Device, Point
    from kittiwake_components.ports.platform_driver import DeviceStatus


class Engine:
    """Stores, loops, leases and overrides of one platform driver; it is the host of its loops.

    Raises `OSError` where a database cannot be opened.
    """

    def __init__(self, owner: PlatformDriver, loop: Loop) -> None:
        self.clock = owner.clock
        self.random = owner.platform.random
        self.registry = DriverRegistry()
        self._inbox = Inbox(loop, owner.clock, has_threads=owner.platform.has_threads)
        self.post = self._inbox.post
        self.inlet = self._inbox.inlet
        self._owner = owner
        self._services = DriverServices(owner.platform, owner.clock, self.inlet, {}, owner.root)
        root, platform = owner.root, owner.platform
        seeds = [*([EXAMPLE] if owner.seed else []), *simulated(owner.simulated_points, owner.default_interval)]
        self.store, findings = RegistryStore.open(platform, root.resolve(owner.database), seeds=seeds)
        try:
            self.value_store, more = ValueStore.open(platform, root.resolve(owner.values))
        except OSError:
            self.store.close()
            raise
        owner.report_findings((*findings, *more))
        try:
            self._stand_on_stores()
        except BaseException:
            self._close_stores()
            raise

    def _stand_on_stores(self) -> None:
        owner = self._owner
        self.leases = LeaseBook(self.store, self.clock, self._on_due)
        self.values = PointValues(self.value_store, self.clock, owner.tell_value, self.leases.is_dirty)
        self.overrides = Overrides(self.store, self.clock)
        self.loops = DeviceLoops(self.store, self.registry, self, self.leases)
        self.directory = Directory(self.store, self.loops)
        self.writer = Writer(self.leases, self.values, self.overrides, self.clock, owner, self._check_may_write)
        self.changes = Changes(
            owner.platform, self.store, self.loops, self.leases, self.values, self._after_release, owner.config_changed
        )
        paths = Directory(self.store, self.loops, takes_ids=False)
        self.requests = Requests(paths, self.writer, self.overrides, self.leases, self.store, self.lease_s)
        left = len(self.leases)
        if left:
            owner.leases_left(left)
        self.values.forget(self.value_store.point_ids() - self.store.point_ids())

    def begin(self) -> None:
        """Begins the loops."""
        self.loops.start(self._owner.stagger_s)

    def end(self, limit_s: float) -> bool:
        """Releases what was written, closes the drivers and the stores; whether all was released in time.

        What was not is noted in the store, and released first at the next start.
        """
        self.leases.make_due()
        is_released = self._inbox.drain(lambda: not self.leases.due_points(), limit_s)
        for device_id in list(self.loops.by_id):
            self.loops.stop(device_id, lambda: None)
        self._inbox.drain(self.loops.is_quiet, limit_s)
        self._inbox.close()
        self.leases.close()
        self.overrides.close()
        self._close_stores()
        return is_released

    def _close_stores(self) -> None:
        self.store.close()
        self.value_store.close()

    def _check_may_write(self) -> None:
        why = self._owner.why_nothing_is_written()
        if why:
            raise NothingIsWritten(why)

    # The host of the loops

    def make_driver(self, device: Device) -> Driver:
        """A new driver object. Raises whatever its maker raises."""
        address = device_address(device, self.registry)
        return self.registry.find(device.driver_type)(address, self._services)

    def timeout_s(self) -> float:
        """How long an operation may take."""
        return self._owner.timeout_s

    def close_s(self) -> float:
        """How long a driver may take to close."""
        return self._owner.close_s

    def backoff_max_s(self) -> float:
        """The longest pause between two tries."""
        return self._owner.backoff_max

    def lease_s(self) -> float:
        """How long what is written stays in force where nobody says so; 0: until it is released."""
        return self._owner.lease_s

    def brought(self, loop: DeviceLoop, readings: Sequence[tuple[PolledPoint, Reading]]) -> None:
        """Readings have come."""
        self._owner.keep(lambda: self.values.brought(loop.device.scrape_interval_seconds, readings))

    def polled(self, loop: DeviceLoop, is_ok: bool, duration_ns: int) -> None:
        """A poll has ended."""
        self._owner.count_poll(is_ok, duration_ns)

    def slipped(self, loop: DeviceLoop, slots: int) -> None:
        """Slots of polls have gone by."""
        self._owner.count_slips(loop.device.name, slots)

    def status_changed(self, loop: DeviceLoop, before: DeviceStatus, reason: str) -> None:
        """A device is in another state."""
        self._owner.tell_status(loop.device.name, before, loop.status, reason)

    def opened(self, loop: DeviceLoop) -> None:
        """A session is open: what the last start, or a lost session, has left there is released first."""
        self.writer.release_due(loop)
        self._end_release_only(loop)

    # Writing

    def find_point(self, path: str) -> tuple[Device, Point]:
        """The point of a path or an id. Raises `NotFound`."""
        try:
            return self.directory.point(path)
        except DriverFault as fault:
            raise NotFound("point not found") from fault

    def write(self, path: str, value: Value, priority: int | None, lease_s: float, done: Callable[[Any], None]) -> None:
        """Writes a point. Raises `DriverFault` for a refusal, and `OSError`."""
        loop, one = self.directory.place(path)
        self.writer.write(loop, one, value, priority, lease_s, done)

    def _on_due(self, point_ids: set[str]) -> None:
        for loop in list(self.loops.by_id.values()):
            if point_ids & loop.points.keys():
                self.writer.release_due(loop)

    def _end_release_only(self, loop: DeviceLoop) -> None:
        """A disabled device was opened for what was left there: it is let go once that is released."""
        if loop.device.enabled:
            return
        self._when(
            lambda: not (self.leases.due_points() & loop.points.keys()),
            lambda: None if loop.is_over else self.loops.reload(loop.device.id),
            2 * self.timeout_s(),
        )

    def _after_release(self, device_id: str, point_ids: set[str], then: Callable[[], None]) -> None:
        """Has what was written to points released, if the device can be asked, and goes on, at the deadline at last."""
        self.leases.make_due(point_ids)  # what does not answer now is released when it does
        loop = self.loops.by_id.get(device_id)
        if not point_ids or loop is None or not loop.is_open:
            then()
            return
        self._when(lambda: not (self.leases.due_points() & point_ids), then, self.timeout_s())

    def _when(self, is_done: Callable[[], bool], then: Callable[[], None], limit_s: float) -> None:
        """Goes on when something is done, and at the limit all the same."""
        deadline_ns = self.clock.now_ns() + round(limit_s * 1e9)
        timer = self.clock.call_at(deadline_ns, lambda: None)  # so that the loop turns then

        def look() -> bool:
            if not is_done() and self.clock.now_ns() < deadline_ns:
                return False
            timer.cancel()
            then()
            return True

        self._owner.when(look)

    def shown(self) -> Shown:
        """What is known now, as the API shows it."""
        return Shown(self.values, self.loops, self.clock.now_ns())

    # Discovery

    def find_devices(self, driver_type: str, where: str, done: Callable[[Any], None]) -> None:
        """Looks for devices of a type; the result is a list of `FoundDevice`, or a fault. Raises `UnknownDriver`."""
        finder: Any = self.registry.find(driver_type)  # the operation is the class's, as there is no device yet
        session = Session(finder, self.clock, self._inbox, self.timeout_s(), lambda fault: None)
        told = partial(_tell_list, FoundDevice, done)
        session.submit(Operation("find_devices", (where, self._services), told))

    def discover(self, device: str, done: Callable[[Any], None]) -> None:
        """Lists the points of a device; the result is a list of `FoundPoint`, or a fault. Raises `DriverFault`."""
        self.directory.loop(device).submit(Operation("discover", (), partial(_tell_list, FoundPoint, done)))

    def add_found(self, device_id: str, found: Sequence[FoundPoint]) -> int:
        """Adds the points that the registry does not have and can hold; how many. Raises as `Changes` does."""
        device = self.changes.device(device_id)
        known = {(one.object_identifier, one.property_identifier) for one in self.store.points(device_id)}
        new = []
        for one in found:
            if (one.object_identifier, one.property_identifier) in known:
                continue
            name = "".join([character for character in one.name if character.isprintable()])
            members = {
                "name": name.encode("utf-8", "ignore")[:NAME_SIZE].decode("utf-8", "ignore"), "units": one.units,
                "object_identifier": one.object_identifier, "property_identifier": one.property_identifier,
                "writable": one.is_writable, "driver_settings": dict(one.settings),
            }  # fmt: skip
            try:
                fields = checked(POINT_FIELDS, members)
                check_point(fields, device.driver_type, self.registry)
            except InvalidObject:
                continue
            new.append(fields)
        if new:
            self.changes.put_points(device, list(new), [])
        return len(new)


def _tell_list(kind: type, done: Callable[[Any], None], result: Any) -> None:
    """Tells a list of found things, or a fault; a driver may give anything."""
    if isinstance(result, (list, tuple)) and all(isinstance(one, kind) for one in result):
        done(list(result))
    elif isinstance(result, DriverFault):
        done(result)
    else:
        done(DriverBroken(f"the driver gave no list of {kind.__name__}"))
