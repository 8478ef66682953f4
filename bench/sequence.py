"""Compiling a sequence of 10,000 lines, the whole process, beside fprime-seqgen.

Both programs are started in turn as a user starts them, with the same text and the same dictionary. A text of twice the
length must take no more than twice as long, once the start of the process is taken off; that is measured within one
process, on the compiler alone, and without collections, as the command compiles.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.measure import Figure, faster, seconds_of
from bench.peers import peer_program
from bench.reference_device import ReferenceDevice
from kittiwake.dictionary.load import load_dictionary
from kittiwake.sequence.compile import compile_text

LINES = 10_000
ROUNDS = 8
TIMEOUT_S = 120.0


def text_of(lines: int) -> str:
    """A sequence of so many commands, with and without arguments."""
    kinds = [
        "R00:00:00 CdhCore.cmdDisp.CMD_NO_OP",
        'R00:00:01 CdhCore.cmdDisp.CMD_NO_OP_STRING "line {number}"',
        "R00:00:00.500000 CdhCore.cmdDisp.CMD_TEST_CMD_1 {number}, 1.5, 7",
        'A2026-001T00:00:00 FileHandling.fileManager.RemoveFile "/data/{number}.bin", true',
    ]
    return "".join([kinds[number % len(kinds)].format(number=number) + "\n" for number in range(lines)])


def _run_s(command: list[str]) -> float:
    # Both with their bytecode kept, as an installation has it: a variable of the shell may forbid that.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S, env=environment)
    return time.perf_counter() - began


def figures() -> list[Figure]:
    """The whole process, and how the compiler's time grows."""
    with ReferenceDevice() as device:
        source, dictionary = device.folder / "long.seq", str(device.dictionary)
        source.write_text(text_of(LINES))
        ours = [
            str(Path(sys.executable).with_name("kittiwake")), "seq", "compile", str(source), "-o",
            str(device.folder / "ours.bin"), "--dictionary", dictionary,
        ]  # fmt: skip
        theirs = [
            str(peer_program("fprime-seqgen")), "--dictionary", dictionary, str(source),
            str(device.folder / "theirs.bin"),
        ]  # fmt: skip
        _run_s(ours), _run_s(theirs)
        pairs = [(_run_s(ours) * 1e3, _run_s(theirs) * 1e3) for _ in range(ROUNDS)]
        loaded = load_dictionary(dictionary)
    short, long = text_of(LINES), text_of(2 * LINES)
    gc.disable()
    try:
        growth = [
            (
                seconds_of(lambda: compile_text(long, "long.seq", loaded)) * 1e3,
                seconds_of(lambda: compile_text(short, "short.seq", loaded)) * 1e3,
            )
            for _ in range(ROUNDS)
        ]
    finally:
        gc.enable()
    doubled = statistics.median([after / before for after, before in growth])
    return [
        faster("sequence compile, 10,000 lines", pairs, "ms", 12, 20),
        Figure(
            "sequence compile, twice the lines", statistics.median([after for after, _ in growth]), "ms",
            statistics.median([before for _, before in growth]), doubled, 2.3, 2.1,
        ),
    ]  # fmt: skip
