"""Records in full, as text for a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.lines import clock_text, one_line
from kittiwake_ground.tui.wording import GROUND_CLOCK, argument_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake_ground.client.records import Alarm, CommandResult, Event, Plan

MOST_LETTERS = 2000


def event_text(event: Event) -> str:
    """An event with its arguments."""
    return _pairs(
        event.name,
        [
            ("severity", event.severity),
            ("time", clock_text(event.time_base, event.time_us)),
            ("received", clock_text(GROUND_CLOCK, event.received_us)),
            ("text", event.text),
            *event.arguments.items(),
        ],
    )


def command_text(command: CommandResult) -> str:
    """A command with its life."""
    return _pairs(
        command.name,
        [
            ("arguments", argument_text(command.arguments)),
            ("by", command.by),
            *[(step.state, clock_text(GROUND_CLOCK, step.time_us)) for step in command.steps],
            ("answer", command.response),
            ("reason", command.reason),
        ],
    )


def plan_text(plan: Plan) -> str:
    """A plan: what it is, and when it goes."""
    return _pairs(
        plan.subject,
        [
            ("kind", plan.kind),
            ("arguments", argument_text(plan.arguments or {})),
            ("by", plan.by),
            ("state", plan.state),
            ("due", "in the next pass" if plan.due_us is None else clock_text(GROUND_CLOCK, plan.due_us)),
            ("waits until", clock_text(GROUND_CLOCK, plan.until_us) if plan.until_us else ""),
            ("reason", plan.reason),
        ],
    )


def alarm_text(alarm: Alarm) -> str:
    """An alarm with what people did about it."""
    return _pairs(
        alarm.source,
        [
            ("kind", alarm.kind),
            ("level", f"{alarm.level}, now {alarm.now or 'none'}"),
            ("state", alarm.state),
            ("seen", alarm.text),
            ("raised", f"{clock_text(GROUND_CLOCK, alarm.raised_us)}, {alarm.count} times"),
            ("acknowledged", f"by {alarm.acknowledged_by}" if alarm.acknowledged_by else ""),
            ("comment", f"{alarm.comment} ({alarm.comment_by})" if alarm.comment else ""),
            ("shelved", f"until {clock_text(GROUND_CLOCK, alarm.shelved_until_us)}" if alarm.shelved_until_us else ""),
        ],
    )


def _pairs(title: str, pairs: Sequence[tuple[str, Any]]) -> str:
    """Names and values below one another, those without a value left out."""
    shown = [(name, one_line(str(value)[:MOST_LETTERS])) for name, value in pairs if value not in ("", None)]
    width = max((len(name) for name, _ in shown), default=0)
    return "\n".join([title, "", *[f"{name:<{width}}  {value}" for name, value in shown]])
