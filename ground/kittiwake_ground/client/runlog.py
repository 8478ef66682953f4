"""The log of a procedure: JSON lines for programs, and the same as text for people. Each line is written as it happens.

A log without an `end` is that of a procedure that was killed.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from kittiwake.dictionary.lines import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}")
MAX_LINE = 20_000
"""The longest line, in characters; of a longer one the fields that are texts, lists or objects are left out."""

MAX_SAME_SECOND = 100
MAX_SIZE = 4 << 20
"""How long each file of a log may become, in bytes; what comes then is counted in the `end`, and left out."""


class RunLog:
    """One procedure; `AsyncGround.procedure` and `Ground.procedure` make it.

    `path` is the file of JSON lines and `text_path` the text. `outcome` is passed, failed or aborted once it has ended.
    """

    def __init__(
        self, name: str, folder: str | Path, server: str, begin: Callable[[RunLog | None], None], **about: Any
    ) -> None:
        """Writes nothing yet; `about` goes into the first entry.

        Raises `ValueError` for a name that is no file name.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r}: a procedure's name has 1 to 100 letters, digits, blanks, and . _ -")
        self.name = name
        self.outcome = ""
        self.path = Path()
        self.text_path = Path()
        self._folder = Path(folder)
        self._server = server
        self._begin = begin
        self._about = about
        self._sizes = [0, 0]
        self._left_out = 0
        self._files: list[TextIO] = []
        self._started = 0.0
        self._step = 0

    def __enter__(self) -> RunLog:
        self._begin(self)
        try:
            self._open()
        except OSError:
            self._begin(None)
            raise
        self.add("begin", procedure=self.name, server=self._server, **self._about)
        return self

    def _open(self) -> None:
        """Opens files that were not there. Raises `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.name.replace(' ', '-')}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        for number in range(1, MAX_SAME_SECOND + 1):
            self.path = self._folder / (f"{stem}.jsonl" if number == 1 else f"{stem}-{number}.jsonl")
            self.text_path = self.path.with_suffix(".txt")
            try:
                first = self.path.open("x", encoding="utf-8", errors="backslashreplace")
            except FileExistsError:
                continue
            self._files = [first, self.text_path.open("w", encoding="utf-8", errors="backslashreplace")]
            self._started = time.monotonic()
            return
        raise FileExistsError(f"{self.path}: there are {MAX_SAME_SECOND} logs of this second")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        reason = ""
        if error is None:
            self.outcome = "passed"
        else:
            self.outcome = "failed" if isinstance(error, Exception) else "aborted"
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        try:
            left_out = {"left_out": self._left_out} if self._left_out else {}
            self.add("end", outcome=self.outcome, reason=reason, **left_out)
        finally:
            self._begin(None)
            for file in self._files:
                file.close()
            self._files = []

    def step(self, text: str) -> None:
        """Notes that the next step of the procedure begins."""
        self._step += 1
        self.add("step", number=self._step, text=text)

    def note(self, text: str, **more: Any) -> None:
        """Notes something; `more` goes into the JSON line."""
        self.add("note", text=text, **more)

    def add(self, kind: str, **fields: Any) -> None:
        """Writes an entry to both files. Raises `OSError`, and `ValueError` when the procedure has ended."""
        if not self._files:
            raise ValueError(f"the procedure {self.name!r} is not under way")
        now_us = time.time_ns() // 1000
        head: dict[str, Any] = {
            "time": f"{datetime.fromtimestamp(now_us / 1e6, UTC):%Y-%m-%dT%H:%M:%S}.{now_us % 1_000_000:06}Z",
            "elapsed_s": round(time.monotonic() - self._started, 6),
            "kind": kind,
        }
        line = json.dumps({**head, **fields}, default=str, ensure_ascii=False)
        if len(line) > MAX_LINE:
            short = {name: value for name, value in fields.items() if isinstance(value, (int, float))}
            line = json.dumps({**head, **short, "text": line[: MAX_LINE // 4], "cut": True}, ensure_ascii=False)
        texts = (line + "\n", entry_line({**head, **fields})[:MAX_LINE] + "\n")
        sizes = [
            size + len(text.encode(errors="backslashreplace")) for size, text in zip(self._sizes, texts, strict=True)
        ]
        if kind != "end" and max(sizes) > MAX_SIZE:
            self._left_out += 1
            return
        self._sizes = sizes
        for file, text in zip(self._files, texts, strict=True):
            file.write(text)
            file.flush()


def entry_line(entry: Mapping[str, Any]) -> str:
    """An entry of a log as a line for people, whatever it holds."""
    return one_line(f"{entry_time(entry)}  {entry['kind']!s:<11}  {entry_text(entry)}")


def entry_time(entry: Mapping[str, Any]) -> str:
    """The time of day of an entry, UTC, to the millisecond."""
    return str(entry.get("time", ""))[11:23]


def entry_text(entry: Mapping[str, Any]) -> str:
    """What an entry says."""
    kind = str(entry["kind"])
    fields = {name: value for name, value in entry.items() if name not in ("time", "elapsed_s", "kind")}
    try:
        return _fields(fields) if fields.get("cut") else _SHOWN.get(kind, _fields)(fields)
    except (LookupError, TypeError, ValueError, AttributeError):
        return _fields(fields)


def _fields(fields: dict[str, Any]) -> str:
    return ", ".join([f"{name}={value}" for name, value in fields.items() if value not in ("", None)])


def _command(fields: dict[str, Any]) -> str:
    life = fields["life"]
    start_us = life[0]["time_us"] if life else 0
    states = [f"{one['state']} +{(one['time_us'] - start_us) / 1e6:.3f} s" for one in life]
    arguments = "".join([f" {value}" for value in fields["arguments"].values()])
    outcome = fields["reason"] or fields["state"]
    return f"{fields['deployment']}: {fields['name']}{arguments} {outcome} ({', '.join(states)})"


def _transfer(fields: dict[str, Any]) -> str:
    outcome = fields["reason"] or fields["state"]
    return f"{fields['deployment']}: {fields['direction']} {fields['remote']}, {fields['size']} bytes, {outcome}"


def _sequence(fields: dict[str, Any]) -> str:
    if "command" in fields:
        what = f"step {fields['number']} of {fields['total']} {'FAILED' if fields['failed'] else 'done'}"
        return f"{fields['deployment']}: {fields['remote']} {what}: {fields['command']}"
    return f"{fields['deployment']}: {fields['remote']} {fields['state']} {fields['reason']}".rstrip()


def _wait(fields: dict[str, Any]) -> str:
    verdict = "met" if fields["met"] else f"NOT met within {fields['timeout_s']:g} s"
    seen = ", ".join([str(one) for one in fields["seen"]]) or "nothing"
    return f"{fields['deployment']}: {fields['name']}, wanted {fields['wanted']}: {verdict}; seen: {seen}"


_SHOWN: dict[str, Callable[[dict[str, Any]], str]] = {
    "begin": lambda fields: (
        f"{fields['procedure']} on {fields['server']}" + (f", by {fields['by']}" if "by" in fields else "")
    ),
    "step": lambda fields: f"{fields['number']}. {fields['text']}",
    "note": lambda fields: str(fields["text"]),
    "command": _command,
    "transfer": _transfer,
    "sequence": _sequence,
    "expectation": _wait,
    "wait": _wait,
    "end": lambda fields: (
        fields["outcome"]
        + (f": {fields['reason']}" if fields["reason"] else "")
        + (f" ({fields['left_out']} entries were left out)" if "left_out" in fields else "")
    ),
}
