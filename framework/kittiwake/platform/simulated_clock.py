"""Virtual time: it stands still until something waits or a test moves it."""

from __future__ import annotations

_PARTS = 1_000_000_000


class SimulatedClock:
    """A clock since boot that only goes forward, and a machine's wall clock that may step and drift.

    `time_ns` is what `now_ns` gives, for whom a call of it is too dear.
    """

    meter_source = "clock.time_ns"

    __slots__ = ("_drift_ppb", "_follows_machine", "_offset_ns", "_set_at_ns", "_wall_ns", "time_ns")

    def __init__(self, now_ns: int, wall_ns: int) -> None:
        self.time_ns = now_ns
        self._set_at_ns = now_ns
        self._wall_ns = wall_ns
        self._drift_ppb = 0
        self._follows_machine = True
        self._offset_ns: int | None = wall_ns - now_ns  # from now to wall time, as long as the two keep step

    def now_ns(self) -> int:
        """Nanoseconds since boot."""
        return self.time_ns

    def meter_ns(self) -> int:
        """The same: work takes no virtual time."""
        return self.time_ns

    def wall_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC."""
        offset_ns = self._offset_ns
        return self._machine_wall_ns() if offset_ns is None else self.time_ns + offset_ns

    def set_wall_ns(self, wall_ns: int) -> None:
        """Gives the process a wall time of its own."""
        self._follows_machine = False
        self._offset_ns = wall_ns - self.time_ns

    def follow_machine(self) -> None:
        """Makes wall time the machine's."""
        self._follows_machine = True
        self._offset_ns = None if self._drift_ppb else self._wall_ns - self._set_at_ns

    def _machine_wall_ns(self) -> int:
        elapsed_ns = self.time_ns - self._set_at_ns
        return self._wall_ns + elapsed_ns + elapsed_ns * self._drift_ppb // _PARTS

    def set_machine_wall_ns(self, wall_ns: int) -> None:
        """Steps the machine's wall clock, as a network time service does."""
        self._wall_ns = wall_ns
        self._set_at_ns = self.time_ns
        if self._follows_machine:
            self.follow_machine()

    def set_drift(self, parts_per_billion: int) -> None:
        """Lets the machine's wall clock gain (or lose) this much against the clock since boot from now on."""
        self.set_machine_wall_ns(self._machine_wall_ns())
        self._drift_ppb = parts_per_billion
        if self._follows_machine:
            self.follow_machine()

    def advance(self, duration_ns: int) -> None:
        """Lets time pass. Raises `ValueError` if the duration is negative."""
        if duration_ns < 0:
            raise ValueError(f"time does not go back by {-duration_ns} ns")
        self.time_ns += duration_ns

    def advance_to(self, now_ns: int) -> None:
        """Lets time pass until `now_ns`, or none if that is past."""
        if now_ns > self.time_ns:
            self.time_ns = now_ns
