"""BACnet through a gateway that speaks JSON-RPC (diy-bacnet-server's methods), as the upstream reaches it.

Several points are read by one call; where the gateway answers for all of them with one error, they are read one by one,
so that one bad point takes none of the others along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kittiwake_components.platform_driver.drivers.interface import (
    BadValue,
    DeviceAddress,
    Done,
    Driver,
    DriverFault,
    DriverInterfaceError,
    DriverServices,
    FoundDevice,
    FoundPoint,
    NoAnswer,
    PointAddress,
    Reading,
    ReadOnly,
    Unreachable,
    Value,
)
from kittiwake_components.platform_driver.drivers.rpc_gateway import RpcGateway, RpcRefused, parse_gateway
from kittiwake_components.platform_driver.fields import Field

LAST_INSTANCE = 4_194_303
URL, ENTRYPOINT = "http://127.0.0.1:8080", "/api"
TIMEOUT_S = 15.0
MAX_BEARER = 4096
_STATES = {"active": True, "inactive": False}
_STATE_PROPERTIES = ("present-value", "relinquish-default")
_FAULTS: tuple[tuple[str, type[DriverFault]], ...] = (
    ("write-access-denied", ReadOnly),
    ("unknown-object", DriverInterfaceError),
    ("unknown-property", DriverInterfaceError),
    ("value-out-of-range", BadValue),
    ("invalid-data-type", BadValue),
)


class BacnetJsonRpcDriver(Driver):
    """A BACnet device by its number, behind the gateway at `rpc_base_url` and `rpc_entrypoint`."""

    TYPE = "bacnet_jsonrpc"
    SETTINGS = (
        Field("bearer_file", str, "", doc="A file of the root with the gateway's token; empty: it wants none."),
    )

    def __init__(self, device: DeviceAddress, services: DriverServices) -> None:
        super().__init__(device, services)
        settings = device.settings
        self._instance = instance_of(device.address)
        self._gateway = RpcGateway(
            str(settings.get("rpc_base_url") or URL), str(settings.get("rpc_entrypoint") or ENTRYPOINT),
            _bearer(services, str(settings.get("bearer_file") or "")), TIMEOUT_S,
        )  # fmt: skip

    @classmethod
    def check_device(cls, device: DeviceAddress) -> None:
        instance_of(device.address)
        settings = device.settings
        parse_gateway(str(settings.get("rpc_base_url") or URL), str(settings.get("rpc_entrypoint") or ENTRYPOINT))

    @classmethod
    def check_point(cls, point: PointAddress) -> None:
        kind, _, number = point.object_identifier.partition(",")
        if not kind or not (number.isascii() and number.isdigit() and int(number) <= LAST_INSTANCE):
            raise ValueError(f"{point.object_identifier!r} is no BACnet object, such as analog-input,1")

    @classmethod
    def find_devices(cls, where: str, services: DriverServices, done: Done[Sequence[FoundDevice]]) -> None:
        """Devices by Who-Is: `where` is a range of numbers, as `1000-1999`, and an address of a gateway."""
        first, last, url = 0, LAST_INSTANCE, URL
        for word in where.split():
            low, dash, high = word.partition("-")
            if dash and low.isdigit() and high.isdigit():
                first, last = int(low), int(high)
            else:
                url = word
        try:
            gateway = RpcGateway(url, ENTRYPOINT, "", TIMEOUT_S)
        except ValueError as fault:
            done(BadValue(str(fault)))
            return

        def look() -> list[FoundDevice]:
            try:
                request = {"start_instance": first, "end_instance": last}
                devices = _data(gateway.call("client_whois_range", {"request": request}), "devices")
                return [_found_device(one, url) for one in devices if isinstance(one, dict)]
            finally:
                gateway.close()

        _in_thread(services, look, done)

    # Operations

    def open(self, done: Done[None]) -> None:
        def hello() -> None:
            self._gateway.call("server_hello", {})

        _in_thread(self.services, hello, done)

    def read(self, points: Sequence[PointAddress], done: Done[Sequence[Reading]]) -> None:
        def readings() -> list[Reading]:
            if len(points) == 1:
                return [self._read_one(points[0])]
            asked = [
                {"object_identifier": one.object_identifier, "property_identifier": one.property_identifier}
                for one in points
            ]
            request = {"device_instance": self._instance, "requests": asked}
            rows = _data(self._gateway.call("client_read_multiple", {"request": request}), "results")
            if any(isinstance(row, dict) and "error" in row for row in rows):
                return [self._read_one(point) for point in points]
            return _matched(points, rows)

        _in_thread(self.services, readings, done)

    def _read_one(self, point: PointAddress) -> Reading:
        request = {
            "device_instance": self._instance, "object_identifier": point.object_identifier,
            "property_identifier": point.property_identifier,
        }  # fmt: skip
        try:
            found = self._gateway.call("client_read_property", {"request": request})
        except RpcRefused as fault:
            return Reading(None, _named(fault))
        if isinstance(found, dict) and point.property_identifier in found:
            found = found[point.property_identifier]
        return _reading(point, found)

    def write(self, point: PointAddress, value: Value, priority: int | None, done: Done[Value]) -> None:
        """The gateway takes numbers and texts: a truth is `active` or `inactive` there, null the text `null`."""
        sent = "null" if value is None else value
        if isinstance(value, bool):
            sent = "active" if value else "inactive"
        request = {
            "device_instance": self._instance, "object_identifier": point.object_identifier,
            "property_identifier": point.property_identifier, "value": sent, "priority": priority,
        }  # fmt: skip

        def written() -> Value:
            try:
                self._gateway.call("client_write_property", {"request": request})
            except RpcRefused as fault:
                raise _named(fault) from None
            return value

        _in_thread(self.services, written, done)

    def discover(self, done: Done[Sequence[FoundPoint]]) -> None:
        def found() -> list[FoundPoint]:
            request = {"device_instance": self._instance}
            objects = _data(self._gateway.call("client_point_discovery", {"instance": request}), "objects")
            return [_found_point(one) for one in objects if isinstance(one, dict) and "object_identifier" in one]

        _in_thread(self.services, found, done)

    def close(self, done: Done[None]) -> None:
        self._gateway.close()
        done(None)


def instance_of(address: str) -> int:
    """The device's number in an address: `1001` or `device:1001`. Raises `ValueError`."""
    text = address.strip()
    text = text[len("device:") :].strip() if text.lower().startswith("device:") else text
    if not (text.isascii() and text.isdigit() and len(text) <= 7 and int(text) <= LAST_INSTANCE):
        raise ValueError(f"{address!r} is no number of a BACnet device, which go from 0 to {LAST_INSTANCE}")
    return int(text)


def _in_thread(services: DriverServices, work: Callable[[], Any], done: Done[Any]) -> None:
    """Does some work that blocks, in a thread where there are threads; `done` gets the result or the fault."""

    def run() -> None:
        try:
            result = work()
        except DriverFault as fault:
            result = fault
        except Exception as fault:  # noqa: BLE001 - whoever waits must hear of it
            result = Unreachable(f"{type(fault).__name__}: {fault}"[:200])
        done(result)

    services.platform.start_thread("bacnet_jsonrpc", run)


def _bearer(services: DriverServices, name: str) -> str:
    """The token in a file of the root. Raises `OSError`."""
    if not name or services.root is None:
        return ""
    return services.platform.files.read(services.root.resolve(name), MAX_BEARER).decode("ascii", "replace").strip()


def _data(result: Any, member: str) -> list[Any]:
    """A list in the answer's `data`. Raises `NoAnswer` with the message where it is none."""
    data = result.get("data") if isinstance(result, dict) else None
    found = data.get(member) if isinstance(data, dict) else data if isinstance(data, list) else result
    if isinstance(found, list):
        return found
    raise NoAnswer(found if isinstance(found, str) else f"the gateway gave no {member}")


def _key(object_identifier: Any, property_identifier: Any) -> tuple[str, str]:
    return str(object_identifier).replace(" ", "").lower(), str(property_identifier).replace(" ", "").lower()


def _matched(points: Sequence[PointAddress], rows: list[Any]) -> list[Reading]:
    """Readings by their position where the counts agree, else by object and property."""
    if len(rows) == len(points):
        return [_of_row(point, row) for point, row in zip(points, rows, strict=True)]
    by_key = {
        _key(row.get("object_identifier"), row.get("property_identifier")): row for row in rows if isinstance(row, dict)
    }
    missing = {"value": "Error: missing result for object/property in RPM response"}
    return [
        _of_row(point, by_key.get(_key(point.object_identifier, point.property_identifier), missing))
        for point in points
    ]


def _of_row(point: PointAddress, row: Any) -> Reading:
    if not isinstance(row, dict):
        return Reading(None, NoAnswer("non-dict RPM row"))
    return _reading(point, row.get("value"))


def _reading(point: PointAddress, value: Any) -> Reading:
    """A value as the gateway gives it: `Error...` is one, and the state of a binary object is a truth."""
    if isinstance(value, str):
        if value.startswith("Error"):
            return Reading(None, _named(DriverFault(value)))
        is_state = point.object_identifier.startswith("binary") and point.property_identifier in _STATE_PROPERTIES
        if is_state and value in _STATES:
            return Reading(_STATES[value])
    if isinstance(value, (list, dict)):
        import json

        return Reading(json.dumps(value))
    return Reading(value)


def _named(fault: DriverFault) -> DriverFault:
    """An error of the device under the fault that it is, as far as its words say."""
    words = str(fault).lower().replace("_", "-")
    for word, kind in _FAULTS:
        if word in words:
            return kind(str(fault))
    return NoAnswer(str(fault))


def _found_device(one: dict[str, Any], url: str) -> FoundDevice:
    number = str(one.get("i-am-device-identifier", "")).partition(",")[2].strip()
    description = str(one.get("device-description") or "")
    description = "" if description.startswith("Error") else description
    return FoundDevice(f"device {number}", number, {}, f"{description} ({one.get('device-address')}) by {url}".strip())


def _found_point(one: dict[str, Any]) -> FoundPoint:
    name = str(one.get("name") or one.get("object_name") or one["object_identifier"])
    return FoundPoint(name, str(one["object_identifier"]), is_writable=one.get("commandable") is True)
