"""The thread that writes: one transaction for all that came within the interval, retention between transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from kittiwake_ground.archive.recorder import UNFIT, Recorder
from kittiwake_ground.archive.retention import Sweeper

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.archive.intake import Intake, Taken
    from kittiwake_ground.archive.retention import Retention

SWEEP_INTERVAL_S = 60.0
RETRY_INTERVAL_S = 1.0


class Writer:
    """Takes from an intake and writes through its connection until the intake is closed and empty.

    When the database refuses (the disk is full, say), what was taken is kept and tried again each second, and the
    queue behind it fills; `fault` says why.
    """

    def __init__(
        self, connection: sqlite3.Connection, intake: Intake, retention: Retention, clock: Callable[[], int]
    ) -> None:
        self.recorder = Recorder(connection)
        self.commits = 0
        self.lost = 0
        self._write_fault = ""
        self._sweep_fault = ""
        self._connection = connection
        self._intake = intake
        self._clock = clock
        self._sweeper = Sweeper(connection, self.recorder.sampling, retention)
        self._sweep_due_s = time.monotonic()
        self._sweeping = False
        self._answering = False
        self._sweep_asked = threading.Event()
        self._swept = threading.Event()
        self._thread = threading.Thread(target=self._run, name="archive-writer", daemon=True)

    @property
    def fault(self) -> str:
        """What hinders writing, or else retention; empty if nothing does."""
        return self._write_fault or self._sweep_fault

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def join(self) -> None:
        """Waits for the thread to end, and closes the connection."""
        self._thread.join()
        self._connection.close()

    def sweep(self, timeout_s: float) -> bool:
        """Has retention run now, and waits until it is through; `False` if that took longer than `timeout_s`."""
        self._swept.clear()
        self._sweep_asked.set()
        self._intake.wake()
        return self._swept.wait(timeout_s)

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as fault:
            self._write_fault = f"the archive's writer ended: {fault!r}"
            raise

    def _serve(self) -> None:
        while True:
            taken = self._intake.take(self._patience_s())
            if taken.entries or taken.losses:
                self._write(taken)
            elif self._intake.closed:
                return
            self._sweep()

    def _patience_s(self) -> float:
        if self._sweeping or self._sweep_asked.is_set():
            return 0.0
        return max(0.0, self._sweep_due_s - time.monotonic())

    def _sweep(self) -> None:
        if self._sweep_asked.is_set() and not self._sweeping:
            self._sweep_asked.clear()
            self._sweeping = True
            self._answering = True
        elif not self._sweeping:
            if time.monotonic() < self._sweep_due_s:
                return
            self._sweeping = True
            self._answering = False
        try:
            self._sweeping = self._sweeper.step(self._clock())
            self._sweep_fault = ""
        except sqlite3.Error as fault:
            self._sweep_fault = f"retention: {fault}"
            self._sweeping = False
        if not self._sweeping:
            self._sweep_due_s = time.monotonic() + (RETRY_INTERVAL_S if self._sweep_fault else SWEEP_INTERVAL_S)
            if self._answering:
                self._swept.set()

    def _write(self, taken: Taken) -> None:
        """Writes what was taken, for as long as it takes; at closing, one last time."""
        while True:
            try:
                try:
                    self._transact(taken, careful=False)
                except UNFIT:
                    self._transact(taken, careful=True)
                self._write_fault = ""
                break
            except sqlite3.Error as fault:
                self._write_fault = str(fault)
                if self._intake.closed:
                    self.lost += sum([entry.size for entry in taken.entries])
                    break
                time.sleep(RETRY_INTERVAL_S)
        self._intake.done(taken.number)

    def _transact(self, taken: Taken, *, careful: bool) -> None:
        recorder = self.recorder
        recorder.careful = careful
        counts = recorder.counts()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for entry in taken.entries:
                if careful:
                    recorder.attempt(partial(entry.write, recorder), entry.size)
                else:
                    entry.write(recorder)
            for (deployment, what), count in taken.losses.items():
                recorder.loss(deployment, what, count, self._clock())
            recorder.finish()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            recorder.restore(counts)
            raise
        self.commits += 1
