"""What stands on the pages: values of channels, put into words."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from kittiwake.model.fw import TimeBase, TimeValue
from kittiwake.wire.time_tag import TAG_SIZE
from kittiwake_components.display.pages import NONE, TEXT_SIZE_MAX, Row, Source

if TYPE_CHECKING:
    from kittiwake_components.watched_channel import Watched

US_PER_S = 1_000_000
RECENT_S = 600
"""A contact that is no older is "now": so a pass of contacts does not refresh the panel again and again."""
WHOLE_RANGE = 50.0
"""Beside a bar of such a range a number needs no decimals."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

BUILT_IN: dict[str, tuple[str, tuple[Source | str, ...]]] = {
    "device": (
        "Device",
        (
            Source("Battery", "PowerManager.StateOfCharge", 0.0, 100.0), "Mode",
            Source("Next wake", "Supervisor.NextWakeTime"), "Contact",
        ),
    ),
    "enrolment": (
        "Enrolment",
        ("Machine id", Source("State", "Enrollment.State"), Source("Attempts", "Enrollment.Attempts")),
    ),
    "status": (
        "Status",
        (
            Source("Boots", "StartupManager.BootCount"), Source("Cycle", "Supervisor.CycleState"),
            Source("Cycles", "Supervisor.CycleCount"), Source("Last cycle", "Supervisor.LastCycleEnergy"),
            Source("Failed steps", "Supervisor.FailedSteps"),
        ),
    ),
}  # fmt: skip
"""The pages that need no declaring. Their channels are named by the component's class; a text is a fact of ours."""


def built_in_sources() -> list[Source]:
    """The channels of the built-in pages."""
    return [row for _, rows in BUILT_IN.values() for row in rows if isinstance(row, Source)]


def value_row(source: Source, watched: Watched | None, packed: bytes) -> Row:
    """The row of a channel, from what the telemetry store holds of it; a dash where it was never written."""
    if watched is None or len(packed) <= TAG_SIZE or not any(packed[:TAG_SIZE]):
        return source.row(NONE, "", None)
    value = watched.form.unpack(packed, TAG_SIZE)[0]
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, (bool, IntEnum)) else None
    if number is not None and number != number:
        return source.row(NONE, "", None)
    if number is not None and source.high - source.low >= WHOLE_RANGE:
        return source.row(f"{number:.0f}", watched.unit, number)
    return source.row(value_text(value, watched.format)[:TEXT_SIZE_MAX], watched.unit, number)


def value_text(value: Any, format: str) -> str:
    """A value for people: names in plain words, times to the minute."""
    if isinstance(value, TimeValue):
        return time_text(value.seconds) if value.seconds and value.timeBase != TimeBase.TB_PROC_TIME else NONE
    if isinstance(value, IntEnum):
        return words(value.name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    from kittiwake.dictionary.display import format_text

    return format_text(format or ("{:.3g}" if isinstance(value, float) else "{}"), [value])


def words(name: str) -> str:
    """POWERED_IDLE as "Powered idle"."""
    return name.replace("_", " ").capitalize()


def time_text(epoch_s: int) -> str:
    """A time as "27 Nov 14:52", in UTC."""
    from kittiwake.wire.calendar import date_of

    days, second = divmod(epoch_s, 86_400)
    _, month, day = date_of(days)
    return f"{day} {_MONTHS[month - 1]} {second // 3600:02}:{second // 60 % 60:02}"


def contact_text(contact_us: int, now_us: int) -> str:
    """When the ground was heard last."""
    if not contact_us:
        return "none yet"
    if 0 <= now_us - contact_us <= RECENT_S * US_PER_S:
        return "now"
    return time_text(contact_us // US_PER_S)
