"""The loop of one enabled device: its session, its polls at a fixed rate, and its patience when it does not answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.platform_driver.drivers.interface import (
    Driver,
    DriverFault,
    NotSupported,
    Reading,
    Unreachable,
)
from kittiwake_components.platform_driver.session import DriverBroken, Operation, Session
from kittiwake_components.platform_driver.values import fault_of_value
from kittiwake_components.ports.platform_driver import DeviceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake.platform.interface import Random
    from kittiwake.runtime.inlet import Inlet
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.platform_driver.drivers.interface import PointAddress
    from kittiwake_components.platform_driver.records import Device, Point

MAX_HUNG = 3
"""So many drivers of one device may be left that never answered their close; then no further one is made."""

ERROR_SIZE = 500
MAX_DOUBLINGS = 20


class PolledPoint(NamedTuple):
    """A point of the registry, as its driver knows it, with its path."""

    point: Point
    address: PointAddress
    path: str


class LoopHost(Protocol):
    """What a loop has of its platform driver."""

    clock: TaskClock
    random: Random

    def post(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Has a call made on the loop, later."""

    def inlet(self, call: Callable[..., Any], *, lasts: bool = False) -> Inlet:
        """A way for other threads to have a call made on the loop."""

    def make_driver(self, device: Device) -> Driver:
        """A new driver object. Raises whatever its maker raises."""

    def timeout_s(self) -> float:
        """How long an operation may take."""

    def close_s(self) -> float:
        """How long a driver may take to close."""

    def backoff_max_s(self) -> float:
        """The longest pause between two tries."""

    def brought(self, loop: DeviceLoop, readings: Sequence[tuple[PolledPoint, Reading]]) -> None:
        """Readings have come, good or not."""

    def polled(self, loop: DeviceLoop, is_ok: bool, duration_ns: int) -> None:
        """A poll has ended."""

    def slipped(self, loop: DeviceLoop, slots: int) -> None:
        """Slots of polls have gone by while the device was busy."""

    def status_changed(self, loop: DeviceLoop, before: DeviceStatus, reason: str) -> None:
        """The device is in another state."""

    def opened(self, loop: DeviceLoop) -> None:
        """The session is open: what is to be released there can be."""


class DeviceLoop:
    """One device while it is enabled. After `stop` nothing of it changes anything any more.

    It polls at `due + n * interval`, so that it does not drift; slots that went by are counted as slips. A session that
    was lost is opened anew after a pause that doubles, with jitter. `polls` is off for a device that is opened only to
    release what was written to it.
    """

    def __init__(self, device: Device, points: Sequence[PolledPoint], host: LoopHost, *, polls: bool = True) -> None:
        self.device = device
        self.points = {one.point.id: one for one in points}
        self._polled = [one for one in points if one.point.enabled]
        self._host = host
        self._polls = polls
        self.status = DeviceStatus.IDLE
        self.last_error = ""
        self.last_poll_us: int | None = None
        self.slips = self.failures = self.hung = 0
        self.is_over = False
        self._session: Session | None = None
        self._is_open = self._is_polling = False
        self._changes: dict[str, tuple[PolledPoint, Reading]] = {}
        self._due_ns = 0
        self._timer: Timer | None = None

    # Life

    def start(self, delay_s: float) -> None:
        """Begins, in `delay_s`."""
        self._rest(delay_s)

    def stop(self, done: Callable[[], None]) -> None:
        """Ends; `done` is called once the driver is closed, or has not closed in its time."""
        self.is_over = True
        self._cancel()
        session, self._session = self._session, None
        self._set_status(DeviceStatus.STOPPED, "")
        is_told = False

        def closed(_: bool) -> None:
            nonlocal is_told
            if not is_told:
                is_told = True
                done()

        if session is None:
            self._host.post(closed, True)
        else:
            session.close(closed, self._host.close_s())

    def poll_now(self) -> None:
        """Polls, or tries to open the session, at once; the rate goes on from here."""
        if not self._is_polling and not (self._session is not None and not self._is_open):
            self._rest(0.0)

    def submit(self, operation: Operation, *, urgent: bool = False) -> None:
        """Asks the driver for something; refused while there is no session."""
        if self._session is None:
            why = f": {self.last_error}" if self.last_error else ""
            self._host.post(operation.done, Unreachable(f"there is no session with {self.device.name}{why}"))
        else:
            self._session.submit(operation, urgent=urgent)

    @property
    def is_open(self) -> bool:
        """Whether the device can be asked for something."""
        return self._is_open

    # Time

    def _rest(self, delay_s: float) -> None:
        self._due_ns = self._host.clock.now_ns() + round(delay_s * NS_PER_S)
        self._arm()

    def _arm(self) -> None:
        self._cancel()
        if not self.is_over:
            self._timer = self._host.clock.call_at(self._due_ns, self._turn)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        if self._session is None:
            self._open()
        elif self._is_open and not self._is_polling:
            self._poll()

    def _next_slot(self) -> None:
        interval_ns = round(self.device.scrape_interval_seconds * NS_PER_S)
        now_ns = self._host.clock.now_ns()
        self._due_ns += interval_ns
        if self._due_ns <= now_ns:
            slots = (now_ns - self._due_ns) // interval_ns + 1
            self._due_ns += slots * interval_ns
            self.slips += slots
            self._host.slipped(self, slots)
        self._arm()

    # The session

    def _open(self) -> None:
        if self.hung >= MAX_HUNG:
            self._fault(DriverBroken(f"{self.hung} drivers hang and were left; RELOAD tries once more"))
            return
        try:
            driver = self._host.make_driver(self.device)
        except Exception as fault:  # noqa: BLE001 - a driver may be anybody's, and breaks alone
            self._fault(DriverBroken(f"the driver cannot be made: {fault}"[:ERROR_SIZE]))
            return
        self._is_open = False
        session = Session(driver, self._host.clock, self._host, self._host.timeout_s(), self._lost)
        self._session = session
        session.submit(Operation("open", (), partial(self._opened, session)))

    def _opened(self, session: Session, result: object) -> None:
        if session is not self._session or isinstance(result, DriverFault):
            return
        self._is_open = True
        self._host.opened(self)
        if not self._polls:
            self._set_status(DeviceStatus.IDLE, "")
            return
        if self._polled:
            addresses = [one.address for one in self._polled]
            changed = session.inlet(partial(self._changed, session))
            session.submit(Operation("subscribe", (addresses, changed.give), partial(self._subscribed, session)))
        self._poll()

    def _subscribed(self, session: Session, result: object) -> None:
        if session is self._session and isinstance(result, DriverFault) and not isinstance(result, NotSupported):
            self.last_error = f"it tells of no changes: {result}"[:ERROR_SIZE]

    def _changed(self, session: Session, address: PointAddress, reading: Reading) -> None:
        """The device has told of a change between two polls; those that come together are one transaction."""
        point = self.points.get(address.id)
        if session is self._session and point is not None and point.point.enabled:
            if not self._changes:
                self._host.post(self._take_changes, session)
            self._changes[address.id] = point, _checked(reading)

    def _take_changes(self, session: Session) -> None:
        changes = list(self._changes.values())
        self._changes.clear()
        if session is self._session:
            self._host.brought(self, changes)

    def _lost(self, fault: DriverFault) -> None:
        session, self._session = self._session, None
        assert session is not None, "only the present session is lost"
        self._is_open = self._is_polling = False
        session.close(self._driver_closed, self._host.close_s())
        self._fault(fault)

    def _driver_closed(self, in_time: bool) -> None:
        """A driver that was given up has closed, or has not in its time; one that closes later is no longer counted."""
        if not in_time:
            self.hung += 1
        elif self.hung:
            self.hung -= 1

    def _fault(self, fault: DriverFault) -> None:
        """A try has failed: the next one is after a pause."""
        self.failures += 1
        broken = isinstance(fault, DriverBroken) or self.hung >= MAX_HUNG
        self._set_status(DeviceStatus.FAILED if broken else DeviceStatus.ERROR, str(fault))
        if self.is_over:
            return
        interval_s = self.device.scrape_interval_seconds
        longest_s = max(self._host.backoff_max_s(), interval_s)
        pause_s = longest_s if broken else min(interval_s * 2.0 ** min(self.failures - 1, MAX_DOUBLINGS), longest_s)
        self._rest(self._host.random.uniform(0.5, 1.0) * pause_s)

    # Polls

    def _poll(self) -> None:
        session = self._session
        assert session is not None, "a poll needs a session"
        if not self._polled:
            self._succeeded("")
            self._next_slot()
            return
        self._is_polling = True
        began_ns = self._host.clock.now_ns()
        addresses = [one.address for one in self._polled]
        session.submit(Operation("read", (addresses,), partial(self._read, session, began_ns)))

    def _read(self, session: Session, began_ns: int, result: Any) -> None:
        if self.is_over:
            return
        self._is_polling = False
        is_current = session is self._session
        readings, fault = readings_of(result, len(self._polled))
        if fault is not None:
            readings = [Reading(None, fault)] * len(self._polled)
        found = list(zip(self._polled, readings, strict=True))
        self.last_poll_us = self._host.clock.wall_ns() // 1000
        self._host.brought(self, found)
        errors = [f"{one.point.label}: {reading.fault}" for one, reading in found if reading.fault is not None]
        is_ok = len(errors) < len(found)
        self._host.polled(self, is_ok, self._host.clock.now_ns() - began_ns)
        if not is_current:
            return  # the pause of the session that was lost has begun
        if fault is not None:
            self._fault(fault)
        elif is_ok:
            self._succeeded("; ".join(errors)[:ERROR_SIZE])
            self._next_slot()
        else:
            self._set_status(DeviceStatus.ERROR, "; ".join(errors)[:ERROR_SIZE])
            self._next_slot()

    def _succeeded(self, errors: str) -> None:
        self.failures = 0
        self._set_status(DeviceStatus.RUNNING, errors)

    def _set_status(self, status: DeviceStatus, reason: str) -> None:
        before, self.status = self.status, status
        self.last_error = reason
        if status is not before:
            self._host.status_changed(self, before, reason)


def readings_of(result: Any, count: int) -> tuple[list[Reading], DriverFault | None]:
    """What a driver has given for a read, and what is wrong with it as a whole."""
    if isinstance(result, DriverFault):
        return [], result
    if not isinstance(result, (list, tuple)) or len(result) != count:
        return [], DriverBroken(f"the driver gave no {count} readings")
    return [_checked(reading) for reading in result], None


def _checked(reading: Any) -> Reading:
    if not isinstance(reading, Reading):
        return Reading(None, DriverBroken(f"the driver gave no reading, but a {type(reading).__name__}"))
    if reading.fault is not None:
        return reading
    fault = fault_of_value(reading.value)
    return reading if fault is None else Reading(None, DriverBroken(f"no value: {fault}"))
