"""A Modbus device in a process of its own: pymodbus's server, led over its standard input.

    python -m tests.building.modbus_process '{"host": "127.0.0.1", "port": 0}'       # TCP
    python -m tests.building.modbus_process '{"serial": "/dev/pts/7"}'               # RTU

It is unit 1 with 200 coils, discrete inputs, holding and input registers each; other addresses are errors. Each order
is a JSON object in a line and is answered by one; `tests.building.modbus_peer` is the other end.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, NoReturn

from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.building.obeying import obey_orders, say

SIZE = 200
UNIT = 1
READ_CODES = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
WRITE_CODES = {"coil": 15, "discrete": 2, "holding": 16, "input": 4}


def make_unit() -> SimDevice:
    """The device: all bits off, all registers zero."""
    bits = [[SimData(0, values=[False] * SIZE, datatype=DataType.BITS)] for _ in range(2)]
    registers = [[SimData(0, values=[0] * SIZE, datatype=DataType.REGISTERS)] for _ in range(2)]
    return SimDevice(id=UNIT, simdata=(*bits, *registers))  # type: ignore[arg-type]


class Requests:
    """Counts the requests by function code."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def see(self, is_sent: bool, message: ModbusPDU) -> ModbusPDU:
        """A request or an answer goes by."""
        if not is_sent:
            code = str(message.function_code)
            self.counts[code] = self.counts.get(code, 0) + 1
        return message


async def serve(spec: dict[str, Any]) -> NoReturn:
    """Is the device until the process ends."""
    requests = Requests()
    server: ModbusTcpServer | ModbusSerialServer
    if "serial" in spec:
        server = ModbusSerialServer(make_unit(), port=spec["serial"], baudrate=19200, trace_pdu=requests.see)
    else:
        server = ModbusTcpServer(make_unit(), address=(spec["host"], spec["port"]), trace_pdu=requests.see)
    await server.serve_forever(background=True)
    transport: Any = server.transport
    port = 0 if "serial" in spec else transport.sockets[0].getsockname()[1]
    say({"port": port})

    async def obey(order: dict[str, Any]) -> dict[str, Any]:
        match order:
            case {"set": str(table), "address": int(address), "values": list(values)}:
                await server.async_setValues(UNIT, WRITE_CODES[table], address, values)
                return {}
            case {"get": str(table), "address": int(address), "count": int(count)}:
                return {"values": await server.async_getValues(UNIT, READ_CODES[table], address, count)}
            case {"counts": True}:
                return requests.counts
            case _:
                raise ValueError(f"no such order: {order}")

    await obey_orders(obey)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
