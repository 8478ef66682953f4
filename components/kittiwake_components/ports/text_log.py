"""The port by which a text log is told what it writes and keeps."""

from __future__ import annotations

from kittiwake.model.fw import Severity
from kittiwake.model.ports import port
from kittiwake.model.types import U8, U32


@port("Components.TextLogLimits")
def TextLogLimits(least: Severity, limit_bytes: U32, limit_age_s: U32, keep: U8) -> None:
    """The least severity that a text log writes to its file, and how that is rotated; 0: as its settings say."""
