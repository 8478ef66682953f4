"""Lines to Modbus units, and the session with one of them. Imported with pymodbus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException

from kittiwake_components.platform_driver.drivers.interface import (
    BadValue,
    DeviceAddress,
    DriverFault,
    DriverInterfaceError,
    NoAnswer,
    NotSupported,
    PointAddress,
    Reading,
    Unreachable,
    Value,
)
from kittiwake_components.platform_driver.drivers.modbus_address import split_address
from kittiwake_components.platform_driver.drivers.modbus_registers import Place, Span, decoded, encoded, place_of, spans

Client = AsyncModbusTcpClient | AsyncModbusSerialClient

_EXCEPTIONS: dict[int, tuple[type[DriverFault], str]] = {
    1: (NotSupported, "illegal function"),
    2: (DriverInterfaceError, "illegal data address"),
    3: (BadValue, "illegal data value"),
    4: (DriverFault, "failure of the unit"),
    5: (DriverFault, "acknowledged, not done yet"),
    6: (DriverFault, "the unit is busy"),
    8: (DriverFault, "parity error of the unit's memory"),
    10: (NoAnswer, "the gateway has no path to the unit"),
    11: (NoAnswer, "the unit does not answer the gateway"),
}
"""Exception codes (Modbus Application Protocol 1.1b3, 7)."""

READERS = {
    "coil": "read_coils",
    "discrete-input": "read_discrete_inputs",
    "holding-register": "read_holding_registers",
    "input-register": "read_input_registers",
}

# It writes whole frames to the terminal when a unit is silent; the faults say so already.
logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL + 1)


class ModbusLine:
    """A connection that units share. After silence it is made anew, so that a late answer is taken for no other."""

    def __init__(self, make: Callable[[], Client], where: str) -> None:
        self.users = 0
        self._make = make
        self._where = where
        self._client: Client | None = None
        self._turn = asyncio.Lock()

    async def ask(self, request: Callable[[Any], Awaitable[Any]], timeout_s: float, retries: int) -> Any:
        """The answer to what `request` asks of the client. Raises `DriverFault`."""
        async with self._turn:
            client = await self._connected(timeout_s)
            client.ctx.comm_params.timeout_connect = timeout_s
            client.ctx.retries = retries
            try:
                answer = await request(client)
            except ConnectionException as fault:
                self.close()
                raise Unreachable(f"{self._where}: {fault.string}") from None
            except ModbusException:
                self.close()
                tries = retries + 1
                raise NoAnswer(f"{self._where} did not answer within {timeout_s:g} s, {tries} times") from None
            except BaseException:
                self.close()
                raise
        if answer.isError():
            kind, reason = _EXCEPTIONS.get(answer.exception_code, (DriverFault, f"exception {answer.exception_code}"))
            raise kind(reason)
        return answer

    async def _connected(self, timeout_s: float) -> Client:
        if self._client is None or not self._client.connected:
            self.close()
            client = self._make()
            client.ctx.comm_params.timeout_connect = timeout_s
            if not await client.connect():
                client.close()
                raise Unreachable(f"{self._where} cannot be reached")
            self._client = client
        return self._client

    async def connect(self, timeout_s: float) -> None:
        """Connects, if nobody has yet. Raises `Unreachable`."""
        async with self._turn:
            await self._connected(timeout_s)

    def close(self) -> None:
        """Closes the connection; the next request makes a new one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


class ModbusLines:
    """All lines, by address."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[tuple[Any, ...], ModbusLine]] = {}

    async def opened(self, device: DeviceAddress) -> ModbusSession:
        """A session with a unit. Raises `Unreachable`, also where the line is open with other settings."""
        form = tuple(device.settings[name] for name in ("framing", "baud", "parity", "stop_bits"))
        if device.address not in self._lines:
            self._lines[device.address] = form, ModbusLine(lambda: _client(device), device.address)
        known, line = self._lines[device.address]
        if known != form:
            raise Unreachable(f"another device uses {device.address} with other settings of the line")
        session = ModbusSession(line, device)
        line.users += 1
        try:
            await line.connect(session.timeout_s)
        except BaseException:
            self.give_back(session)
            raise
        return session

    def give_back(self, session: ModbusSession) -> None:
        """Ends one use; the last one closes the line."""
        line = session.line
        line.users -= 1
        if not line.users:
            line.close()
            self._lines.pop(session.address, None)


def _client(device: DeviceAddress) -> Client:
    settings: Any = device.settings
    host, port = split_address(device.address)
    if not port:
        return AsyncModbusSerialClient(
            host, baudrate=settings["baud"], parity=settings["parity"], stopbits=settings["stop_bits"],
            reconnect_delay=0,
        )  # fmt: skip
    framer = FramerType.RTU if settings["framing"] == "rtu" else FramerType.SOCKET
    return AsyncModbusTcpClient(host, port=port, framer=framer, reconnect_delay=0)


class ModbusSession:
    """One unit."""

    def __init__(self, line: ModbusLine, device: DeviceAddress) -> None:
        settings: Any = device.settings
        self.line = line
        self.address = device.address
        self.timeout_s: float = settings["timeout_s"]
        self._retries: int = settings["retries"]
        self._unit: int = settings["unit"]
        self._word_order: str = settings["word_order"]
        self._max_registers: int = settings["max_registers"]
        self._max_gap: int = settings["max_gap"]
        self._alone: set[Place] = set()

    async def read(self, points: Sequence[PointAddress]) -> Sequence[Reading]:
        """A reading for each point. Raises `NoAnswer` or `Unreachable` if there was none for any."""
        places = [place_of(point, self._word_order) for point in points]
        readings: list[Reading | None] = [None] * len(points)
        left = self._spans(places)
        while left:
            span = left.pop(0)
            try:
                cells = await self._cells(span)
            except (NoAnswer, Unreachable) as fault:
                if not any(readings):
                    raise
                return [reading or Reading(None, fault) for reading in readings]
            except DriverFault as fault:
                if len(span.members) > 1:
                    left[:0] = self._split(span, places)
                else:
                    readings[span.members[0]] = Reading(None, fault)
                continue
            for position in span.members:
                readings[position] = _reading(places[position], span, cells)
        return [reading or Reading(None, DriverFault("it was not read")) for reading in readings]

    def _spans(self, places: Sequence[Place]) -> list[Span]:
        """The requests for the places; those that spoilt one before are read on their own."""
        together = [position for position, place in enumerate(places) if place not in self._alone]
        found = spans([places[position] for position in together], self._max_gap, self._max_registers)
        shared = [span._replace(members=tuple(together[member] for member in span.members)) for span in found]
        return shared + [
            Span(place.table, place.address, place.size, (position,))
            for position, place in enumerate(places)
            if place in self._alone
        ]

    def _split(self, span: Span, places: Sequence[Place]) -> list[Span]:
        """What is read in place of a span that the unit refused: first without gaps, then each point on its own."""
        members = [places[member] for member in span.members]
        closer = spans(members, 0, self._max_registers)
        if len(closer) > 1:
            self._max_gap = 0
            return [part._replace(members=tuple(span.members[member] for member in part.members)) for part in closer]
        self._alone.update(members)
        return [
            Span(place.table, place.address, place.size, (position,))
            for position, place in zip(span.members, members, strict=True)
        ]

    async def _cells(self, span: Span) -> Sequence[int]:
        async def request(client: Any) -> Any:
            return await getattr(client, READERS[span.table])(span.address, count=span.size, device_id=self._unit)

        answer = await self._ask(request)
        cells: Sequence[int] = answer.registers or answer.bits
        if len(cells) < span.size:
            self.line.close()
            raise DriverFault(f"{len(cells)} values came for {span.size}")
        return cells

    async def write(self, point: PointAddress, value: Value) -> Value:
        """The value that the unit took, in its register's precision. Raises `DriverFault`."""
        place = place_of(point, self._word_order)
        cells = encoded(place, value)

        async def request(client: Any) -> Any:
            if not place.format:
                return await client.write_coil(place.address, bool(cells[0]), device_id=self._unit)
            if place.size == 1:
                return await client.write_register(place.address, cells[0], device_id=self._unit)
            return await client.write_registers(place.address, cells, device_id=self._unit)

        await self._ask(request)
        return decoded(place, cells)

    async def _ask(self, request: Callable[[Any], Awaitable[Any]]) -> Any:
        return await self.line.ask(request, self.timeout_s, self._retries)


def _reading(place: Place, span: Span, cells: Sequence[int]) -> Reading:
    start = place.address - span.address
    try:
        return Reading(decoded(place, cells[start : start + place.size]))
    except DriverFault as fault:
        return Reading(None, fault)
