"""COV subscriptions of one session: made, renewed before they expire, taken back. Imported with bacpypes3."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from bacpypes3.apdu import SubscribeCOVRequest
from bacpypes3.basetypes import PropertyIdentifier

from kittiwake_components.platform_driver.drivers.interface import (
    DriverFault,
    NoAnswer,
    NotSupported,
    PointAddress,
    Reading,
)
from kittiwake_components.platform_driver.drivers.sessions.bacnet_session import (
    BacnetSession,
    Target,
    read_out,
    target_of,
)

PRESENT_VALUE = PropertyIdentifier("present-value")
RENEWALS_A_LIFETIME = 2
RETRIES_A_LIFETIME = 8
FAREWELL_LIMIT_S = 2.0
SUBSCRIPTIONS_LIMIT = 2000

Changed = Callable[[PointAddress, Reading], None]


class CovSubscriptions:
    """Hears of changed present values until `end`; a device that forgot its subscriptions gets them anew in time."""

    def __init__(self, session: BacnetSession, changed: Changed, *, lifetime_s: int, confirmed: bool) -> None:
        self._session = session
        self._changed = changed
        self._lifetime_s = lifetime_s
        self._confirmed = confirmed
        self._process = session.application.new_process()
        self._points: dict[Any, list[tuple[PointAddress, Target]]] = {}
        self._renewal: asyncio.Task[None] | None = None

    async def begin(self, points: Sequence[PointAddress]) -> None:
        """Subscribes to the objects of all points whose present value is wanted; what a device refuses stays polled.

        Raises `NotSupported` if it takes none. One that does not answer is asked again as for a renewal.
        """
        for point in points[:SUBSCRIPTIONS_LIMIT]:
            try:
                target = target_of(point.object_identifier, point.property_identifier)
            except DriverFault:
                continue  # reading it says what is wrong
            if target.property_id == PRESENT_VALUE:
                self._points.setdefault(target.object_id, []).append((point, target))
        self._session.application.listeners[self._key] = self._heard
        parts = RENEWALS_A_LIFETIME
        try:
            refused = await self._subscribe_all()
        except NoAnswer:
            refused, parts = None, RETRIES_A_LIFETIME
        if refused is not None and not self._points:
            self.forget()
            raise NotSupported(f"the device takes no subscriptions: {refused}")
        if self._points:
            self._renewal = asyncio.ensure_future(self._renew(parts))

    @property
    def _key(self) -> tuple[Any, int]:
        return self._session.address, self._process

    async def _subscribe_all(self) -> DriverFault | None:
        """Subscribes or renews; objects that are refused are left out from now on, the last reason is returned."""
        refused = None
        for object_id in list(self._points):
            try:
                await self._session.ask(self._request(object_id, self._lifetime_s))
            except NoAnswer:
                raise
            except DriverFault as fault:
                refused = fault
                del self._points[object_id]
        return refused

    def _request(self, object_id: Any, lifetime_s: int | None) -> Any:
        request = SubscribeCOVRequest(subscriberProcessIdentifier=self._process, monitoredObjectIdentifier=object_id)
        if lifetime_s is not None:
            request.issueConfirmedNotifications = self._confirmed
            request.lifetime = lifetime_s
        return request

    async def _renew(self, parts: int) -> None:
        while self._points:
            try:
                await asyncio.wait_for(self._session.returned.wait(), self._lifetime_s / parts)
            except TimeoutError:
                pass  # nothing has happened, it is just time
            self._session.returned.clear()
            try:
                await self._subscribe_all()
                parts = RENEWALS_A_LIFETIME
            except NoAnswer:
                parts = RETRIES_A_LIFETIME

    def _heard(self, notification: Any) -> None:
        points = self._points.get(notification.monitoredObjectIdentifier, [])
        for property_value in notification.listOfValues:
            if property_value.propertyIdentifier == PRESENT_VALUE:
                for point, target in points:
                    self._changed(point, read_out(target, property_value.value))

    def forget(self) -> None:
        """Hears no more, and leaves it to the device to let the subscriptions expire."""
        self._session.application.listeners.pop(self._key, None)
        if self._renewal is not None:
            self._renewal.cancel()

    async def end(self) -> None:
        """Hears no more, and takes the subscriptions back as far as the device answers at once."""
        self.forget()
        try:
            async with asyncio.timeout(FAREWELL_LIMIT_S):
                for object_id in self._points:
                    await self._session.ask(self._request(object_id, None))
        except (TimeoutError, DriverFault):
            pass  # they expire by themselves
