"""Where a deployment stands among the others: what is wrong with it, how grave that is, and so who is looked at first.

Pure: a `Glance` is all that is known, and the same glances always give the same order. What is expected is no concern:
a device that sleeps until a time that it has told is left alone until that is past.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.configuration import FleetLimits
from kittiwake_ground.server.links import UP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_LIMITS = FleetLimits()
GRAVE_EVENT_S = 3600.0
"""For so long an event is a concern that is no alarm, which somebody would acknowledge."""


class Concern(IntEnum):
    """What can be wrong. The greater is the graver."""

    WAITING = 1
    """Commands wait for the link."""
    SEEN_ALARM = 2
    """An alarm is open that somebody has acknowledged."""
    STALE = 3
    """The link is up, and nothing comes."""
    DICTIONARY = 4
    """The deployment was built with another dictionary: what is shown may be wrong."""
    YELLOW_ALARM = 5
    WARNING_EVENT = 6
    ORANGE_ALARM = 7
    FATAL_EVENT = 8
    LINK_LOST = 9
    """It is not heard, though it should be."""
    RED_ALARM = 10


LEVELS: Mapping[Concern, str] = {
    Concern.RED_ALARM: "RED", Concern.LINK_LOST: "RED", Concern.FATAL_EVENT: "RED", Concern.ORANGE_ALARM: "ORANGE",
    Concern.WARNING_EVENT: "ORANGE", Concern.YELLOW_ALARM: "YELLOW", Concern.DICTIONARY: "YELLOW",
    Concern.STALE: "YELLOW",
}  # fmt: skip
"""How a concern is coloured; the others want nobody's attention."""

_ALARMS = (("RED", Concern.RED_ALARM), ("ORANGE", Concern.ORANGE_ALARM), ("YELLOW", Concern.YELLOW_ALARM))
_EVENTS = {"FATAL": Concern.FATAL_EVENT, "WARNING_HI": Concern.WARNING_EVENT}

HEARD, SILENT, ASLEEP, OVERDUE, LOST, CONNECTING = "up", "silent", "asleep", "overdue", "lost", "connecting"
STATES = (HEARD, SILENT, ASLEEP, OVERDUE, LOST, CONNECTING)
"""How a deployment is heard, against what is expected of it."""


class GraveEvent(NamedTuple):
    """An event that is more than an activity. `is_alarm` says that events like it are alarms."""

    severity: str
    name: str
    text: str
    received_us: int
    is_alarm: bool = True


@dataclass(frozen=True)
class Glance:
    """What is known of a deployment at a moment. Times are microseconds since 1970, 0 for none.

    `heard_us` is when the last packet came, `served_us` since when this ground station tries, `next_contact_us` when
    the deployment is to be heard again, by people's schedule of passes (`is_scheduled`) or as it has told itself.
    `unseen` and `seen` count the open alarms by level: those that nobody has acknowledged, and the others. What the
    deployment's dictionary does not have is empty or `None`.
    """

    name: str
    now_us: int
    link: str = UP
    is_silent: bool = False
    reason: str = ""
    link_since_us: int = 0
    heard_us: int = 0
    served_us: int = 0
    next_contact_us: int = 0
    is_scheduled: bool = False
    dictionary_matches: bool | None = None
    unseen: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    worst_alarm: str = ""
    event: GraveEvent | None = None
    waiting: int = 0
    mode: str = ""
    battery: str = ""
    battery_level: str = ""
    boot_count: int | None = None
    reset_reason: str = ""


class Reason(NamedTuple):
    """Why a deployment stands where it stands. `page` shows more of it; `since_us` is 0 where no time belongs to it."""

    concern: Concern
    text: str
    page: str
    since_us: int = 0

    @property
    def level(self) -> str:
        """RED, ORANGE, YELLOW, or nothing."""
        return LEVELS.get(self.concern, "")


@dataclass(frozen=True)
class Standing:
    """A glance, with how the deployment is heard and all that is wrong with it, the gravest first."""

    glance: Glance
    state: str
    reasons: tuple[Reason, ...]

    @property
    def level(self) -> str:
        """The level of the gravest reason: empty where nothing wants attention."""
        return self.reasons[0].level if self.reasons else ""

    def plain(self) -> dict[str, Any]:
        """The standing for JSON."""
        shown = {key: value for key, value in vars(self.glance).items() if key not in ("event", "unseen", "seen")}
        event = self.glance.event
        return {
            **shown,
            "state": self.state,
            "level": self.level,
            "reasons": [
                {**one._asdict(), "concern": one.concern.name, "level": one.level} for one in self.reasons
            ],
            "unseen": dict(self.glance.unseen),
            "seen": dict(self.glance.seen),
            "event": None if event is None else event._asdict(),
        }  # fmt: skip


def standing(glance: Glance, limits: FleetLimits = DEFAULT_LIMITS) -> Standing:
    """What is to be thought of a deployment."""
    state = heard_state(glance, limits)
    found = [*_alarm_reasons(glance), *_link_reasons(glance, state), *_other_reasons(glance, state)]
    return Standing(glance, state, tuple(sorted(found, key=lambda one: -one.concern)))


def heard_state(glance: Glance, limits: FleetLimits = DEFAULT_LIMITS) -> str:
    """One of `STATES`; `limits` say from when on it is lost or overdue."""
    if glance.link == UP and not glance.is_silent:
        return HEARD
    # A plan that is older than what came last was kept: the device has been up since, and has made no other.
    if glance.next_contact_us > glance.heard_us:
        is_due = glance.now_us > glance.next_contact_us + limits.overdue_after_s * 1e6
        return OVERDUE if is_due else ASLEEP
    quiet_s = (glance.now_us - max(glance.heard_us, glance.served_us)) / 1e6
    if glance.link == UP:
        return LOST if quiet_s > limits.silent_lost_s else SILENT
    return LOST if quiet_s > limits.lost_after_s else CONNECTING


def in_order(standings: Iterable[Standing]) -> list[Standing]:
    """The worst first.

    The gravest reason decides; among equals the next one, then how many alarms wait, then the name. So one more reason
    never takes a deployment down, and mere time, which makes none, moves nobody.
    """
    return sorted(standings, key=_place)


def _place(one: Standing) -> tuple[list[int], list[int], str]:
    # The 0 at the end is no concern: whoever has one reason more comes first.
    concerns = [*(-reason.concern for reason in one.reasons), 0]
    return concerns, [-one.glance.unseen.get(level, 0) for level, _ in _ALARMS], one.glance.name


def _alarm_reasons(glance: Glance) -> list[Reason]:
    found = []
    named = ".".join(glance.worst_alarm.split(".")[-2:])
    for level, concern in _ALARMS:
        count = glance.unseen.get(level, 0)
        if count:
            others = f" and {count - 1} more" if count > 1 else ""
            what = f"{named}{others}" if named else str(count)
            found.append(Reason(concern, f"{level.lower()} alarm not acknowledged: {what}", "alarms"))
            named = ""
    seen = sum(glance.seen.values())
    if seen:
        found.append(Reason(Concern.SEEN_ALARM, f"{seen} acknowledged {'alarm' if seen == 1 else 'alarms'}", "alarms"))
    return found


def _link_reasons(glance: Glance, state: str) -> list[Reason]:
    if state == OVERDUE:
        page = "passes" if glance.is_scheduled else "power"
        return [Reason(Concern.LINK_LOST, "missed its planned contact", page, glance.next_contact_us)]
    if state == LOST:
        if glance.link == UP:
            return [Reason(Concern.LINK_LOST, "nothing comes: last packet", "overview", glance.heard_us)]
        why = f": {glance.reason}" if glance.reason else ""
        text = f"link lost{why}; last heard" if glance.heard_us else f"never heard{why}"
        return [Reason(Concern.LINK_LOST, text, "timeline", glance.heard_us)]
    if state == SILENT:
        return [Reason(Concern.STALE, "silent: last packet", "overview", glance.heard_us)]
    return []


def _other_reasons(glance: Glance, state: str) -> list[Reason]:
    found = []
    event = glance.event
    if event is not None and _is_concern(event, glance.now_us):
        text = f"{event.severity}: {event.name.rpartition('.')[2]}"
        found.append(Reason(_EVENTS[event.severity], text, "events", event.received_us))
    if glance.dictionary_matches is False:
        found.append(Reason(Concern.DICTIONARY, "built with another dictionary", "overview"))
    if glance.waiting and state != HEARD:
        commands = "1 command waits" if glance.waiting == 1 else f"{glance.waiting} commands wait"
        found.append(Reason(Concern.WAITING, commands, "commands"))
    return found


def _is_concern(event: GraveEvent, now_us: int) -> bool:
    """Whether an event counts for itself: one that is an alarm counts as that, until somebody acknowledges it."""
    is_recent = now_us - event.received_us < GRAVE_EVENT_S * 1e6
    return event.severity in _EVENTS and not event.is_alarm and is_recent
