"""The peers are devices as a client of their own library sees them."""

from __future__ import annotations

import asyncio

from pymodbus.client import AsyncModbusSerialClient

from tests.building.bacnet_peer import BacnetPeer
from tests.building.modbus_peer import ModbusPeer
from tests.system.serial_cable import SerialCable


def test_a_bacnet_peer_keeps_its_address_over_a_restart_and_forgets_its_values() -> None:
    with BacnetPeer(1001, {"analog-input": 3, "binary-value": 1}) as peer:
        before = peer.address
        peer.set("analog-input,2", 21.5)
        assert peer.get("analog-input,2") == 21.5
        assert peer.get("binary-value,1") == "active"
        assert peer.priorities("binary-value,1") == [None] * 16
        peer.kill()
        peer.start()
        assert peer.address == before
        assert peer.get("analog-input,2") == 1.0


def test_a_modbus_peer_answers_on_a_serial_line() -> None:
    async def read(device: str) -> list[int]:
        client = AsyncModbusSerialClient(device, baudrate=19200, timeout=5, retries=0)
        assert await client.connect()
        answer = await client.read_holding_registers(2, count=3, device_id=1)
        client.close()
        return list(answer.registers)

    with SerialCable() as cable, ModbusPeer(serial=cable.ends[1]) as peer:
        peer.set("holding", 3, 7, 8)
        assert asyncio.run(read(cable.ends[0])) == [0, 7, 8]
        assert peer.requests() == 1
