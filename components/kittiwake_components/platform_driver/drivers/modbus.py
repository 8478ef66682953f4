"""Modbus over TCP and over serial lines (RTU), by pymodbus, in a thread that all Modbus devices share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kittiwake_components.platform_driver.drivers.interface import (
    DeviceAddress,
    Done,
    PointAddress,
    Reading,
    ReadOnly,
    Value,
)
from kittiwake_components.platform_driver.drivers.modbus_address import split_address
from kittiwake_components.platform_driver.drivers.modbus_registers import FORMATS, WRITABLE, place_of
from kittiwake_components.platform_driver.drivers.threaded import ThreadedDriver
from kittiwake_components.platform_driver.fields import Field

if TYPE_CHECKING:
    from kittiwake_components.platform_driver.drivers.sessions.modbus_session import ModbusLines, ModbusSession


def _make_lines() -> ModbusLines:
    from kittiwake_components.platform_driver.drivers.sessions.modbus_session import ModbusLines

    return ModbusLines()


class ModbusDriver(ThreadedDriver["ModbusSession"]):
    """A unit at `192.168.1.30`, `192.168.1.30:1502`, or on the serial line `/dev/ttyUSB0`.

    Units at one address share a connection, and are asked one after the other.
    """

    TYPE = "modbus"
    MAKE_COMMON = staticmethod(_make_lines)
    SETTINGS = (
        Field("unit", int, 1, 0, 255, doc="The unit's number on the line, or behind the gateway."),
        Field("timeout_s", float, 1.0, 0.05, 60.0, doc="How long to wait for an answer."),
        Field("retries", int, 1, 0, 5, doc="How often to ask again."),
        Field("framing", str, "auto", choices=("auto", "rtu"), doc="rtu: over TCP too, for plain serial converters."),
        Field("baud", int, 19_200, 300, 4_000_000, doc="Of a serial line."),
        Field("parity", str, "E", choices=("N", "E", "O"), doc="Of a serial line; even is the standard's."),
        Field("stop_bits", int, 1, 1, 2, doc="Of a serial line."),
        Field("word_order", str, "big", choices=("big", "little"), doc="Which word of longer values comes first."),
        Field("max_registers", int, 125, 1, 125, doc="The most registers in one request."),
        Field("max_gap", int, 8, 0, 124, doc="So many unused addresses are read along between two points."),
    )
    POINT_SETTINGS = (
        Field("type", str, "", choices=("", *FORMATS), doc="Of registers; empty: uint16."),
        Field("word_order", str, "", choices=("", "big", "little"), doc="Empty: the device's."),
        Field("scale", float, 1.0, doc="The value is the register's number times this,"),
        Field("offset", float, 0.0, doc="plus this."),
    )

    @classmethod
    def check_device(cls, device: DeviceAddress) -> None:
        split_address(device.address)

    @classmethod
    def check_point(cls, point: PointAddress) -> None:
        place_of(point, "big")

    async def connect(self, common: ModbusLines) -> ModbusSession:
        return await common.opened(self.device)

    async def disconnect(self, common: ModbusLines, session: ModbusSession) -> None:
        common.give_back(session)

    def read(self, points: Sequence[PointAddress], done: Done[Sequence[Reading]]) -> None:
        self.begin(lambda session: session.read(points), done)

    def write(self, point: PointAddress, value: Value, priority: int | None, done: Done[Value]) -> None:
        table = point.object_identifier.partition(",")[0]
        if table not in WRITABLE:
            done(ReadOnly(f"a {table} cannot be written"))
            return
        self.begin(lambda session: session.write(point, value), done)
