"""The objects of parameters: the priority array decides, and the parameter's own value is what is shown."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.errors import ExecutionError, PropertyError
from bacpypes3.primitivedata import Null, Real

from kittiwake.platform.seeded import SeededRandom
from kittiwake.testing import ComponentTester
from kittiwake_components.bacnet_server.objects import SUBSCRIPTIONS_LIMIT, BuildingServer, make_object
from kittiwake_components.bacnet_server.offers import Outcome, offer_parameter
from tests.building.bacnet_peer import BacnetPeer
from tests.building.room import Room

PRESENT_VALUE = PropertyIdentifier("present-value")


class SetPoint:
    """The object of a room's set point, and the commands that it gave."""

    def __init__(self) -> None:
        with ComponentTester(Room) as tester:
            self.offer = offer_parameter("tested.SET_POINT", 1, {"tested": tester.component})
        self.outcome = Outcome.DONE
        self.commands: list[Any] = []
        self.object = make_object(self.offer, 0.1, self._command)
        self.object.show(20.0)

    async def _command(self, offer: Any, value: Any, priority: int, client: str) -> Outcome:
        self.commands.append(value)
        return self.outcome

    async def write(self, value: float | None, priority: int | None) -> None:
        element = Null(()) if value is None else Real(value)
        await self.object.write_property(PRESENT_VALUE, element, None, priority)

    @property
    def value(self) -> float:
        return float(self.object.presentValue)

    @property
    def in_force(self) -> int | None:
        priority: int | None = self.object.currentCommandPriority.unsigned
        return priority


def with_set_point(work: Callable[[SetPoint], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await work(SetPoint())

    asyncio.run(run())


def test_a_value_that_is_shown_in_the_midst_of_its_write_is_not_what_holds_after_the_release() -> None:
    """REQ-BNS-005: the deployment shows a parameter as soon as it is set, before the array has the write."""

    async def work(set_point: SetPoint) -> None:
        async def command(offer: Any, value: Any, priority: int, client: str) -> Outcome:
            set_point.commands.append(value)
            set_point.object.show(value)
            return Outcome.DONE

        set_point.object.attach(set_point.offer, command)
        set_point.object.show(20.0)
        await set_point.write(25.5, 8)
        await set_point.write(None, 8)
        assert set_point.commands == [25.5, 20.0]
        assert (set_point.value, set_point.in_force) == (20.0, None)

    with_set_point(work)


def test_what_the_ground_sets_while_a_write_is_refused_holds() -> None:
    """REQ-BNS-005"""

    async def work(set_point: SetPoint) -> None:
        async def refuse(offer: Any, value: Any, priority: int, client: str) -> Outcome:
            set_point.object.show(18.0)
            return Outcome.DENIED

        set_point.object.attach(set_point.offer, refuse)
        with pytest.raises(PropertyError):
            await set_point.write(25.5, 8)
        assert float(set_point.object.relinquishDefault) == 18.0

    with_set_point(work)


def test_the_highest_priority_is_commanded_and_the_value_before_comes_back() -> None:
    """REQ-BNS-005"""

    async def work(it: SetPoint) -> None:
        await it.write(22.0, None)
        await it.write(24.0, 8)
        await it.write(23.0, 12)  # changes nothing now
        assert it.commands == [22.0, 24.0]
        assert (it.value, it.in_force) == (24.0, 8)
        await it.write(None, 8)
        await it.write(None, 12)
        await it.write(None, None)
        assert it.commands == [22.0, 24.0, 23.0, 22.0, 20.0]
        assert (it.value, it.in_force) == (20.0, None)

    with_set_point(work)


def test_what_the_ground_sets_is_shown_and_stays_until_somebody_commands_anew() -> None:
    """REQ-BNS-005"""

    async def work(it: SetPoint) -> None:
        await it.write(22.0, 8)
        it.object.show(25.0)
        assert it.value == 25.0
        await it.write(21.0, 16)
        assert it.value == 25.0
        await it.write(22.0, 8)  # a building system that insists
        assert it.value == 22.0
        await it.write(None, 16)
        await it.write(None, 8)
        assert it.value == 20.0
        assert it.commands == [22.0, 22.0, 20.0]

    with_set_point(work)


@pytest.mark.parametrize("outcome", [Outcome.OUT_OF_RANGE, Outcome.DENIED, Outcome.FAILED])
def test_a_refused_write_leaves_the_array_as_it_was(outcome: Outcome) -> None:
    """REQ-BNS-005"""

    async def work(it: SetPoint) -> None:
        await it.write(22.0, 8)
        it.outcome = outcome
        for value, priority in ((24.0, 8), (24.0, 1), (None, 8)):
            with pytest.raises(ExecutionError):
                await it.write(value, priority)
            assert (it.value, it.in_force) == (22.0, 8)

    with_set_point(work)


def test_nothing_but_the_present_value_can_be_written() -> None:
    """REQ-BNS-008"""

    async def work(it: SetPoint) -> None:
        for name in ("object-name", "units", "relinquish-default", "out-of-service", "cov-increment", "priority-array"):
            with pytest.raises(ExecutionError):
                await it.object.write_property(PropertyIdentifier(name), Real(1.0), None, 8)
        assert it.commands == []

    with_set_point(work)


def test_there_is_an_end_to_subscriptions() -> None:
    """REQ-BNS-007"""

    async def work(it: SetPoint) -> None:
        from bacpypes3.apdu import SubscribeCOVRequest
        from bacpypes3.pdu import Address

        from kittiwake_components.platform_driver.drivers.interface import DriverFault
        from kittiwake_components.platform_driver.drivers.sessions.bacnet_stack import BacnetStack

        server = BuildingServer([it.offer], 0.1, it._command)
        port = await server.open("127.0.0.1:0", 5, "it")
        stack = BacnetStack()
        client = await stack.take("127.0.0.1:0")

        async def subscribe(process: int) -> None:
            await client.ask(
                SubscribeCOVRequest(
                    subscriberProcessIdentifier=process, monitoredObjectIdentifier=it.object.objectIdentifier,
                    issueConfirmedNotifications=False, lifetime=60, destination=Address(f"127.0.0.1:{port}"),
                ),
                2.0, 0,
            )  # fmt: skip

        for process in range(SUBSCRIPTIONS_LIMIT):
            await subscribe(process)
        with pytest.raises(DriverFault, match="no-space"):
            await subscribe(SUBSCRIPTIONS_LIMIT)
        assert server.show({0: 21.0}) == SUBSCRIPTIONS_LIMIT
        await stack.give_back("127.0.0.1:0")
        await server.close()

    with_set_point(work)


def test_services_that_it_does_not_offer_are_rejected() -> None:
    """REQ-BNS-008"""

    async def work(it: SetPoint) -> None:
        from bacpypes3.apdu import DeviceCommunicationControlRequest
        from bacpypes3.pdu import Address

        from kittiwake_components.platform_driver.drivers.interface import NotSupported
        from kittiwake_components.platform_driver.drivers.sessions.bacnet_stack import BacnetStack

        server = BuildingServer([it.offer], 0.1, it._command)
        port = await server.open("127.0.0.1:0", 5, "it")
        stack = BacnetStack()
        client = await stack.take("127.0.0.1:0")
        request = DeviceCommunicationControlRequest(
            enableDisable="disable", timeDuration=5, destination=Address(f"127.0.0.1:{port}")
        )
        with pytest.raises(NotSupported, match="unrecognized-service"):
            await client.ask(request, 2.0, 0)
        await stack.give_back("127.0.0.1:0")
        await server.close()

    with_set_point(work)


def test_what_is_no_bacnet_leaves_it_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    """REQ-BNS-008: neither the server nor the driver stumbles over datagrams that are cut, changed or made up."""

    async def work(it: SetPoint) -> None:
        from bacpypes3.apdu import ReadPropertyRequest
        from bacpypes3.pdu import Address

        from kittiwake_components.platform_driver.drivers.sessions.bacnet_stack import BacnetStack

        server = BuildingServer([it.offer], 0.1, it._command)
        port = await server.open("127.0.0.1:0", 5, "it")
        server.show({0: 20.0})
        stack = BacnetStack()
        client = await stack.take("127.0.0.2:0")
        random = SeededRandom(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for turn in range(600):
                datagram = distorted(READ_PROPERTY, random)
                stranger.sendto(datagram, ("127.0.0.1", port))
                stranger.sendto(datagram, ("127.0.0.2", client.port))
                if turn % 20 == 0:
                    await asyncio.sleep(0.01)
        request = ReadPropertyRequest(
            objectIdentifier=it.object.objectIdentifier, propertyIdentifier="present-value",
            destination=Address(f"127.0.0.1:{port}"),
        )  # fmt: skip
        answer = await client.ask(request, 1.0, 20)
        assert answer.propertyValue.cast_out(Real) == 20.0
        assert it.commands == []
        await stack.give_back("127.0.0.2:0")
        await server.close()

    with_set_point(work)
    assert "Traceback" not in capfd.readouterr().err


READ_PROPERTY = bytes.fromhex("810a001101040005010c0c02000005194d")


def distorted(datagram: bytes, random: SeededRandom) -> bytes:
    """Made up, with one byte changed, or cut."""
    kind = random.below(3)
    if kind == 0:
        return random.token_bytes(random.below(40))
    if kind == 1:
        at = 4 + random.below(len(datagram) - 4)
        return datagram[:at] + random.token_bytes(1) + datagram[at + 1 :]
    return datagram[: random.below(len(datagram))]


def test_the_driver_itself_can_be_asked_nothing() -> None:
    """A client's own device object cannot be read or written from outside."""

    async def run() -> None:
        from bacpypes3.apdu import ReadPropertyRequest
        from bacpypes3.pdu import Address

        from kittiwake_components.platform_driver.drivers.interface import NotSupported
        from kittiwake_components.platform_driver.drivers.sessions.bacnet_stack import BacnetStack

        stack = BacnetStack()
        asked, asking = await stack.take("127.0.0.1:0"), await stack.take("127.0.0.2:0")
        request = ReadPropertyRequest(
            objectIdentifier=asked.device_object.objectIdentifier, propertyIdentifier="object-name",
            destination=Address(f"127.0.0.1:{asked.port}"),
        )  # fmt: skip
        with pytest.raises(NotSupported):
            await asking.ask(request, 2.0, 0)
        await stack.give_back("127.0.0.1:0")
        await stack.give_back("127.0.0.2:0")

    asyncio.run(run())


def test_an_address_that_is_taken_is_a_clear_fault() -> None:
    """REQ-BNS-009"""
    from kittiwake_components.bacnet_application import LocalAddressFault

    async def run(address: str) -> None:
        await BuildingServer([], 0.1, SetPoint()._command).open(address, 5, "it")

    with BacnetPeer(3, {}) as peer, pytest.raises(LocalAddressFault, match="cannot be used here"):
        asyncio.run(run(peer.address))
