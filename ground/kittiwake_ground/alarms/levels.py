"""How grave an alarm is."""

from __future__ import annotations

LEVELS = ("", "YELLOW", "ORANGE", "RED")
"""From none to the gravest; F´'s colours of limits."""

EVENT_LEVELS = {"FATAL": "RED", "WARNING_HI": "ORANGE", "WARNING_LO": "YELLOW"}
"""How grave an event of a severity is, where events of that severity are alarms."""

DEFAULT_SEVERITIES = ("FATAL", "WARNING_HI")
"""Events of these are alarms where the configuration says nothing else."""


def rank(level: str) -> int:
    """The place of a level among `LEVELS`. Raises `ValueError` for anything else."""
    return LEVELS.index(level)
