"""Real Modbus devices for tests: pymodbus's own server in a process of its own, over TCP or a serial line."""

from __future__ import annotations

from typing import Any

from tests.building.led_process import LedProcess


class ModbusPeer(LedProcess):
    """Unit 1 with 200 coils, discrete inputs, holding and input registers; `serial` is the path of its serial port."""

    MODULE = "tests.building.modbus_process"

    def __init__(self, host: str = "127.0.0.1", serial: str = "") -> None:
        self.host = host
        self.port = 0
        self.serial = serial
        super().__init__()

    def spec(self) -> dict[str, Any]:
        return {"serial": self.serial} if self.serial else {"host": self.host, "port": self.port}

    def started(self, announcement: dict[str, Any]) -> None:
        self.port = announcement["port"]

    @property
    def address(self) -> str:
        """Where the device is, as host:port."""
        return f"{self.host}:{self.port}"

    def set(self, table: str, address: int, *values: int | bool) -> None:
        """Sets registers or bits; `table` is `coil`, `discrete`, `holding` or `input`."""
        self.order(set=table, address=address, values=list(values))

    def get(self, table: str, address: int, count: int = 1) -> list[Any]:
        """Registers or bits."""
        values: list[Any] = self.order(get=table, address=address, count=count)["values"]
        return values

    def requests(self) -> int:
        """How many requests came so far."""
        return sum(self.order(counts=True).values())
