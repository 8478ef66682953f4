"""Looking for BACnet devices, and for the points of one. Imported with bacpypes3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bacpypes3.pdu import Address

from kittiwake_components.platform_driver.drivers.bacnet_search import Search
from kittiwake_components.platform_driver.drivers.interface import (
    DriverFault,
    FoundDevice,
    FoundPoint,
    NoAnswer,
    NotSupported,
    PointAddress,
)
from kittiwake_components.platform_driver.drivers.sessions.bacnet_session import BacnetSession
from kittiwake_components.platform_driver.drivers.sessions.bacnet_stack import BacnetStack, source_address

OBJECTS_LIMIT = 10_000
WHO_IS_S = 3.0
POINT_KINDS = {
    *(f"analog-{role}" for role in ("input", "output", "value")),
    *(f"binary-{role}" for role in ("input", "output", "value")),
    *(f"multi-state-{role}" for role in ("input", "output", "value")),
    "accumulator", "bitstring-value", "characterstring-value", "integer-value", "large-analog-value", "loop",
    "positive-integer-value", "pulse-converter", "binary-lighting-output", "lighting-output",
}  # fmt: skip
"""The kinds of objects that have a present value to read."""


async def points_of(session: BacnetSession) -> Sequence[FoundPoint]:
    """All objects of the device that have a present value, with names and units. Raises `DriverFault`."""
    objects = [each for each in await object_list(session) if each.partition(",")[0] in POINT_KINDS]
    names = await _column(session, objects, "object-name")
    units = await _column(session, objects, "units")
    # One element of the priority array is enough to see that there is one.
    commands = await session.read([PointAddress("", each, "priority-array[1]") for each in objects])
    return [
        FoundPoint(str(name or each), each, units="" if unit is None else str(unit), is_writable=command.fault is None)
        for each, name, unit, command in zip(objects, names, units, commands, strict=True)
    ]


async def object_list(session: BacnetSession) -> list[str]:
    """The identifiers of a device's objects; one by one where the list is too long for one message."""
    device = f"device,{session.instance}"
    try:
        listed = await session.value(device, "object-list")
        assert isinstance(listed, dict)
        return [str(each) for each in listed.values()]
    except NoAnswer:
        raise
    except DriverFault:
        pass
    count = await session.value(device, "object-list[0]")
    assert isinstance(count, int)
    indexes = range(1, min(count, OBJECTS_LIMIT) + 1)
    readings = await session.read([PointAddress("", device, f"object-list[{index}]") for index in indexes])
    for reading in readings:
        if isinstance(reading.fault, NoAnswer):
            raise reading.fault
    return [str(reading.value) for reading in readings if reading.fault is None]


async def _column(session: BacnetSession, objects: Sequence[str], property_identifier: str) -> list[Any]:
    readings = await session.read([PointAddress("", each, property_identifier) for each in objects])
    return [reading.value for reading in readings]


async def devices(stack: BacnetStack, search: Search) -> Sequence[FoundDevice]:
    """The devices that answer a Who-Is, asked singly or by broadcast. Raises `DriverFault`."""
    found: dict[str, Any] = {}
    local = search.local_address
    if not local:
        if not search.addresses:
            raise NotSupported("a broadcast needs local=ADDRESS/BITS, such as local=192.168.1.5/24")
        host, port = Address(search.addresses[0]).addrTuple
        local = f"{await source_address(host, port)}:0"
    application = await stack.take(local)
    try:
        for place in search.addresses or (None,):
            answers = await application.search(search.low, search.high, place, WHO_IS_S)
            found |= {str(answer.pduSource): answer for answer in answers}
        return [await _described(application, place, answer) for place, answer in found.items()]
    finally:
        await stack.give_back(local)


async def _described(application: Any, place: str, answer: Any) -> FoundDevice:
    instance = int(answer.iAmDeviceIdentifier[1])
    session = BacnetSession(application, "", answer.pduSource, {"timeout_s": 1.0, "retries": 0, "max_batch": 1})
    texts = []
    for name in ("object-name", "vendor-name", "model-name"):
        try:
            texts.append(str(await session.value(f"device,{instance}", name)))
        except DriverFault:
            texts.append("")
    return FoundDevice(texts[0] or f"device-{instance}", place, {"instance": instance}, " ".join(texts[1:]).strip())
