"""A BACnet/IP device in a process of its own, made with bacpypes3 and led over its standard input.

    python -m tests.building.bacnet_process '{"address": "127.0.0.2:0", "instance": 7, "points": {"analog-input": 4}}'

It says `{"port": ...}` once it can be reached. Each line that comes in is a JSON object and is answered by one.
`tests.building.bacnet_peer` is the other end.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, NoReturn

from bacpypes3.apdu import ReadPropertyMultipleRequest, ReadPropertyRequest, SubscribeCOVRequest, WritePropertyRequest
from bacpypes3.app import Application
from bacpypes3.basetypes import Segmentation
from bacpypes3.errors import ExecutionError, UnrecognizedService
from bacpypes3.local.analog import AnalogInputObject, AnalogOutputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryInputObject, BinaryOutputObject, BinaryValueObject
from bacpypes3.local.cmd import Commandable
from bacpypes3.local.cov import GenericCriteria
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateInputObject, MultiStateOutputObject, MultiStateValueObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.primitivedata import Enumerated, Null, ObjectIdentifier, Unsigned

from tests.building.obeying import obey_orders, say


class CommandableAnalogValue(Commandable, AnalogValueObject):
    """An analog value with a priority array."""


class CommandableBinaryValue(Commandable, BinaryValueObject):
    """A binary value with a priority array."""


class CommandableMultiStateValue(Commandable, MultiStateValueObject):
    """A multi-state value with a priority array, which tells of changes too."""

    _cov_criteria = GenericCriteria


ANALOG = {
    "analog-input": AnalogInputObject, "analog-output": AnalogOutputObject, "analog-value": CommandableAnalogValue,
}  # fmt: skip
BINARY = {
    "binary-input": BinaryInputObject, "binary-output": BinaryOutputObject, "binary-value": CommandableBinaryValue,
}  # fmt: skip
MULTI_STATE = {
    "multi-state-input": MultiStateInputObject,
    "multi-state-output": MultiStateOutputObject,
    "multi-state-value": CommandableMultiStateValue,
}
STATE_NAMES = ["off", "low", "high"]


def make_object(kind: str, number: int) -> Any:
    """The object `kind`,`number` with the value that a test expects: 0.5 x number, active if odd, state 1 to 3."""
    base: dict[str, Any] = {
        "objectIdentifier": f"{kind},{number}",
        "objectName": f"{kind}-{number}",
        "statusFlags": [0, 0, 0, 0],
    }
    base |= {"eventState": "normal", "outOfService": False, "description": f"Point {number} of the kind {kind}"}
    if kind in ANALOG:
        units = "percent" if kind == "analog-output" else "degreesCelsius"
        return ANALOG[kind](**base, presentValue=number * 0.5, units=units, covIncrement=0.1)
    if kind in BINARY:
        polarity = {} if kind == "binary-value" else {"polarity": "normal"}
        return BINARY[kind](**base, **polarity, presentValue="active" if number % 2 else "inactive")
    states = {"numberOfStates": len(STATE_NAMES), "stateText": STATE_NAMES}
    return MULTI_STATE[kind](**base, **states, presentValue=1 + number % len(STATE_NAMES))


class Device(Application):
    """A device that counts what it is asked, and can be made to behave badly."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.counts = {"rpm": 0, "read": 0, "subscribe": 0}
        self.refuses_rpm = False
        self.refuses_cov = False

    async def do_ReadPropertyMultipleRequest(self, apdu: ReadPropertyMultipleRequest) -> None:
        self.counts["rpm"] += 1
        if self.refuses_rpm:
            raise UnrecognizedService("no ReadPropertyMultiple here")
        await super().do_ReadPropertyMultipleRequest(apdu)

    async def do_ReadPropertyRequest(self, apdu: ReadPropertyRequest) -> None:
        self.counts["read"] += 1
        await super().do_ReadPropertyRequest(apdu)

    async def do_WritePropertyRequest(self, apdu: WritePropertyRequest) -> None:
        kind = str(apdu.objectIdentifier[0])
        if kind.endswith("-input"):
            raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")
        if kind in MULTI_STATE:
            state = apdu.propertyValue.cast_out(Unsigned, null=True)
            if not isinstance(state, Null) and not 1 <= state <= len(STATE_NAMES):
                raise ExecutionError(errorClass="property", errorCode="valueOutOfRange")
        await super().do_WritePropertyRequest(apdu)

    async def do_SubscribeCOVRequest(self, apdu: SubscribeCOVRequest) -> None:
        self.counts["subscribe"] += 1
        if self.refuses_cov:
            raise UnrecognizedService("no SubscribeCOV here")
        await super().do_SubscribeCOVRequest(apdu)


class Plug:
    """The network plug of a device: pulled, nothing comes in or goes out, and nothing waits for later."""

    def __init__(self, server: Any) -> None:
        self.is_in = True
        self.left: int | None = None
        """After so many datagrams have come in it is pulled."""
        self._send = server.local_transport.sendto
        self._receive = server.local_protocol.datagram_received
        server.local_transport.sendto = self._sendto
        server.local_protocol.datagram_received = self._received

    def _sendto(self, data: bytes, address: Any) -> None:
        if self.is_in:
            self._send(data, address)

    def _received(self, data: bytes, address: Any) -> None:
        if self.left is not None:
            self.is_in = self.left > 0
            self.left = self.left - 1 if self.is_in else None
        if self.is_in:
            self._receive(data, address)


def make_device(spec: dict[str, Any]) -> Device:
    """The application that `spec` describes."""
    device = DeviceObject(
        objectIdentifier=("device", spec["instance"]),
        objectName=f"device-{spec['instance']}",
        vendorIdentifier=999,
        maxApduLengthAccepted=spec.get("max_apdu", 1024),
        segmentationSupported=Segmentation(spec.get("segmentation", "segmented-both")),
    )
    port = NetworkPortObject(spec["address"], objectIdentifier=("network-port", 1), objectName="NetworkPort-1")
    points = [make_object(kind, number) for kind, count in spec["points"].items() for number in range(1, count + 1)]
    made = Device.from_object_list([device, port, *points])
    assert isinstance(made, Device)
    made.refuses_rpm = spec.get("refuses_rpm", False)
    made.refuses_cov = spec.get("refuses_cov", False)
    return made


def obey(device: Device, plug: Plug, order: dict[str, Any]) -> dict[str, Any]:
    """Carries out one order."""
    match order:
        case {"plug": bool(is_in)}:
            plug.is_in = is_in
        case {"unplug_after": int(count)}:
            plug.left = count
        case {"refuses_rpm": bool(refuses)}:
            device.refuses_rpm = refuses
        case {"set": str(point), "value": value}:
            device.get_object_id(ObjectIdentifier(point)).presentValue = value
        case {"get": str(point)}:
            return {"value": plain(device.get_object_id(ObjectIdentifier(point)).presentValue)}
        case {"priorities": str(point)}:
            array = device.get_object_id(ObjectIdentifier(point)).priorityArray
            return {"value": [plain(getattr(each, each._choice)) if each.null is None else None for each in array]}
        case {"counts": True}:
            return device.counts
        case {"subscriptions": True}:
            return {"value": sum(len(found.cov_subscriptions) for found in device._cov_detections.values())}
        case {"forget_subscriptions": True}:
            for detection in list(device._cov_detections.values()):
                for subscription in list(detection.cov_subscriptions):
                    device.cancel_subscription(subscription)
        case _:
            raise ValueError(f"no such order: {order}")
    return {}


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, Enumerated):
        return str(value)
    return value if isinstance(value, str) else float(value)


async def serve(spec: dict[str, Any]) -> NoReturn:
    """Is the device until the process ends."""
    device = make_device(spec)
    (link,) = device.link_layers.values()
    await link.server._local_transport_ready.wait()
    plug = Plug(link.server)
    say({"port": link.server.local_transport.get_extra_info("sockname")[1]})

    async def carry_out(order: dict[str, Any]) -> dict[str, Any]:
        return obey(device, plug, order)

    await obey_orders(carry_out)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
