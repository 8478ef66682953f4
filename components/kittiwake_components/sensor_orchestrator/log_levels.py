"""The levels of the original's log, Loguru's, as severities of events."""

from __future__ import annotations

from kittiwake.model.events import Severity

LEVELS = {
    "trace": Severity.DIAGNOSTIC,
    "debug": Severity.DIAGNOSTIC,
    "info": Severity.ACTIVITY_LO,
    "success": Severity.ACTIVITY_HI,
    "warning": Severity.WARNING_LO,
    "error": Severity.WARNING_HI,
    "critical": Severity.FATAL,
}
"""The least severity that is logged at each level; commands are logged with activities."""
