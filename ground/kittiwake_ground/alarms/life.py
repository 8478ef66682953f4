"""The life of an alarm: raised, acknowledged by a person, recovered, closed. Pure: each step gives a new record.

An alarm is closed once it has both recovered and been acknowledged, in either order. One that recovers first stays,
at its gravest level, until somebody acknowledges it: it is latched. (ANSI/ISA-18.2 calls the states unacknowledged,
acknowledged and returned to normal unacknowledged.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kittiwake_ground.alarms.levels import rank

LIMIT, STALE, EVENT, PLAN = "limit", "stale", "event", "plan"
KINDS = (LIMIT, STALE, EVENT, PLAN)
HAPPENINGS = (EVENT, PLAN)
"""Kinds of what happens and does not last: it wants to be acknowledged, and has no present level."""

ACTIVE, ACKNOWLEDGED, LATCHED, CLOSED = "active", "acknowledged", "latched", "closed"
STATES = (ACTIVE, LATCHED, ACKNOWLEDGED, CLOSED)

RAISED, WORSENED, EASED, RECOVERED, AGAIN = "raised", "worsened", "eased", "recovered", "raised again"
MOVES = (RAISED, WORSENED, EASED, RECOVERED, AGAIN)
"""What can become of an alarm by itself."""

BY_PERSON = ("acknowledged", "commented", "shelved", "unshelved", "limits set", "limits removed")
MAX_COMMENT = 1000


@dataclass(frozen=True)
class Alarm:
    """An alarm. Times are microseconds since 1970, UTC.

    `kind` is limit, stale, event or plan, `source` the name of the channel, the event, or what was planned. `level` is
    the gravest since it was raised or acknowledged, `now` the present one, empty once it has recovered; what only
    happened has none. `text` says what was seen when `level` was reached, at `level_us`. `revision` changes whenever an
    acknowledgement of before would no longer do.
    """

    id: int
    deployment: str
    kind: str
    source: str
    level: str
    now: str
    text: str
    raised_us: int
    level_us: int
    changed_us: int
    count: int = 1
    revision: int = 1
    acknowledged_by: str = ""
    acknowledged_us: int = 0
    comment: str = ""
    comment_by: str = ""

    @property
    def key(self) -> str:
        """What tells it from the others that are open in its deployment."""
        return key_of(self.kind, self.source)

    @property
    def state(self) -> str:
        """One of `STATES`."""
        if self.acknowledged_by:
            return ACKNOWLEDGED if self.now else CLOSED
        return ACTIVE if self.now else LATCHED

    def plain(self) -> dict[str, Any]:
        """The alarm for JSON."""
        return {**vars(self), "state": self.state}


def key_of(kind: str, source: str) -> str:
    """The key of an alarm."""
    return f"{kind}:{source}"


def alarm_from(plain: dict[str, Any]) -> Alarm:
    """The alarm of what `plain` gave."""
    return Alarm(**{name: value for name, value in plain.items() if name != "state"})


def move(alarm: Alarm, level: str, text: str, now_us: int) -> tuple[Alarm, str]:
    """What becomes of an open alarm whose present level is another one, and the word for it."""
    if not level:
        return replace(alarm, now="", changed_us=now_us), RECOVERED
    if rank(level) > rank(alarm.level):
        moved = replace(
            alarm, level=level, now=level, text=text, level_us=now_us, changed_us=now_us, revision=alarm.revision + 1,
            acknowledged_by="", acknowledged_us=0,
        )  # fmt: skip
        return moved, WORSENED
    if rank(level) > rank(alarm.now):
        return replace(alarm, now=level, changed_us=now_us, count=alarm.count + 1), AGAIN
    # What somebody has acknowledged already does not hold the gravest level.
    if alarm.acknowledged_by:
        return replace(alarm, level=level, now=level, text=text, level_us=now_us, changed_us=now_us), EASED
    return replace(alarm, now=level, changed_us=now_us), EASED


def repeat(alarm: Alarm, text: str, now_us: int) -> Alarm:
    """What happened has happened again before anybody acknowledged it."""
    return replace(alarm, text=text, level_us=now_us, changed_us=now_us, count=alarm.count + 1)


def acknowledge(alarm: Alarm, by: str, now_us: int) -> Alarm:
    """Somebody has seen it; what counts from now on is the present level."""
    return replace(alarm, level=alarm.now or alarm.level, acknowledged_by=by, acknowledged_us=now_us)
