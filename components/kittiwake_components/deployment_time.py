"""The deployment's time, which its time tags count: as microseconds, and as values of channels.

While the wall clock was never set that is the time since boot (TB_PROC_TIME), after it the time since the Unix epoch.
It may step; whoever waits for a length of time counts on the clock since boot instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model.fw import TimeBase, TimeValue
from kittiwake.runtime.tags import BASE_SHIFT

if TYPE_CHECKING:
    from kittiwake.runtime.tags import TagSource
    from kittiwake.runtime.tasks import TaskClock

US_PER_S = 1_000_000
_SECONDS_MAX = 0xFFFFFFFF

NO_TIME = TimeValue(TimeBase.TB_NONE, 0, 0, 0)


def time_base(tags: TagSource) -> int:
    """The base of the deployment's time (F´ TimeBase)."""
    return tags.base >> BASE_SHIFT


def time_is_known(tags: TagSource) -> bool:
    """Whether the wall clock can be trusted; what waits for an absolute time waits until then."""
    return time_base(tags) != TimeBase.TB_PROC_TIME and not tags.is_estimated


def present_us(tags: TagSource, clock: TaskClock) -> int:
    """The deployment's time now, in microseconds since the epoch of its base."""
    since_boot = time_base(tags) == TimeBase.TB_PROC_TIME
    return (clock.now_ns() if since_boot else clock.wall_ns()) // 1000


def time_value(tags: TagSource, time_us: int) -> TimeValue:
    """A time in the deployment's base as a value; one that 32 bits of seconds do not hold is the nearest they do."""
    seconds, useconds = divmod(max(time_us, 0), US_PER_S)
    return TimeValue(TimeBase(time_base(tags)), 0, min(seconds, _SECONDS_MAX), useconds)
