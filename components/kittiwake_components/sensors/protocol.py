"""What the orchestrator and a sensor's process say to each other: JSON, one object a line, on stdin and stdout.

To the sensor: `configure` first (its options, as the configuration has them), then `record`, `stop` and `end`.

    {"do": "configure", "options": {"gain": "49"}}
    {"do": "record", "capture": 17, "duration_s": 60.0, "path": "/out/audio/2026-11-27/host@2026-11-27@08-00-00.wav",
     "start": "2026-11-27T08:00:00-05:00"}
    {"do": "stop", "capture": 17, "policy": "finish"}
    {"do": "end"}

From the sensor: `ready` once it is configured, or `refused` with the reason, and then it ends; then of each capture
`recording`, `reading` (values in the order of `channels`, null for one that failed), and one of `done`, `discarded` and
`failed`. Capture 0 is what was left over by a process that was killed: `discarded`, with the path.

    {"is": "ready", "sensor": "audio", "extension": "wav", "safe_to_kill": true, "channels": ["level"], "units": ["dB"]}
    {"is": "refused", "why": "gian: audio has no such option; did you mean gain?"}
    {"is": "discarded", "capture": 0, "path": "/out/audio/2026-11-27/host@2026-11-27@07-55-00.wav"}
    {"is": "recording", "capture": 17}
    {"is": "reading", "capture": 17, "values": [61.5]}
    {"is": "done", "capture": 17, "bytes": 1234, "sha256": "...", "truncated": false}
    {"is": "failed", "capture": 17, "why": "the microphone does not answer"}
"""

from __future__ import annotations

from typing import Any

MAX_LINE = 4096
"""The most bytes of a line, its end included."""

MAX_WHY = 512
"""The most characters of a reason."""

MAX_READINGS = 8
MAX_READING_NAME = 40
MAX_EXTENSION = 8
"""What a sensor may declare: so many readings, bytes of their names, and letters at the end of its files."""

FINISH, TRUNCATE, DISCARD = POLICIES = ("finish", "truncate", "discard")
"""What a stop does to the capture that runs: let it end, publish what there is, or throw it away."""


class LineFault(ValueError):
    """A line that is no message."""


def encode_line(message: dict[str, Any]) -> bytes:
    """A message as a line. Raises `LineFault` if it is too long."""
    import json

    line = json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise LineFault(f"a message of {len(line)} bytes is longer than {MAX_LINE}")
    return line


def decode_line(line: bytes) -> dict[str, Any]:
    """The message of a line, with or without its end. Raises `LineFault`."""
    import json

    if len(line) > MAX_LINE:
        raise LineFault(f"a line of {len(line)} bytes is longer than {MAX_LINE}")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise LineFault("the line is no JSON") from None
    if not isinstance(message, dict):
        raise LineFault("the line is no JSON object")
    return message


class LineReader:
    """Lines out of bytes as they come; what is longer than a line may be is left out and counted."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_skipping = False
        self.too_long = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are now complete, without their ends."""
        *lines, rest = (self._rest + data).split(b"\n")
        if lines and self._is_skipping:
            del lines[0]
            self._is_skipping = False
        whole = [line for line in lines if len(line) < MAX_LINE]
        self.too_long += len(lines) - len(whole)
        if len(rest) >= MAX_LINE:
            self.too_long += not self._is_skipping
            self._is_skipping = True
        self._rest = b"" if self._is_skipping else rest
        return whole
