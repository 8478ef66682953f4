"""A date and time of day as commands give it, and what is impossible about one."""

from __future__ import annotations

from kittiwake.model import U32, wire_struct
from kittiwake.wire.calendar import S_PER_DAY, date_of, days_before, days_of_month

YEAR_FIRST, YEAR_LAST = 2000, 2105
"""The years that can be set: with the last one, 32 bits of seconds since 1970 suffice."""


@wire_struct(name="Drv.TimeData")
class TimeData:
    """A date and time of day, UTC."""

    Year: U32
    Month: U32
    Day: U32
    Hour: U32
    Minute: U32
    Second: U32

    def impossible(self) -> list[str]:
        """The names of the fields that cannot be so."""
        is_month = 1 <= self.Month <= 12
        last_day = days_of_month(self.Year, self.Month) if is_month else 31
        possible = {
            "Year": YEAR_FIRST <= self.Year <= YEAR_LAST,
            "Month": is_month,
            "Day": 1 <= self.Day <= last_day,
            "Hour": self.Hour <= 23,
            "Minute": self.Minute <= 59,
            "Second": self.Second <= 59,
        }
        return [name for name, is_so in possible.items() if not is_so]

    def seconds(self) -> int:
        """Seconds since 1970, of a time that has nothing impossible about it."""
        days = days_before(self.Year, self.Month) + self.Day - 1
        return days * S_PER_DAY + self.Hour * 3600 + self.Minute * 60 + self.Second


def time_data(seconds: int) -> TimeData:
    """The date and time of day `seconds` after 1970 began."""
    days, second = divmod(seconds, S_PER_DAY)
    year, month, day = date_of(days)
    return TimeData(year, month, day, second // 3600, second // 60 % 60, second % 60)
