"""The BACnet objects of a deployment, and the application that serves them. Imported with bacpypes3, in its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from bacpypes3.basetypes import EngineeringUnits, OptionalUnsigned, PriorityValue, Reliability
from bacpypes3.errors import ExecutionError, PropertyError
from bacpypes3.local.analog import AnalogInputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryInputObject, BinaryValueObject
from bacpypes3.local.cmd import Commandable
from bacpypes3.local.cov import GenericCriteria
from bacpypes3.local.object import Object as LocalObject
from bacpypes3.object import CharacterStringValueObject
from bacpypes3.primitivedata import Null

from kittiwake_components.bacnet_application import (
    GuardedApplication,
    ReadOnlyObject,
    close_application,
    made_application,
)
from kittiwake_components.bacnet_server.offers import ANALOG, BINARY, CHARACTER, Offer, Outcome, Plain

SUBSCRIPTIONS_LIMIT = 200
LOWEST_PRIORITY = 16
IN_ORDER, FAULTY = [0, 0, 0, 0], [0, 1, 0, 0]

Command = Callable[[Offer, Plain, int, str], Awaitable[Outcome]]
"""Has a parameter set to a value, for a priority and a client."""

_client: ContextVar[str] = ContextVar("client", default="")
"""Who sent the request that is being served."""


class ShownAnalog(ReadOnlyObject, AnalogInputObject):
    """A channel that is a number."""


class ShownBinary(ReadOnlyObject, BinaryInputObject):
    """A channel that is a truth."""


class CharacterObject(LocalObject, CharacterStringValueObject):
    """A text with change of value."""

    _cov_criteria = GenericCriteria
    _required = ("presentValue", "statusFlags")


class ShownCharacter(ReadOnlyObject, CharacterObject):
    """A channel that is a text, or one of several names."""


class Commanded(Commandable):
    """A parameter: what is written goes to its set command first, and stands only if that has taken it."""

    def attach(self, offer: Offer, command: Command) -> None:
        """Says which parameter it is, and how it is set."""
        self._offer = offer
        self._command = command
        self._turn = asyncio.Lock()

    def show(self, value: Any) -> None:
        """The parameter's value, whoever set it; it is also what holds when nobody commands any more.

        While a write is under way it may be that write's own, which the array does not have yet.
        """
        super(Commandable, self).__setattr__("presentValue", value)
        if not self._turn.locked():
            self._take_default()

    def _take_default(self) -> None:
        if not any(self._is_commanded(slot) for slot in range(LOWEST_PRIORITY)):
            self.relinquishDefault = self.presentValue

    def _is_commanded(self, slot: int) -> bool:
        return self.priorityArray[slot].null is None

    async def write_property(self, attr: Any, value: Any, index: Any = None, priority: Any = None) -> None:
        if isinstance(attr, int):
            attr = self._property_identifier_class(attr).attr
        if attr != "presentValue" or index is not None:
            raise PropertyError(errorCode="writeAccessDenied")
        number = LOWEST_PRIORITY if priority is None else int(priority)
        async with self._turn:
            try:
                await self._write(number, value)
            finally:
                self._take_default()

    async def _write(self, number: int, value: Any) -> None:
        """Has the parameter set to what then holds. Raises `ExecutionError`; then the array is as it was."""
        entries = [getattr(each, each._choice) if each.null is None else None for each in self.priorityArray]
        before = self._in_force(entries)
        entries[number - 1] = None if isinstance(value, Null) else value
        after = self._in_force(entries)
        # What changes nothing is no reason to set it again over a value that the ground gave since.
        if after != before or after[0] == number:
            outcome = await self._command(self._offer, plain(self._offer, after[1]), number, _client.get())
            if outcome is not Outcome.DONE:
                raise _REFUSALS[outcome]()
            super(Commandable, self).__setattr__("presentValue", after[1])
        self.priorityArray[number - 1] = PriorityValue(value)

    def _in_force(self, entries: Sequence[Any]) -> tuple[int, Any]:
        """The highest priority that somebody commands with, 0 for none, and the value that so holds."""
        found = ((number, entry) for number, entry in enumerate(entries, 1) if entry is not None)
        return next(found, (0, self.relinquishDefault))

    def recalculating(self) -> None:
        """The array has changed: only the priority is taken from it, the present value is the parameter's."""
        commanded = [number for number in range(1, LOWEST_PRIORITY + 1) if self._is_commanded(number - 1)]
        priority = OptionalUnsigned(unsigned=commanded[0]) if commanded else OptionalUnsigned(null=())
        super(Commandable, self).__setattr__("currentCommandPriority", priority)


class SetAnalog(Commanded, AnalogValueObject):
    """A parameter that is a number."""


class SetBinary(Commanded, BinaryValueObject):
    """A parameter that is a truth."""


class SetCharacter(Commanded, CharacterObject):
    """A parameter that is a text, or one of several names."""


_REFUSALS: Mapping[Outcome, Callable[[], Exception]] = {
    Outcome.OUT_OF_RANGE: lambda: PropertyError(errorCode="valueOutOfRange"),
    Outcome.DENIED: lambda: PropertyError(errorCode="writeAccessDenied"),
    Outcome.FAILED: lambda: ExecutionError(errorClass="device", errorCode="operationalProblem"),
}

CLASSES: Mapping[str, tuple[Any, Any]] = {
    ANALOG: (ShownAnalog, SetAnalog), BINARY: (ShownBinary, SetBinary), CHARACTER: (ShownCharacter, SetCharacter),
}  # fmt: skip
EMPTY: Mapping[str, Plain] = {ANALOG: 0.0, BINARY: False, CHARACTER: ""}


def plain(offer: Offer, value: Any) -> Plain:
    """A present value in Python's terms."""
    if offer.kind == ANALOG:
        return float(value)
    return bool(int(value)) if offer.kind == BINARY else str(value)


def make_object(offer: Offer, cov_increment: float, command: Command) -> Any:
    """The object of an offer; until it has a value its status says that it has none."""
    own: dict[str, Any] = {
        "objectIdentifier": offer.object_identifier, "objectName": offer.name, "description": offer.description,
        "presentValue": EMPTY[offer.kind], "statusFlags": FAULTY, "eventState": "normal", "outOfService": False,
        "reliability": Reliability("noSensor"),
    }  # fmt: skip
    if offer.kind == ANALOG:
        own |= {"units": EngineeringUnits(offer.units), "covIncrement": cov_increment}
        if offer.bounds is not None:
            own |= {"minPresValue": offer.bounds[0], "maxPresValue": offer.bounds[1]}
    if offer.kind == BINARY and not offer.is_parameter:
        own["polarity"] = "normal"
    made = CLASSES[offer.kind][offer.is_parameter](**own)
    if offer.is_parameter:
        made.attach(offer, command)
    return made


class BuildingApplication(GuardedApplication):
    """What building systems may ask, and no more."""

    SERVICES = frozenset(
        {
            "WhoIsRequest", "WhoHasRequest", "ReadPropertyRequest", "ReadPropertyMultipleRequest",
            "WritePropertyRequest", "SubscribeCOVRequest",
        }
    )  # fmt: skip

    async def do_WritePropertyRequest(self, apdu: Any) -> None:
        _client.set(str(apdu.pduSource))
        await super().do_WritePropertyRequest(apdu)

    async def do_SubscribeCOVRequest(self, apdu: Any) -> None:
        is_cancelled = apdu.issueConfirmedNotifications is None and apdu.lifetime is None
        if not is_cancelled and self.subscriptions() >= SUBSCRIPTIONS_LIMIT:
            raise ExecutionError(errorClass="resources", errorCode="noSpaceToAddListElement")
        await super().do_SubscribeCOVRequest(apdu)

    def subscriptions(self) -> int:
        """How many are in force."""
        return sum([len(detection.cov_subscriptions) for detection in self._cov_detections.values()])


class BuildingServer:
    """Serves offers on one address; all of it runs in one asyncio loop."""

    def __init__(self, offers: Sequence[Offer], cov_increment: float, command: Command) -> None:
        self._objects = [make_object(offer, cov_increment, command) for offer in offers]
        self._offers = offers
        self._application: BuildingApplication | None = None

    async def open(self, address: str, instance: int, name: str) -> int:
        """Begins to serve, and gives the UDP port. Raises `LocalAddressFault`."""
        self._application = await made_application(
            BuildingApplication, address, instance, name, modelName="BACnet server", description=name
        )
        for each in self._objects:
            self._application.add_object(each)
        return self._application.port

    def show(self, values: Mapping[int, Plain | None]) -> int:
        """Takes new values by position, `None` where there is none, and gives the number of subscriptions."""
        for position, value in values.items():
            found = self._objects[position]
            if value is not None:
                if self._offers[position].is_parameter:
                    found.show(value)
                else:
                    found.presentValue = value
            found.reliability = Reliability("noSensor" if value is None else "noFaultDetected")
            found.statusFlags = FAULTY if value is None else IN_ORDER
        return self._application.subscriptions() if self._application is not None else 0

    async def close(self) -> None:
        """Ends the service."""
        application, self._application = self._application, None
        if application is not None:
            await close_application(application)
