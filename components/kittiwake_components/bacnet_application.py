"""A BACnet/IP application of this machine that does what it is for, and nothing else. Imported with bacpypes3.

bacpypes3 answers whatever it can, writes to its own device object among it. Here each application names the services
that it takes from others; all else is rejected as unknown.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, TypeVar

from bacpypes3.apdu import (
    ConfirmedRequestPDU,
    ConfirmedServiceChoice,
    RejectPDU,
    RejectReason,
    UnconfirmedServiceChoice,
    confirmed_request_types,
    unconfirmed_request_types,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import Segmentation, ServicesSupported
from bacpypes3.errors import PropertyError
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import ObjectIdentifier

MAX_APDU = 1476
"""The longest answer that BACnet/IP can carry, in bytes (ASHRAE 135, Annex J)."""


class LocalAddressFault(ValueError):
    """An address that this machine does not have, or that is taken; the message says which and why."""


class ReadOnlyObject:
    """Mixed into an object that nobody may change from outside."""

    async def write_property(self, attr: Any, value: Any, index: Any = None, priority: Any = None) -> None:
        raise PropertyError(errorCode="writeAccessDenied")


class OwnDevice(ReadOnlyObject, DeviceObject):
    """The device object of an application."""


class OwnNetworkPort(ReadOnlyObject, NetworkPortObject):
    """The network port of an application."""


class GuardedApplication(Application):
    """An application that takes the requests named in `SERVICES` alone, such as `ReadPropertyRequest`."""

    SERVICES: ClassVar[frozenset[str]] = frozenset()

    async def indication(self, apdu: Any) -> None:
        if type(apdu).__name__ in self.SERVICES:
            await super().indication(apdu)
        elif isinstance(apdu, ConfirmedRequestPDU):
            await self.response(RejectPDU(reason=RejectReason.unrecognizedService, context=apdu))

    def get_services_supported(self) -> Any:
        """What the device says that it takes: the services it would otherwise be asked for in vain."""
        supported = ServicesSupported([0] * len(ServicesSupported._bitstring_names))
        for service, name in [*confirmed_request_types.items(), *unconfirmed_request_types.items()]:
            if name.__name__ in self.SERVICES:
                kind = ConfirmedServiceChoice if name in confirmed_request_types.values() else UnconfirmedServiceChoice
                supported[getattr(supported, kind(service).attr)] = 1
        return supported

    @property
    def link(self) -> Any:
        """The one link."""
        (link,) = self.link_layers.values()
        return link

    @property
    def port(self) -> int:
        """The UDP port that it has."""
        number: int = self.link.server.local_transport.get_extra_info("sockname")[1]
        return number


A = TypeVar("A", bound=GuardedApplication)


async def made_application(kind: type[A], address: str, instance: int, name: str, **device: Any) -> A:
    """An application of class `kind` on a local address such as `192.168.1.5/24:47808`, ready to send.

    `device` are further properties of its device object. Raises `LocalAddressFault`.
    """
    await _check_local(address)
    own = OwnDevice(
        objectIdentifier=ObjectIdentifier(("device", instance)),
        objectName=name,
        vendorIdentifier=0,
        vendorName="Kittiwake",
        maxApduLengthAccepted=MAX_APDU,
        segmentationSupported=Segmentation.noSegmentation,
        **device,
    )
    port = OwnNetworkPort(address, objectIdentifier=ObjectIdentifier("network-port,1"), objectName="Network")
    made = kind.from_object_list([own, port])
    assert isinstance(made, kind)
    await made.link.server._local_transport_ready.wait()
    return made


async def close_application(application: GuardedApplication) -> None:
    """Closes it, and returns when its sockets are closed, which asyncio does a turn later."""
    application.close()
    for _ in range(2):
        await asyncio.sleep(0)


async def _check_local(address: str) -> None:
    """Tries the address first: bacpypes3 would try one that cannot be had again for ever, without a word."""
    try:
        place = Address(address).addrTuple
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=place
        )
    except (AttributeError, TypeError, ValueError):
        raise LocalAddressFault(
            f"{address!r} is no local address for BACnet/IP, such as 192.168.1.5/24:47808"
        ) from None
    except OSError as fault:
        raise LocalAddressFault(f"{address} cannot be used here: {fault.strerror or fault}") from None
    transport.close()
