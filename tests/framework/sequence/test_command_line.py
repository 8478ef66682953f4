"""Command lines that the device itself reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.sequence.command_line import MAX_LINE, CommandLineFault, command_packet
from kittiwake.testing import ComponentTester
from kittiwake.wire.packets import parse_command
from kittiwake_components import CommandDispatcher, StartupManager


@pytest.fixture
def instances() -> dict[str, Any]:
    return {
        "CdhCore.cmdDisp": ComponentTester(CommandDispatcher, base_id=0x1000000).component,
        "Ref.startupManager": ComponentTester(StartupManager, base_id=0x1003B000).component,
    }


@pytest.mark.parametrize(
    "line, opcode, arguments",
    [
        ("CdhCore.cmdDisp.CMD_NO_OP", 0x1000000, b""),
        ('CdhCore.cmdDisp.CMD_NO_OP_STRING "hello"', 0x1000001, b"\0\5hello"),
        ("CdhCore.cmdDisp.CMD_NO_OP_STRING, 'a, b'", 0x1000001, b"\0\4a, b"),
        ("CdhCore.cmdDisp.CMD_TEST_CMD_1 -1, 0.5 7", 0x1000002, b"\xff\xff\xff\xff\x3f\0\0\0\7"),
    ],
)
def test_a_line_is_the_packet_that_the_ground_would_send(
    instances: dict[str, Any], line: str, opcode: int, arguments: bytes
) -> None:
    assert parse_command(command_packet(line, instances)) == (opcode, arguments)


def test_parameters_are_set_and_saved_by_line(instances: dict[str, Any]) -> None:
    declared = StartupManager.__declarations__.parameters["armed"]
    line = "Ref.startupManager.ARMED_PRM_SET false"
    assert parse_command(command_packet(line, instances)) == (0x1003B000 + declared.set_opcode, b"\0")
    line = "Ref.startupManager.ARMED_PRM_SAVE"
    assert parse_command(command_packet(line, instances)) == (0x1003B000 + declared.save_opcode, b"")


@pytest.mark.parametrize(
    "line, reason",
    [
        ("", "command is missing"),
        ("CMD_NO_OP", "no instance ''"),
        ("CdhCore.cmdDsp.CMD_NO_OP", "did you mean CdhCore.cmdDisp"),
        ("CdhCore.cmdDisp.CMD_NO_OPP", "did you mean CMD_NO_OP"),
        ("CdhCore.cmdDisp.CMD_NO_OP 1", "takes nothing, not 1 arguments"),
        ("CdhCore.cmdDisp.CMD_NO_OP_STRING", "takes arg1"),
        ('CdhCore.cmdDisp.CMD_NO_OP_STRING "open', "column 34: the quoted text does not end"),
        ("CdhCore.cmdDisp.CMD_TEST_CMD_1 1 2 300", "arg3: 300 is outside U8"),
        ("R00:00:01 CdhCore.cmdDisp.CMD_NO_OP", "here stands the command.s full name"),
        ("x" * (MAX_LINE + 1), "at most 1024 characters"),
    ],
)
def test_a_line_that_is_no_command_is_refused_with_its_reason(
    instances: dict[str, Any], line: str, reason: str
) -> None:
    with pytest.raises(CommandLineFault, match=reason):
        command_packet(line, instances)


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(line: str) -> None:
    instances: Any = {"CdhCore.cmdDisp": ComponentTester(CommandDispatcher, base_id=0x1000000).component}
    for text in (line, f"CdhCore.cmdDisp.{line}", f"CdhCore.cmdDisp.CMD_NO_OP_STRING {line}"):
        try:
            command_packet(text, instances)
        except CommandLineFault:
            continue
