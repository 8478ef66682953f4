"""Times, ages and colours as the screen has them. A colour never says what no word says."""

from __future__ import annotations

from kittiwake.dictionary.lines import clock_text

LEVEL_STYLES = {"RED": "bold red", "ORANGE": "bold dark_orange", "YELLOW": "yellow"}
SEVERITY_STYLES = {
    "FATAL": "bold red", "WARNING_HI": "red", "WARNING_LO": "yellow", "COMMAND": "cyan", "ACTIVITY_HI": "",
    "ACTIVITY_LO": "dim", "DIAGNOSTIC": "dim",
}  # fmt: skip
STATE_STYLES = {
    "completed": "green", "failed": "bold red", "refused": "bold red", "timed_out": "red", "expired": "red",
    "cancelled": "yellow", "queued": "yellow",
    "planned": "cyan",
}  # fmt: skip
"""Of commands and plans."""

GROUND_CLOCK = "TB_WORKSTATION_TIME"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def age_text(seconds: float) -> str:
    """An age in five letters at most."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < MINUTE_S * 2:
        return f"{seconds:.0f}s"
    if seconds < HOUR_S * 2:
        return f"{seconds / MINUTE_S:.0f}m"
    if seconds < DAY_S * 2:
        return f"{seconds / HOUR_S:.0f}h"
    return f"{min(seconds / DAY_S, 9999):.0f}d"


def moment_text(time_us: int, time_base: str = GROUND_CLOCK) -> str:
    """The time of day in UTC, or what a clock without a date says, in eight letters."""
    text = clock_text(time_base, time_us).partition(".")[0]
    return text[-8:].rpartition("T")[2].rpartition(" ")[2]


def short_name(name: str) -> str:
    """The last part of a name."""
    return name.rpartition(".")[2]


def argument_text(arguments: object) -> str:
    """The arguments of a command, named, or in order."""
    if isinstance(arguments, dict):
        return " ".join([f"{name}={value}" for name, value in arguments.items()])
    return " ".join([str(one) for one in arguments]) if isinstance(arguments, (list, tuple)) else str(arguments)
