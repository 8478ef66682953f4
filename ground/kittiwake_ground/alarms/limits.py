"""Limits of a channel: what is beyond them, how long that must last, and how long the channel may be silent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.entries import Limits
from kittiwake.model.types import Boolean, Float, Integer, resolved
from kittiwake_ground.alarms.levels import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.dictionary.entries import Channel

COLOURS = ("yellow", "orange", "red")
NO_LIMITS = Limits()
MAX_SAMPLES = 1000
MAX_SECONDS = 7 * 86400.0


class LimitFault(ValueError):
    """Limits that cannot be; the message says why."""


@dataclass(frozen=True)
class LimitPlan:
    """The limits of one channel, of its raw value as in the dictionary, and what goes with them.

    A value is beyond a limit once `samples` values in a row were, and that has lasted for `hold_s` seconds; it is back
    once it is within by `hysteresis`, in the channel's unit. A channel that is silent for `stale_s` seconds, if that is
    more than 0, is an alarm of the level `stale_level`. `by` is who set it, empty for the dictionary; then `revision`
    is 0, and else no other limits of the channel ever had it.
    """

    low: Limits = NO_LIMITS
    high: Limits = NO_LIMITS
    samples: int = 1
    hold_s: float = 0.0
    hysteresis: float = 0.0
    stale_s: float = 0.0
    stale_level: str = "YELLOW"
    by: str = ""
    revision: int = 0

    @property
    def has_limits(self) -> bool:
        """Whether any value would be beyond them."""
        return any(limit is not None for limit in (*self.low, *self.high))

    @property
    def is_watched(self) -> bool:
        """Whether the channel can become an alarm at all."""
        return self.has_limits or self.stale_s > 0

    def plain(self) -> dict[str, Any]:
        """The plan for JSON."""
        return {
            "low": _given(self.low), "high": _given(self.high), "samples": self.samples, "hold_s": self.hold_s,
            "hysteresis": self.hysteresis, "stale_s": self.stale_s, "stale_level": self.stale_level,
        }  # fmt: skip


def _given(side: Limits) -> dict[str, float]:
    return {colour: limit for colour, limit in side._asdict().items() if limit is not None}


def limits_text(limited: Channel | LimitPlan) -> str:
    """Limits in words: `yellow above 90, red above 99`."""
    sides = ((limited.low, "below"), (limited.high, "above"))
    return ", ".join(
        [f"{colour} {side} {limit:g}" for limits, side in sides for colour, limit in _given(limits).items()]
    )


def plan_from(plain: Mapping[str, Any], by: str = "", revision: int = 0) -> LimitPlan:
    """The plan of a JSON object as `LimitPlan.plain` gives it. Raises `LimitFault`."""
    sides: dict[str, Any] = {name: _side(name, plain.get(name) or {}) for name in ("low", "high")}
    rest = {name: value for name, value in plain.items() if name not in sides}
    try:
        plan = LimitPlan(**sides, **rest, by=by, revision=revision)
    except TypeError:
        known = ", ".join(LimitPlan().plain())
        raise LimitFault(f"limits have {known}, not {', '.join(plain)}") from None
    _check(plan)
    return plan


def _side(name: str, given: Mapping[str, Any]) -> Limits:
    for colour, limit in given.items():
        if colour not in COLOURS:
            raise LimitFault(f"{name}: limits are {', '.join(COLOURS)}, not {colour}")
        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, (int, float)) or not isfinite(limit)
        ):
            raise LimitFault(f"{name} {colour}: a number is wanted, not {limit!r}")
    return Limits(**given)


def _check(plan: LimitPlan) -> None:
    if not 1 <= plan.samples <= MAX_SAMPLES:
        raise LimitFault(f"samples is from 1 to {MAX_SAMPLES}, not {plan.samples}")
    for name in ("hold_s", "stale_s"):
        if not 0 <= getattr(plan, name) <= MAX_SECONDS:
            raise LimitFault(f"{name} is from 0 to {MAX_SECONDS:g}, not {getattr(plan, name)}")
    if plan.stale_level not in LEVELS[1:]:
        raise LimitFault(f"stale_level is {', '.join(LEVELS[1:])}, not {plan.stale_level!r}")
    if not 0 <= plan.hysteresis < float("inf"):
        raise LimitFault(f"hysteresis is 0 or more, not {plan.hysteresis}")
    inwards = [(f"low {one}", getattr(plan.low, one)) for one in reversed(COLOURS)]
    inwards += [(f"high {one}", getattr(plan.high, one)) for one in COLOURS]
    given = [(name, limit) for name, limit in inwards if limit is not None]
    for (name, limit), (next_name, next_limit) in pairwise(given):
        if limit > next_limit:
            raise LimitFault(f"{name} {limit:g} is above {next_name} {next_limit:g}")
    for colour in COLOURS:
        low, high = getattr(plan.low, colour), getattr(plan.high, colour)
        if low is not None and high is not None and low + plan.hysteresis > high - plan.hysteresis:
            raise LimitFault(
                f"a hysteresis of {plan.hysteresis:g} leaves no value within {low:g} to {high:g} ({colour})"
            )


def check_channel(channel: Channel, plan: LimitPlan) -> None:
    """Raises `LimitFault` for limits of a channel whose values are no numbers."""
    form = resolved(channel.type)
    if plan.has_limits and (isinstance(form, Boolean) or not isinstance(form, (Integer, Float))):
        raise LimitFault(f"{channel.name} is {form.name}, no number: derive a number from it, and limit that")


def dictionary_plan(channel: Channel) -> LimitPlan:
    """What the dictionary says of a channel's limits."""
    return LimitPlan(channel.low, channel.high)
