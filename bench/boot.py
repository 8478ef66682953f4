"""From the start of the process to the first tick, and the memory that stays.

The product has no mark for its first tick, and gets none for a benchmark's sake: the first cycle of the 1 Hz group lets
StartupManager open the history of the starts, before it writes anything, and the kernel reports that (inotify) without
the device's doing. The root has seen earlier starts, so that all files are there. The reference is the same interpreter
with `-I -c pass`, from start to end; both are started in turn, as both depend on the machine's mood.

Memory is the resident set after some ticks, less that of the bare interpreter which waits for input.
"""

from __future__ import annotations

import ctypes
import os
import select
import statistics
import struct
import time
from typing import TYPE_CHECKING

from bench.measure import Figure, dearer, resident_mb
from bench.reference_device import ReferenceDevice, stop

if TYPE_CHECKING:
    from pathlib import Path

STARTS = 25
MEMORY_STARTS = 3
WARM_UP_S = 2.5
FIRST_TICK_TIMEOUT_S = 20.0
FIRST_FILE = b"boot_history"
WAITING = "import sys; sys.stdin.read()"

_IN_OPEN = 0x20
_IN_CREATE = 0x100
_HEADER = struct.Struct("iIII")
_EVENTS_SIZE = 65536


class FirstTickMissed(TimeoutError):
    """The deployment did not tick."""


class FolderWatch:
    """Reports what is opened or created in one folder, from inotify."""

    def __init__(self, folder: Path) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._fd = library.inotify_init1(os.O_CLOEXEC)
        if self._fd < 0 or library.inotify_add_watch(self._fd, os.fsencode(folder), _IN_OPEN | _IN_CREATE) < 0:
            raise OSError(ctypes.get_errno(), "no inotify", str(folder))

    def await_name(self, start: bytes) -> None:
        """Returns once a file whose name begins with `start` was opened or created. Raises `FirstTickMissed`."""
        while select.select([self._fd], (), (), FIRST_TICK_TIMEOUT_S)[0]:
            data = os.read(self._fd, _EVENTS_SIZE)
            offset = 0
            while offset < len(data):
                size = _HEADER.unpack_from(data, offset)[3]
                offset += _HEADER.size
                if data[offset : offset + size].startswith(start):
                    return
                offset += size
        raise FirstTickMissed(f"nothing opened {start.decode()} within {FIRST_TICK_TIMEOUT_S} s")

    def close(self) -> None:
        """Ends the watch."""
        os.close(self._fd)


def _first_tick_s(device: ReferenceDevice) -> float:
    watch = FolderWatch(device.root)
    try:
        began = time.perf_counter()
        process = device.start()
        try:
            watch.await_name(FIRST_FILE)
            return time.perf_counter() - began
        finally:
            stop(process)
    finally:
        watch.close()


def _bare_s(device: ReferenceDevice) -> float:
    began = time.perf_counter()
    device.start_bare("pass").communicate()
    return time.perf_counter() - began


def _memory(device: ReferenceDevice) -> Figure:
    pairs = []
    for _ in range(MEMORY_STARTS):
        process, bare = device.start(), device.start_bare(WAITING)
        time.sleep(WARM_UP_S)
        pairs.append((resident_mb(process.pid), resident_mb(bare.pid)))
        bare.communicate()
        stop(process)
    ours = statistics.median([one for one, _ in pairs])
    theirs = statistics.median([other for _, other in pairs])
    # The budget is megabytes more than the bare interpreter's.
    return Figure("resident memory over a bare interpreter", ours, "MB", theirs, ours - theirs, 16, 10)


def figures() -> list[Figure]:
    """Boot time and resident memory of the reference deployment."""
    with ReferenceDevice() as device:
        _first_tick_s(device)  # compiles what is not compiled yet, and leaves the files that later starts find
        _bare_s(device)
        pairs = [(_first_tick_s(device) * 1e3, _bare_s(device) * 1e3) for _ in range(STARTS)]
        return [dearer("boot to first tick", pairs, "ms", 7, 4), _memory(device)]
