"""One sensor of a hive as its orchestrator knows it: settings, times, process, and what is counted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.sensor_orchestrator.capture_times import CaptureTimes
from kittiwake_components.sensor_orchestrator.restart_budget import RestartBudget

if TYPE_CHECKING:
    from kittiwake_components.sensor_orchestrator.configuration import SensorSettings
    from kittiwake_components.sensor_orchestrator.messages import Ready
    from kittiwake_components.sensor_orchestrator.sensor_process import SensorProcess


class Capture(NamedTuple):
    """A capture that was ordered: its number, its file, and when it was ordered on the clock since boot."""

    number: int
    path: str
    began_ns: int


class Supervised:
    """A sensor. `is_wanted` says whether it is to run, `is_kept` whether the configuration still has it."""

    def __init__(self, settings: SensorSettings) -> None:
        self.settings = settings
        self.times = CaptureTimes(settings.window)
        self.budget = RestartBudget()
        self.process: SensorProcess | None = None
        self.described: Ready | None = None
        self.capture: Capture | None = None
        self.is_wanted = False
        self.is_kept = True
        self.policy = settings.stop_policy
        self.reason = ""
        """Why it is left alone, or was stopped by its orchestrator."""
        self.pause_s: int | None = 0
        """How long until it is started again; `None`: its budget is spent."""
        self.deadline_ns = self.overdue_ns = 0
        """By when it is to have done what it does, and how long after the deadline before that was noticed."""
        self.captures = 0
        self.misses = 0
        self.restarts = 0
        self.latest: dict[str, tuple[float, int]] = {}
        """The latest good value of each reading, and when that was on the clock since boot."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.settings.name

    @property
    def duration_s(self) -> float:
        """How long a capture is."""
        return self.settings.window.duration_us / 1_000_000

    @property
    def may_be_killed(self) -> bool:
        """Whether its process may; before it has said so nothing was recorded, and nothing is lost."""
        return self.described is None or self.described.safe_to_kill

    def configure(self, settings: SensorSettings) -> bool:
        """Takes other settings; whether its process has to be started anew for them."""
        before, self.settings = self.settings, settings
        if settings.window != before.window:
            is_open, self.times = self.times.is_open, CaptureTimes(settings.window)
            self.times.is_open = is_open  # as it was told
        is_other = (before.kind, dict(before.options)) != (settings.kind, dict(settings.options))
        if before.kind != settings.kind:
            self.described = None
        return is_other
