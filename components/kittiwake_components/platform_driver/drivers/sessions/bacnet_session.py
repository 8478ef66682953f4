"""A session with one BACnet device: reading in batches, writing, subscriptions, discovery. Imported with bacpypes3."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from bacpypes3.apdu import (
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
    WritePropertyRequest,
)
from bacpypes3.app import DeviceInfo
from bacpypes3.basetypes import PropertyIdentifier, PropertyReference, ReadAccessSpecification
from bacpypes3.constructeddata import Array, SequenceOf
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import Atomic, ObjectIdentifier, Unsigned
from bacpypes3.vendor import get_vendor_info

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.drivers.interface import (
    PRIORITIES,
    DeviceAddress,
    DriverFault,
    DriverInterfaceError,
    NoAnswer,
    PointAddress,
    Reading,
    Unreachable,
    Value,
)
from kittiwake_components.platform_driver.drivers.sessions.bacnet_stack import (
    BacnetStack,
    LocalApplication,
    source_address,
)
from kittiwake_components.platform_driver.drivers.sessions.bacnet_values import decode, encode, error_fault

ANY_INSTANCE = 4_194_303
SMALLEST_APDU = 50
LIKELY_APDU = 480
"""What is assumed of a device that does not say what it takes."""

ANSWER_OVERHEAD = 8
REQUEST_OVERHEAD = 8
REQUEST_BYTES = 12
"""The most that one property costs in a request for several."""

ANSWER_BYTES = {"present-value": 17, "priority-array": 110, "object-list": 19}
"""What one property is likely to cost in the answer; a device that finds it too long says so, and gets less."""
LIKELY_ANSWER_BYTES = 60

TOO_LONG = ("buffer-overflow", "segmentation-not-supported", "apdu-too-long", "out-of-resources")

_STANDARD = get_vendor_info(0)


class Target(NamedTuple):
    """One property of one object, with the type of its value and that of the object's present value."""

    object_id: Any
    property_id: Any
    element: int | None
    kind: Any
    state: Any


def target_of(object_identifier: str, property_identifier: str) -> Target:
    """The property that a point's identifiers name. Raises `DriverInterfaceError`."""
    name, _, rest = property_identifier.partition("[")
    index = rest.rstrip("]")
    if rest and not index.isdigit():
        raise DriverInterfaceError(f"{property_identifier!r} is no property, such as priority-array[8]")
    try:
        object_id = ObjectIdentifier(object_identifier)
        property_id = PropertyIdentifier(int(name) if name.isdigit() else name)
    except (TypeError, ValueError):
        raise DriverInterfaceError(f"BACnet has no {object_identifier!r} with {property_identifier!r}") from None
    found = _STANDARD.get_object_class(object_id[0])
    kind = found.get_property_type(property_id) if found else None
    state = found.get_property_type(PropertyIdentifier("present-value")) if found else None
    if kind is None:
        raise DriverInterfaceError(f"a {object_id[0]} has no {property_identifier} in the standard")
    if index and issubclass(kind, Array):
        kind = kind._subtype if int(index) else Unsigned
    return Target(object_id, property_id, int(index) if index else None, kind, state)


def read_out(target: Target, held: Any) -> Reading:
    """The reading that an answer holds for a property; what cannot be decoded is a fault of that property alone."""
    try:
        element = held.cast_out(target.kind, null=issubclass(target.kind, Atomic))
        return Reading(decode(element, target.state))
    except DriverFault as fault:
        return Reading(None, fault)
    except Exception as fault:  # noqa: BLE001 - bacpypes3 raises what it likes about malformed answers
        return Reading(None, DriverFault(f"the answer cannot be read: {fault}"))


class BacnetSession:
    """One device, from `opened` to `close`. It is asked one thing at a time, as small devices want it."""

    def __init__(self, application: LocalApplication, local: str, address: Address, settings: Any) -> None:
        self.application = application
        self.address = address
        self.instance = ANY_INSTANCE
        self.max_apdu = LIKELY_APDU
        self.uses_rpm = True
        self.local = local
        self._timeout_s: float = settings["timeout_s"]
        self._retries: int = settings["retries"]
        self._batch_limit: int = settings["max_batch"]
        self._turn = asyncio.Lock()
        self._is_silent = False
        self.returned = asyncio.Event()
        """Set when the device answers again after silence: it may have restarted, and have forgotten us."""

    async def ask(self, request: Any) -> Any:
        """The answer to a request, when it is its turn. Raises `DriverFault`."""
        request.pduDestination = self.address
        async with self._turn:
            try:
                answer = await self.application.ask(request, self._timeout_s, self._retries)
            except NoAnswer:
                self._is_silent = True
                raise
            if self._is_silent:
                self._is_silent = False
                self.uses_rpm = True
                self.returned.set()
            return answer

    # Reading

    async def read(self, points: Sequence[PointAddress]) -> Sequence[Reading]:
        """A reading for each point. Raises `NoAnswer` if the device answered nothing at all."""
        readings: list[Reading | None] = [None] * len(points)
        targets: list[tuple[int, Target]] = []
        for position, point in enumerate(points):
            try:
                targets.append((position, target_of(point.object_identifier, point.property_identifier)))
            except DriverFault as fault:
                readings[position] = Reading(None, fault)
        try:
            async for position, reading in self._read_each(targets):
                readings[position] = reading
        except NoAnswer as fault:
            if not any(readings[position] for position, _ in targets):
                raise
            return [reading or Reading(None, fault) for reading in readings]
        return [reading or Reading(None, DriverFault("the device left it out of its answer")) for reading in readings]

    async def _read_each(self, targets: list[tuple[int, Target]]) -> Any:
        """Yields position and reading of each target, as they come."""
        left = targets
        while left:
            batch = left[: self._batch_size(left)]
            answers = await self._read_batch([target for _, target in batch])
            if answers is None:
                continue  # too long, or no such service: the next batch is smaller
            for (position, _), reading in zip(batch, answers, strict=True):
                yield position, reading
            left = left[len(batch) :]

    def _batch_size(self, targets: Sequence[tuple[int, Target]]) -> int:
        """How many of the targets fit into one request, and their answer into one message."""
        if not self.uses_rpm:
            return 1
        request = REQUEST_OVERHEAD
        answer = ANSWER_OVERHEAD
        for count, (_, target) in enumerate(targets[: self._batch_limit]):
            request += REQUEST_BYTES
            answer += ANSWER_BYTES.get(str(target.property_id), LIKELY_ANSWER_BYTES)
            if max(request, answer) > self.max_apdu:
                return max(1, count)
        return min(len(targets), self._batch_limit)

    async def _read_batch(self, targets: Sequence[Target]) -> Sequence[Reading] | None:
        if len(targets) == 1:
            return [await self._read_one(targets[0])]
        try:
            answer = await self.ask(_several(targets))
        except NoAnswer:
            raise
        except DriverFault as fault:
            reason = str(fault).rpartition(": ")[2]
            if reason in TOO_LONG:
                self._batch_limit = len(targets) // 2
            else:
                # Whatever it says, the values may still be had one by one; the next session tries again.
                self.uses_rpm = False
            return None
        return _matched(targets, answer)

    async def _read_one(self, target: Target) -> Reading:
        request = ReadPropertyRequest(objectIdentifier=target.object_id, propertyIdentifier=target.property_id)
        if target.element is not None:
            request.propertyArrayIndex = target.element
        try:
            answer = await self.ask(request)
        except NoAnswer:
            raise
        except DriverFault as fault:
            return Reading(None, fault)
        return read_out(target, answer.propertyValue)

    async def value(self, object_identifier: str, property_identifier: str) -> Value:
        """One property. Raises `DriverFault`."""
        reading = await self._read_one(target_of(object_identifier, property_identifier))
        if reading.fault is not None:
            raise reading.fault
        return reading.value

    # Writing

    async def write(self, point: PointAddress, value: Value, priority: int | None) -> Value:
        """The value that the device took, in its own precision. Raises `DriverFault`."""
        target = target_of(point.object_identifier, point.property_identifier)
        element = encode(value, target.kind)
        request = WritePropertyRequest(
            objectIdentifier=target.object_id, propertyIdentifier=target.property_id, propertyValue=element
        )
        if target.element is not None:
            request.propertyArrayIndex = target.element
        if priority is None and value is None:
            priority = PRIORITIES[-1]  # without one, devices take a null for a value
        if priority is not None:
            request.priority = priority
        await self.ask(request)
        return decode(element, target.state)

    # Who it is

    async def identify(self, instance: int | None) -> None:
        """Learns the device's number and what it can take. Raises `Unreachable` if another one answers."""
        self.instance = await self._own_instance(instance)
        if instance is not None and self.instance != instance:
            raise Unreachable(f"device {self.instance} answers at {self.address}, not {instance}")
        try:
            accepted = await self.value(f"device,{self.instance}", "max-apdu-length-accepted")
        except NoAnswer:
            raise
        except DriverFault:
            accepted = LIKELY_APDU
        assert isinstance(accepted, int)
        self.max_apdu = max(SMALLEST_APDU, min(accepted, self.application.device_object.maxApduLengthAccepted))
        self.application.learn(
            DeviceInfo(self.instance, self.address, max_apdu_length_accepted=self.max_apdu, vendor_identifier=0)
        )

    async def _own_instance(self, instance: int | None) -> int:
        asked = ANY_INSTANCE if instance is None else instance
        try:
            found = await self.value(f"device,{asked}", "object-identifier")
        except NoAnswer:
            raise
        except DriverFault:
            # One that knows no wildcard, or has another number, may still say who it is.
            answers = await self.application.search(None, None, str(self.address), self._timeout_s)
            if not answers:
                raise Unreachable(f"{self.address} does not say which device it is") from None
            return int(answers[0].iAmDeviceIdentifier[1])
        return int(str(found).partition(",")[2])


def _several(targets: Sequence[Target]) -> ReadPropertyMultipleRequest:
    """The request for several properties, those of one object together."""
    by_object: dict[Any, list[PropertyReference]] = {}
    for target in targets:
        reference = PropertyReference(propertyIdentifier=target.property_id)
        if target.element is not None:
            reference.propertyArrayIndex = target.element
        by_object.setdefault(target.object_id, []).append(reference)
    specifications = [
        ReadAccessSpecification(objectIdentifier=object_id, listOfPropertyReferences=references)
        for object_id, references in by_object.items()
    ]
    return ReadPropertyMultipleRequest(listOfReadAccessSpecs=SequenceOf(ReadAccessSpecification)(specifications))


def _matched(targets: Sequence[Target], answer: Any) -> Sequence[Reading]:
    """The readings of the targets by what the results say they are, not by their position."""
    found = {(object_id, element.propertyIdentifier, element.propertyArrayIndex): element.readResult
             for object_id, element in _results(answer)}  # fmt: skip
    readings = []
    for target in targets:
        result = found.get((target.object_id, target.property_id, target.element))
        if result is None:
            readings.append(Reading(None, DriverFault("the device left it out of its answer")))
        elif result.propertyAccessError:
            readings.append(Reading(None, error_fault(result.propertyAccessError)))
        else:
            readings.append(read_out(target, result.propertyValue))
    return readings


def _results(answer: Any) -> Iterator[tuple[Any, Any]]:
    for of_object in answer.listOfReadAccessResults:
        for element in of_object.listOfResults:
            yield of_object.objectIdentifier, element


async def opened(stack: BacnetStack, device: DeviceAddress, place: str) -> BacnetSession:
    """A session with the device at `place`: an address, or only its number, which is looked for by Who-Is.

    Raises `DriverFault`; then nothing is kept.
    """
    settings = device.settings
    instance: Any = settings["instance"]
    local: Any = settings["local_address"]
    if not place.isdigit() and not local:
        target = _address(place)
        local = f"{await source_address(*target.addrTuple)}:0" if hasattr(target, "addrTuple") else ""
    if not local:
        raise Unreachable("a device that is looked for by its number needs local_address, such as 192.168.1.5/24")
    application = await stack.take(local)
    try:
        if place.isdigit():
            instance = int(place)
            address = await _found(application, instance, settings["timeout_s"])
        else:
            address = _address(place)
        session = BacnetSession(application, local, address, settings)
        await session.identify(instance)
    except BaseException:
        await stack.give_back(local)
        raise
    return session


def _address(place: str) -> Any:
    try:
        return Address(place)
    except (TypeError, ValueError):
        raise Unreachable(f"{place!r} is no BACnet address") from None


async def _found(application: LocalApplication, instance: int, timeout_s: Any) -> Any:
    """The address of the device with this number. Raises `Unreachable`."""
    answers = await application.search(instance, instance, None, timeout_s)
    if not answers:
        raise Unreachable(f"no device says that it is number {instance}")
    return answers[0].pduSource
