"""The deployment of `aurora.fpp`: its dictionary by the real FPP compiler, its packets by fprime-gds's own classes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from tests.peers import find_peer

MODEL = Path(__file__).with_name("aurora.fpp")
LIMIT_S = 60
TIME = (2, 0, 1_700_000_000, 250_000)


class Coded(NamedTuple):
    """What fprime-gds made of values: the packet, the values that it finds in it again, and the text it shows."""

    packet: bytes
    values: list[Any]
    text: str


class GdsCoder:
    """fprime-gds's encoders and decoders for one dictionary, in a process of their own."""

    def __init__(self, dictionary: Path) -> None:
        script = Path(__file__).with_name("gds_coder.py")
        command = [str(find_peer("python")), str(script), str(dictionary)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> GdsCoder:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def code(self, kind: str, name: str, values: list[Any], time: tuple[int, int, int, int] = TIME) -> Coded:
        """Encodes and decodes; `kind` is event, channel, packet or command, values are plain."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"kind": kind, "name": name, "values": values, "time": time}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Coded(bytes.fromhex(answer["packet"]), answer["values"], answer["text"])


def compile_model(folder: Path) -> Path:
    """What `fpp-to-dict` makes of the model."""
    command = [str(find_peer("fpp-to-dict")), "-d", str(folder), str(MODEL)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "AuroraTopologyDictionary.json"
