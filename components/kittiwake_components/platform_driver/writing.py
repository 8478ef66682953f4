"""Writes: noted with their priorities first, and taken back on expiry, in safe mode, at the end and after a crash.

To *release* is to write null with the priority. A device without priorities refuses that; its point then gets its
declared default, or else the value that it had before anything was written.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kittiwake.storage.root import reason_of
from kittiwake_components.platform_driver.drivers.interface import (
    PRIORITIES,
    BadType,
    BadValue,
    DriverFault,
    DriverInterfaceError,
    NotSupported,
    ReadOnly,
)
from kittiwake_components.platform_driver.leases import MAX_LEASES
from kittiwake_components.platform_driver.registry_store import Lease
from kittiwake_components.platform_driver.session import DriverBroken, Operation
from kittiwake_components.platform_driver.values import fault_of_value, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.tasks import TaskClock
    from kittiwake_components.platform_driver.device_loop import DeviceLoop, PolledPoint
    from kittiwake_components.platform_driver.drivers.interface import Value
    from kittiwake_components.platform_driver.leases import LeaseBook
    from kittiwake_components.platform_driver.overrides import Overrides
    from kittiwake_components.platform_driver.point_values import PointValues

    Done = Callable[[Any], None]
    """Told once of the value that the device took, or of a `DriverFault`."""

LOWEST = PRIORITIES[-1]
_NEVER_WRITTEN = (ReadOnly, BadValue, BadType, DriverInterfaceError, NotSupported)
_NO_RELEASE = (ReadOnly, BadValue, BadType, NotSupported)


class NothingIsWritten(DriverFault):
    """The mode of the deployment allows no writes."""

    TYPE = "RuntimeError"


class WriteReports(Protocol):
    """Whom a writer tells what became of its writes; points by their paths."""

    def write_done(self, point: str, value: str, priority: int) -> None:
        """The device has taken a value."""

    def write_refused(self, point: str, reason: str) -> None:
        """A value was not written, or nobody knows."""

    def released(self, point: str, priority: int) -> None:
        """A priority was given back."""

    def release_failed(self, point: str, reason: str) -> None:
        """Something could not be taken back."""


class Writer:
    """Writes and releases points of devices whose loops it is given.

    `may_write` raises a `DriverFault` where nothing may be written now.
    """

    def __init__(
        self, leases: LeaseBook, values: PointValues, overrides: Overrides, clock: TaskClock, reports: WriteReports,
        may_write: Callable[[], None],
    ) -> None:  # fmt: skip
        self._leases = leases
        self._values = values
        self._overrides = overrides
        self._clock = clock
        self._reports = reports
        self._may_write = may_write
        self._releasing: set[tuple[str, int]] = set()

    def write(
        self, loop: DeviceLoop, one: PolledPoint, value: Value, priority: int | None, lease_s: float, done: Done,
        *, past_override: bool = False,
    ) -> None:  # fmt: skip
        """Writes a value for `lease_s` (0: until it is released). Raises `DriverFault` for a refusal, and `OSError`.

        What is written `past_override` is a heartbeat, and not reported.
        """
        try:
            self._may_write()
            if not past_override:
                self._overrides.check(loop.device.name)
            self._write(
                loop, one, value, priority, lease_s, done if past_override else self._reported(one, priority, done)
            )
        except DriverFault as fault:
            self._reports.write_refused(one.path, str(fault))
            raise

    def _reported(self, one: PolledPoint, priority: int | None, done: Done) -> Done:
        def reported(result: Any) -> None:
            if isinstance(result, DriverFault):
                self._reports.write_refused(one.path, str(result))
            elif result is not None:  # what was released is reported as such
                self._reports.write_done(one.path, packed(result), LOWEST if priority is None else priority)
            done(result)

        return reported

    def _write(
        self, loop: DeviceLoop, one: PolledPoint, value: Value, priority: int | None, lease_s: float, done: Done
    ) -> None:
        place = LOWEST if priority is None else priority
        if place not in PRIORITIES:
            raise BadValue(f"a priority is {PRIORITIES[0]} to {LOWEST}, not {place}")
        if one.point.writable is False:
            raise ReadOnly(f"{one.path} is not writable")
        fault = fault_of_value(value)
        if fault is not None:
            raise BadValue(fault)
        id = one.point.id
        if value is None:
            self._release(loop, one, place, done)
            return
        if len(self._leases) >= MAX_LEASES and place not in self._leases.held(id):
            raise BadValue(f"{MAX_LEASES} writes are in force already")
        until_us = self._clock.wall_ns() // 1000 + round(lease_s * 1e6) if lease_s else None
        put_back = self._leases.note(Lease(id, place, packed(value), self._clean_json(id), until_us), lease_s)
        loop.submit(Operation("write", (one.address, value, place), partial(_written, put_back, done)), urgent=True)

    def _clean_json(self, point_id: str) -> str | None:
        if self._leases.is_dirty(point_id):
            return self._leases.clean_json(point_id)
        return self._values.clean_json(point_id)

    # Releases

    def release_due(self, loop: DeviceLoop) -> None:
        """Releases what is due at a device that can be asked."""
        if not loop.is_open:
            return
        for id in sorted(self._leases.due_points() & loop.points.keys()):
            for priority in self._leases.due(id):
                if (id, priority) not in self._releasing:
                    self._release(loop, loop.points[id], priority, _ignored)

    def _release(self, loop: DeviceLoop, one: PolledPoint, priority: int, done: Done) -> None:
        key = one.point.id, priority
        self._releasing.add(key)
        lease = self._leases.held(one.point.id).get(priority)

        def ended(result: Any) -> None:
            self._releasing.discard(key)
            self._forget_released(one, priority, lease, result)
            done(result)

        def answered(result: Any) -> None:
            if isinstance(result, _NO_RELEASE):
                self._restore(loop, one, lease, ended, result)
            else:
                ended(result)

        loop.submit(Operation("write", (one.address, None, priority), answered), urgent=True)

    def _restore(
        self, loop: DeviceLoop, one: PolledPoint, lease: Lease | None, ended: Done, refusal: DriverFault
    ) -> None:
        """The device has no priorities: the point gets the value to which it reverts, if there is one."""
        value = one.point.default
        if value is None and lease is not None and lease.clean_json is not None:
            value = unpacked(lease.clean_json)
        if value is None:
            ended(refusal)
        else:
            loop.submit(Operation("write", (one.address, value, None), ended), urgent=True)

    def _forget_released(self, one: PolledPoint, priority: int, lease: Lease | None, result: Any) -> None:
        if lease is None:
            return
        is_fault = isinstance(result, DriverFault)
        if is_fault and not isinstance(result, _NEVER_WRITTEN):
            return  # the device did not answer: it is released at its next session
        try:
            if self._leases.held(one.point.id).get(priority) is lease:
                self._leases.drop(one.point.id, priority)
        except OSError as fault:
            self._reports.release_failed(one.path, reason_of(fault))
        if is_fault:
            self._reports.release_failed(one.path, str(result))
        else:
            self._reports.released(one.path, priority)

    # Reverts

    def report(self, path: str, reason: str) -> None:
        """Says that something could not be taken back."""
        self._reports.release_failed(path, reason)

    def revert(self, loop: DeviceLoop, one: PolledPoint, done: Done) -> None:
        """Releases what was written to a point, then writes its default if it has one; the result is null.

        Raises `DriverFault` where nothing may be written now.
        """
        self._may_write()
        priorities = sorted(self._leases.held(one.point.id))

        def go_on(result: Any) -> None:
            if isinstance(result, DriverFault) and not isinstance(result, _NO_RELEASE):
                done(result)
            elif priorities:
                self._release(loop, one, priorities.pop(0), go_on)
            elif one.point.default is not None:
                arguments = (one.address, one.point.default, None)
                loop.submit(Operation("write", arguments, lambda last: done(_null(last))), urgent=True)
            else:
                done(None)

        go_on(None)


def _written(put_back: Callable[[], None], done: Done, result: Any) -> None:
    """A write has ended; one that the device has surely not taken leaves no lease."""
    fault = None if isinstance(result, DriverFault) else fault_of_value(result)
    if fault is not None:
        result = DriverBroken(f"the driver says that it has taken no value: {fault}")
    if isinstance(result, _NEVER_WRITTEN):
        try:
            put_back()
        except OSError:
            pass  # the lease stays, and its release does no harm
    done(result)


def _null(result: Any) -> Any:
    return result if isinstance(result, DriverFault) else None


def _ignored(_: Any) -> None:
    """Nobody waits for it."""
