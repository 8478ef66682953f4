"""Passes and the data budget as plain objects, for the API and the dashboard."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake_ground.passes.budget import Allotment, Budget, Window
    from kittiwake_ground.passes.contact import Contact
    from kittiwake_ground.passes.outcome import Outcome
    from kittiwake_ground.passes.passes import DataBudget, Direction, RatedPass
    from kittiwake_ground.passes.waiting import Waiting

FITS, LATER, WAITS, TOO_LARGE, NO_PASS, UNKNOWN = "fits", "later", "waits", "too large", "no pass", "unknown"
"""What becomes of something that waits: the next pass has room for it, a later one, none of these, or none even if it
were empty; there is no pass in its time; or nobody can say, as its size or the rate of its passes is not known."""


def contact_object(contact: Contact) -> dict[str, Any]:
    """A contact."""
    return {**asdict(contact), "skipped_us": list(contact.skipped_us), "start": iso_time(contact.start_us)}


def pass_object(one: RatedPass) -> dict[str, Any]:
    """A pass to come, with its rates and whether they were measured and not given."""
    found = one.found
    contact = found.contact
    return {
        "contact": contact.id, "name": contact.name, "link": contact.link, "origin": contact.origin,
        "recurs": bool(contact.every_s), "start_us": found.start_us, "end_us": found.end_us,
        "start": iso_time(found.start_us), "duration_s": found.duration_s, "efficiency": contact.efficiency,
        "down_bps": one.down_bps, "up_bps": one.up_bps, "down_measured": one.down_measured,
        "up_measured": one.up_measured,
    }  # fmt: skip


def outcome_object(outcome: Outcome) -> dict[str, Any]:
    """What became of a pass."""
    return {**asdict(outcome), "start": iso_time(outcome.start_us)}


def budget_object(found: DataBudget) -> dict[str, Any]:
    """The data budget: of each pass what it can carry and what goes in it, and what becomes of all that waits."""
    return {
        "now_us": found.now_us,
        "telemetry_bps": found.telemetry_bps,
        "passes": [
            {
                **pass_object(one),
                "up": _room_object(found.up.budget, index),
                "down": _room_object(found.down.budget, index),
            }
            for index, one in enumerate(found.passes)
        ],
        "up": _waiting_objects(found.up, found.passes),
        "down": _waiting_objects(found.down, found.passes),
    }


def _room_object(budget: Budget, index: int) -> dict[str, Any]:
    return {
        "capacity_bytes": budget.capacity_bytes[index],
        "background_bytes": budget.background_bytes[index],
        "used_bytes": budget.used_bytes[index],
    }


def _waiting_objects(direction: Direction, passes: Sequence[RatedPass]) -> list[dict[str, Any]]:
    sized = zip(direction.waiting, direction.budget.allotments, strict=True)
    unsized: dict[str, Any] = {"verdict": UNKNOWN, "shares": [], "left_bytes": None, "done_start_us": None}
    return [
        {**_thing_object(one), **_fate_object(one, allotment, direction.windows, passes)} for one, allotment in sized
    ] + [{**_thing_object(one), **unsized} for one in direction.unsized]


def _thing_object(one: Waiting) -> dict[str, Any]:
    return {"name": one.name, "kind": one.kind, "bytes": one.bytes, "whole": one.whole, "note": one.note}


def _fate_object(
    one: Waiting, allotment: Allotment, windows: Sequence[Window], passes: Sequence[RatedPass]
) -> dict[str, Any]:
    done = allotment.done_in if passes else None
    fate = WAITS if done is None else LATER if done else FITS
    if done is None and not allotment.shares:
        fate = _reason(one, allotment, windows)
    shares = [
        {"start_us": passes[index].found.start_us, "bytes": size} for index, size in allotment.shares.items()
    ]  # fmt: skip
    done_start_us = None if done is None else passes[done].found.start_us
    return {
        "verdict": fate, "shares": shares, "left_bytes": allotment.left_bytes, "done_start_us": done_start_us
    }  # fmt: skip


def _reason(one: Waiting, allotment: Allotment, windows: Sequence[Window]) -> str:
    """Why nothing at all of something goes."""
    here = [window for window in windows if window.start_us < one.until_us and one.from_us < window.end_us]
    if not here:
        return NO_PASS
    if not any(window.bps for window in here):
        return UNKNOWN
    return TOO_LARGE if allotment.fits_nowhere else WAITS
