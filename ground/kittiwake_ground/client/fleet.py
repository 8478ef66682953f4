"""All deployments of a ground station side by side, as its server tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kittiwake_ground.client.records import record_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FleetReason:
    """Why a deployment stands where it stands.

    `concern` is RED_ALARM, LINK_LOST, FATAL_EVENT, ORANGE_ALARM, WARNING_EVENT, YELLOW_ALARM, DICTIONARY, STALE,
    SEEN_ALARM or WAITING, from the gravest on; `level` is RED, ORANGE, YELLOW, or empty where it wants no attention.
    `page` is that of the dashboard which shows more; `since_us` is 0 where no time belongs to it.
    """

    concern: str
    level: str
    text: str
    page: str
    since_us: int


@dataclass(frozen=True)
class FleetEvent:
    """The last event of a deployment that is more than an activity."""

    severity: str
    name: str
    text: str
    received_us: int


@dataclass(frozen=True)
class FleetStanding:
    """How a deployment stands. Times are microseconds since 1970, 0 for none.

    `state` is how it is heard, against what is expected of it: up, silent, asleep, overdue, lost or connecting. `level`
    is that of its gravest reason. `heard_us` is when its last packet came, `next_contact_us` when it is to be heard
    again, by the schedule of passes (`is_scheduled`) or as it has told itself. `unseen` and `seen` count its open
    alarms by level: those that nobody has acknowledged, and the others. What its dictionary does not have is empty or
    `None`.
    """

    name: str
    now_us: int
    state: str
    level: str
    reasons: tuple[FleetReason, ...]
    link: str
    link_since_us: int
    heard_us: int
    next_contact_us: int
    is_scheduled: bool
    unseen: Mapping[str, int]
    seen: Mapping[str, int]
    event: FleetEvent | None
    waiting: int
    mode: str
    battery: str
    battery_level: str
    boot_count: int | None
    reset_reason: str


def standing_of(shown: Mapping[str, Any]) -> FleetStanding:
    """The record of the API's object."""
    reasons = tuple(record_of(FleetReason, one) for one in shown["reasons"])
    event = None if shown["event"] is None else record_of(FleetEvent, shown["event"])
    return record_of(FleetStanding, {**shown, "reasons": reasons, "event": event})
