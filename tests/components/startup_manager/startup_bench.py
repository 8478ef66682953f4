"""A startup manager under test, and what its tests do with it."""

from __future__ import annotations

from typing import Any

from kittiwake.model.commands import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake_components.startup_manager.component import StartupManager

OK, FAILED, BUSY = CommandResponse.OK, CommandResponse.EXECUTION_ERROR, CommandResponse.BUSY

Tester = ComponentTester[StartupManager]


def new_tester(sequence: bool = True, **options: Any) -> Tester:
    tester = ComponentTester(StartupManager, **options)
    if sequence:
        tester.write_file("startup.bin", b"any")
    return tester


def run(tester: Tester, seconds: int = 0) -> None:
    """The first call of a rate group of 1 Hz, and one more for each second."""
    tester.call.run(0)
    for _ in range(seconds):
        tester.advance(1)
        tester.call.run(0)


def stored_count(tester: Tester) -> int:
    return int.from_bytes(tester.read_file("boot_count.bin"), "big")


def shown(tester: Tester, channel: str) -> Any:
    """The latest value of a channel."""
    return tester.channels[channel]
