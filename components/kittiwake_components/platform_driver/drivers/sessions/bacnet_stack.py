"""BACnet's side of the local machine: one application for each local address. Imported with bacpypes3.

Requests are made here one by one with their own time limits and retries, because each device may have others; an
application of bacpypes3 has only one for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bacpypes3.apdu import ErrorRejectAbortNack, SimpleAckPDU
from bacpypes3.app import DeviceInfo
from bacpypes3.appservice import ABORTED
from bacpypes3.errors import ServicesError
from bacpypes3.pdu import Address

from kittiwake_components.bacnet_application import (
    GuardedApplication,
    LocalAddressFault,
    close_application,
    made_application,
)
from kittiwake_components.platform_driver.drivers.interface import NoAnswer, NotSupported, Unreachable
from kittiwake_components.platform_driver.drivers.sessions.bacnet_values import fault_of

LOCAL_INSTANCE = 4_194_302
"""The number of our own device, which others see only if they ask; the highest there is."""

TRANSACTION_LIMIT_S = 120
"""Longer than any time limit, so that bacpypes3 never gives up, or sends again, on its own."""

Notified = Callable[[Any], None]
"""Called with a COV notification."""


class LocalApplication(GuardedApplication):
    """The local end of all that goes over one local address.

    It takes no segmented answers: reads are cut so that each answer fits, which the smallest devices can do too.
    """

    SERVICES = frozenset({"IAmRequest", "ConfirmedCOVNotificationRequest", "UnconfirmedCOVNotificationRequest"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.local = ""
        self.users = 0
        self.listeners: dict[tuple[Address, int], Notified] = {}
        self._next_process = 0

    async def ask(self, request: Any, timeout_s: float, retries: int) -> Any:
        """The answer to a confirmed request. Raises `DriverFault`, `NoAnswer` if none came in time."""
        for _ in range(retries + 1):
            request.apduInvokeID = None
            try:
                return await asyncio.wait_for(self.request(request), timeout_s)
            except TimeoutError:
                continue
            except ErrorRejectAbortNack as answer:
                raise fault_of(answer) from None
            finally:
                self._give_up(request)
        raise NoAnswer(f"{request.pduDestination} did not answer within {timeout_s:g} s, {retries + 1} times")

    def _give_up(self, request: Any) -> None:
        """Takes back a transaction that still waits, so that its number can be used again."""
        for transaction in self.asap.clientTransactions:
            if transaction.invokeID == request.apduInvokeID and transaction.pdu_address == request.pduDestination:
                transaction.set_state(ABORTED)
                return

    async def search(self, low: int | None, high: int | None, place: str | None, timeout_s: float) -> Any:
        """The I-Am of devices with such numbers, at one address or wherever a broadcast goes. Raises `NotSupported`."""
        if place is None and self.link.server.broadcast_address is None:
            raise NotSupported(f"{self.local} cannot broadcast, as a local address like 192.168.1.5/24 could")
        return await self.who_is(low, high, Address(place) if place else None, timeout=timeout_s)

    def new_process(self) -> int:
        """An identifier for the COV subscriptions of one session."""
        self._next_process += 1
        return self._next_process

    def learn(self, device: DeviceInfo) -> None:
        """Takes what a device says of itself, which bounds what is sent to it."""
        self.device_info_cache.address_cache[device.device_address] = device
        self.device_info_cache.instance_cache[device.device_instance] = device

    async def do_ConfirmedCOVNotificationRequest(self, apdu: Any) -> None:
        if not self._notify(apdu):
            raise ServicesError(errorCode="unknownSubscription")
        await self.response(SimpleAckPDU(context=apdu))

    async def do_UnconfirmedCOVNotificationRequest(self, apdu: Any) -> None:
        self._notify(apdu)

    def _notify(self, apdu: Any) -> bool:
        listener = self.listeners.get((apdu.pduSource, apdu.subscriberProcessIdentifier))
        if listener is not None:
            listener(apdu)
        return listener is not None


class BacnetStack:
    """The applications by local address; each is closed when its last user gives it back."""

    def __init__(self) -> None:
        self._applications: dict[str, LocalApplication] = {}
        self._making = asyncio.Lock()

    async def take(self, local: str) -> LocalApplication:
        """The application of a local address such as `192.168.1.5/24` or `127.0.0.1:0`. Raises `Unreachable`."""
        application = self._applications.get(local)
        if application is None:
            async with self._making:
                application = self._applications.get(local) or await _made(local)
                self._applications[local] = application
        application.users += 1
        return application

    async def give_back(self, local: str) -> None:
        """Ends one use; after the last one the address can be had by others at once."""
        application = self._applications[local]
        application.users -= 1
        if not application.users:
            del self._applications[local]
            await close_application(application)


async def _made(local: str) -> LocalApplication:
    try:
        made = await made_application(
            LocalApplication,
            local,
            LOCAL_INSTANCE,
            "Kittiwake",
            modelName="platform driver",
            apduTimeout=TRANSACTION_LIMIT_S * 1000,
            numberOfApduRetries=0,
        )
    except LocalAddressFault as fault:
        raise Unreachable(str(fault)) from None
    made.local = local
    return made


async def source_address(host: str, port: int) -> str:
    """The local address from which datagrams to a host go. Raises `Unreachable`."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, port))
    except OSError as fault:
        raise Unreachable(f"there is no way to {host}: {fault.strerror or fault}") from None
    address: str = transport.get_extra_info("sockname")[0]
    transport.close()
    return address
