"""What a hive's sensors have recorded, by the events of their orchestrator: windows, captures, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DONE, LATE, TRUNCATED = "done", "late", "truncated"
DISCARDED, MISSED, FAILED, TROUBLE, RECORDING = "discarded", "missed", "failed", "trouble", "recording"
EVENTS = frozenset(
    {
        "CaptureDone", "CaptureLate", "CaptureMissed", "CaptureDiscarded", "CaptureFailed", "SensorHung", "SensorDied",
        "SensorRestarted", "SensorQuarantined", "SensorStarted", "SensorStopped", "WindowOpened", "WindowClosed",
    }
)  # fmt: skip
"""The events of a SensorOrchestrator that say something of one sensor's day."""

ZONE_STEP_S = 900
"""Time zones are whole quarters of an hour from UTC."""


class Mark(NamedTuple):
    """A stretch of a sensor's time, or a moment where start and end are the same; times are seconds since 1970."""

    start_s: float
    end_s: float
    kind: str
    text: str


class Lane(NamedTuple):
    """A sensor's time: when its windows were open, and what came of its captures, in the order it was told."""

    sensor: str
    windows: tuple[tuple[float, float], ...]
    marks: tuple[Mark, ...]


def tells_of_hive(name: str) -> bool:
    """Whether an event of this name is drawn."""
    return name.rpartition(".")[2] in EVENTS


def lanes_of(events: Iterable[Mapping[str, Any]], now_s: float) -> list[Lane]:
    """The lanes of the sensors that events tell of, by their names; events are as the API shows them, oldest first."""
    drawn: dict[str, _Drawing] = {}
    for event in events:
        sensor = event["arguments"].get("sensor")
        if isinstance(sensor, str):
            drawn.setdefault(sensor, _Drawing()).take(event)
    return [Lane(sensor, tuple(one.windows(now_s)), tuple(one.marks)) for sensor, one in sorted(drawn.items())]


class _Drawing:
    """One lane while it is drawn."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self._windows: list[tuple[float, float]] = []
        self._opened_s: float | None = None
        self._late_s: float | None = None

    def windows(self, now_s: float) -> list[tuple[float, float]]:
        """The windows; one that has not closed lasts until now."""
        return self._windows if self._opened_s is None else [*self._windows, (self._opened_s, now_s)]

    def take(self, event: Mapping[str, Any]) -> None:
        """Draws an event."""
        arguments, at_s = event["arguments"], event["time_us"] / 1e6
        match event["name"].rpartition(".")[2]:
            case "WindowOpened":
                # After a restart of the orchestrator it is told again.
                self._opened_s = at_s if self._opened_s is None else self._opened_s
            case "WindowClosed":
                self._windows.append((0.0 if self._opened_s is None else self._opened_s, at_s))
                self._opened_s = None
            case "CaptureLate":
                self._late_s = float(arguments["late_s"])
            case "CaptureDone":
                self._done(str(arguments["file"]), int(arguments["size"]), bool(arguments["truncated"]), at_s)
            case "SensorStarted" | "SensorStopped":
                pass
            case name:
                kind = {"CaptureDiscarded": DISCARDED, "CaptureMissed": MISSED, "CaptureFailed": FAILED}
                self.marks.append(Mark(at_s, at_s, kind.get(name, TROUBLE), str(event["text"])))
                self._late_s = None

    def _done(self, file: str, size: int, truncated: bool, at_s: float) -> None:
        start_s = start_of(file, at_s)
        kind, said = (TRUNCATED, "cut short") if truncated else (DONE, "done")
        if self._late_s is not None:
            kind, said = LATE if kind == DONE else kind, f"{said}, {self._late_s:.1f} s late"
            start_s = min(start_s + self._late_s, at_s)
            self._late_s = None
        self.marks.append(Mark(start_s, at_s, kind, f"{file.rpartition('/')[2]}: {said}, {size:,} bytes"))


def start_of(file: str, end_s: float) -> float:
    """When a capture began that ended at `end_s`, by the time in its file's name: `hive@2026-11-27@08-00-00.wav`.

    The name is in the hive's time zone, which the ground does not know; zones differ by quarters of an hour. So it is
    right for captures of less than that. Without a time in the name it is the end.
    """
    clock = file.rpartition("@")[2][:8].split("-")
    if len(clock) != 3 or not all(part.isdecimal() for part in clock):
        return end_s
    hours, minutes, seconds = map(int, clock)
    return end_s - (end_s - (hours * 3600 + minutes * 60 + seconds)) % ZONE_STEP_S
