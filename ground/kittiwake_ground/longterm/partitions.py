"""Where the rows of a day lie, and which day a row belongs to. Days are those of UTC, [midnight, midnight)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

DAY_US = 86_400_000_000
FILE = "part.parquet"
KINDS = ("samples", "events", "commands")
_EPOCH = date(1970, 1, 1)
_LAST_DAY = (date.max - _EPOCH).days


class ExtraMissing(ImportError, ValueError):
    """A wheel of the extra `history` is not installed."""

    def __init__(self, module: str) -> None:
        super().__init__(f"this needs {module}: pip install 'kittiwake[history]'")


def require(module: str) -> None:
    """Raises `ExtraMissing` if a module is not installed."""
    if find_spec(module) is None:
        raise ExtraMissing(module)


def day_of(time_us: int) -> int:
    """The number of the day, since 1970, that a time is in; what no calendar has is in the last one that has a name."""
    return min(time_us // DAY_US, _LAST_DAY)


def day_text(day: int) -> str:
    """A day as ISO 8601 has it."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def day_bounds(day: int) -> tuple[int, int]:
    """The day as [start, end) in microseconds; the last day that has a name has no end."""
    return day * DAY_US, (day + 1) * DAY_US if day < _LAST_DAY else 1 << 62


def moment_text(time_us: int) -> str:
    """A time in words for metadata: ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).isoformat()


class Partition(NamedTuple):
    """The rows of a kind of a deployment's day."""

    kind: str
    deployment: str
    day: int

    def path(self, folder: Path) -> Path:
        """Its file."""
        return folder / self.kind / f"deployment={self.deployment}" / f"day={day_text(self.day)}" / FILE
