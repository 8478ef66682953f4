"""Whether a channel is beyond its limits: a pure state machine, one trigger for each level.

A trigger fires once `samples` values in a row were beyond its level and that has lasted for `hold_s`; it is reset by a
value that is within by the hysteresis. A channel is at the gravest level whose trigger has fired. What is no number
(NaN too) is no value: it neither raises an alarm nor ends one. Times are microseconds of a clock that never steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.alarms.levels import LEVELS, rank
from kittiwake_ground.alarms.limits import COLOURS

if TYPE_CHECKING:
    from kittiwake_ground.alarms.limits import LimitPlan

US_PER_S = 1_000_000


class Trigger(NamedTuple):
    """`samples` values in a row were beyond the level, the first of them at `since_us`."""

    samples: int = 0
    since_us: int = 0
    has_fired: bool = False


Triggers = tuple[Trigger, Trigger, Trigger]
"""Those of yellow, orange and red."""

CALM: Triggers = (Trigger(), Trigger(), Trigger())


def level_of(triggers: Triggers) -> str:
    """The gravest level that has fired, or the empty string."""
    for number in (2, 1, 0):
        if triggers[number].has_fired:
            return LEVELS[number + 1]
    return ""


def restored(plan: LimitPlan, level: str) -> Triggers:
    """The state of a channel that was at a level when it was kept: it stays there until a value says otherwise."""
    fired = [number < rank(level) and _is_limited(plan, number) for number in range(3)]
    one, two, three = [Trigger(plan.samples, 0, True) if has_fired else Trigger() for has_fired in fired]
    return one, two, three


def _is_limited(plan: LimitPlan, number: int) -> bool:
    return plan.low[number] is not None or plan.high[number] is not None


def beyond(plan: LimitPlan, number: int, value: float, margin: float) -> bool:
    """Whether a value is beyond the limits of a level (0: yellow), drawn in by a margin."""
    low, high = plan.low[number], plan.high[number]
    return (low is not None and value < low + margin) or (high is not None and value > high - margin)


def judge(plan: LimitPlan, before: Triggers, value: Any, now_us: int) -> Triggers:
    """The state after a value; the very same object if nothing has changed."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return before
    if before is CALM and not any(beyond(plan, number, value, 0) for number in range(len(COLOURS))):
        return CALM
    one, two, three = [_judged(plan, number, before[number], value, now_us) for number in range(len(COLOURS))]
    after = one, two, three
    return CALM if after == CALM else before if after == before else after


def _judged(plan: LimitPlan, number: int, trigger: Trigger, value: float, now_us: int) -> Trigger:
    if not beyond(plan, number, value, plan.hysteresis if trigger.has_fired else 0):
        return Trigger()
    if trigger.has_fired:
        return trigger
    since_us = trigger.since_us if trigger.samples else now_us
    return _due(plan, Trigger(min(trigger.samples + 1, plan.samples), since_us), now_us)


def _due(plan: LimitPlan, trigger: Trigger, now_us: int) -> Trigger:
    has_lasted = now_us - trigger.since_us >= plan.hold_s * US_PER_S
    return trigger._replace(has_fired=True) if trigger.samples >= plan.samples and has_lasted else trigger


def pass_time(plan: LimitPlan, before: Triggers, now_us: int) -> Triggers:
    """The state when time has gone by without a value: one that is sent only when it changes is taken to last."""
    if before is CALM:
        return before
    one, two, three = [one if one.has_fired or not one.samples else _due(plan, one, now_us) for one in before]
    after = one, two, three
    return before if after == before else after


def is_stale(plan: LimitPlan, heard_us: int, now_us: int) -> bool:
    """Whether a channel that was last heard of then has been silent for too long."""
    return plan.stale_s > 0 and now_us - heard_us >= plan.stale_s * US_PER_S
