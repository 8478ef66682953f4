"""Our compiler beside fprime-seqgen: the same bytes, but for the microseconds that it truncates."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from kittiwake.sequence.binary import read_sequence
from kittiwake.sequence.compile import compile_text
from tests.framework.dictionary.sample import SAMPLE, sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.peer

TEXT = r"""; a comment with "quotes"

R00:00:00 X.CMD_NO_OP
R 01:02:03.5 X.CMD_NO_OP
A2024-366T23:59:59 X.CMD_NO_OP ; and one behind
A 2024-060T00:00:00.5 cmdDisp.CMD_NO_OP
R00:00:00 X.CMD_STR "from seq"
R00:00:00 X.CMD_STR, 'single "quoted"'
R00:00:00 X.CMD_STR "a \"q\" ; no comment"
R00:00:00 X.CMD_STR ""
R00:00:00 X.CMD_STR word
R00:00:00 X.CMD_STR "é"
R00:00:00 X.SET_EVENT_FILTER 515, ON
R00:00:00 X.SET_EVENT_FILTER, 0x203 "AUTO"
R00:00:00 X.NUMBERS 255, -128, 65535 -32768 0xFFFFFFFF, -1, 1_000, -2, 1.5e0, -2.25, true
R00:00:00 X.NUMBERS 0 0 0 0 0 0 0 0 1 .5 FALSE
R00:00:00 X.NUMBERS +1, +2, "3", '0x4', 5, 6, 7, 8, 0.1, 1e-3, "yes"
R00:00:00 X.SHAPES [1, 2.5, 3], [ON, OFF], {count: 1, bytes: [1,2,3], mode: ON, label: "x y", ok: true}, LOW, "lab"
R00:00:00 X.SHAPES, [1.0, 2.5, -3e2,] ["ON", 'AUTO'] \
   {ok: false, count: 0x10, bytes: [0, 0, 255], mode: AUTO, label: 'z',} \
   HIGH ""
"""


def compile_with_peer(program: Path, folder: Path, text: str, *options: str) -> bytes:
    """The bytes that fprime-seqgen makes of a text."""
    source, target = folder / "a.seq", folder / "a.bin"
    source.write_text(text)
    command = [str(program), "--dictionary", str(SAMPLE), *options, str(source), str(target)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target.read_bytes()


def test_our_bytes_are_those_of_the_peer(require_peer: Callable[[str], Path], tmp_path: Path) -> None:
    program = require_peer("fprime-seqgen")
    assert compile_text(TEXT, "a.seq", sample()) == compile_with_peer(program, tmp_path, TEXT)
    assert compile_text("", "a.seq", sample(), 2) == compile_with_peer(program, tmp_path, "", "-t", "2")


def test_our_microseconds_are_right_where_the_peer_truncates_them(
    require_peer: Callable[[str], Path], tmp_path: Path
) -> None:
    text = "R00:00:02.3 X.CMD_NO_OP\nR00:00:00.5 X.CMD_NO_OP\nA2026-001T00:00:00.123456 X.CMD_NO_OP\n"
    ours = compile_text(text, "a.seq", sample())
    theirs = compile_with_peer(require_peer("fprime-seqgen"), tmp_path, text)
    exact = [record.microseconds for record in read_sequence(ours, len(ours)).records]
    truncated = [record.microseconds for record in read_sequence(theirs, len(theirs)).records]
    assert exact == [300_000, 500_000, 123_456]
    assert truncated[:2] == [299_999, 500_000]
    assert all(0 <= right - cut <= 1 for right, cut in zip(exact, truncated, strict=True))
