"""A limit checker under test, a telemetry store of the test's own behind it, and tables for it."""

from __future__ import annotations

import struct
from typing import Any

from kittiwake.limits.table import (
    ALL_MODES,
    Actionpoint,
    Comparison,
    LimitTable,
    Response,
    State,
    Trigger,
    Watchpoint,
    write_table,
)
from kittiwake.model.commands import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.wire.packets import command_packet
from kittiwake.wire.time_tag import TAG_SIZE, pack_tag
from kittiwake_components.limit_checker.component import LimitChecker

OK, INVALID = CommandResponse.OK, CommandResponse.VALIDATION_ERROR
FILE = "/up/limits.bin"
BASE = 0x100
VOLTS, COUNT = 0x9000, 0x9001
COMMAND = command_packet(BASE + 5, b"")
"""REPORT_WATCHPOINTS of the component under test: the one command that there certainly is."""

Tester = ComponentTester[LimitChecker]


class Store:
    """The latest values: packed values by channel, written with tags that ascend."""

    def __init__(self) -> None:
        self.values = {VOLTS: bytes(TAG_SIZE + 4), COUNT: bytes(TAG_SIZE + 8)}
        self._tag = 2 << 64

    def write(self, channel: int, value: float) -> None:
        """Writes an F32 (VOLTS) or a U64 (COUNT)."""
        self._tag += 1
        packed = struct.pack(">f", value) if channel == VOLTS else struct.pack(">Q", value)
        self.values[channel] = pack_tag(self._tag) + packed

    def get(self, id: int) -> bytes:
        """What the port answers."""
        return self.values.get(id, b"")


def low(name: str = "low", **changes: Any) -> Watchpoint:
    """Volts below 6.5."""
    return Watchpoint(name, VOLTS, 0, "f", Comparison.LESS, 6.5, 0.0)._replace(**changes)


def high(name: str = "many", **changes: Any) -> Watchpoint:
    """A count above 10."""
    return Watchpoint(name, COUNT, 0, "Q", Comparison.GREATER, 10, 0)._replace(**changes)


def act(name: str = "shed", **changes: Any) -> Actionpoint:
    """Watchpoint 0 is answered by a command, any number of times."""
    return Actionpoint(
        name, Trigger.RULE, 0, b"\x00", State.ACTIVE, ALL_MODES, 0, Response.COMMAND, COMMAND
    )._replace(**changes)  # fmt: skip


def table(watchpoints: list[Watchpoint], actionpoints: list[Actionpoint], name: str = "Power") -> bytes:
    return write_table(LimitTable(name, tuple(watchpoints), tuple(actionpoints)))


def new_tester(store: Store, **options: Any) -> Tester:
    return ComponentTester(LimitChecker, base_id=BASE, returns={"tlm_get": store.get}, **options)


def load(tester: Tester, data: bytes) -> CommandResponse | None:
    """Brings a table up and loads it."""
    tester.write_file(FILE, data)
    return tester.send("LOAD_TABLE", FILE).response


def cycles(tester: Tester, count: int = 1) -> None:
    for _ in range(count):
        tester.call.run(0)
        tester.advance(1)


def responded(tester: Tester) -> int:
    """How many commands went out."""
    return len(tester.ports.cmd_out)
