"""A sequencer under test, and what its tests do with it."""

from __future__ import annotations

from typing import Any

from kittiwake.model.commands import CommandResponse
from kittiwake.platform.interface import NS_PER_S
from kittiwake.sequence.binary import Record
from kittiwake.testing import ComponentTester, SentCommand
from kittiwake_components.cmd_sequencer.component import CmdSequencer
from kittiwake_components.cmd_sequencer.modes import BlockState
from tests.components.cmd_sequencer.sequence_files import sequence

OK, FAILED, BUSY = CommandResponse.OK, CommandResponse.EXECUTION_ERROR, CommandResponse.BUSY
BLOCK, NO_BLOCK = BlockState.BLOCK, BlockState.NO_BLOCK
FILE = "/seq/a.bin"

Tester = ComponentTester[CmdSequencer]


def new_tester(*records: Record, **options: Any) -> Tester:
    tester = ComponentTester(CmdSequencer, **options)
    tester.write_file(FILE, sequence(*records))
    return tester


def start(tester: Tester, block: BlockState = BLOCK, file: str = FILE) -> SentCommand:
    return tester.send("CS_RUN", file, block)


def answer(tester: Tester, response: CommandResponse = OK) -> None:
    """Answers the command that was sent last."""
    packet, token = tester.ports.com_cmd_out[-1]
    tester.call.cmd_response_in(int.from_bytes(packet[2:6], "big"), token, response)


def sent(tester: Tester) -> list[int]:
    """The opcodes sent so far."""
    return [int.from_bytes(packet[2:6], "big") for packet, _ in tester.ports.com_cmd_out]


def now_s(tester: Tester) -> int:
    seconds: int = tester.platform.clock.wall_ns() // NS_PER_S
    return seconds


def shown(tester: Tester, channel: str) -> Any:
    """The latest value of a channel."""
    return tester.channels[channel]
