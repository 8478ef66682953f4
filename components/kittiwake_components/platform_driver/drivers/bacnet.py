"""BACnet/IP by bacpypes3, which takes 0.65 s to import: that happens in a thread when the first device opens.

One thread with an asyncio loop serves all BACnet devices, with one application for each local address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kittiwake_components.platform_driver.drivers.bacnet_search import LAST_INSTANCE, parse_search
from kittiwake_components.platform_driver.drivers.interface import (
    DeviceAddress,
    Done,
    DriverFault,
    DriverServices,
    FoundDevice,
    FoundPoint,
    NotSupported,
    PointAddress,
    Reading,
    Value,
)
from kittiwake_components.platform_driver.drivers.threaded import ThreadedDriver
from kittiwake_components.platform_driver.fields import Field

if TYPE_CHECKING:
    from kittiwake_components.platform_driver.drivers.sessions.bacnet_cov import CovSubscriptions
    from kittiwake_components.platform_driver.drivers.sessions.bacnet_session import BacnetSession
    from kittiwake_components.platform_driver.drivers.sessions.bacnet_stack import BacnetStack

LAST_OBJECT = 4_194_303


def _make_stack() -> BacnetStack:
    from kittiwake_components.platform_driver.drivers.sessions.bacnet_stack import BacnetStack

    return BacnetStack()


class BacnetDriver(ThreadedDriver["BacnetSession"]):
    """A device on BACnet/IP, or behind a router on it.

    `address` is `192.168.1.20`, `192.168.1.20:47809`, `2001:5` (network and station), or the device's number, which is
    looked for by Who-Is; `device:` may stand before it.
    """

    TYPE = "bacnet"
    THREAD_SIDE = ("_subscriptions",)
    MAKE_COMMON = staticmethod(_make_stack)
    SETTINGS = (
        Field("instance", int, None, 0, LAST_INSTANCE, nullable=True,
              doc="The device's number; if another one answers at the address, that is a fault."),
        Field("local_address", str, "",
              doc="From where to talk, as 192.168.1.5/24:47808; empty: from any port of the right interface."),
        Field("timeout_s", float, 3.0, 0.05, 60.0, doc="How long to wait for an answer."),
        Field("retries", int, 1, 0, 5, doc="How often to ask again."),
        Field("max_batch", int, 200, 1, 1000, doc="The most properties in one request; 1 reads them one by one."),
        Field("cov", str, "off", choices=("off", "unconfirmed", "confirmed"),
              doc="Whether to subscribe to changes, beside the polling."),
        Field("cov_lifetime_s", int, 300, 2, 86_400, doc="After how long the device may forget a subscription."),
    )  # fmt: skip

    def __init__(self, device: DeviceAddress, services: DriverServices) -> None:
        super().__init__(device, services)
        self._subscriptions: CovSubscriptions | None = None

    @classmethod
    def check_device(cls, device: DeviceAddress) -> None:
        place = _place(device.address)
        if len(place.split()) != 1:
            raise ValueError(f"{device.address!r} is no BACnet address, such as 192.168.1.20 or device:1001")
        if place.isdigit() and int(place) > LAST_INSTANCE:
            raise ValueError(f"{place} is no device number, which go from 0 to {LAST_INSTANCE}")

    @classmethod
    def check_point(cls, point: PointAddress) -> None:
        kind, _, number = point.object_identifier.partition(",")
        if not kind.replace("-", "").isalnum() or not number.isdigit() or int(number) > LAST_OBJECT:
            raise ValueError(f"{point.object_identifier!r} is no BACnet object, such as analog-input,1")

    @classmethod
    def find_devices(cls, where: str, services: DriverServices, done: Done[Sequence[FoundDevice]]) -> None:
        """Asks Who-Is: `1000-1999 local=192.168.1.5/24` by broadcast, `127.0.0.2:47808` a certain address."""
        try:
            search = parse_search(where)
        except DriverFault as fault:
            done(fault)
            return

        async def look(stack: BacnetStack) -> Sequence[FoundDevice]:
            from kittiwake_components.platform_driver.drivers.sessions.bacnet_discovery import devices

            return await devices(stack, search)

        cls.in_thread(look, services, done)

    async def connect(self, common: BacnetStack) -> BacnetSession:
        from kittiwake_components.platform_driver.drivers.sessions.bacnet_session import opened

        return await opened(common, self.device, _place(self.device.address))

    async def disconnect(self, common: BacnetStack, session: BacnetSession) -> None:
        try:
            if self._subscriptions is not None:
                await self._subscriptions.end()
        finally:
            await common.give_back(session.local)

    def read(self, points: Sequence[PointAddress], done: Done[Sequence[Reading]]) -> None:
        self.begin(lambda session: session.read(points), done)

    def write(self, point: PointAddress, value: Value, priority: int | None, done: Done[Value]) -> None:
        self.begin(lambda session: session.write(point, value, priority), done)

    def subscribe(
        self, points: Sequence[PointAddress], changed: Callable[[PointAddress, Reading], None], done: Done[None]
    ) -> None:
        wish = self.device.settings["cov"]
        if wish == "off":
            done(NotSupported("the device's setting cov is off"))
            return
        lifetime_s: Any = self.device.settings["cov_lifetime_s"]

        async def subscribe(session: BacnetSession) -> None:
            from kittiwake_components.platform_driver.drivers.sessions.bacnet_cov import CovSubscriptions

            if self._subscriptions is not None:
                await self._subscriptions.end()
            self._subscriptions = CovSubscriptions(
                session, changed, lifetime_s=lifetime_s, confirmed=wish == "confirmed"
            )
            await self._subscriptions.begin(points)

        self.begin(subscribe, done)

    def discover(self, done: Done[Sequence[FoundPoint]]) -> None:
        async def discover(session: BacnetSession) -> Sequence[FoundPoint]:
            from kittiwake_components.platform_driver.drivers.sessions.bacnet_discovery import points_of

            return await points_of(session)

        self.begin(discover, done)


def _place(address: str) -> str:
    """The address without what the upstream allows before it."""
    return address.removeprefix("device:").strip()
