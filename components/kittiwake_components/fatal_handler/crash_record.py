"""Reads what the interpreter's watchdog has written about a process that was stuck."""

from __future__ import annotations

REASON_SIZE = 60
FRAMES_SIZE = 200
FRAMES_MAX = 4
RECORD_LIMIT_BYTES = 65_536


def read_crash(data: bytes) -> tuple[str, str]:
    """Why the process ended, and the innermost frames of its main thread, the innermost first.

    The record is text of `faulthandler`: a reason, then for each thread a heading and lines `File "x.py", line 1 in f`.
    The main thread is the oldest and stands last. One that was torn gives what can be read of it.
    """
    lines = data.decode("utf-8", "replace").splitlines()
    reason = lines[0].strip() if lines else ""
    threads: list[list[str]] = []
    for line in lines:
        if line.endswith("(most recent call first):"):
            threads.append([])
        elif threads and line.lstrip().startswith("File "):
            threads[-1].append(_frame(line))
    frames = next((thread for thread in reversed(threads) if thread), [])
    return reason[:REASON_SIZE], " < ".join(frames[:FRAMES_MAX])[:FRAMES_SIZE]


def _frame(line: str) -> str:
    """`File "/a/b.py", line 12 in f` as `b.py:12 f`."""
    path, _, rest = line.strip().removeprefix("File ").partition(", line ")
    number, _, function = rest.partition(" in ")
    name = path.strip('"').rpartition("/")[2]
    return f"{name}:{number} {function}"
